import { appendFile, mkdtemp, open, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogCorrupt } from './log.ts';
import type { Namespace } from './namespace.ts';
import { Store, StoreLocked, type StoreOptions, WrongMode } from './store.ts';
import { verifyLog } from './verify.ts';

const GB = 1_000_000_000n;
const bytes = (text: string): Buffer => Buffer.from(text);
const fail = (error: unknown): never => {
  throw error;
};

let dir = '';
let stores: Store[] = [];

async function opened(options: Partial<StoreOptions> = {}): Promise<Store> {
  const store = await Store.open({ dir, capacity: GB, onFailure: fail, ...options });
  stores.push(store);
  return store;
}
function main(store: Store): Namespace {
  const namespace = store.namespace('default');
  if (!namespace) throw new Error('no default namespace');
  return namespace;
}
const set = (store: Store, key: string, value: string | Buffer) => store.set(main(store), bytes(key), Buffer.from(value));
const del = (store: Store, key: string) => store.delete(main(store), bytes(key));
async function get(store: Store, key: string): Promise<string | undefined> {
  const entry = main(store).get(key);
  return entry && (await store.read(entry))?.toString();
}
const segments = async (): Promise<string[]> => (await readdir(dir)).filter((n) => n.endsWith('.seg')).sort();
const segmentPath = async (i: number): Promise<string> => join(dir, (await segments()).at(i) ?? 'none');

async function eventually(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 500 && !(await holds()); i += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await holds()).toBe(true);
}

async function flip(path: string, offset: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset);
  byte.writeUInt8(byte.readUInt8(0) ^ 0xff, 0);
  await file.write(byte, 0, 1, offset);
  await file.close();
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'zdb-'));
});
afterEach(async () => {
  for (const store of stores) await store.close();
  stores = [];
  await rm(dir, { recursive: true, force: true });
});

describe('Store', () => {
  it('keeps binary keys and values, the newest of each, over a restart', async () => {
    const key = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    let store = await opened({ namespaces: ['index'] });
    const index = store.namespace('index');
    if (!index) throw new Error('no index');
    expect(await store.set(index, key, key)).toEqual({ ok: true, key: key.toString('latin1'), existed: false });
    await set(store, 'a', 'one');
    expect(await set(store, 'a', 'two')).toEqual({ ok: true, key: 'a', existed: true });
    await set(store, 'gone', 'x');
    expect(await del(store, 'gone')).toEqual({ ok: true, key: 'gone', existed: true });
    expect(await del(store, 'gone')).toEqual({ ok: true, key: 'gone', existed: false });
    await set(store, 'empty', '');
    await store.setMaxSize(index, 12_345n);
    await store.close();

    store = await opened();
    const again = store.namespace('index');
    const entry = again?.get(key.toString('latin1'));
    expect(again?.maxSize).toBe(12_345);
    expect(entry && (await store.read(entry))).toEqual(key);
    expect([await get(store, 'a'), await get(store, 'gone'), await get(store, 'empty')]).toEqual(['two', undefined, '']);
    expect(main(store).scan(0, 10).map((e) => [e.key, e.seq, e.deleted])).toEqual([
      ['a', 3, false],
      ['gone', 5, true],
      ['empty', 6, false],
    ]);
    await set(store, 'b', 'x');
    expect(main(store).lastSeq).toBe(7);
  });

  it('decides deletes on the writes before them, in one batch too', async () => {
    const store = await opened();
    const results = await Promise.all([set(store, 'k', '1'), del(store, 'k'), del(store, 'k'), set(store, 'k', '2')]);
    expect(results.map((r) => r.ok && r.existed)).toEqual([false, true, false, false]);
    expect(await get(store, 'k')).toBe('2');
  });

  it('shows a write only after it is durable', async () => {
    const store = await opened();
    const written = set(store, 'k', 'v');
    expect(main(store).get('k')).toBeUndefined();
    await written;
    expect(main(store).get('k')).toBeDefined();
  });

  it('refuses keys and values out of bounds', async () => {
    const store = await opened();
    expect(await set(store, '', 'v')).toMatchObject({ ok: false, code: 'ERR' });
    expect(await set(store, 'k'.repeat(513), 'v')).toMatchObject({ ok: false, code: 'ERR' });
    expect(await set(store, 'k'.repeat(512), 'v')).toMatchObject({ ok: true });
    expect(await set(store, 'k', Buffer.alloc(16 * 1024 * 1024 + 1))).toMatchObject({ ok: false, code: 'ERR' });
  });

  it('numbers what it is given in mode seq, ever higher, and takes no key that it did not give', async () => {
    let store = await opened({ mode: 'seq', namespaces: ['log'] });
    const log = store.namespace('log') ?? expect.fail('no log');
    const add = async (text: string): Promise<string> => {
      const result = await store.set(store.namespace('log') ?? log, Buffer.alloc(0), bytes(text));
      return result.ok ? result.key : result.code;
    };
    expect(await Promise.all(['a', 'b', 'c'].map(add))).toEqual(['1', '2', '3']);
    expect(await store.set(log, bytes('2'), bytes('B'))).toEqual({ ok: true, key: '2', existed: true });
    for (const key of ['4', '9', 'two', '02']) expect(await store.set(log, bytes(key), bytes('x'))).toMatchObject({ ok: false, code: 'ERR' });
    expect(await store.delete(log, bytes('3'))).toMatchObject({ ok: true, existed: true });
    expect(await store.set(log, bytes('3'), bytes('again'))).toMatchObject({ ok: false, code: 'ERR' });
    const after = await add('d');
    expect(Number(after)).toBeGreaterThan(3);
    expect(await set(store, '', 'in default too')).toMatchObject({ ok: true, key: String(Number(after) + 1) });
    await store.close();

    store = await opened({ mode: 'seq' });
    const again = store.namespace('log') ?? expect.fail('no log');
    expect(Number(await add('e'))).toBeGreaterThan(Number(after) + 1);
    expect(await Promise.all(again.scan(0, 10).map(async (e) => [e.key, String(await store.read(e))]))).toEqual([['1', 'a'], ['2', 'B'], ['3', ''], [after, 'd'], [again.scan(0, 10).at(-1)?.key, 'e']]);
  });

  it('decides in one batch whether a number was given, and gives none for what finds no room', async () => {
    const store = await opened({ mode: 'seq' });
    await store.setMaxSize(main(store), 1000n);
    const results = await Promise.all([set(store, '', 'x'), set(store, '1', 'y'), set(store, '2', 'z'), del(store, '1'), set(store, '1', 'w'), set(store, '', Buffer.alloc(2000)), set(store, '', 'last')]);
    expect(results.map((r) => (r.ok ? r.key : r.code))).toEqual(['1', '1', 'ERR', '1', 'ERR', 'NOSPACE', '4']);
  });

  it('keeps the mode of a directory for good: data of older contracts is in mode user', async () => {
    const before = await opened({ namespaces: ['data'] });
    await set(before, 'k', 'v');
    await before.close();
    expect(await readFile(join(dir, 'namespaces.json'), 'utf8')).not.toContain('mode');
    await expect(opened({ mode: 'seq' })).rejects.toThrow(WrongMode);
    const store = await opened({ mode: 'user' });
    expect([await get(store, 'k'), main(store).mode]).toEqual(['v', 'user']);
    expect(await set(store, '', 'v')).toMatchObject({ ok: false, code: 'ERR' });
    await store.close();
    await rm(dir, { recursive: true });
    await (await opened({ mode: 'seq' })).close();
    expect(await verifyLog(dir)).toMatchObject({ ok: true });
    await expect(opened()).rejects.toThrow(/default was made in mode seq/);
  });

  it('is open once at a time', async () => {
    await opened();
    await expect(opened()).rejects.toThrow(StoreLocked);
  });

  it('stays within capacity and maxsize, and deletes when full', async () => {
    const store = await opened({ capacity: 10_000n, namespaces: ['small'] });
    const small = store.namespace('small');
    if (!small) throw new Error('no namespace');
    await store.setMaxSize(small, 200n);
    expect(await store.set(small, bytes('k'), Buffer.alloc(150))).toMatchObject({ ok: true });
    expect(await store.set(small, bytes('k'), Buffer.alloc(150))).toMatchObject({ ok: false, code: 'NOSPACE' });
    const results = await Promise.all(Array.from({ length: 12 }, (_, i) => set(store, `k${i}`, Buffer.alloc(1000))));
    expect(results.filter((r) => r.ok)).toHaveLength(9);
    expect(results.find((r) => !r.ok)).toMatchObject({ code: 'NOSPACE' });
    expect(store.bytes).toBeLessThanOrEqual(10_000);
    expect(await del(store, 'k0')).toMatchObject({ ok: true, existed: true });
    expect(await set(store, 'last', Buffer.alloc(1000))).toMatchObject({ ok: false, code: 'NOSPACE' });
  });
});

describe('recovery', () => {
  it('cuts a torn last record off at every byte, and writes on', async () => {
    let store = await opened();
    await set(store, 'first', 'kept');
    const whole = store.bytes;
    await set(store, 'last', 'torn away');
    await store.close();
    const path = await segmentPath(0);
    const image = await readFile(path);
    expect(image.length - whole).toBe(40 + 4 + 9);
    for (let size = whole; size <= image.length; size += 1) {
      for (const filler of [0, 40]) {
        await writeFile(path, Buffer.concat([image.subarray(0, size), Buffer.alloc(size === image.length ? 0 : filler)]));
        store = await opened();
        expect(await get(store, 'first')).toBe('kept');
        expect(await get(store, 'last')).toBe(size === image.length ? 'torn away' : undefined);
        await set(store, 'next', 'written');
        await store.close();
        expect(await verifyLog(dir)).toMatchObject({ ok: true, records: size === image.length ? 3 : 2 });
        store = await opened();
        expect(await get(store, 'next')).toBe('written');
        await store.close();
      }
    }
  });

  it('does not take bytes that a client wrote inside a value for records', async () => {
    let store = await opened();
    await set(store, 'a', 'x');
    await set(store, 'b', 'y');
    await store.close();
    const log = await readFile(await segmentPath(0));
    store = await opened();
    await set(store, 'c', log);
    await store.close();
    const elsewhere = await mkdtemp(join(tmpdir(), 'zdb-'));
    const other = await Store.open({ dir: elsewhere, capacity: GB, onFailure: fail });
    await other.set(main(other), bytes('c'), log);
    await other.close();
    const path = join(elsewhere, '0000000001.seg');
    await writeFile(path, (await readFile(path)).subarray(0, -1));
    const again = await Store.open({ dir: elsewhere, capacity: GB, onFailure: fail });
    expect(again.records).toBe(0);
    await again.close();
    await rm(elsewhere, { recursive: true });
  });

  it('refuses to open when a durable header is damaged, and names the place', async () => {
    const store = await opened();
    for (const key of ['a', 'b', 'c']) await set(store, key, 'value');
    await store.close();
    const second = 32 + 46;
    await flip(await segmentPath(0), second + 12);
    await expect(opened()).rejects.toThrow(LogCorrupt);
    expect(await verifyLog(dir)).toMatchObject({ ok: false, code: 'bad_record', segment: 1, offset: second });
    await flip(await segmentPath(0), second + 12);
    expect((await opened()).records).toBe(3);
  });

  it('never gives out a damaged value, and says which one it is', async () => {
    let store = await opened();
    for (const key of ['a', 'b', 'c']) await set(store, key, 'value');
    await store.close();
    await flip(await segmentPath(0), 32 + 45);
    expect(await verifyLog(dir)).toMatchObject({ ok: false, code: 'bad_value', segment: 1, offset: 32 });
    store = await opened();
    const entry = main(store).get('a');
    const sound = main(store).get('b');
    if (!entry || !sound) throw new Error('entry is gone');
    expect(await store.read(entry)).toBeUndefined();
    expect([await store.check(entry), await store.check(sound)]).toEqual([false, true]);
  });

  it('detects every flipped byte of a log', async () => {
    const store = await opened();
    for (const key of ['a', 'b', 'c']) await set(store, key, 'value');
    await store.close();
    const path = await segmentPath(0);
    const { size } = await stat(path);
    for (let offset = 0; offset < size; offset += 1) {
      await flip(path, offset);
      // Bytes 22 to 27 of a segment header are unused, and under its CRC like the rest.
      expect(await verifyLog(dir), `byte ${offset}`).toMatchObject({ ok: false });
      await flip(path, offset);
    }
    expect(await verifyLog(dir)).toMatchObject({ ok: true });
    await appendFile(path, 'x');
    expect(await verifyLog(dir)).toMatchObject({ ok: false, code: 'bad_record', offset: size });
  });
});

describe('reclaim', () => {
  const KB = Buffer.alloc(1000, 1);

  it('deletes sealed segments without live values, and keeps what is newest, its sequence and the tombstones', async () => {
    let store = await opened({ segmentBytes: 20_000 });
    await set(store, 'keep', 'me');
    for (let i = 0; i < 100; i += 1) await set(store, `k${i % 50}`, KB);
    for (let i = 0; i < 50; i += 1) await del(store, `k${i}`);
    await eventually(() => main(store).bytes < 20_000);
    expect(await segments()).not.toContain('0000000001.seg');
    expect(store.bytes).toBeLessThan(40_000);
    const before = main(store).scan(0, 1000).map((e) => [e.key, e.seq, e.time, e.deleted]);
    expect(before).toHaveLength(51);
    expect(before[0]?.slice(0, 2)).toEqual(['keep', 1]);
    const size = main(store).bytes;
    await store.close();
    expect(await verifyLog(dir)).toMatchObject({ ok: true });

    store = await opened({ segmentBytes: 20_000 });
    expect(main(store).scan(0, 1000).map((e) => [e.key, e.seq, e.time, e.deleted])).toEqual(before);
    expect(main(store).bytes).toBe(size);
    expect(await get(store, 'keep')).toBe('me');
    await set(store, 'new', 'x');
    expect(main(store).lastSeq).toBe(152);
  });

  it('lets a small store be written over and over', async () => {
    const store = await opened({ capacity: 200_000n, segmentBytes: 20_000 });
    for (let i = 0; i < 1000; i += 1) expect(await set(store, `k${i % 10}`, KB)).toMatchObject({ ok: true });
    expect(store.bytes).toBeLessThan(200_000);
    expect(store.records).toBe(10);
  });

  it('writes no damage again under a CRC that fits', async () => {
    let store = await opened({ segmentBytes: 20_000 });
    await set(store, 'damaged', 'value');
    await store.close();
    store = await opened({ segmentBytes: 20_000 });
    await set(store, 'x', 'y');
    await flip(await segmentPath(0), 32 + 40 + 7);
    for (let i = 0; i < 100; i += 1) await set(store, 'k', KB);
    await store.close();
    store = await opened({ segmentBytes: 20_000 });
    const entry = main(store).get('damaged');
    expect(entry && (await store.check(entry))).toBe(false);
    expect(await verifyLog(dir)).toMatchObject({ ok: false, code: 'bad_value', segment: 1, offset: 32 });
  });

  it('follows a model over random writes, restarts and expired tombstones', { timeout: 20_000 }, async () => {
    const LATER = 8 * 24 * 60 * 60 * 1000;
    const keys = fc.constantFrom(...'abcdefgh');
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('set' as const), key: keys, size: fc.nat(1500) }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('del' as const), key: keys }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 120 }), async (steps) => {
        await rm(dir, { recursive: true, force: true });
        const options = { segmentBytes: 2_000, now: () => Date.now() + LATER };
        const model = new Map<string, Buffer>();
        let store = await opened(options);
        let lastSeq = 0;
        for (const s of steps) {
          if (s.do === 'restart') {
            await store.close();
            store = await opened(options);
          } else if (s.do === 'del') {
            expect(await del(store, s.key)).toEqual({ ok: true, key: s.key, existed: model.delete(s.key) });
          } else {
            const value = Buffer.alloc(s.size, `${lastSeq}.`);
            await set(store, s.key, value);
            model.set(s.key, value);
            const seq = main(store).get(s.key)?.seq ?? 0;
            expect(seq).toBeGreaterThan(lastSeq);
            lastSeq = seq;
          }
        }
        await store.close();
        expect(await verifyLog(dir)).toMatchObject({ ok: true });
        store = await opened(options);
        expect(store.records).toBe(model.size);
        for (const [key, value] of model) expect(await get(store, key)).toBe(value.toString());
        await store.close();
        const onDisk = await Promise.all((await segments()).map((name) => stat(join(dir, name))));
        expect(main(store).bytes).toBe(onDisk.reduce((sum, file) => sum + file.size - 32, 0));
      }),
      { seed: 11, numRuns: 40 },
    );
  });

  it('forgets a tombstone in time when nothing older is left, and not before', async () => {
    const options = { segmentBytes: 2_000, now: () => Date.now() + 8 * 24 * 60 * 60 * 1000 };
    let store = await opened(options);
    await Promise.all([set(store, 'shadow', 'old'), set(store, 'live', Buffer.alloc(1900))]);
    await Promise.all([set(store, 'brief', 'x'), set(store, 'filler', Buffer.alloc(1900))]);
    await Promise.all([del(store, 'shadow'), del(store, 'brief'), set(store, 'filler2', Buffer.alloc(1900))]);
    await Promise.all([del(store, 'filler'), del(store, 'filler2')]);
    await set(store, 'pad', Buffer.alloc(1900));
    await set(store, 'end', 'x');
    await eventually(() => main(store).newest('brief') === undefined);
    await store.close();
    store = await opened(options);
    expect(main(store).newest('brief')).toBeUndefined();
    expect(await get(store, 'shadow')).toBeUndefined();
    expect(main(store).newest('shadow')?.deleted).toBe(true);
  });

  it('finishes the reads that began before a segment was deleted', async () => {
    const store = await opened({ segmentBytes: 20_000 });
    for (let i = 0; i < 40; i += 1) await set(store, `k${i}`, Buffer.alloc(1000, i));
    const reads = Array.from({ length: 40 }, async (_, i) => {
      const entry = main(store).get(`k${i}`);
      for (let n = 0; entry && n < 20; n += 1) expect((await store.read(entry))?.[0]).toBe(i);
    });
    await Promise.all([...reads, ...Array.from({ length: 40 }, (_, i) => del(store, `k${i}`))]);
    await set(store, 'x', 'y');
    await eventually(async () => (await segments()).length <= 2);
    expect(store.records).toBe(1);
  });
});
