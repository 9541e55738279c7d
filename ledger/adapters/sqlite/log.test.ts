import { cpSync, copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { openCheckpoint, originOf } from '../../checkpoint.ts';
import { newGrid, newSigner, removeTemporaryFolders, temporaryFolder } from '../../grid.fixture.ts';
import { parseLeaf } from '../../leaf.ts';
import { equalHash, verifyConsistency, verifyInclusion } from '../../merkle.ts';
import type { Log } from '../../ports.ts';
import { stateDigest } from '../../state/machine.ts';
import { verifySignature } from '../../../signer/verify.ts';
import { MAX_BATCH, MAX_QUEUE, openSqliteLog, type SqliteLogOptions } from './log.ts';

const open: Log[] = [];
async function openLog(options: SqliteLogOptions): Promise<Log> {
  const log = await openSqliteLog(options);
  open.push(log);
  return log;
}
afterEach(async () => { for (const log of open.splice(0)) await log.close(); });
afterAll(removeTemporaryFolders);

describe('the SQLite log', () => {
  it('begins with a grid.created of its own key, and takes nothing else first', async () => {
    const grid = newGrid();
    const log = await openLog({ dir: temporaryFolder(), signer: grid.signer });
    const foreign = newGrid();
    const [early, other, first, second] = await log.submit([grid.principal('too early'), foreign.genesis, grid.genesis, newGrid(grid.signer).genesis]);
    expect(early).toMatchObject({ ok: false, code: 'grid_missing' });
    expect(other).toMatchObject({ ok: false, code: 'not_this_ledger' });
    expect(first).toMatchObject({ ok: true, seq: 0 });
    expect(second).toMatchObject({ ok: false, code: 'grid_exists' });
    expect(log.size()).toBe(1);
    expect(log.grid()).toBe(grid.grid);
  });

  it('keeps the order of arrival over many batches and callers, and is the same after a restart', async () => {
    const grid = newGrid();
    const options = { dir: temporaryFolder(), signer: grid.signer };
    const log = await openLog(options);
    await log.submit([grid.genesis]);
    const names = Array.from({ length: 3 * MAX_BATCH + 5 }, (_, i) => `p${i}`);
    const halves = [names.slice(0, 400), names.slice(400)];
    const answers = await Promise.all(halves.map((half) => log.submit(half.map((name) => grid.principal(name)))));
    expect(answers.flat().map((r) => r.ok && r.seq)).toEqual(names.map((_, i) => i + 1));
    const before = { root: Buffer.from(log.root()).toString('hex'), digest: stateDigest(log.state()), note: log.checkpoint() };
    await log.close();
    const again = await openLog(options);
    expect({ root: Buffer.from(again.root()).toString('hex'), digest: stateDigest(again.state()), note: again.checkpoint() }).toEqual(before);
    expect(again.size()).toBe(names.length + 1);
  });

  it('gives the same envelope the same place, in one batch and later', async () => {
    const grid = newGrid();
    const log = await openLog({ dir: temporaryFolder(), signer: grid.signer });
    const entry = grid.principal('once');
    const [, a, b] = await log.submit([grid.genesis, entry, entry]);
    const [c] = await log.submit([entry]);
    expect(a).toMatchObject({ ok: true, seq: 1 });
    expect(b).toEqual({ ...a, duplicate: true });
    expect(c).toEqual(b);
    expect(log.size()).toBe(2);
  });

  it('answers every bad envelope, and the good ones beside it', async () => {
    const grid = newGrid();
    const log = await openLog({ dir: temporaryFolder(), signer: grid.signer });
    await log.submit([grid.genesis]);
    const good = grid.principal('good');
    const forged = { ...good, signatures: [{ ...good.signatures[0], sig: Buffer.alloc(64, 1).toString('base64') }] };
    const results = await log.submit([null, 7, [], { ...good, extra: 1 }, forged, newGrid(grid.signer).principal('other grid'), good]);
    expect(results.map((r) => (r.ok ? r.seq : r.code))).toEqual(['envelope_invalid', 'envelope_invalid', 'envelope_invalid', 'envelope_invalid', 'signature_invalid', 'grid_mismatch', 1]);
  });

  it('never lets time go back', async () => {
    const grid = newGrid();
    let clock = Date.parse('2026-11-20T12:00:00.000Z');
    const log = await openLog({ dir: temporaryFolder(), signer: grid.signer, now: () => clock });
    await log.submit([grid.genesis]);
    clock -= 3_600_000;
    const [result] = await log.submit([grid.principal('late clock')]);
    expect(result).toMatchObject({ ok: true, time: '2026-11-20T12:00:00.000Z' });
  });

  it('bounds what waits', async () => {
    const grid = newGrid();
    const log = await openLog({ dir: temporaryFolder(), signer: grid.signer });
    const first = log.submit(Array.from({ length: MAX_QUEUE }, () => null));
    const [refused] = await log.submit([grid.genesis]);
    expect(refused).toMatchObject({ ok: false, code: 'busy' });
    expect((await first).length).toBe(MAX_QUEUE);
    expect((await log.submit([grid.genesis]))[0]).toMatchObject({ ok: true });
  });

  it('proves entries and prefixes under signed checkpoints of any size', async () => {
    const grid = newGrid();
    const log = await openLog({ dir: temporaryFolder(), signer: grid.signer });
    await log.submit([grid.genesis, ...Array.from({ length: 20 }, (_, i) => grid.principal(`p${i}`))]);
    const at = (size: number) => {
      const opened = openCheckpoint(log.checkpoint(size) ?? '', { origin: originOf(grid.grid), key: grid.signer.key, verify: verifySignature });
      if (!opened.ok) throw new Error(opened.message);
      return opened.checkpoint.root;
    };
    expect(verifyInclusion({ index: 7, size: 21, leaf: log.leafHash(7), root: at(21), proof: log.inclusionProof(7, 21) })).toBe(true);
    expect(verifyConsistency({ from: 6, to: 21, fromRoot: at(6), toRoot: at(21), proof: log.consistencyProof(6, 21) })).toBe(true);
    expect(equalHash(at(21), log.root())).toBe(true);
    expect(log.read(0, { entries: 100, bytes: 1 }).length).toBe(1);
    expect(log.read(3, { entries: 4, bytes: 1e6 }).map((bytes) => parseLeaf(bytes).seq)).toEqual([3, 4, 5, 6]);
  });

  it('is one process at a time', async () => {
    const grid = newGrid();
    const options = { dir: temporaryFolder(), signer: grid.signer };
    const log = await openLog(options);
    await expect(openSqliteLog(options)).rejects.toMatchObject({ code: 'ledger_in_use' });
    await log.close();
    await openLog(options);
  });

  it('refuses to start on a store that was changed, shortened or belongs to another key', async () => {
    const grid = newGrid();
    const dir = temporaryFolder();
    const log = await openLog({ dir, signer: grid.signer });
    await log.submit([grid.genesis, grid.principal('a')]);
    await log.close();
    const older = temporaryFolder();
    copyFileSync(path.join(dir, 'ledger.sqlite'), path.join(older, 'ledger.sqlite'));
    const longer = await openLog({ dir, signer: grid.signer });
    await longer.submit([grid.principal('b')]);
    await longer.close();
    copyFileSync(path.join(dir, 'head'), path.join(older, 'head'));
    await expect(openSqliteLog({ dir: older, signer: grid.signer })).rejects.toThrow(/covers 3 entries, there are 2/);
    await expect(openSqliteLog({ dir, signer: newSigner() })).rejects.toThrow(/belongs to ledger/);

    const edited = temporaryFolder();
    cpSync(dir, edited, { recursive: true });
    const database = new Database(path.join(edited, 'ledger.sqlite'));
    database.exec('UPDATE entries SET leaf = (SELECT leaf FROM entries WHERE seq = 1), leaf_hash = (SELECT leaf_hash FROM entries WHERE seq = 1) WHERE seq = 2');
    database.close();
    await expect(openSqliteLog({ dir: edited, signer: grid.signer })).rejects.toMatchObject({ code: 'store_damaged' });
    writeFileSync(path.join(dir, 'head'), 'x'.repeat(512));
    await expect(openSqliteLog({ dir, signer: grid.signer })).rejects.toThrow(/the head file/);
  });

  it('ends when a batch cannot be made durable, and acknowledges nothing of it', async () => {
    const grid = newGrid();
    const dir = temporaryFolder();
    const failures: Error[] = [];
    const log = await openLog({ dir, signer: grid.signer, onFailure: (error) => failures.push(error) });
    await log.submit([grid.genesis]);
    const blocker = new Database(path.join(dir, 'ledger.sqlite'));
    blocker.exec('BEGIN IMMEDIATE; CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(FAIL, \'disk full\'); END; COMMIT');
    blocker.close();
    await expect(log.submit([grid.principal('lost')])).rejects.toThrow(/must be started again/);
    await expect(log.submit([grid.principal('after')])).rejects.toThrow(/must be started again/);
    expect(failures).toHaveLength(1);
  });
});
