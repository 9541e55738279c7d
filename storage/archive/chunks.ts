import type { Erasure } from './erasure.ts';
import { TAG_BYTES } from './seal.ts';
import type { ChunkPlace, Sealer } from './seal.ts';
import { chunkKey, decodeShard, encodeShard } from './shard.ts';
import type { ShardHeader } from './shard.ts';
import type { Slot, SlotSet } from './slots.ts';
import { OutOfSpace, Unavailable } from './unavailable.ts';

const RETRY_MS = 200;
/** After the quorum, how long a slot that usually answers is waited for: more shards down before the acknowledgement is more safety. */
const STRAGGLER_GRACE_MS = 500;
/** With only D shards durable and the rest silent: the silence after which a slot counts as unable to answer. */
const SILENCE_MS = 4_000;
const HEDGE_MS = 300;
/** A slot that has not answered a read for so long is asked last for a while. */
const STALLED_MS = 900;
/** How many combinations of shards are tried when checksums hold but the seal does not (a forged shard). */
const MAX_COMBINATIONS = 200;
const MAX_DAMAGED = 10_000;
/** Work buffers kept for the next chunk of full size: without reuse, collecting them costs more than the coding. */
const MAX_BENCH = 10;

export interface ChunkStoreOptions {
  readonly slots: SlotSet;
  readonly erasure: Erasure;
  readonly sealer: Sealer;
  /** How long a chunk waits for enough shards. */
  readonly patienceMs: number;
  /** Told whenever a shard is known to be absent or rotten on a slot. */
  readonly onIncomplete: () => void;
}

/** Stores sealed chunks as one shard a slot, and reads them back from any `data` of them. */
export class ChunkStore {
  private readonly slots: SlotSet;
  readonly erasure: Erasure;
  private readonly sealer: Sealer;
  private readonly onIncomplete: () => void;
  private readonly patienceMs: number;
  private readonly bench: { stripe: Buffer; check: Buffer }[] = [];
  private benchSize = 0;
  /** Shards that a slot has but that are rotten: EXISTS does not show it. Chunk key (latin1) and slot incarnation. */
  private readonly damaged = new Map<string, Set<Slot>>();

  constructor(options: ChunkStoreOptions) {
    this.slots = options.slots;
    this.erasure = options.erasure;
    this.sealer = options.sealer;
    this.onIncomplete = options.onIncomplete;
    this.patienceMs = options.patienceMs;
  }

  header(place: ChunkPlace, slot: number): ShardHeader {
    return { blob: place.blob, chunk: place.chunk, slot, data: this.erasure.data, parity: this.erasure.parity, sealedLength: place.length + TAG_BYTES };
  }

  isDamaged(key: Buffer, slot: Slot): boolean { return this.damaged.get(key.toString('latin1'))?.has(slot) ?? false; }

  /** Forgets a rotten shard once a good one lies in its place. */
  mended(key: Buffer, slot: Slot): void {
    const id = key.toString('latin1');
    const slots = this.damaged.get(id);
    if (slots?.delete(slot) && slots.size === 0) this.damaged.delete(id);
  }

  private markDamaged(key: Buffer, slot: Slot): void {
    const id = key.toString('latin1');
    const slots = this.damaged.get(id) ?? new Set();
    if (slots.size === 0 && this.damaged.size >= MAX_DAMAGED) return;
    this.damaged.set(id, slots.add(slot));
  }

  /** Resolves when D+1 shards are durable, or D when no further slot answers; throws Unavailable when patience ends. */
  async write(place: ChunkPlace, plain: readonly Buffer[]): Promise<void> {
    const values = await this.encode(place, plain);
    await this.spread(chunkKey(place.blob, place.chunk), values);
  }

  private async encode(place: ChunkPlace, plain: readonly Buffer[]): Promise<Buffer[]> {
    const { data, parity } = this.erasure;
    const size = this.erasure.shardSize(place.length + TAG_BYTES);
    const spare = size === this.benchSize ? this.bench.pop() : undefined;
    const work = spare ?? { stripe: Buffer.allocUnsafeSlow(size * data), check: Buffer.allocUnsafeSlow(size * parity) };
    this.sealer.sealChunk(place, plain, work.stripe);
    work.stripe.fill(0, place.length + TAG_BYTES);
    const shards = await this.erasure.encode(work.stripe, work.check);
    // Each value is a copy behind its header, so the work buffers are free again.
    const values = shards.map((bytes, slot) => encodeShard(this.header(place, slot), bytes));
    if (size > this.benchSize) { this.benchSize = size; this.bench.length = 0; }
    if (size === this.benchSize && this.bench.length < MAX_BENCH) this.bench.push(work);
    return values;
  }

  private spread(key: Buffer, values: readonly Buffer[]): Promise<void> {
    const { data, total } = this.erasure;
    const began = performance.now();
    const durable = new Set<Slot>();
    const pending = new Map<Slot, number>();
    const retryAt = new Map<number, number>();
    let lastProgress = began;
    return new Promise((resolve, reject) => {
      let settled = false;
      const finish = (error?: Error): void => {
        if (settled) return;
        settled = true;
        clearInterval(timer);
        const incomplete = this.slots.current.filter((slot) => !durable.has(slot));
        for (const slot of incomplete) slot.markIncomplete();
        if (incomplete.length > 0) this.onIncomplete();
        if (error) reject(error); else resolve();
      };
      const held = (): number => { let n = 0; for (const slot of durable) if (this.slots.isCurrent(slot)) n += 1; return n; };
      const step = (): void => {
        if (settled) return;
        const now = performance.now();
        for (const slot of this.slots.current) {
          if (durable.has(slot) || pending.has(slot) || !slot.up || (retryAt.get(slot.slot) ?? 0) > now) continue;
          pending.set(slot, now);
          slot.data.set(key, values[slot.slot] as Buffer).then(() => {
            pending.delete(slot); durable.add(slot); lastProgress = performance.now();
            step();
          }, () => { pending.delete(slot); retryAt.set(slot.slot, performance.now() + RETRY_MS); step(); });
        }
        const count = held();
        const awaited = [...pending.keys()].filter((slot) => !slot.slow && this.slots.isCurrent(slot));
        const silence = now - lastProgress;
        if (count === total) finish();
        else if (count > data && (awaited.length === 0 || silence >= STRAGGLER_GRACE_MS)) finish();
        else if (count === data && (awaited.length === 0 ? silence >= RETRY_MS : silence >= SILENCE_MS)) {
          for (const slot of awaited) slot.markSlow();
          finish();
        } else if (this.slots.current.filter((slot) => slot.full).length > total - data && awaited.length === 0) finish(new OutOfSpace());
        else if (now - began >= this.patienceMs) finish(new Unavailable(`${count} of ${data + 1} shards became durable`));
      };
      const timer = setInterval(step, 50);
      step();
    });
  }

  /** The chunk's plaintext in pieces; throws Unavailable when too few shards answer in time. */
  async read(place: ChunkPlace): Promise<Buffer[]> {
    const deadline = performance.now() + this.patienceMs;
    for (;;) {
      const found = await this.gather(place);
      const plain = await this.open(place, found);
      if (plain) return plain;
      if (performance.now() >= deadline) throw new Unavailable('too few intact shards answered');
      await new Promise((resolve) => { setTimeout(resolve, RETRY_MS); });
    }
  }

  /** Asks for D shards, data shards first; the others join after a failure or 300 ms. Resolves with at least D shards or all there are. */
  private gather(place: ChunkPlace): Promise<(Buffer | undefined)[]> {
    const { data, total } = this.erasure;
    const key = chunkKey(place.blob, place.chunk);
    const found = new Array<Buffer | undefined>(total).fill(undefined);
    const order = [...this.slots.current].sort((a, b) => rank(a) - rank(b));
    return new Promise((resolve) => {
      const began = performance.now();
      const waiting = new Set<Slot>();
      let good = 0; let next = 0; let done = false;
      const finish = (): void => { if (!done) { done = true; clearInterval(hedge); resolve([...found]); } };
      const ask = (): boolean => {
        const slot = order[next++];
        if (!slot) return false;
        waiting.add(slot);
        void slot.data.get(key).then((value) => {
          const shard = value && decodeShard(value, this.header(place, slot.slot));
          if (shard) { found[slot.slot] = shard; good += 1; } else { this.markDamaged(key, slot); slot.markIncomplete(); this.onIncomplete(); }
          return shard !== null;
        }, () => false).then((ok) => {
          waiting.delete(slot);
          if (good >= data) finish();
          else if (!ok && !done && !ask() && waiting.size === 0) finish();
          else if (ok && waiting.size === 0 && !ask()) finish();
        });
        return true;
      };
      const hedge = setInterval(() => {
        ask();
        if (performance.now() - began > STALLED_MS) for (const slot of waiting) slot.markSlow();
      }, HEDGE_MS);
      for (let i = 0; i < data; i++) ask();
    });
  }

  /** Every shard of the chunk that is there and intact, for repair. */
  async gatherAll(place: ChunkPlace): Promise<(Buffer | undefined)[]> {
    const key = chunkKey(place.blob, place.chunk);
    return Promise.all(this.slots.current.map(async (slot) => {
      const value = await slot.data.get(key).catch(() => null);
      return (value && decodeShard(value, this.header(place, slot.slot))) ?? undefined;
    }));
  }

  private async open(place: ChunkPlace, found: readonly (Buffer | undefined)[]): Promise<Buffer[] | null> {
    const { data } = this.erasure;
    if (found.filter((s) => s !== undefined).length < data) return null;
    const plain = await this.decode(place, found);
    if (plain) return plain;
    // Checksums hold and the seal does not: some zdb forged its shard. Leave shards out until it opens.
    const all = await this.gatherAll(place);
    const honest = await this.searchHonest(place, all);
    return honest && this.decode(place, honest);
  }

  /** A subset of `data` shards under which the seal holds, or null. */
  async searchHonest(place: ChunkPlace, all: readonly (Buffer | undefined)[]): Promise<(Buffer | undefined)[] | null> {
    let tried = 0;
    for (const subset of combinations(all.flatMap((s, i) => s ? [i] : []), this.erasure.data)) {
      if (++tried > MAX_COMBINATIONS) return null;
      const chosen = all.map((s, i) => subset.includes(i) ? s : undefined);
      if (await this.decode(place, chosen)) return chosen;
    }
    return null;
  }

  /** The plaintext from exactly these shards, or null when the seal does not hold. */
  async decode(place: ChunkPlace, shards: readonly (Buffer | undefined)[]): Promise<Buffer[] | null> {
    const { data } = this.erasure;
    const size = this.erasure.shardSize(place.length + TAG_BYTES);
    const usable = shards.map((s) => s?.length === size ? s : undefined);
    if (usable.filter((s) => s !== undefined).length < data) return null;
    const systematic = usable.slice(0, data);
    const sealed = systematic.every((s): s is Buffer => s !== undefined)
      ? systematic
      : await this.erasure.reconstruct(usable, Array.from({ length: data }, (_, i) => i));
    return this.sealer.openChunk(place, sealed);
  }
}

function rank(slot: Slot): number {
  return slot.slot + (slot.up ? 0 : 2_000) + (slot.slow ? 500 : 0);
}

function* combinations(items: readonly number[], size: number, from = 0, chosen: number[] = []): Generator<number[]> {
  if (chosen.length === size) { yield [...chosen]; return; }
  for (let i = from; i <= items.length - (size - chosen.length); i++) {
    chosen.push(items[i] as number);
    yield* combinations(items, size, i + 1, chosen);
    chosen.pop();
  }
}
