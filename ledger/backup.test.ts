import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, describe, expect, it } from 'vitest';
import { openSqliteLog } from './adapters/sqlite/log.ts';
import { EntryStore, STORE_FILE } from './adapters/sqlite/store.ts';
import { CURSOR_FILE } from './adapters/substrate/cursor.ts';
import { backupLedger, MANIFEST_FILE, restoreLedger } from './backup.ts';
import { blobPath, hashOf, openBlobs } from './blobs.ts';
import { newGrid, removeTemporaryFolders, temporaryFolder } from './grid.fixture.ts';
import { serveLedger } from './serve.ts';
import { BLOBS_DIR, verifyLedger } from './verify.ts';

afterAll(removeTemporaryFolders);

const grid = newGrid();
const BLOB = Buffer.from('a body'.repeat(100));
const NOW = Date.parse('2026-11-20T12:00:00.000Z');

async function newLedger(entries = 20): Promise<string> {
  const dir = temporaryFolder();
  const log = await openSqliteLog({ dir, signer: grid.signer });
  const blobs = await openBlobs(path.join(dir, BLOBS_DIR));
  await blobs.put(hashOf(BLOB), chunks(BLOB));
  await log.submit([grid.genesis, ...Array.from({ length: entries - 1 }, (_, i) => grid.principal(`p${i}`))]);
  await log.close();
  return dir;
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> { yield bytes; }

const target = (): string => path.join(temporaryFolder(), 'copy');
const beside = (dir: string): string[] => readdirSync(path.dirname(dir));

describe('backup and restore', () => {
  it('copies a ledger while it is written, in one consistent view, and brings it back', async () => {
    const dir = await newLedger(300);
    const log = await openSqliteLog({ dir, signer: grid.signer });
    let writing = true;
    const writer = (async () => {
      for (let n = 0; writing; n++) {
        const results = await log.submit(Array.from({ length: 3 }, (_, i) => grid.principal(`w${n}.${i}`)));
        expect(results.every(({ ok }) => ok)).toBe(true);
        await new Promise((resolve) => { setTimeout(resolve, 3); });
      }
    })();
    const copies: string[] = [];
    const sizes: number[] = [];
    for (let round = 0; round < 3; round++) {
      const copy = target();
      const before = log.size();
      const done = await backupLedger(dir, copy, { now: () => NOW });
      if (!done.ok) throw new Error(done.message);
      const { size, root, state } = done.manifest;
      expect(size).toBeGreaterThanOrEqual(before);
      expect(root).toBe(Buffer.from(log.root(size)).toString('hex'));
      expect(await verifyLedger(copy)).toEqual({ ok: true, size, root, stateDigest: state });
      expect(beside(copy)).toEqual(['copy']);
      copies.push(copy);
      sizes.push(size);
    }
    const grown = log.size();
    writing = false;
    await writer;
    await log.close();
    expect(sizes[2]).toBeGreaterThan(sizes[0]!);
    expect(grown).toBeGreaterThan(sizes[2]!);

    const restored = target();
    expect(await restoreLedger(copies[1]!, restored)).toMatchObject({ ok: true, manifest: { size: sizes[1], blobs: 1, made: '2026-11-20T12:00:00.000Z' } });
    expect(beside(restored)).toEqual(['copy']);
    const again = await openSqliteLog({ dir: restored, signer: grid.signer });
    expect(again.size()).toBe(sizes[1]);
    expect((await again.submit([grid.principal('after')]))[0]).toMatchObject({ ok: true, seq: sizes[1] });
    await again.close();
    // The backup is as it was: nothing is shared with what was restored.
    expect(statSync(blobPath(path.join(restored, BLOBS_DIR), hashOf(BLOB))).ino).not.toBe(statSync(blobPath(path.join(copies[1]!, BLOBS_DIR), hashOf(BLOB))).ino);
    expect(await verifyLedger(copies[1]!)).toMatchObject({ ok: true, size: sizes[1] });
  });

  it('overwrites nothing', async () => {
    const dir = await newLedger();
    const copy = target();
    expect(await backupLedger(dir, copy)).toMatchObject({ ok: true });
    expect(await backupLedger(dir, copy)).toMatchObject({ ok: false, code: 'target_not_empty' });
    expect(await restoreLedger(copy, dir)).toMatchObject({ ok: false, code: 'target_not_empty' });
    const empty = temporaryFolder();
    expect(await restoreLedger(copy, empty)).toMatchObject({ ok: true });
    expect(await verifyLedger(empty)).toMatchObject({ ok: true, size: 20 });
  });

  it('copies nothing that is damaged, and leaves nothing behind', async () => {
    const dir = await newLedger();
    const database = new Database(path.join(dir, 'ledger.sqlite'));
    database.exec('UPDATE entries SET leaf_hash = zeroblob(32) WHERE seq = 7');
    database.close();
    const copy = target();
    expect(await backupLedger(dir, copy)).toMatchObject({ ok: false, code: 'leaf_hash_mismatch' });
    expect(beside(copy)).toEqual([]);
    expect(await backupLedger(temporaryFolder(), copy)).toMatchObject({ ok: false, code: 'store_missing' });
    const empty = temporaryFolder();
    await (await openSqliteLog({ dir: empty, signer: grid.signer })).close();
    expect(await backupLedger(empty, copy)).toMatchObject({ ok: false, code: 'grid_missing' });
    expect(beside(copy)).toEqual([]);
  });

  it('copies no ledger that lies on a chain, which would be continued without it', async () => {
    const copy = target();
    const cursor = await newLedger();
    writeFileSync(path.join(cursor, CURSOR_FILE), '{}');
    const marked = await newLedger();
    const store = new EntryStore(path.join(marked, STORE_FILE));
    store.markAsChainCopy();
    store.close();
    for (const dir of [cursor, marked]) {
      expect(await backupLedger(dir, copy)).toMatchObject({ ok: false, code: 'chain_ledger' });
      expect(beside(copy)).toEqual([]);
      await expect(serveLedger({ dir, signer: grid.signer })).rejects.toMatchObject({ code: 'chain_mismatch' });
    }
    // Every file that could be left out is: the database alone says it, and is in order.
    expect(readdirSync(marked)).not.toContain(CURSOR_FILE);
    await expect(openSqliteLog({ dir: marked, signer: grid.signer })).rejects.toMatchObject({ code: 'chain_mismatch' });
    expect(await verifyLedger(marked)).toMatchObject({ ok: true, size: 20 });
    // A copy of such a folder by other means, with a manifest that somebody wrote.
    const made = await newLedger();
    expect(await backupLedger(made, copy)).toMatchObject({ ok: true });
    const forged = new EntryStore(path.join(copy, STORE_FILE));
    forged.markAsChainCopy();
    forged.close();
    const restored = target();
    expect(await restoreLedger(copy, restored)).toMatchObject({ ok: false, code: 'chain_ledger' });
    expect(beside(restored)).toEqual([]);
  });

  it.each<[string, string, (copy: string) => void]>([
    ['an edited blob', 'blob_mismatch', (copy) => writeFileSync(blobPath(path.join(copy, BLOBS_DIR), hashOf(BLOB)), 'another')],
    ['a shorter database', 'entry_missing', (copy) => {
      const database = new Database(path.join(copy, 'ledger.sqlite'));
      database.exec('DELETE FROM entries WHERE seq = 19');
      database.close();
    }],
    ['a head of another backup', 'entry_missing', (copy) => { writeFileSync(path.join(copy, 'head'), readFileSync(path.join(longer, 'head'))); }],
    ['the manifest of another backup', 'backup_mismatch', (copy) => cpSync(path.join(longer, MANIFEST_FILE), path.join(copy, MANIFEST_FILE))],
    ['a manifest that is none', 'not_a_backup', (copy) => writeFileSync(path.join(copy, MANIFEST_FILE), '{}')],
    ['no manifest', 'not_a_backup', (copy) => rmSync(path.join(copy, MANIFEST_FILE))],
  ])('restores no backup with %s', async (_, code, damage) => {
    const dir = await newLedger();
    const copy = target();
    expect(await backupLedger(dir, copy)).toMatchObject({ ok: true });
    longer = target();
    const log = await openSqliteLog({ dir, signer: grid.signer });
    await log.submit([grid.principal('more')]);
    await log.close();
    expect(await backupLedger(dir, longer)).toMatchObject({ ok: true });
    // Links are shared with the ledger: damage a copy of the copy.
    const damaged = target();
    cpSync(copy, damaged, { recursive: true });
    damage(damaged);
    const restored = target();
    expect(await restoreLedger(damaged, restored)).toMatchObject({ ok: false, code });
    expect(beside(restored)).toEqual([]);
  });

  it('an interruption leaves no folder that would open', async () => {
    const dir = await newLedger(200);
    const copy = target();
    expect(await backupLedger(dir, copy)).toMatchObject({ ok: true });
    for (const work of [backupLedger, restoreLedger]) {
      const into = target();
      const stop = new AbortController();
      const seen: string[] = [];
      await expect(work(work === backupLedger ? dir : copy, into, { signal: stop.signal, onProgress: (text) => { seen.push(text); if (text.startsWith('entries')) stop.abort(new Error('enough')); } })).rejects.toThrow('enough');
      expect(seen.length).toBeGreaterThan(0);
      expect(existsSync(into)).toBe(false);
    }
    // What a killed process leaves has another name, and hinders nobody.
    const into = target();
    mkdirSync(`${into}.0.partial`);
    writeFileSync(path.join(`${into}.0.partial`, 'ledger.sqlite'), 'half');
    expect(await restoreLedger(copy, into)).toMatchObject({ ok: true });
  });
});

let longer: string;
