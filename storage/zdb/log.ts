import { readdir, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeHead, findRecord, recordBytes, valueChecksum, type RecordHead } from './record.ts';
import {
  createSegment,
  openSegment,
  readAt,
  segmentId,
  syncDirectory,
  writeAllAt,
  type Segment,
} from './segment.ts';
import { walkSegment, type WalkedRecord, type WalkEnd } from './walk.ts';

/** What is durable on disk is not what was written there: no start until someone looked (see `verifyLog`). */
export class LogCorrupt extends Error {
  override readonly name = 'LogCorrupt';
  constructor(
    readonly segment: number,
    readonly offset: number,
    reason: string,
  ) {
    super(`segment ${segment} at byte ${offset}: ${reason}`);
  }
}

/** The disk has no room for a batch; the log is as it was before. */
export class DiskFull extends Error {
  override readonly name = 'DiskFull';
}

/** A record to append. Sequence and time come from the caller; a relocated record keeps those it had. */
export interface NewRecord {
  readonly namespace: number;
  readonly key: string;
  readonly value: Buffer;
  readonly deleted: boolean;
  readonly seq: number;
  readonly time: number;
}

export interface Place {
  readonly head: RecordHead;
  readonly segment: Segment;
  readonly offset: number;
}

interface LogOptions {
  readonly dir: string;
  /** A segment that reached this size is sealed before the next batch. */
  readonly segmentBytes: number;
  /** Called once for each record that is on disk, segment by segment. */
  readonly onRecord: (place: Place) => void;
}

/**
 * The append-only log of a store: numbered segments, of which the last is written. One batch at a time is
 * appended, and it is durable when `append` returns. A segment is sealed only when all in it is durable, so
 * only the last batch of the last segment can be torn.
 */
export class Log {
  private constructor(
    private readonly dir: string,
    private readonly segmentBytes: number,
    private readonly list: Segment[],
    public nextSeq: number,
  ) {}

  static async open(options: LogOptions): Promise<Log> {
    const names = await readdir(options.dir);
    await Promise.all(names.filter((n) => n.endsWith('.seg.tmp')).map((n) => rm(join(options.dir, n))));
    const ids = names.flatMap((name) => segmentId(name) ?? []).sort((a, b) => a - b);
    const list: Segment[] = [];
    let nextSeq = 1;
    const take = (segment: Segment) => (record: WalkedRecord) => {
      nextSeq = Math.max(nextSeq, record.head.seq + 1);
      account(segment, record.head);
      options.onRecord({ head: record.head, segment, offset: record.offset });
    };
    try {
      for (const id of ids) {
        const segment = await openSegment(options.dir, id);
        if (!segment) throw new LogCorrupt(id, 0, 'segment header is not valid');
        list.push(segment);
        nextSeq = Math.max(nextSeq, segment.baseSeq);
        if (id === ids.at(-1)) await recoverLast(segment, take(segment));
        else await readSealed(segment, take(segment));
      }
      if (list.length === 0) list.push(await createSegment(options.dir, 1, nextSeq));
    } catch (error) {
      await Promise.all(list.map((s) => s.file.close()));
      throw error;
    }
    return new Log(options.dir, options.segmentBytes, list, nextSeq);
  }

  get segments(): readonly Segment[] {
    return this.list;
  }

  /** The segment that is being written. */
  get active(): Segment {
    const last = this.list.at(-1);
    if (!last) throw new Error('log has no segment');
    return last;
  }

  /** Bytes of all segments on disk. */
  get bytes(): number {
    return this.list.reduce((sum, s) => sum + s.size, 0);
  }

  /** Seals the active segment when it is full; the next batch goes to a new one. True when it did. */
  async rotateIfFull(): Promise<boolean> {
    if (this.active.size < this.segmentBytes) return false;
    try {
      this.list.push(await createSegment(this.dir, this.active.id + 1, this.nextSeq));
    } catch (error) {
      if (isDiskFull(error)) throw new DiskFull('disk is full', { cause: error });
      throw error;
    }
    return true;
  }

  /**
   * Writes the records in order and makes them durable with one sync. Throws DiskFull, after the segment was
   * cut back to its durable end, when the disk has no room; any other error leaves the log in an unknown state.
   */
  async append(records: readonly NewRecord[]): Promise<Place[]> {
    const segment = this.active;
    const batchStart = segment.size;
    const buffers: Buffer[] = [];
    const places: Place[] = [];
    let end = batchStart;
    for (const record of records) {
      const { value, ...rest } = record;
      const head = { ...rest, valueLength: value.length, valueCrc: valueChecksum(value), batchStart };
      buffers.push(encodeHead(head, segment.salt), value);
      places.push({ head, segment, offset: end });
      end += recordBytes(record.key, value.length);
    }
    try {
      await writeAllAt(segment.file, buffers, batchStart);
      await segment.file.datasync();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      await cutBack(segment, batchStart);
      throw new DiskFull('disk is full', { cause: error });
    }
    segment.size = end;
    for (const place of places) account(segment, place.head);
    return places;
  }

  /** Deletes a sealed segment from disk, durably; its file stays open for the reads that began before. */
  async remove(segment: Segment): Promise<void> {
    const at = this.list.indexOf(segment);
    if (at === -1 || segment === this.active) throw new Error('only a sealed segment can be removed');
    await unlink(segment.path);
    this.list.splice(at, 1);
    segment.doomed = true;
    if (segment.readers === 0) await segment.file.close();
    await syncDirectory(this.dir);
  }

  async close(): Promise<void> {
    await Promise.all(this.list.map((s) => s.file.close()));
  }
}

function account(segment: Segment, head: RecordHead): void {
  const known = segment.namespaceBytes.get(head.namespace) ?? 0;
  segment.namespaceBytes.set(head.namespace, known + recordBytes(head.key, head.valueLength));
}

async function cutBack(segment: Segment, size: number): Promise<void> {
  await segment.file.truncate(size);
  await segment.file.datasync();
}

const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');

async function readSealed(segment: Segment, onRecord: (record: WalkedRecord) => void): Promise<void> {
  const walked = await walkSegment(segment, false, onRecord);
  if (walked.bad) throw new LogCorrupt(segment.id, walked.end, `bad record (${walked.bad})`);
}

/** Reads the last segment; a torn batch at its end, which nobody was told about, is cut off. */
async function recoverLast(segment: Segment, onRecord: (record: WalkedRecord) => void): Promise<void> {
  // Only the last batch can be torn, so a batch is held back until the next one begins.
  let lastBatch: WalkedRecord[] = [];
  const walked = await walkSegment(segment, true, (record) => {
    if (lastBatch[0]?.head.batchStart !== record.head.batchStart) {
      lastBatch.forEach(onRecord);
      lastBatch = [];
    }
    lastBatch.push(record);
  });
  if (walked.bad) await refuseIfDurable(segment, walked.end, walked.bad);
  // A wrong value in an earlier batch is damage, not a tear: the record stays, and reading it says so.
  const end = lastBatch.find((record) => !record.valueOk)?.offset ?? walked.end;
  if (end < segment.size) {
    await segment.file.truncate(end);
    segment.size = end;
  }
  // What a killed process wrote may be in the page cache only: durable first, then served.
  await segment.file.datasync();
  for (const record of lastBatch) if (record.offset < end) onRecord(record);
}

/** Throws LogCorrupt when a batch after `end` shows that the bad record there was durable, and is no torn tail. */
async function refuseIfDurable(segment: Segment, end: number, reason: NonNullable<WalkEnd['bad']>): Promise<void> {
  const rest = await readAt(segment.file, end, segment.size - end);
  for (let next = findRecord(rest, 1, segment.salt); next; next = findRecord(rest, next.offset + 1, segment.salt)) {
    if (next.head.batchStart > end) throw new LogCorrupt(segment.id, end, `bad record (${reason}) before durable ones`);
  }
}
