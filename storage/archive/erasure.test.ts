import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planRange, CHUNK_BYTES } from './blobs.ts';
import { createErasure } from './erasure.ts';
import { TAG_BYTES, createSealer } from './seal.ts';
import { crc32, decodeShard, encodeShard } from './shard.ts';

const layouts = [[2, 1], [3, 2], [4, 2], [10, 4], [16, 4], [24, 6]] as const;

describe('erasure code', () => {
  it.each(layouts)('%i+%i gives all shards back from any that many', async (data, parity) => {
    const code = createErasure(data, parity);
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 4000 }), fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), async (length, order) => {
      const stripe = Buffer.alloc(code.shardSize(length) * data);
      createHash('sha256').update(String(length)).digest().copy(stripe);
      const shards = await code.encode(stripe, Buffer.alloc(code.shardSize(length) * parity));
      const lost = shards.map((_, i) => ({ i, at: order.next().value as number })).sort((a, b) => a.at - b.at).slice(0, parity).map((x) => x.i);
      const left = shards.map((s, i) => lost.includes(i) ? undefined : s);
      const all = await code.reconstruct(left, shards.map((_, i) => i));
      all.forEach((s, i) => { expect(s.equals(shards[i] as Buffer)).toBe(true); });
      const tooFew = left.map((s, i) => i === left.findIndex((x) => x !== undefined) ? undefined : s);
      await expect(code.reconstruct(tooFew, [0])).rejects.toThrow(RangeError);
    }), { seed: 7, numRuns: 30 });
  });
});

describe('shards', () => {
  const header = { blob: Buffer.alloc(16, 5), chunk: 3, slot: 2, data: 4, parity: 2, sealedLength: 77 };
  it('come back, and are refused after any bit flip or as another slot’s', () => {
    const bytes = Buffer.from('some shard bytes');
    const value = encodeShard(header, bytes);
    expect(decodeShard(value, header)?.equals(bytes)).toBe(true);
    for (let bit = 0; bit < value.length * 8; bit++) {
      const bad = Buffer.from(value);
      bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(decodeShard(bad, header)).toBeNull();
    }
    expect(decodeShard(value, { ...header, slot: 1 })).toBeNull();
    expect(decodeShard(value, { ...header, chunk: 4 })).toBeNull();
    expect(decodeShard(value.subarray(0, 20), header)).toBeNull();
  });
  it('use the CRC-32 of the check string', () => { expect(crc32(Buffer.from('123456789'), 0)).toBe(0xcbf43926); });
});

describe('seals', () => {
  const sealer = createSealer(Buffer.alloc(32, 9));
  it('open at their own place only, in whatever pieces', () => {
    const place = { blob: randomBytes(16), chunk: 1, length: 5000 };
    const plain = randomBytes(5000);
    const sealed = Buffer.alloc(5000 + TAG_BYTES + 40);
    sealer.sealChunk(place, [plain.subarray(0, 123), plain.subarray(123)], sealed);
    for (const step of [1, 999, 5001, 5010, 6000]) {
      const pieces: Buffer[] = [];
      for (let i = 0; i < sealed.length; i += step) pieces.push(sealed.subarray(i, i + step));
      const open = sealer.openChunk(place, pieces);
      expect(open && Buffer.concat(open).equals(plain)).toBe(true);
    }
    expect(sealer.openChunk({ ...place, chunk: 2 }, [sealed])).toBeNull();
    expect(sealer.openChunk({ ...place, blob: randomBytes(16) }, [sealed])).toBeNull();
    expect(sealer.openChunk({ ...place, length: 4999 }, [sealed])).toBeNull();
    expect(sealer.openChunk(place, [sealed.subarray(0, 5005)])).toBeNull();
    expect(createSealer(Buffer.alloc(32, 8)).openChunk(place, [sealed])).toBeNull();
  });
  it('hold records to their key', () => {
    const key = Buffer.from('k');
    const sealed = sealer.sealRecord(key, Buffer.from('record'));
    expect(sealer.openRecord(key, sealed)?.toString()).toBe('record');
    expect(sealer.openRecord(Buffer.from('l'), sealed)).toBeNull();
    expect(sealer.openRecord(key, sealed.subarray(1))).toBeNull();
  });
});

describe('ranges over blobs', () => {
  it('cover exactly the bytes asked for', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 3 * CHUNK_BYTES }), { minLength: 1, maxLength: 4 }), fc.nat(), fc.nat(), (sizes, a, b) => {
      const total = sizes.reduce((s, n) => s + n, 0);
      const [start, end] = [a % total, b % total].sort((x, y) => x - y) as [number, number];
      const blobs = sizes.map((size, i) => ({ id: i.toString(16).padStart(32, '0'), size }));
      let at = start;
      for (const step of planRange(blobs, start, end)) {
        const base = blobs.slice(0, Number.parseInt(step.place.blob.toString('hex'), 16)).reduce((s, x) => s + x.size, 0);
        expect(base + step.place.chunk * CHUNK_BYTES + step.from).toBe(at);
        expect(step.to).toBeGreaterThan(step.from);
        at += step.to - step.from;
      }
      expect(at).toBe(end + 1);
    }), { seed: 5, numRuns: 300 });
  });
});
