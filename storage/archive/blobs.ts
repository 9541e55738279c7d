import { randomBytes } from 'node:crypto';
import type { ChunkStore } from './chunks.ts';
import type { BlobRef } from './index/record.ts';
import { BLOB_ID_BYTES } from './seal.ts';
import type { ChunkPlace } from './seal.ts';
import { createSemaphore } from './semaphore.ts';
import { chunkKey } from './shard.ts';
import type { SlotSet } from './slots.ts';

export const CHUNK_BYTES = 4 * 1024 * 1024;
/** Chunks being stored or read at once: by one request, and by all. A chunk costs about 15 MiB while it is written. */
const WRITES_PER_BLOB = 3;
const WRITES = 10;
const READS = 16;

/** How many chunks a blob of `size` bytes has. */
export function chunkCount(size: number): number { return Math.ceil(size / CHUNK_BYTES); }

/** Where chunk `chunk` of a blob belongs. */
export function placeOf(blob: Buffer, size: number, chunk: number): ChunkPlace {
  return { blob, chunk, length: Math.min(CHUNK_BYTES, size - chunk * CHUNK_BYTES) };
}

/** Takes a byte stream of unknown length and stores it as the chunks of one new blob. */
export interface BlobWriter {
  write(piece: Buffer): Promise<void>;
  /** The stored blobs: one, or none for an empty stream. Resolves when every chunk is durable. */
  finish(): Promise<BlobRef[]>;
}

export class Blobs {
  private readonly chunks: ChunkStore;
  private readonly slots: SlotSet;
  private readonly writes = createSemaphore(WRITES);
  private readonly reads = createSemaphore(READS);

  constructor(chunks: ChunkStore, slots: SlotSet) {
    this.chunks = chunks;
    this.slots = slots;
  }

  writer(signal: AbortSignal): BlobWriter {
    const blob = randomBytes(BLOB_ID_BYTES);
    const running = new Set<Promise<void>>();
    let pieces: Buffer[] = [];
    let filled = 0; let chunk = 0; let size = 0;
    let failure: Error | null = null;

    const flush = async (): Promise<void> => {
      const place = { blob, chunk: chunk++, length: filled };
      const plain = pieces;
      pieces = []; filled = 0;
      while (running.size >= WRITES_PER_BLOB) await Promise.race(running);
      const release = await this.writes.acquire(signal);
      const job: Promise<void> = this.chunks.write(place, plain)
        .catch((error: unknown) => { failure ??= error instanceof Error ? error : new Error(String(error)); })
        .finally(() => { release(); running.delete(job); });
      running.add(job);
    };
    const check = (): void => {
      if (failure) throw failure;
      signal.throwIfAborted();
    };

    return {
      async write(piece) {
        check();
        let rest = piece;
        size += piece.length;
        while (rest.length > 0) {
          const part = rest.subarray(0, CHUNK_BYTES - filled);
          pieces.push(part);
          filled += part.length;
          rest = rest.subarray(part.length);
          if (filled === CHUNK_BYTES) await flush();
        }
      },
      async finish() {
        if (filled > 0) await flush();
        await Promise.all(running);
        check();
        return size > 0 ? [{ id: blob.toString('hex'), size }] : [];
      },
    };
  }

  /** Bytes start..end (inclusive) of the concatenated blobs; reads only the chunks it needs, and one ahead. */
  async *read(blobs: readonly BlobRef[], start: number, end: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    const plan = planRange(blobs, start, end);
    type Fetched = { pieces: Buffer[]; release: () => void };
    const fetch = async (step: RangeStep, free: () => void): Promise<Fetched> => {
      // A reply that is never sent leaves its generator where it stands: the end of the request frees what it holds.
      const release = (): void => { signal.removeEventListener('abort', release); free(); };
      signal.addEventListener('abort', release, { once: true });
      try {
        return { pieces: cut(await this.chunks.read(step.place), step.from, step.to), release };
      } catch (error) {
        release();
        throw error;
      }
    };
    let ahead: Promise<Fetched> | null = null;
    try {
      for (let i = 0; i < plan.length; i++) {
        const now = ahead ?? fetch(plan[i] as RangeStep, await this.reads.acquire(signal));
        ahead = null;
        const next = plan[i + 1];
        const permit = next ? this.reads.tryAcquire() : null;
        if (next && permit) {
          ahead = fetch(next, permit);
          ahead.catch(() => undefined);
        }
        const { pieces, release } = await now;
        try {
          for (const piece of pieces) { signal.throwIfAborted(); yield piece; }
        } finally {
          release();
        }
      }
    } finally {
      if (ahead) void ahead.then(({ release }) => { release(); }, () => undefined);
    }
  }

  /** Deletes a blob's shards wherever they can be reached; what remains is found by the sweep. */
  async delete({ id, size }: BlobRef): Promise<void> {
    const blob = Buffer.from(id, 'hex');
    for (let chunk = 0; chunk < chunkCount(size); chunk += 1) {
      const key = chunkKey(blob, chunk);
      await Promise.all(this.slots.current.map((slot) => slot.data.del(key).catch(() => undefined)));
    }
  }
}

export interface RangeStep {
  readonly place: ChunkPlace;
  readonly from: number;
  readonly to: number;
}

/** The chunks that hold bytes start..end (inclusive) of the concatenated blobs, each with its span [from, to). */
export function planRange(blobs: readonly BlobRef[], start: number, end: number): RangeStep[] {
  const steps: RangeStep[] = [];
  let base = 0;
  for (const { id, size } of blobs) {
    const first = Math.max(start - base, 0);
    const last = Math.min(end - base, size - 1);
    const blob = Buffer.from(id, 'hex');
    for (let chunk = Math.floor(first / CHUNK_BYTES); first <= last && chunk <= Math.floor(last / CHUNK_BYTES); chunk++) {
      const at = chunk * CHUNK_BYTES;
      steps.push({ place: placeOf(blob, size, chunk), from: Math.max(first - at, 0), to: Math.min(last - at + 1, CHUNK_BYTES) });
    }
    base += size;
  }
  return steps;
}

function cut(pieces: readonly Buffer[], from: number, to: number): Buffer[] {
  const out: Buffer[] = [];
  let at = 0;
  for (const piece of pieces) {
    const a = Math.max(from - at, 0);
    const b = Math.min(to - at, piece.length);
    if (a < b) out.push(piece.subarray(a, b));
    at += piece.length;
  }
  return out;
}
