import { randomBytes } from 'node:crypto';
import { chunkCount, placeOf } from './blobs.ts';
import type { ChunkStore } from './chunks.ts';
import type { View } from './index/view.ts';
import { BLOB_ID_BYTES } from './seal.ts';
import type { ChunkPlace } from './seal.ts';
import { chunkKey, encodeShard } from './shard.ts';
import type { Slot, SlotSet } from './slots.ts';

const BLOB_PAGE = 64;
const EXISTS_BATCH = 128;
const REBUILDS_AT_ONCE = 2;

export interface SweepResult {
  readonly chunks: number;
  readonly missing: number;
  readonly repaired: number;
  /** Slots that answered for every chunk. */
  readonly complete: boolean;
}

export interface SweepOptions {
  readonly view: View;
  readonly slots: SlotSet;
  readonly chunks: ChunkStore;
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
}

/**
 * One pass over every referenced chunk: asks each reachable slot whether it has its shard, and rebuilds what is absent.
 * Passes of several front ends start at different places and only ever add what is missing, so they may run together.
 * Call after a catch-up. A slot is `repaired` when it answered for every chunk and lacks nothing any more.
 */
export async function sweep({ view, slots, chunks, signal, onProgress }: SweepOptions): Promise<SweepResult> {
  const asked = slots.current.filter((slot) => slot.up);
  const before = new Map(asked.map((slot) => [slot, slot.misses]));
  const failed = new Set<Slot>();
  const lacking = new Map<Slot, number>(asked.map((slot) => [slot, 0]));
  let total = 0; let missing = 0; let repaired = 0;

  const one = async (place: ChunkPlace, absent: readonly Slot[]): Promise<void> => {
    missing += absent.length;
    for (const slot of absent) { lacking.set(slot, (lacking.get(slot) ?? 0) + 1); slot.missing = lacking.get(slot) ?? 0; }
    const done = await rebuild(chunks, place, absent, view);
    repaired += done.length;
    for (const slot of done) { lacking.set(slot, (lacking.get(slot) ?? 1) - 1); slot.missing = lacking.get(slot) ?? 0; }
    onProgress();
  };

  for await (const batch of places(view)) {
    signal.throwIfAborted();
    total += batch.length;
    const keys = batch.map((place) => chunkKey(place.blob, place.chunk));
    const absent = batch.map((): Slot[] => []);
    await Promise.all(asked.map(async (slot) => {
      if (failed.has(slot)) return;
      try {
        const there = await Promise.all(keys.map((key) => slot.data.exists(key)));
        there.forEach((has, i) => { if (!has || chunks.isDamaged(keys[i] as Buffer, slot)) absent[i]?.push(slot); });
      } catch {
        failed.add(slot);
      }
    }));
    const work = batch.flatMap((place, i) => absent[i]?.length ? [{ place, absent: absent[i] }] : []);
    for (let i = 0; i < work.length; i += REBUILDS_AT_ONCE) {
      signal.throwIfAborted();
      await Promise.all(work.slice(i, i + REBUILDS_AT_ONCE).map((w) => one(w.place, w.absent)));
    }
  }

  for (const slot of asked) {
    if (failed.has(slot) || !slots.isCurrent(slot)) continue;
    slot.missing = lacking.get(slot) ?? 0;
    slot.repaired = slot.missing === 0 && slot.misses === before.get(slot);
  }
  return { chunks: total, missing, repaired, complete: failed.size === 0 && asked.length === slots.current.length };
}

/** Rebuilds the shards that `absent` slots lack; the slots that now have theirs. */
async function rebuild(chunks: ChunkStore, place: ChunkPlace, absent: readonly Slot[], view: View): Promise<Slot[]> {
  const all = await chunks.gatherAll(place);
  const { data } = chunks.erasure;
  // Only shards under which the seal holds may breed new ones: a forged shard must not spread.
  const honest = all.filter((s) => s).length >= data ? await chunks.searchHonest(place, all) : null;
  // Deleted while the pass was under way: nothing to repair.
  if (!honest) return view.isReferenced(place.blob) ? [] : [...absent];
  const shards = await chunks.erasure.reconstruct(honest, absent.map((slot) => slot.slot));
  const key = chunkKey(place.blob, place.chunk);
  const done: Slot[] = [];
  await Promise.all(absent.map(async (slot, i) => {
    const value = encodeShard(chunks.header(place, slot.slot), shards[i] as Buffer);
    await slot.data.set(key, value).then(() => { done.push(slot); chunks.mended(key, slot); }, () => undefined);
  }));
  return done;
}

/** Every referenced chunk in batches, from a random blob on and round. */
async function* places(view: View): AsyncGenerator<ChunkPlace[]> {
  const start = randomBytes(BLOB_ID_BYTES);
  let batch: ChunkPlace[] = [];
  for (const [from, to] of [[start, null], [Buffer.alloc(0), start]] as const) {
    let after: Buffer = from;
    for (;;) {
      const page = view.blobs(after, BLOB_PAGE);
      for (const { blob, size } of page) {
        if (to && Buffer.compare(blob, to) > 0) break;
        for (let chunk = 0; chunk < chunkCount(size); chunk++) {
          batch.push(placeOf(blob, size, chunk));
          if (batch.length === EXISTS_BATCH) { yield batch; batch = []; }
        }
      }
      const last = page.at(-1);
      if (!last || (to && Buffer.compare(last.blob, to) > 0)) break;
      after = last.blob;
    }
  }
  if (batch.length > 0) yield batch;
}
