import { stat, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Digest } from '../contract/digest.ts';
import type { VerifySignature } from '../contract/envelope.ts';
import { verifySignature } from '../signer/verify.ts';
import { HEAD_FILE } from './adapters/sqlite/head.ts';
import { type Damage, damage, recover } from './adapters/sqlite/recover.ts';
import { APPLICATION_ID, EntryStore, FORMAT_VERSION, SCHEMA, STORE_FILE } from './adapters/sqlite/store.ts';
import { blobFiles, hashOf, MAX_BLOB } from './blobs.ts';
import { stateDigest } from './state/machine.ts';

/** The blobs' folder inside the ledger's folder. */
export const BLOBS_DIR = 'blobs';

export type Verified = { readonly ok: true; readonly size: number; readonly root: string; readonly stateDigest: Digest } | Damage;

/**
 * Re-reads everything in a ledger's folder, also beside a running server: database structure, every field of every
 * entry, signatures, the state machine, checkpoint, head and blobs. Says what the first bad thing is.
 */
export async function verifyLedger(dir: string, options: { verify?: VerifySignature; signal?: AbortSignal } = {}): Promise<Verified> {
  const file = path.join(dir, STORE_FILE);
  if (!(await exists(file))) return damage('store_missing', `there is no ${STORE_FILE} in ${dir}`);
  const entries = verifyEntries(dir, file, options.verify ?? verifySignature);
  if (!entries.ok) return entries;
  const blobs = await verifyBlobs(path.join(dir, BLOBS_DIR), options.signal);
  return blobs ?? entries;
}

function verifyEntries(dir: string, file: string, verify: VerifySignature): Verified {
  let store: EntryStore | undefined;
  try {
    store = new EntryStore(file, { readonly: true });
    // One snapshot for all that follows.
    store.database.exec('BEGIN');
    const structure = verifyStructure(store);
    if (structure) return structure;
    const recovered = recover({ store, headFile: path.join(dir, HEAD_FILE), verify, verifyEntry: verify });
    if (!recovered.ok) return recovered;
    const { tree, state } = recovered;
    return { ok: true, size: tree.size, root: Buffer.from(tree.root()).toString('hex'), stateDigest: stateDigest(state) };
  } catch (error) {
    return damage('store_unreadable', `SQLite cannot read the store: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    store?.close();
  }
}

function verifyStructure({ database }: EntryStore): Damage | undefined {
  const header = { application_id: APPLICATION_ID, user_version: FORMAT_VERSION, encoding: 'UTF-8' };
  for (const [name, expected] of Object.entries(header)) {
    const got: unknown = database.pragma(name, { simple: true });
    if (got !== expected) return damage('store_structure', `the database has ${name} ${String(got)}, expected ${expected}`);
  }
  const objects = database.prepare<[], { name: string; sql: string | null }>('SELECT name, sql FROM sqlite_schema ORDER BY name').all();
  if (objects.length !== SCHEMA.length || SCHEMA.some(({ name, sql }, i) => objects[i]?.name !== name || objects[i].sql !== sql)) {
    return damage('store_structure', `the database has other tables or columns than a ledger: ${objects.map(({ name }) => name).join(', ').slice(0, 200)}`);
  }
  const check = database.prepare<[], { integrity_check: string }>('PRAGMA integrity_check(1)').get();
  if (check?.integrity_check !== 'ok') return damage('store_integrity', `SQLite: ${check?.integrity_check.slice(0, 500) ?? 'no answer'}`);
  const notes = database.prepare<[], { count: number }>('SELECT count(*) AS count FROM checkpoint').get();
  if (notes === undefined || notes.count > 1) return damage('store_structure', `there are ${notes?.count ?? 'no'} checkpoints, expected one`);
  return undefined;
}

async function verifyBlobs(dir: string, signal: AbortSignal | undefined): Promise<Damage | undefined> {
  for await (const { file, digest } of blobFiles(dir)) {
    signal?.throwIfAborted();
    if (digest === undefined) return damage('blob_unexpected', `${path.relative(dir, file)} is not the name of a blob`);
    const { size } = await stat(file);
    if (size > MAX_BLOB) return damage('blob_mismatch', `blob ${digest} has ${size} bytes`);
    const got = hashOf(await readFile(file));
    if (got !== digest) return damage('blob_mismatch', `blob ${digest} has digest ${got}`);
  }
  return undefined;
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch {
    return false;
  }
}
