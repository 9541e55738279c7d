import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EntrySigner } from '../contract/envelope.ts';
import { digestKey, EntryStore } from './adapters/sqlite/store.ts';
import { openSqliteLog } from './adapters/sqlite/log.ts';
import { hashOf, openBlobs } from './blobs.ts';
import { newGrid, removeTemporaryFolders, temporaryFolder } from './grid.fixture.ts';
import { BLOBS_DIR, verifyLedger } from './verify.ts';
import { originOf, signCheckpoint } from './checkpoint.ts';
import { envelopeDigest, leafBytes, parseLeaf } from './leaf.ts';
import { Frontier, leafHash } from './merkle.ts';
import { stateDigest } from './state/machine.ts';

/** Over both stores. */
const FLIPS = Number(process.env['LEDGER_FLIPS'] ?? 60) / 2;

/** Everything that a ledger on this folder answers, or the error with which it refuses to answer. */
async function answersOf(dir: string, signer: EntrySigner, blobs: readonly Uint8Array[]): Promise<string> {
  const log = await openSqliteLog({ dir, signer });
  try {
    const leaves = log.read(0, { entries: 10_000, bytes: 1e9 }).map((leaf) => Buffer.from(leaf).toString('utf8'));
    const store = new EntryStore(path.join(dir, 'ledger.sqlite'), { readonly: true });
    const found = leaves.map((leaf) => store.find(envelopeDigest(parseLeaf(Buffer.from(leaf)).envelope)));
    const rows = leaves.map((_, seq) => store.row(seq));
    store.close();
    const open = await openBlobs(path.join(dir, BLOBS_DIR));
    const contents = await Promise.all(blobs.map(async (blob) => Buffer.from(await open.get(hashOf(blob)) ?? []).toString('hex')));
    return JSON.stringify({ leaves, found, rows, contents, note: log.checkpoint(), digest: stateDigest(log.state()), proof: log.consistencyProof(1, log.size()) });
  } finally {
    await log.close();
  }
}

/** mulberry32: the flips are the same in every run. */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function bySize(files: readonly string[], at: number): string {
  const total = files.reduce((sum, file) => sum + statSync(file).size, 0);
  let rest = at * total;
  return files.find((file) => (rest -= statSync(file).size) < 0) ?? files[0]!;
}

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true }).filter((f) => f.isFile()).map((f) => path.join(f.parentPath, f.name)).sort();
}

const grid = newGrid();
const blobs = ['one', 'two', 'three'].map((text) => Buffer.from(text.repeat(500)));
/** A store as a crash leaves it: part of it in the database, part in the write-ahead log. */
let crashed: string;
/** The same after a clean end: no write-ahead log. */
let clean: string;

beforeAll(async () => {
  const dir = temporaryFolder();
  const log = await openSqliteLog({ dir, signer: grid.signer });
  const store = await openBlobs(path.join(dir, BLOBS_DIR));
  for (const blob of blobs) {
    async function* content(): AsyncGenerator<Uint8Array> { yield blob; }
    await store.put(hashOf(blob), content());
  }
  await log.submit([grid.genesis, ...Array.from({ length: 30 }, (_, i) => grid.principal(`p${i}`))]);
  const reader = new Database(path.join(dir, 'ledger.sqlite'));
  reader.pragma('wal_checkpoint(TRUNCATE)');
  reader.close();
  for (let i = 0; i < 10; i++) await log.submit([grid.principal(`later ${i}`)]);
  crashed = temporaryFolder();
  cpSync(dir, crashed, { recursive: true });
  rmSync(path.join(crashed, 'ledger.sqlite-shm'), { force: true });
  await log.close();
  clean = dir;
});

afterAll(removeTemporaryFolders);

describe('verifyLedger', () => {
  it('accepts a store with and without a write-ahead log, and a running one', async () => {
    expect(statSync(path.join(crashed, 'ledger.sqlite-wal')).size).toBeGreaterThan(10_000);
    expect(existsSync(path.join(clean, 'ledger.sqlite-wal'))).toBe(false);
    const copy = temporaryFolder();
    cpSync(crashed, copy, { recursive: true });
    const whole = await verifyLedger(copy);
    expect(whole).toMatchObject({ ok: true, size: 41 });
    expect(await verifyLedger(clean)).toEqual(whole);
    const running = await openSqliteLog({ dir: copy, signer: grid.signer });
    expect(await verifyLedger(copy)).toEqual(whole);
    await running.close();
  });

  it.each([['crashed', 1], ['clean', 2]] as const)(`reports every byte flip in a %s store that changes an answer (${FLIPS} flips)`, async (kind, seed) => {
    const source = kind === 'crashed' ? crashed : clean;
    const expected = await answersOf(copyOf(source), grid.signer, blobs);
    const next = random(seed);
    let reported = 0;
    for (let n = 0; n < FLIPS; n++) {
      const dir = copyOf(source);
      const files = filesBelow(dir).filter((file) => statSync(file).size > 0);
      // Every other flip falls on a file by its size, so that neither small nor large files are spared.
      const file = n % 2 === 0 ? files[Math.floor(next() * files.length)]! : bySize(files, next());
      const bytes = readFileSync(file);
      const at = Math.floor(next() * bytes.length);
      bytes[at]! ^= 1 + Math.floor(next() * 255);
      writeFileSync(file, bytes);
      const verdict = await verifyLedger(dir);
      if (!verdict.ok) reported += 1;
      else expect(await answersOf(dir, grid.signer, blobs), `flip ${n}: byte ${at} of ${path.relative(dir, file)}`).toBe(expected);
      rmSync(dir, { recursive: true });
    }
    expect(reported).toBeGreaterThan(FLIPS / 4);
  });

  it('compares the index with the table: a search must find what is there', async () => {
    const store = new EntryStore(path.join(copyOf(clean), 'ledger.sqlite'), { readonly: true });
    const key = Buffer.from(store.row(20)!.envelope_digest);
    store.close();
    const codes = new Set<string>();
    const original = readFileSync(path.join(clean, 'ledger.sqlite'));
    for (let at = original.indexOf(key); at >= 0; at = original.indexOf(key, at + 1)) {
      const dir = copyOf(clean);
      const bytes = Buffer.from(original);
      bytes[at + 31]! ^= 1;
      writeFileSync(path.join(dir, 'ledger.sqlite'), bytes);
      const verdict = await verifyLedger(dir);
      codes.add(verdict.ok ? 'unnoticed' : verdict.code);
    }
    expect([...codes]).toEqual(['store_integrity']);
  });

  it('names the first entry that the key holder forged', async () => {
    const dir = copyOf(clean);
    const store = new EntryStore(path.join(dir, 'ledger.sqlite'));
    const leaf = parseLeaf(store.row(3)!.leaf);
    const payload = Buffer.from(leaf.envelope.payload, 'base64').toString('utf8').replace('"p2"', '"q2"');
    const envelope = { ...leaf.envelope, payload: Buffer.from(payload).toString('base64') };
    const bytes = leafBytes({ ...leaf, envelope });
    store.database.prepare('UPDATE entries SET leaf = ?, leaf_hash = ?, envelope_digest = ? WHERE seq = 3').run(bytes, leafHash(bytes), digestKey(envelopeDigest(envelope)));
    const frontier = new Frontier();
    for (const row of [...store.rows()]) frontier.append(leafHash(row.leaf));
    const note = signCheckpoint({ size: frontier.size, root: frontier.root() }, originOf(grid.grid), grid.signer);
    store.database.prepare('UPDATE checkpoint SET note = ?').run(note);
    store.close();
    expect(await verifyLedger(dir)).toMatchObject({ ok: false, code: 'signature_invalid', seq: 3 });
  });

  it.each([
    ['an extra table', 'CREATE TABLE notes (text TEXT)', 'store_structure'],
    ['an extra column', 'ALTER TABLE entries ADD COLUMN extra TEXT', 'store_structure'],
    ['a deleted entry', 'DELETE FROM entries WHERE seq = 5', 'entry_missing'],
    ['a deleted end', 'DELETE FROM entries WHERE seq = 40', 'entry_missing'],
    ['swapped digests', 'UPDATE entries SET envelope_digest = zeroblob(32) WHERE seq = 6', 'envelope_digest_mismatch'],
    ['no checkpoint', 'DELETE FROM checkpoint', 'checkpoint_missing'],
  ])('reports %s', async (_, sql, code) => {
    const dir = copyOf(clean);
    const database = new Database(path.join(dir, 'ledger.sqlite'));
    database.exec(sql);
    database.close();
    expect(await verifyLedger(dir)).toMatchObject({ ok: false, code });
  });

  it('reports blobs under a wrong name, and a folder without a store', async () => {
    const dir = copyOf(clean);
    writeFileSync(path.join(dir, BLOBS_DIR, 'stray'), 'x');
    expect(await verifyLedger(dir)).toMatchObject({ ok: false, code: 'blob_unexpected' });
    expect(await verifyLedger(temporaryFolder())).toMatchObject({ ok: false, code: 'store_missing' });
  });
});

function copyOf(dir: string): string {
  const copy = temporaryFolder();
  cpSync(dir, copy, { recursive: true });
  return copy;
}
