import type { Committer } from './committer.ts';
import type { Log } from './log.ts';
import type { Entry, Namespace } from './namespace.ts';
import { RECORD_HEADER_BYTES, valueChecksum } from './record.ts';
import { readAt, releaseSegment, type Segment } from './segment.ts';
import { walkSegment, type WalkedRecord } from './walk.ts';

/** A sealed segment is reclaimed when newest records are less than this part of it: little is written twice. */
const CURRENT_PART = 1 / 4;
/** In a store that is nearly full, space is worth more writing. */
const CURRENT_PART_NEARLY_FULL = 3 / 4;
const NEARLY_FULL = 3 / 4;
/**
 * Deleted keys are reported to followers for at least this long; after it, a tombstone under which nothing older
 * is left on disk goes with its segment. A follower that was away longer has to start again from cursor 0.
 */
export const TOMBSTONE_RETENTION_MS = 7 * 24 * 60 * 60 * 1000;

export interface Reclaimable {
  readonly log: Log;
  readonly committer: Committer;
  readonly namespaceById: (id: number) => Namespace | undefined;
  readonly now: () => number;
}

/** The sealed segment that is most worth reclaiming now; undefined when none is. */
export function reclaimable(log: Log, capacity: number): Segment | undefined {
  let part = log.bytes > capacity * NEARLY_FULL ? CURRENT_PART_NEARLY_FULL : CURRENT_PART;
  let best: Segment | undefined;
  for (const segment of log.segments) {
    const current = segment.currentBytes / segment.size;
    if (segment === log.active || current >= part) continue;
    part = current;
    best = segment;
  }
  return best;
}

interface Owned {
  readonly namespace: Namespace;
  readonly entry: Entry;
}

/**
 * Moves the few newest records of a sealed segment to the end of the log and deletes the segment. A crash between
 * the two leaves both copies, of which recovery takes the later. False when the records could not all be moved.
 */
export async function reclaimSegment(store: Reclaimable, segment: Segment): Promise<boolean> {
  const current: Owned[] = [];
  const walked = await walkSegment(segment, false, (record) => {
    const owned = newestOf(store, record);
    if (owned?.entry.segment === segment && owned.entry.offset === record.offset) current.push(owned);
  });
  if (walked.bad) return false;

  const expired = current.filter(({ entry }) => entry.deleted && store.now() - entry.time > TOMBSTONE_RETENTION_MS);
  const dropped = new Map((await onlyHere(store, segment, expired)).map((owned) => [owned.entry, owned.namespace]));
  for (const { namespace, entry } of current) {
    if (!dropped.has(entry) && !(await relocate(store, namespace, entry))) return false;
  }

  segment.readers += 1;
  try {
    await store.log.remove(segment);
    forgetBytes(store, segment);
    // A write that came meanwhile has replaced the tombstone in the index; then there is nothing to forget.
    for (const [entry, namespace] of dropped) if (entry.current) namespace.forget(entry);
    // Too high a count of older records only delays the end of a tombstone, so it may be set right last.
    await walkSegment(segment, false, (record) => {
      const owned = newestOf(store, record);
      if (owned) owned.entry.older -= 1;
    });
  } finally {
    await releaseSegment(segment);
  }
  return true;
}

function newestOf(store: Reclaimable, record: WalkedRecord): Owned | undefined {
  const namespace = store.namespaceById(record.head.namespace);
  const entry = namespace?.newest(record.head.key);
  return namespace && entry ? { namespace, entry } : undefined;
}

/** Those of the given entries of which every older record lies in this segment, too. */
async function onlyHere(store: Reclaimable, segment: Segment, entries: Owned[]): Promise<Owned[]> {
  if (entries.length === 0) return [];
  const counts = new Map(entries.map(({ entry }) => [entry, 0]));
  await walkSegment(segment, false, (record) => {
    const entry = newestOf(store, record)?.entry;
    const count = entry && counts.get(entry);
    if (entry && count !== undefined && record.offset !== entry.offset) counts.set(entry, count + 1);
  });
  return entries.filter(({ entry }) => entry.older === counts.get(entry));
}

function forgetBytes(store: Reclaimable, segment: Segment): void {
  for (const [id, bytes] of segment.namespaceBytes) {
    const namespace = store.namespaceById(id);
    if (namespace) namespace.bytes -= bytes;
  }
}

async function relocate(store: Reclaimable, namespace: Namespace, entry: Entry): Promise<boolean> {
  if (!entry.current) return true;
  const at = entry.offset + RECORD_HEADER_BYTES + entry.key.length;
  const value = await readAt(entry.segment.file, at, entry.valueLength);
  // Damage must stay visible: written again, it would get a CRC that fits.
  if (value.length !== entry.valueLength || valueChecksum(value) !== entry.valueCrc) return false;
  const result = await store.committer.relocate(namespace, entry, value);
  return result.ok;
}
