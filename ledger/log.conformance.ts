import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type EntrySigner, sealEnvelope } from '../contract/envelope.ts';
import { verifySignature } from '../signer/verify.ts';
import { openCheckpoint, originOf } from './checkpoint.ts';
import { newGrid, newSigner, removeTemporaryFolders, temporaryFolder, type TestGrid } from './grid.fixture.ts';
import { Leaf, parseLeaf } from './leaf.ts';
import { equalHash, leafHash, verifyConsistency, verifyInclusion } from './merkle.ts';
import { MerkleTree } from './merkle-tree.ts';
import type { Log, SubmitResult } from './ports.ts';
import { replayLeaf } from './replay.ts';
import { emptyState, stateDigest } from './state/machine.ts';

/** What every adapter of the Log port must do, whatever keeps its order. */
export interface LogUnderTest {
  /** Opens the log of this key in this folder, new or again. */
  open(options: { readonly dir: string; readonly signer: EntrySigner }): Promise<Log>;
  /** Envelopes that may wait. */
  readonly maxQueue: number;
  /** Envelopes that become durable together. */
  readonly maxBatch: number;
  /** How long a case may take, in ms, on a machine that is busy; default 30 s. */
  readonly timeoutMs?: number;
  setUp?(): Promise<void>;
  tearDown?(): Promise<void>;
}

const EVERYTHING = { entries: 1_000_000, bytes: 1e9 };
const codes = (results: readonly SubmitResult[]): (string | number)[] => results.map((result) => (result.ok ? result.seq : result.code));
const fingerprint = (log: Log) => ({ size: log.size(), root: Buffer.from(log.root()).toString('hex'), state: stateDigest(log.state()), checkpoint: log.checkpoint() });

export function describeLog(name: string, subject: LogUnderTest): void {
  const open: Log[] = [];
  const openLog = async (dir: string, signer: EntrySigner): Promise<Log> => {
    const log = await subject.open({ dir, signer });
    open.push(log);
    return log;
  };
  const begun = async (grid: TestGrid, dir = temporaryFolder()): Promise<{ log: Log; dir: string }> => {
    const log = await openLog(dir, grid.signer);
    expect(await log.submit([grid.genesis])).toMatchObject([{ ok: true, seq: 0 }]);
    return { log, dir };
  };

  const timeout = subject.timeoutMs ?? 30_000;
  describe(`${name}, as every log`, { timeout }, () => {
    beforeAll(async () => { await subject.setUp?.(); }, timeout);
    afterEach(async () => { for (const log of open.splice(0)) await log.close(); }, timeout);
    afterAll(async () => {
      await subject.tearDown?.();
      removeTemporaryFolders();
    }, timeout);

    it('begins with a grid.created of its own key, and takes nothing else first', async () => {
      const grid = newGrid();
      const log = await openLog(temporaryFolder(), grid.signer);
      expect(log).toMatchObject({ key: grid.signer.key });
      expect([log.size(), log.grid(), log.checkpoint(), log.read(0, EVERYTHING)]).toEqual([0, undefined, undefined, []]);
      const results = await log.submit([grid.principal('too early'), newGrid().genesis, grid.genesis, newGrid(grid.signer).genesis]);
      expect(codes(results)).toEqual(['grid_missing', 'not_this_ledger', 0, 'grid_exists']);
      expect([log.size(), log.grid()]).toEqual([1, grid.grid]);
    });

    it('keeps the order of arrival over batches and callers, and is the same after it was opened again', async () => {
      const grid = newGrid();
      const { log, dir } = await begun(grid);
      const names = Array.from({ length: subject.maxBatch + 44 }, (_, i) => `p${i}`);
      const parts = [names.slice(0, 17), names.slice(17)];
      const answers = await Promise.all(parts.map((part) => log.submit(part.map((one) => grid.principal(one)))));
      expect(codes(answers.flat())).toEqual(names.map((_, i) => i + 1));
      const before = fingerprint(log);
      await log.close();
      const again = await openLog(dir, grid.signer);
      expect(fingerprint(again)).toEqual(before);
      expect(again.size()).toBe(names.length + 1);
      expect(codes(await again.submit([grid.principal('later')]))).toEqual([names.length + 1]);
    });

    it('gives the same envelope the same place: in one batch, at once from two callers, later, and after it was opened again', async () => {
      const grid = newGrid();
      const { log, dir } = await begun(grid);
      const entry = grid.principal('once');
      const [[a, b], [c]] = await Promise.all([log.submit([entry, entry]), log.submit([entry])]);
      expect(a).toMatchObject({ ok: true, seq: 1 });
      expect(a).not.toHaveProperty('duplicate');
      for (const one of [b, c, ...(await log.submit([entry]))]) expect(one).toEqual({ ...a, duplicate: true });
      await log.close();
      const again = await openLog(dir, grid.signer);
      expect(await again.submit([entry])).toEqual([{ ...a, duplicate: true }]);
      expect(again.size()).toBe(2);
    });

    it('answers every bad envelope with its code, a message and a hint, and the good ones beside it', async () => {
      const grid = newGrid();
      const { log } = await begun(grid);
      const good = grid.principal('good');
      const forged = { ...good, signatures: [{ ...good.signatures[0], sig: Buffer.alloc(64, 1).toString('base64') }] };
      const strange = sealEnvelope('tick', { grid: grid.grid, beat: 1 }, newSigner());
      const unknown = sealEnvelope('no.such', { grid: grid.grid }, grid.signer);
      const results = await log.submit([null, 7, [], { ...good, extra: 1 }, forged, newGrid(grid.signer).principal('other grid'), strange, unknown, good]);
      expect(codes(results)).toEqual(['envelope_invalid', 'envelope_invalid', 'envelope_invalid', 'envelope_invalid', 'signature_invalid', 'grid_mismatch', 'not_permitted', 'entry_invalid', 1]);
      for (const result of results) expect(result.ok || (result.message !== '' && result.hint !== '')).toBe(true);
      expect(log.size()).toBe(2);
    });

    it('judges each entry after those before it, also inside one batch', async () => {
      const grid = newGrid();
      const { log } = await begun(grid);
      const tick = (beat: number) => sealEnvelope('tick', { grid: grid.grid, beat }, grid.signer);
      expect(codes(await log.submit([tick(2), tick(1), tick(3)]))).toEqual([1, 'stale_revision', 2]);
      expect(codes(await log.submit([tick(3), tick(1), tick(4)]))).toEqual([2, 'stale_revision', 3]);
      expect(log.state().tick).toBe(4);
    });

    it('answers nothing with nothing', async () => {
      const { log } = await begun(newGrid());
      expect(await log.submit([])).toEqual([]);
    });

    it('has leaves of its own time, never going back, from which alone everything else follows', async () => {
      const grid = newGrid();
      const { log } = await begun(grid);
      const results = await log.submit(['a', 'b', 'c'].map((one) => grid.principal(one)));
      const state = emptyState();
      const tree = new MerkleTree();
      const leaves = log.read(0, EVERYTHING);
      expect(leaves.length).toBe(log.size());
      leaves.forEach((bytes, seq) => {
        const replayed = replayLeaf(state, bytes, seq, verifySignature);
        expect(replayed).toMatchObject({ ok: true });
        tree.append(leafHash(bytes));
        expect(equalHash(log.leafHash(seq), leafHash(bytes))).toBe(true);
      });
      expect(equalHash(tree.root(), log.root())).toBe(true);
      expect(stateDigest(state)).toBe(stateDigest(log.state()));
      const times = leaves.map((bytes) => Leaf.parse(parseLeaf(bytes)).time);
      expect(times).toEqual([...times].sort());
      expect(results.map((result) => result.ok && result.time)).toEqual(times.slice(1));
      expect(Math.abs(Date.parse(times[0] ?? '') - Date.now())).toBeLessThan(10 * 60_000);
    });

    it('bounds what waits, and says so', async () => {
      const grid = newGrid();
      const { log } = await begun(grid);
      const first = log.submit(Array.from({ length: subject.maxQueue }, () => null));
      expect(await log.submit([grid.principal('too many')])).toMatchObject([{ ok: false, code: 'busy', hint: expect.stringMatching(/\S/) as string }]);
      expect((await first).length).toBe(subject.maxQueue);
      expect(codes(await log.submit([grid.principal('now')]))).toEqual([1]);
    });

    it('proves entries and prefixes under signed checkpoints of any size', async () => {
      const grid = newGrid();
      const { log } = await begun(grid);
      await log.submit(Array.from({ length: 20 }, (_, i) => grid.principal(`p${i}`)));
      const at = (size: number) => {
        const opened = openCheckpoint(log.checkpoint(size) ?? '', { origin: originOf(grid.grid), key: grid.signer.key, verify: verifySignature });
        if (!opened.ok) throw new Error(opened.message);
        expect(opened.checkpoint.size).toBe(size);
        return opened.checkpoint.root;
      };
      expect(verifyInclusion({ index: 7, size: 21, leaf: log.leafHash(7), root: at(21), proof: log.inclusionProof(7, 21) })).toBe(true);
      expect(verifyInclusion({ index: 7, size: 21, leaf: log.leafHash(8), root: at(21), proof: log.inclusionProof(7, 21) })).toBe(false);
      expect(verifyConsistency({ from: 6, to: 21, fromRoot: at(6), toRoot: at(21), proof: log.consistencyProof(6, 21) })).toBe(true);
      expect(equalHash(at(21), log.root())).toBe(true);
      expect(equalHash(at(6), log.root(6))).toBe(true);
      expect(() => log.checkpoint(22)).toThrow(RangeError);
      expect(() => log.inclusionProof(21, 21)).toThrow(RangeError);
      expect(() => log.consistencyProof(1, 22)).toThrow(RangeError);
    });

    it('reads from anywhere, within both bounds, and at least one', async () => {
      const grid = newGrid();
      const { log } = await begun(grid);
      await log.submit(Array.from({ length: 9 }, (_, i) => grid.principal(`p${i}`)));
      const seqs = (from: number, bounds: { entries: number; bytes: number }) => log.read(from, bounds).map((bytes) => parseLeaf(bytes).seq);
      expect(seqs(0, { entries: 100, bytes: 1 })).toEqual([0]);
      expect(seqs(3, { entries: 4, bytes: 1e6 })).toEqual([3, 4, 5, 6]);
      expect(seqs(8, { entries: 4, bytes: 1e6 })).toEqual([8, 9]);
      expect(seqs(10, { entries: 4, bytes: 1e6 })).toEqual([]);
      const [first, second] = log.read(4, EVERYTHING);
      expect(seqs(4, { entries: 9, bytes: (first?.length ?? 0) + (second?.length ?? 0) })).toEqual([4, 5]);
    });

    it('tells of what became durable, and of nothing else, until it is told to stop', async () => {
      const grid = newGrid();
      const { log } = await begun(grid);
      const sizes: number[] = [];
      const stop = log.onCommit(() => sizes.push(log.read(0, EVERYTHING).length));
      await log.submit([grid.principal('a')]);
      await log.submit([null, grid.genesis]);
      expect(sizes).toEqual([2]);
      stop();
      await log.submit([grid.principal('b')]);
      expect(sizes).toEqual([2]);
    });

    it('belongs to one process and to one key', async () => {
      const grid = newGrid();
      const { log, dir } = await begun(grid);
      await expect(subject.open({ dir, signer: grid.signer })).rejects.toMatchObject({ code: 'ledger_in_use' });
      await log.close();
      await expect(subject.open({ dir, signer: newSigner() })).rejects.toMatchObject({ code: 'store_damaged', message: expect.stringContaining('belongs to ledger') as string });
      expect((await openLog(dir, grid.signer)).size()).toBe(1);
    });

    it('settles what waits when it closes; what it acknowledged is there again', async () => {
      const grid = newGrid();
      const { log, dir } = await begun(grid);
      const waiting = log.submit(['a', 'b'].map((one) => grid.principal(one)));
      const [, outcome] = await Promise.all([log.close(), waiting.then((results) => results, (error: unknown) => error)]);
      await log.close();
      await expect(log.submit([grid.principal('after')])).rejects.toThrow(/closed/);
      const again = await openLog(dir, grid.signer);
      if (!Array.isArray(outcome)) expect(outcome).toBeInstanceOf(Error);
      else expect(again.read(1, EVERYTHING).map((bytes) => parseLeaf(bytes).seq)).toEqual(codes(outcome as SubmitResult[]));
    });
  });
}
