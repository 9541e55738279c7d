import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { LeafCache } from './adapters/sqlite/cache.ts';
import { originOf } from './checkpoint.ts';
import { type Evidence, EVIDENCE_FORMAT } from './evidence.ts';
import { newGrid, removeTemporaryFolders, temporaryFolder } from './grid.fixture.ts';
import { MACHINE_VERSION } from './snapshot/statement.ts';
import { StopRecord, STOPS_FILE } from './stop-record.ts';

const cache = new LeafCache(':memory:');
const opened: StopRecord[] = [];
afterEach(() => { for (const each of opened.splice(0)) each.close(); });
afterAll(() => {
  cache.close();
  removeTemporaryFolders();
});

function open(dir: string, machine?: number, copy = cache): StopRecord {
  const record = new StopRecord(copy, dir, machine);
  opened.push(record);
  return record;
}

const grid = newGrid();
const head = { format: EVIDENCE_FORMAT, origin: originOf(grid.grid), key: grid.signer.key, genesis: grid.genesis } as const;
const root = Buffer.alloc(32).toString('base64');
const fork: Evidence = { ...head, kind: 'fork', message: 'forked', older: 'o', newer: 'n', olderRoot: root, proof: [] };
const withheld = (size: number): Evidence => ({ ...head, kind: 'withholding', message: 'withheld', promised: `o\n${size}\nr\n`, shown: null, since: '2026-11-20T00:00:00Z', until: '2026-11-20T00:01:00Z', observations: 4 });
const refusedBy = (machine?: number): Evidence => ({ ...head, kind: 'entry_invalid', message: 'refused', note: 'n', index: 0, leaf: { seq: 0, time: '2026-11-20T00:00:00.000Z', envelope: grid.genesis }, proof: [], prefix: null, prefixProof: [], ...(machine === undefined ? {} : { machine }) });

describe('a stop record', () => {
  it('of a fork is absorbing, whatever other processes with the same copy think, in whatever order', () => {
    type Step = (record: StopRecord) => void;
    const steps: [string, Step][] = [
      ['withheld 7', (r) => r.stop(withheld(7), 5)], ['withheld 9', (r) => r.stop(withheld(9), 5)], ['lift', (r) => r.lift()],
      ['refused', (r) => r.stop(refusedBy(MACHINE_VERSION), 5)], ['caught', (r) => r.caught('caught', MACHINE_VERSION)], ['refresh', (r) => { r.refresh(); }],
    ];
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(2), fc.constantFrom(...steps)), { maxLength: 8 }), fc.array(fc.tuple(fc.nat(2), fc.constantFrom(...steps)), { minLength: 1, maxLength: 8 }), fc.nat(2), (before, after, who) => {
      const dir = temporaryFolder();
      const records = [open(dir), open(dir), open(dir)];
      for (const [i, [, step]] of before) step(records[i]!);
      records[who]!.stop(fork, 5);
      const kept = records[who]!.stopped;
      expect(kept).toMatchObject({ code: 'ledger_forked', message: 'forked' });
      for (const [i, [, step]] of after) step(records[i]!);
      for (const record of records) record.refresh();
      for (const record of [...records, open(dir), open(dir, MACHINE_VERSION + 1)]) expect(record.stopped).toEqual(kept);
      for (const each of opened.splice(0)) each.close();
    }), { seed: 11, numRuns: 25 });
  });

  it('is told to the other processes, and lifted only by who shows all that any of them was promised', () => {
    const dir = temporaryFolder();
    const [a, b] = [open(dir), open(dir)];
    a.stop(withheld(9), 5);
    expect([b.stopped, b.refresh(), b.refresh(), b.stopped?.code]).toEqual([undefined, true, false, 'ledger_withholding']);
    const c = open(temporaryFolder());
    c.stop(withheld(7), 5);
    a.lift();
    expect([a.stopped, open(dir).stopped]).toEqual([undefined, undefined]);
    a.stop(withheld(7), 5);
    open(dir).stop(withheld(9), 5);
    a.lift();
    expect(a.stopped).toMatchObject({ code: 'ledger_withholding', size: 9 });
  });

  it('that follows from rules is tried again by another version of them; one that follows from signatures is not', () => {
    for (const [evidence, again] of [[refusedBy(MACHINE_VERSION), undefined], [refusedBy(), { code: 'ledger_forked' }], [fork, { code: 'ledger_forked' }]] as const) {
      const dir = temporaryFolder();
      open(dir).stop(evidence, 5);
      expect(open(dir).stopped).toMatchObject({ code: 'ledger_forked', evidence: path.join(dir, `evidence-5-${evidence.kind}.json`) });
      const other = open(dir, MACHINE_VERSION + 1).stopped;
      if (again) expect(other).toMatchObject(again);
      else expect(other).toBeUndefined();
      expect(open(dir).stopped === undefined).toBe(again === undefined);
      expect(existsSync(path.join(dir, `evidence-5-${evidence.kind}.json`))).toBe(true);
    }
  });

  it('is there before its evidence, and gets it', () => {
    const dir = temporaryFolder();
    const record = open(dir);
    record.caught('forked', undefined);
    expect(open(dir).stopped).toEqual({ code: 'ledger_forked', message: 'forked' });
    record.stop(fork, 5);
    const { stopped } = open(dir);
    expect(JSON.parse(readFileSync(stopped?.evidence ?? '', 'utf8'))).toEqual(fork);
  });

  it('takes over what an earlier version kept in the copy, once', () => {
    const dir = temporaryFolder();
    const copy = new LeafCache(path.join(dir, 'log.sqlite'));
    copy.setText('stopped', JSON.stringify({ code: 'ledger_forked', message: 'long ago' }));
    expect(open(dir, undefined, copy).stopped).toMatchObject({ message: 'long ago' });
    copy.close();
    expect(open(dir).stopped).toMatchObject({ message: 'long ago' });
  });

  it('that cannot be read is no free pass', () => {
    for (const spoil of [(file: string) => writeFileSync(file, 'not a database, by far not one, whatever its name says it is'.repeat(100)), (file: string) => {
      const record = open(path.dirname(file));
      record.caught('forked');
      record.close();
      writeFileSync(file, readFileSync(file, 'latin1').replace('ledger_forked', 'ledger_honest'), 'latin1');
    }]) {
      const dir = temporaryFolder();
      spoil(path.join(dir, STOPS_FILE));
      expect(() => open(dir)).toThrow(expect.objectContaining({ code: 'stops_damaged' }) as Error);
    }
  });

  it('remembers what was promised until it was held against the log', () => {
    const dir = temporaryFolder();
    const record = open(dir);
    for (const note of ['a', 'b', 'a', 'c']) record.promise(note);
    record.settle('b');
    expect(open(dir).promises()).toEqual(['a', 'c']);
    for (let n = 0; n < 300; n++) record.promise(`more ${n}`);
    expect(open(dir).promises()).toHaveLength(256);
    expect(open(dir).promises().slice(0, 2)).toEqual(['a', 'c']);
  });
});
