import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BlobDamagedError, blobPath, hashOf, MAX_BLOB, openBlobs } from './blobs.ts';
import { removeTemporaryFolders, temporaryFolder } from './grid.fixture.ts';
import { TokenBucket } from './rate.ts';

afterAll(removeTemporaryFolders);

async function* pieces(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

describe('blobs', () => {
  it('come back whole, over restarts, and leave nothing else behind', async () => {
    const dir = temporaryFolder();
    const bytes = Buffer.from('one two three');
    const store = await openBlobs(dir);
    expect(await store.get(hashOf(bytes))).toBeUndefined();
    expect(await store.put(hashOf(bytes), pieces(bytes.subarray(0, 5), bytes.subarray(5)))).toEqual({ ok: true });
    expect(await store.put(hashOf(Buffer.from('x')), pieces(bytes))).toMatchObject({ ok: false, code: 'blob_mismatch' });
    async function* broken(): AsyncGenerator<Uint8Array> { yield bytes; throw new Error('the sender went away'); }
    await expect(store.put(hashOf(bytes), broken())).rejects.toThrow('went away');
    expect(readdirSync(path.join(dir, 'tmp'))).toEqual([]);
    writeFileSync(path.join(dir, 'tmp', 'left by a crash'), 'x');
    const again = await openBlobs(dir);
    expect(Buffer.from(await again.get(hashOf(bytes)) ?? []).equals(bytes)).toBe(true);
    expect(readdirSync(path.join(dir, 'tmp'))).toEqual([]);
  });

  it('are never given out with other bytes, and are healed by putting them again', async () => {
    const dir = temporaryFolder();
    const bytes = Buffer.from('original');
    const store = await openBlobs(dir);
    await store.put(hashOf(bytes), pieces(bytes));
    writeFileSync(blobPath(dir, hashOf(bytes)), 'origin4l');
    await expect(store.get(hashOf(bytes))).rejects.toThrow(BlobDamagedError);
    await store.put(hashOf(bytes), pieces(bytes));
    expect(Buffer.from(await store.get(hashOf(bytes)) ?? []).equals(bytes)).toBe(true);
  });

  it('are bounded in size, total and number', async () => {
    const large = Buffer.alloc(MAX_BLOB + 1);
    expect(await (await openBlobs(temporaryFolder())).put(hashOf(large), pieces(large))).toMatchObject({ ok: false, code: 'blob_too_large' });
    const dir = temporaryFolder();
    const store = await openBlobs(dir, { total: 10, count: 2 });
    const [a, b, c] = ['12345678', 'abc', 'x'].map((text) => Buffer.from(text));
    expect(await store.put(hashOf(a!), pieces(a!))).toEqual({ ok: true });
    expect(await store.put(hashOf(b!), pieces(b!))).toMatchObject({ ok: false, code: 'blob_too_large' });
    expect(await store.put(hashOf(c!), pieces(c!))).toEqual({ ok: true });
    expect(await (await openBlobs(dir, { total: 10, count: 2 })).put(hashOf(b!), pieces(b!))).toMatchObject({ ok: false, code: 'blobs_full' });
  });

  it('have no address outside their folder', () => {
    expect(() => blobPath('/d', 'sha256:../../etc/passwd' as never)).toThrow();
  });
});

describe('a token bucket', () => {
  it('gives its capacity at once, then its rate', () => {
    let now = 0;
    const bucket = new TokenBucket({ capacity: 3, perSecond: 2, now: () => now });
    expect([bucket.take(), bucket.take(2), bucket.take()]).toEqual([true, true, false]);
    now = 500;
    expect([bucket.take(), bucket.take()]).toEqual([true, false]);
    now = 1e6;
    expect([bucket.take(4), bucket.take(3), bucket.take()]).toEqual([false, true, false]);
  });
});
