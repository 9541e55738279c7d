import type { Mode } from './catalogue.ts';
import { recordBytes, type RecordHead } from './record.ts';
import type { Segment } from './segment.ts';

/** Superseded places in the order list that are tolerated before it is rebuilt. */
const SUPERSEDED_SLACK = 1024;

/** The newest record of a key: where it lies, and how many older ones are still on disk. */
export interface Entry {
  readonly key: string;
  readonly seq: number;
  readonly time: number;
  readonly valueLength: number;
  readonly valueCrc: number;
  readonly deleted: boolean;
  segment: Segment;
  offset: number;
  older: number;
  current: boolean;
}

export const entryOf = (head: RecordHead, segment: Segment, offset: number): Entry => ({
  key: head.key,
  seq: head.seq,
  time: head.time,
  valueLength: head.valueLength,
  valueCrc: head.valueCrc,
  deleted: head.deleted,
  segment,
  offset,
  older: 0,
  current: true,
});

export const entryBytes = (entry: Entry): number => recordBytes(entry.key, entry.valueLength);

/** Index of one namespace: key to newest entry, and all newest entries (deleted ones too) by sequence. */
export class Namespace {
  private readonly index = new Map<string, Entry>();
  private order: Entry[] = [];
  private superseded = 0;
  /** Bytes of all its records on disk, live and dead. */
  bytes = 0;
  liveBytes = 0;
  live = 0;

  constructor(
    readonly id: number,
    readonly name: string,
    /** Bound of `bytes`; 0 is none but the store's. */
    public maxSize: number,
    readonly mode: Mode,
  ) {}

  get lastSeq(): number {
    return this.order.at(-1)?.seq ?? 0;
  }

  get deleted(): number {
    return this.index.size - this.live;
  }

  /** The newest entry of a key, deleted or not. */
  newest(key: string): Entry | undefined {
    return this.index.get(key);
  }

  /** The entry of a key that has a value. */
  get(key: string): Entry | undefined {
    const entry = this.index.get(key);
    return entry?.deleted ? undefined : entry;
  }

  /** Takes a durable record that is newer than every other one; returns the entry it replaces. */
  apply(entry: Entry): Entry | undefined {
    const old = this.replace(entry);
    this.order.push(entry);
    if (this.superseded > SUPERSEDED_SLACK && this.superseded * 2 > this.order.length) {
      this.order = this.order.filter((e) => e.current);
      this.superseded = 0;
    }
    return old;
  }

  /** Takes a record found at open, in any order: the highest sequence wins, of equal ones the later place. */
  recover(entry: Entry): void {
    const known = this.index.get(entry.key);
    if (known && known.seq > entry.seq) known.older += 1;
    else this.replace(entry);
  }

  /** Ends a recovery: puts the entries into sequence order. */
  recovered(): void {
    this.order = [...this.index.values()].sort((a, b) => a.seq - b.seq);
    this.superseded = 0;
  }

  /** Forgets a deleted key of which nothing is left on disk. */
  forget(entry: Entry): void {
    entry.current = false;
    entry.segment.currentBytes -= entryBytes(entry);
    this.superseded += 1;
    this.index.delete(entry.key);
  }

  /** The newest entries with a sequence above `after`, oldest first, at most `count`. */
  scan(after: number, count: number): Entry[] {
    const found: Entry[] = [];
    for (let i = this.firstAfter(after); i < this.order.length && found.length < count; i += 1) {
      const entry = this.order[i];
      if (entry?.current) found.push(entry);
    }
    return found;
  }

  private replace(entry: Entry): Entry | undefined {
    const old = this.index.get(entry.key);
    if (old) {
      entry.older = old.older + 1;
      this.retire(old);
    }
    this.index.set(entry.key, entry);
    entry.segment.currentBytes += entryBytes(entry);
    if (!entry.deleted) {
      this.live += 1;
      this.liveBytes += entryBytes(entry);
    }
    return old;
  }

  private retire(old: Entry): void {
    old.current = false;
    this.superseded += 1;
    old.segment.currentBytes -= entryBytes(old);
    if (old.deleted) return;
    this.live -= 1;
    this.liveBytes -= entryBytes(old);
  }

  private firstAfter(after: number): number {
    if (after >= this.lastSeq) return this.order.length;
    let low = 0;
    let high = this.order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.order[middle]?.seq ?? Infinity) <= after) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
