import { createRequire } from 'node:module';

// The addon ships no types. `sources` and `targets` are bit sets over data shards (low bits) then parity shards.
interface ReedSolomonAddon {
  create(data: number, parity: number): Buffer;
  encode(
    context: Buffer, sources: number, targets: number,
    buffer: Buffer, bufferOffset: number, bufferSize: number,
    parity: Buffer, parityOffset: number, paritySize: number,
    done: (error?: Error) => void,
  ): void;
}

const addon = createRequire(import.meta.url)('@ronomon/reed-solomon') as ReedSolomonAddon;

/** Limits of the code's field and matrix search. */
export const MAX_DATA_SHARDS = 24;
export const MAX_PARITY_SHARDS = 6;
const SHARD_ALIGNMENT = 8;

export interface Erasure {
  readonly data: number;
  readonly parity: number;
  readonly total: number;
  shardSize(length: number): number;
  encode(stripe: Buffer, check: Buffer): Promise<Buffer[]>;
  reconstruct(shards: readonly (Buffer | undefined)[], wanted: readonly number[]): Promise<Buffer[]>;
}

/** A systematic Reed-Solomon code: any `data` of the `data + parity` equally long shards give all the others. */
export function createErasure(data: number, parity: number): Erasure {
  if (!Number.isInteger(data) || data < 1 || data > MAX_DATA_SHARDS) throw new RangeError(`data shards must be 1..${MAX_DATA_SHARDS}, got ${data}`);
  if (!Number.isInteger(parity) || parity < 1 || parity > MAX_PARITY_SHARDS) throw new RangeError(`parity shards must be 1..${MAX_PARITY_SHARDS}, got ${parity}`);
  const context = addon.create(data, parity);
  const total = data + parity;

  const run = (sources: number, targets: number, stripe: Buffer, check: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      addon.encode(context, sources, targets, stripe, 0, stripe.length, check, 0, check.length, (error) => { if (error) reject(error); else resolve(); });
    });

  const cut = (stripe: Buffer, check: Buffer, size: number): Buffer[] =>
    Array.from({ length: total }, (_, i) => i < data ? stripe.subarray(i * size, (i + 1) * size) : check.subarray((i - data) * size, (i - data + 1) * size));

  return {
    data, parity, total,

    /** Bytes of one shard for a stripe that holds `length` bytes. */
    shardSize: (length) => Math.max(SHARD_ALIGNMENT, Math.ceil(Math.ceil(length / data) / SHARD_ALIGNMENT) * SHARD_ALIGNMENT),

    /** All shards of a stripe of exactly `data * shardSize` bytes, as views of it and of `check` (`parity * shardSize` bytes), which is overwritten. */
    async encode(stripe, check) {
      const size = stripe.length / data;
      const sources = 2 ** data - 1;
      await run(sources, 2 ** total - 1 - sources, stripe, check);
      return cut(stripe, check, size);
    },

    /** The wanted shards, rebuilt where absent; throws when fewer than `data` shards are given. */
    async reconstruct(shards, wanted) {
      const present = shards.findIndex((s) => s !== undefined);
      const size = shards[present]?.length ?? 0;
      let sources = 0; let targets = 0; let count = 0;
      const stripe = Buffer.alloc(size * data);
      const check = Buffer.alloc(size * parity);
      for (let i = 0; i < total; i++) {
        const shard = shards[i];
        if (shard === undefined) continue;
        if (shard.length !== size) throw new RangeError('shards of one stripe differ in length');
        if (count === data) continue;
        count += 1;
        sources += 2 ** i;
        if (i < data) shard.copy(stripe, i * size); else shard.copy(check, (i - data) * size);
      }
      if (count < data) throw new RangeError(`${count} shards, ${data} are needed`);
      // A bit set: never subtract or shift, 30 bits are in use.
      for (const i of wanted) if (Math.floor(sources / 2 ** i) % 2 === 0) targets += 2 ** i;
      if (targets > 0) await run(sources, targets, stripe, check);
      const all = cut(stripe, check, size);
      return wanted.map((i) => all[i] as Buffer);
    },
  };
}
