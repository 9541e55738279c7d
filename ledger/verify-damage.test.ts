import { cpSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STORE_FILE } from './adapters/sqlite/store.ts';
import { openSqliteLog } from './adapters/sqlite/log.ts';
import { blobPath, hashOf, openBlobs } from './blobs.ts';
import { newGrid, removeTemporaryFolders, temporaryFolder } from './grid.fixture.ts';
import { takeSnapshot } from './snapshot/take.ts';
import { BLOBS_DIR, type Verified, verifyLedger } from './verify.ts';

/** Damage with a plan, where verify.test.ts has bytes at random: each column, each kind of file, and which entry is named. */

const grid = newGrid();
const BLOB = Buffer.from('a body'.repeat(100));
const SIZE = 20;
/** No write-ahead log; a snapshot over all of it. */
let clean: string;
/** As a crash leaves it: the last entries are in the write-ahead log only. */
let crashed: string;

beforeAll(async () => {
  const dir = temporaryFolder();
  const log = await openSqliteLog({ dir, signer: grid.signer });
  const blobs = await openBlobs(path.join(dir, BLOBS_DIR));
  async function* content(): AsyncGenerator<Uint8Array> { yield BLOB; }
  await blobs.put(hashOf(BLOB), content());
  await log.submit([grid.genesis, ...Array.from({ length: 11 }, (_, i) => grid.principal(`p${i}`))]);
  const reader = new Database(path.join(dir, STORE_FILE));
  reader.pragma('wal_checkpoint(TRUNCATE)');
  reader.close();
  for (let i = 12; i < SIZE; i++) await log.submit([grid.principal(`p${i}`)]);
  crashed = temporaryFolder();
  cpSync(dir, crashed, { recursive: true });
  rmSync(path.join(crashed, `${STORE_FILE}-shm`), { force: true });
  await log.close();
  expect(await takeSnapshot({ dir, signer: grid.signer })).toMatchObject({ ok: true });
  clean = dir;
});
afterAll(removeTemporaryFolders);

function copyOf(dir: string): string {
  const copy = temporaryFolder();
  cpSync(dir, copy, { recursive: true });
  return copy;
}

async function verdictAfter(sql: string, from = clean): Promise<Verified> {
  const dir = copyOf(from);
  const database = new Database(path.join(dir, STORE_FILE));
  database.exec(sql);
  database.close();
  return verifyLedger(dir);
}

describe('verifyLedger names the first bad entry', () => {
  it('finds nothing wrong in what it is about to damage', async () => {
    const verdict = await verifyLedger(clean);
    expect(verdict).toMatchObject({ ok: true, size: SIZE });
    expect(await verifyLedger(copyOf(crashed))).toEqual(verdict);
  });

  const swap = (column: string, a: number, b: number): string =>
    `CREATE TEMP TABLE x AS SELECT seq, ${column} AS v FROM entries; DROP INDEX entries_by_envelope; UPDATE entries SET ${column} = (SELECT v FROM x WHERE seq = ${b}) WHERE seq = ${a}; UPDATE entries SET ${column} = (SELECT v FROM x WHERE seq = ${a}) WHERE seq = ${b}; CREATE UNIQUE INDEX entries_by_envelope ON entries (envelope_digest)`;

  it.each<[string, string, string, number | undefined]>([
    ['a leaf', "UPDATE entries SET leaf = CAST(replace(CAST(leaf AS TEXT), '\"seq\":7', '\"seq\":8') AS BLOB) WHERE seq = 7", 'leaf_hash_mismatch', 7],
    ['an empty leaf', "UPDATE entries SET leaf = x'' WHERE seq = 3", 'leaf_hash_mismatch', 3],
    ['a leaf hash', 'UPDATE entries SET leaf_hash = zeroblob(32) WHERE seq = 7', 'leaf_hash_mismatch', 7],
    ['a short leaf hash', "UPDATE entries SET leaf_hash = x'00' WHERE seq = 7", 'leaf_hash_mismatch', 7],
    ['an envelope digest', 'UPDATE entries SET envelope_digest = zeroblob(32) WHERE seq = 7', 'envelope_digest_mismatch', 7],
    ['a place', 'UPDATE entries SET seq = 100 WHERE seq = 7', 'entry_missing', 7],
    ['a place before the first', 'UPDATE entries SET seq = -1 WHERE seq = 7', 'entry_missing', 0],
    ['a deleted first entry', 'DELETE FROM entries WHERE seq = 0', 'entry_missing', 0],
    ['a deleted entry', 'DELETE FROM entries WHERE seq = 7', 'entry_missing', 7],
    ['a deleted end', `DELETE FROM entries WHERE seq = ${SIZE - 1}`, 'entry_missing', SIZE - 1],
    ['everything deleted', 'DELETE FROM entries', 'entry_missing', 0],
    ['an entry more', `INSERT INTO entries SELECT ${SIZE}, leaf, leaf_hash, zeroblob(32) FROM entries WHERE seq = 7`, 'leaf_invalid', SIZE],
    ['two swapped leaves', swap('leaf', 4, 9), 'leaf_hash_mismatch', 4],
    ['two swapped rows', `UPDATE entries SET seq = -1 WHERE seq = 4; UPDATE entries SET seq = 4 WHERE seq = 9; UPDATE entries SET seq = 9 WHERE seq = -1`, 'leaf_invalid', 4],
    ['two swapped digests', swap('envelope_digest', 4, 9), 'envelope_digest_mismatch', 4],
    ['a checkpoint of nobody', "UPDATE checkpoint SET note = 'x'", 'checkpoint_invalid', undefined],
    ['no checkpoint', 'DELETE FROM checkpoint', 'checkpoint_missing', undefined],
  ])('when there is %s', async (_, sql, code, seq) => {
    const verdict = await verdictAfter(sql);
    expect(verdict).toMatchObject({ ok: false, code, message: expect.stringMatching(/\S/) as string });
    expect('seq' in verdict ? verdict.seq : undefined).toBe(seq);
  });

  it('names the first of several', async () => {
    const verdict = await verdictAfter('UPDATE entries SET leaf_hash = zeroblob(32) WHERE seq IN (15, 6, 11)');
    expect(verdict).toMatchObject({ ok: false, code: 'leaf_hash_mismatch', seq: 6 });
  });

  it('when the write-ahead log was cut, anywhere: the head remembers what was acknowledged', async () => {
    const whole = statSync(path.join(crashed, `${STORE_FILE}-wal`)).size;
    const seen = new Set<number | undefined>();
    for (let part = 0; part < 10; part++) {
      const dir = copyOf(crashed);
      truncateSync(path.join(dir, `${STORE_FILE}-wal`), Math.floor((whole * part) / 10));
      const verdict = await verifyLedger(dir);
      expect(verdict, `${part} tenths of it are left`).toMatchObject({ ok: false, code: 'entry_missing' });
      seen.add('seq' in verdict ? verdict.seq : undefined);
    }
    expect(seen.has(12)).toBe(true);
    expect(seen.size).toBeGreaterThan(2);
    const without = copyOf(crashed);
    rmSync(path.join(without, `${STORE_FILE}-wal`));
    expect(await verifyLedger(without)).toMatchObject({ ok: false, code: 'entry_missing', seq: 12 });
  });

  it.each<[string, string, (dir: string, blob: string) => void]>([
    ['an edited blob', 'blob_mismatch', (_, blob) => { const bytes = readFileSync(blob); bytes[5]! ^= 1; writeFileSync(blob, bytes); }],
    ['a cut blob', 'blob_mismatch', (_, blob) => truncateSync(blob, 10)],
    ['a blob under another name', 'blob_mismatch', (_, blob) => renameSync(blob, `${blob.slice(0, -1)}${blob.endsWith('0') ? '1' : '0'}`)],
    ['a stray file', 'blob_unexpected', (_, blob) => writeFileSync(`${blob}.bak`, '')],
    ['a damaged head', 'head_damaged', (dir) => { const head = readFileSync(path.join(dir, 'head')); head[400]! ^= 1; writeFileSync(path.join(dir, 'head'), head); }],
    ['a cut head', 'head_damaged', (dir) => truncateSync(path.join(dir, 'head'), 100)],
    ['a cut database', 'store_unreadable', (dir) => truncateSync(path.join(dir, STORE_FILE), 10_000)],
    ['another file as database', 'store_unreadable', (dir) => writeFileSync(path.join(dir, STORE_FILE), 'a ledger, honestly'.repeat(500))],
    ['no database', 'store_missing', (dir) => rmSync(path.join(dir, STORE_FILE))],
    ['a damaged snapshot', 'snapshot_damaged', (dir) => writeFileSync(path.join(dir, 'snapshots', `${SIZE}.state`), '{}')],
    ['a snapshot beyond the log', 'snapshot_damaged', (dir) => cpSync(path.join(dir, 'snapshots', `${SIZE}.json`), path.join(dir, 'snapshots', '99.json'))],
  ])('or the file, when there is %s', async (_, code, damage) => {
    const dir = copyOf(clean);
    damage(dir, blobPath(path.join(dir, BLOBS_DIR), hashOf(BLOB)));
    const verdict = await verifyLedger(dir);
    expect(verdict).toMatchObject({ ok: false, message: expect.stringMatching(/\S/) as string });
    if (!verdict.ok) expect([code, ...(code === 'store_unreadable' ? ['store_integrity'] : [])]).toContain(verdict.code);
  });
});
