import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Log } from './log.ts';
import { entryOf, Namespace, type Entry } from './namespace.ts';
import { createSegment, type Segment } from './segment.ts';

let dir = '';
let segment: Segment;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'zdb-'));
  segment = await createSegment(dir, 5, 1000);
});
afterAll(async () => {
  await segment.file.close();
  await rm(dir, { recursive: true });
});

const version = (key: string, seq: number, deleted = false): Entry =>
  entryOf({ namespace: 1, key, seq, deleted, valueLength: deleted ? 0 : seq, valueCrc: 0, time: 0, batchStart: 0 }, segment, seq * 100);
const versions = fc.array(fc.tuple(fc.constantFrom(...'abcde'), fc.boolean()), { maxLength: 60 });
const seen = (namespace: Namespace) => namespace.scan(0, 1000).map((e) => [e.key, e.seq, e.deleted, e.older]);

describe('Namespace', () => {
  it('comes to the same index in whatever order recovery finds the records', () => {
    fc.assert(
      fc.property(versions, fc.array(fc.nat(), { minLength: 60, maxLength: 60 }), (list, draws) => {
        const applied = new Namespace(1, 'x', 0, 'user');
        list.forEach(([key, deleted], i) => applied.apply(version(key, i + 1, deleted)));
        const shuffled = list.map(([key, deleted], i) => ({ at: draws[i] ?? 0, entry: version(key, i + 1, deleted) }));
        const recovered = new Namespace(1, 'x', 0, 'user');
        for (const { entry } of shuffled.sort((a, b) => a.at - b.at)) recovered.recover(entry);
        recovered.recovered();
        expect(seen(recovered)).toEqual(seen(applied));
        expect([recovered.live, recovered.deleted, recovered.liveBytes]).toEqual([applied.live, applied.deleted, applied.liveBytes]);
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  it('takes the later one of two places of the same record', () => {
    const namespace = new Namespace(1, 'x', 0, 'user');
    const [first, moved] = [version('a', 1), version('a', 1)];
    moved.offset = 9999;
    namespace.recover(first);
    namespace.recover(moved);
    namespace.recovered();
    expect(namespace.get('a')).toMatchObject({ offset: 9999, older: 1 });
    expect(seen(namespace)).toHaveLength(1);
  });

  it('scans each key once, by sequence, from any cursor, however often it was written', () => {
    const namespace = new Namespace(1, 'x', 0, 'user');
    for (let seq = 1; seq <= 10_000; seq += 1) namespace.apply(version(`k${(seq * seq) % 97}`, seq));
    const newest = new Map(Array.from({ length: 10_000 }, (_, i) => [`k${((i + 1) * (i + 1)) % 97}`, i + 1]));
    const truth = [...newest].sort((a, b) => a[1] - b[1]);
    for (const after of [0, 1, 9000, 9900, 9999, 10_000, 1e15]) {
      expect(namespace.scan(after, 1000).map((e) => [e.key, e.seq])).toEqual(truth.filter(([, seq]) => seq > after));
    }
    expect(namespace.scan(0, 3).map((e) => e.seq)).toEqual(truth.slice(0, 3).map(([, seq]) => seq));
  });
});

describe('Log', () => {
  it('gives no sequence twice, also when the records that had them are reclaimed', async () => {
    const log = await Log.open({ dir, segmentBytes: 1000, onRecord: () => undefined });
    expect(log.nextSeq).toBe(1000);
    await log.close();
  });
});
