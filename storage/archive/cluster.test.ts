import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { Cluster, QUICK } from './cluster.fixture.ts';
import type { FrontEnd } from './cluster.fixture.ts';
import { s3 } from './s3-client.fixture.ts';

let cluster: Cluster;
afterEach(async () => { await cluster.close(); });

/** Bytes that differ by name and can be made again for comparison. */
function content(name: string, size: number): Buffer {
  const seed = createHash('sha256').update(name).digest();
  const out = Buffer.alloc(size);
  for (let i = 0; i < size; i += 32) { seed.writeUInt32LE(i, 0); seed.copy(out, i); }
  return out;
}

const front = (i: number): FrontEnd => cluster.fronts[i % cluster.fronts.length] as FrontEnd;

/** A put as a client with retries does it: SlowDown means again. */
async function put(i: number, key: string, body: Buffer): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const { status } = await s3(front(i + attempt).socket, `/first/${key}`, { method: 'PUT', body });
    if (status === 200) return;
    expect(status).toBe(503);
  }
  throw new Error(`put of ${key} did not succeed`);
}

async function expectObject(i: number, key: string, body: Buffer): Promise<void> {
  const got = await s3(front(i).socket, `/first/${key}`);
  expect(got.status).toBe(200);
  expect(got.body.equals(body)).toBe(true);
}

async function until(what: string, holds: () => boolean, ms = 15_000): Promise<void> {
  const end = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited ${ms} ms for: ${what}; ${JSON.stringify(cluster.fronts.map((f) => f.archive.status()))}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

const everyFront = (state: string) => (): boolean => cluster.fronts.every((f) => f.archive.status().state === state);

describe('an archive of several front ends over 4+2 zdbs', () => {
  it('shows what one front end acknowledged through every other, at once', async () => {
    cluster = await Cluster.start();
    for (let round = 0; round < 8; round++) {
      const body = content(`r${round}`, 1000 + round);
      await put(round, 'same-key', body);
      await Promise.all([0, 1, 2].map((i) => expectObject(i, 'same-key', body)));
    }
    expect((await s3(front(0).socket, '/first/same-key', { method: 'DELETE' })).status).toBe(204);
    for (const i of [0, 1, 2]) expect((await s3(front(i).socket, '/first/same-key')).status).toBe(404);
  });

  it('never goes back for any reader while writers on all front ends race for one key', async () => {
    cluster = await Cluster.start();
    // Each value's number is given out when its write begins; a read that begins after another read has ended must not see an older write than one that had been completed before.
    let stop = false;
    let completedBefore = 0;
    let next = 0;
    const begun = new Map<number, number>();
    const ended = new Map<number, number>();
    let clock = 0;
    const writer = async (i: number): Promise<void> => {
      while (!stop) {
        const n = ++next;
        begun.set(n, ++clock);
        await put(i, 'register', Buffer.from(String(n)));
        ended.set(n, ++clock);
        completedBefore += 1;
      }
    };
    let reads = 0;
    const observed: { value: number; from: number; to: number }[] = [];
    const reader = async (i: number): Promise<void> => {
      while (!stop) {
        const from = ++clock;
        const got = await s3(front(i).socket, '/first/register');
        const to = ++clock;
        if (got.status === 200) { observed.push({ value: Number(got.body.toString()), from, to }); reads += 1; }
      }
    };
    const running = [writer(0), writer(1), writer(2), reader(0), reader(1), reader(2), reader(0)];
    await new Promise((resolve) => { setTimeout(resolve, 2_500); });
    stop = true;
    await Promise.all(running);
    expect(completedBefore).toBeGreaterThan(10);
    expect(reads).toBeGreaterThan(10);
    for (const r of observed) {
      expect(begun.get(r.value)).toBeLessThan(r.to);
      // Stale: some write began after r.value had ended, and had itself ended before this read began.
      const end = ended.get(r.value) ?? Infinity;
      const stale = [...begun].some(([n, b]) => b > end && (ended.get(n) ?? Infinity) < r.from);
      expect(stale).toBe(false);
      // Inversion: a read that ended before this one began saw a write that began after r.value had ended.
      expect(observed.some((o) => o.to < r.from && (begun.get(o.value) ?? 0) > end)).toBe(false);
    }
  });

  it('loses nothing when as many zdbs as there is parity die, repairs onto empty ones, and bears that again', async () => {
    cluster = await Cluster.start();
    const bodies = new Map<string, Buffer>();
    const store = async (i: number, key: string, size: number): Promise<void> => { const b = content(key, size); await put(i, key, b); bodies.set(key, b); };
    for (let i = 0; i < 6; i++) await store(i, `before-${i}`, 100_000 * i + 1);
    await store(0, 'two-chunks', 5_000_000);

    await cluster.stopZdb('zdb-0@1');
    await cluster.stopZdb('zdb-4@1');
    const began = performance.now();
    await store(1, 'while-degraded', 4_500_000);
    expect(performance.now() - began).toBeLessThan(10_000);
    for (const [key, body] of bodies) await expectObject(2, key, body);
    await until('degraded', everyFront('degraded'));
    expect(front(0).archive.status().reason).toContain('0, 4');

    await cluster.replace(0);
    await cluster.replace(4);
    await store(2, 'while-repairing', 300_000);
    await until('healthy', everyFront('healthy'));

    await cluster.stopZdb('zdb-1@1');
    await cluster.stopZdb('zdb-2@1');
    for (const [key, body] of bodies) await expectObject(0, key, body);
    await store(0, 'after-second-loss', 200_000);
    const listed = (await s3(front(1).socket, '/first?list-type=2')).body.toString();
    for (const key of bodies.keys()) expect(listed).toContain(`<Key>${key}</Key>`);

    // A front end that knows nothing finds everything in what is left.
    const fresh = await cluster.addFront();
    for (const [key, body] of bodies) {
      const got = await s3(fresh.socket, `/first/${key}`);
      expect(got.body.equals(body)).toBe(true);
    }
  }, 60_000);

  it('keeps every acknowledged object through rounds of random losses under load', async () => {
    cluster = await Cluster.start();
    let seed = 20261120;
    const random = (n: number): number => { seed = (Math.imul(seed, 1103515245) + 12345) >>> 0; return (seed >>> 8) % n; };
    const acknowledged = new Map<string, Buffer>();
    let stop = false;
    const writer = async (w: number): Promise<void> => {
      for (let n = 0; !stop; n++) {
        const key = `w${w}/${n % 7 === 0 ? 'again' : n}`;
        const body = content(`${key} ${n}`, 500 + n * 37 % 40_000);
        acknowledged.delete(key);
        await put(w + n, key, body);
        acknowledged.set(key, body);
        // Read back through a front end that did not take it.
        await expectObject(w + n + 1, key, body);
      }
    };
    const writers = [writer(0), writer(1)];
    for (let round = 0; round < 3; round++) {
      const first = random(6);
      const victims = [first, (first + 1 + random(5)) % 6];
      for (const slot of victims) await cluster.stopZdb(cluster.slots[slot]?.address ?? '');
      await new Promise((resolve) => { setTimeout(resolve, 300 + random(300)); });
      // One comes back with its data, the other is lost for good.
      await cluster.startZdb(cluster.slots[victims[0] as number]?.address ?? '');
      await cluster.replace(victims[1] as number);
      await until('healthy', everyFront('healthy'));
    }
    stop = true;
    await Promise.all(writers);
    expect(acknowledged.size).toBeGreaterThan(10);
    const fresh = await cluster.addFront();
    for (const [key, body] of acknowledged) expect((await s3(fresh.socket, `/first/${key}`)).body.equals(body)).toBe(true);
  }, 90_000);

  it('outlives every zdb it began on, replaced two at a time', async () => {
    cluster = await Cluster.start({ fronts: 0 });
    // Without the periodic backfill: the copy before the marker alone must carry the index over.
    for (let i = 0; i < 2; i++) await cluster.addFront({ intervals: { ...QUICK, fill: 3_600_000 } });
    const body = content('heirloom', 90_000);
    await put(0, 'heirloom', body);
    for (const [a, b] of [[0, 1], [2, 3], [4, 5]] as const) {
      await cluster.replace(a);
      await cluster.replace(b);
      await until('healthy', everyFront('healthy'));
    }
    const fresh = await cluster.addFront();
    expect((await s3(fresh.socket, '/first/heirloom')).body.equals(body)).toBe(true);
    await expectObject(0, 'heirloom', body);
  }, 60_000);

  it('writes and reads on within 10 s when as many zdbs as there is parity fall silent without closing anything', async () => {
    cluster = await Cluster.start({ fronts: 1 });
    const before = content('before', 6_000_000);
    await put(0, 'before', before);
    cluster.freeze('zdb-0@1');
    cluster.freeze('zdb-1@1');
    const began = performance.now();
    const after = content('after', 9_000_000);
    await put(0, 'after', after);
    expect(performance.now() - began).toBeLessThan(10_000);
    await expectObject(0, 'before', before);
    await expectObject(0, 'after', after);
    await until('degraded', everyFront('degraded'));
  }, 40_000);

  it('answers SlowDown, never an absence, while more than the parity is gone, and goes on when they return', async () => {
    cluster = await Cluster.start({ fronts: 0 });
    await cluster.addFront({ patienceMs: 1_000 });
    const body = content('kept', 50_000);
    await put(0, 'kept', body);
    for (const slot of [1, 2, 3]) await cluster.stopZdb(`zdb-${slot}@1`);
    const [get, list, missing] = await Promise.all([
      s3(front(0).socket, '/first/kept'), s3(front(0).socket, '/first?list-type=2'), s3(front(0).socket, '/first/never-there'),
    ]);
    for (const answer of [get, list, missing]) {
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toBe('1');
      expect(answer.body.toString()).toContain('<Code>SlowDown</Code>');
    }
    expect(front(0).archive.status().state).toBe('unavailable');
    expect((await front(0).archive.health()).ok).toBe(false);
    await cluster.startZdb('zdb-2@1');
    await until('quorum', () => front(0).archive.status().state === 'degraded');
    await expectObject(0, 'kept', body);
  }, 40_000);

  it('mends a shard that rotted or was forged on one zdb', async () => {
    cluster = await Cluster.start({ fronts: 1 });
    const body = content('rot', 1_000_000);
    await put(0, 'rot', body);
    const slot = front(0).archive.slots.current[1];
    if (!slot) throw new Error('no slot 1');
    const { entries } = await slot.data.scan('0', 10);
    const key = entries[0]?.key as Buffer;
    const good = await slot.data.get(key) as Buffer;
    const rotten = Buffer.from(good);
    rotten[100] = (rotten[100] as number) ^ 1;
    await slot.data.set(key, rotten);
    await expectObject(0, 'rot', body);
    const end = performance.now() + 10_000;
    while (!(await slot.data.get(key))?.equals(good)) {
      if (performance.now() > end) throw new Error('the shard was not mended');
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  });
});
