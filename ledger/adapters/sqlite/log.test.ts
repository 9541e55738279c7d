import { cpSync, copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { newGrid, newSigner, removeTemporaryFolders, temporaryFolder } from '../../grid.fixture.ts';
import { describeLog } from '../../log.conformance.ts';
import type { Log } from '../../ports.ts';
import { MAX_BATCH, MAX_QUEUE, openSqliteLog, type SqliteLogOptions } from './log.ts';

const open: Log[] = [];
async function openLog(options: SqliteLogOptions): Promise<Log> {
  const log = await openSqliteLog(options);
  open.push(log);
  return log;
}
afterEach(async () => { for (const log of open.splice(0)) await log.close(); });
afterAll(removeTemporaryFolders);

describeLog('the SQLite log', { maxQueue: MAX_QUEUE, maxBatch: MAX_BATCH, open: openSqliteLog });

describe('the SQLite log', () => {
  it('never lets time go back', async () => {
    const grid = newGrid();
    let clock = Date.parse('2026-11-20T12:00:00.000Z');
    const log = await openLog({ dir: temporaryFolder(), signer: grid.signer, now: () => clock });
    await log.submit([grid.genesis]);
    clock -= 3_600_000;
    const [result] = await log.submit([grid.principal('late clock')]);
    expect(result).toMatchObject({ ok: true, time: '2026-11-20T12:00:00.000Z' });
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
