import { stat, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Digest } from '../contract/digest.ts';
import type { VerifySignature } from '../contract/envelope.ts';
import { verifySignature } from '../signer/verify.ts';
import { HEAD_FILE } from './adapters/sqlite/head.ts';
import { type Damage, damage, recover } from './adapters/sqlite/recover.ts';
import { APPLICATION_ID, CHAIN_APPLICATION_ID, EntryStore, FORMAT_VERSION, SCHEMA, STORE_FILE } from './adapters/sqlite/store.ts';
import { blobFiles, hashOf, MAX_BLOB } from './blobs.ts';
import { SnapshotFiles } from './snapshot/files.ts';
import { StoredSnapshots } from './snapshot/stored.ts';
import { stateDigest } from './state/machine.ts';

/** The blobs' folder inside the ledger's folder. */
export const BLOBS_DIR = 'blobs';

export type Verified = { readonly ok: true; readonly size: number; readonly root: string; readonly stateDigest: Digest } | Damage;

export interface VerifyOptions {
  readonly verify?: VerifySignature;
  readonly signal?: AbortSignal;
  /** Told after each entry; `of` is how many there are. */
  readonly onEntry?: (done: number, of: number) => void;
}

/**
 * Re-reads everything in a ledger's folder, also beside a running server: database structure, every field of every
 * entry, signatures, the state machine, checkpoint, head, snapshots and blobs. Says what the first bad thing is.
 */
export async function verifyLedger(dir: string, options: VerifyOptions = {}): Promise<Verified> {
  const file = path.join(dir, STORE_FILE);
  if (!(await exists(file))) return damage('store_missing', `there is no ${STORE_FILE} in ${dir}`);
  const entries = verifyEntries(dir, file, options);
  if (!entries.ok) return entries;
  const blobs = await verifyBlobs(path.join(dir, BLOBS_DIR), options.signal);
  return blobs ?? entries;
}

function verifyEntries(dir: string, file: string, { verify = verifySignature, onEntry }: VerifyOptions): Verified {
  let store: EntryStore | undefined;
  try {
    // Before the rows: a running server may take one meanwhile, of entries that are not seen here.
    const snapshots = new StoredSnapshots(new SnapshotFiles(dir), verify);
    store = new EntryStore(file, { readonly: true });
    // One snapshot for all that follows.
    store.database.exec('BEGIN');
    const structure = verifyStructure(store);
    if (structure) return structure;
    const of = onEntry ? store.count() : 0;
    const recovered = recover({
      store, headFile: path.join(dir, HEAD_FILE), verify, verifyEntry: verify,
      examine: (state) => {
        onEntry?.(state.size, of);
        return snapshots.examine(state);
      },
    });
    if (!recovered.ok) return recovered;
    const { tree, state } = recovered;
    const damaged = snapshots.examineRoots((size) => (size <= tree.size ? tree.root(size) : undefined));
    if (damaged) return damaged;
    return { ok: true, size: tree.size, root: Buffer.from(tree.root()).toString('hex'), stateDigest: stateDigest(state) };
  } catch (error) {
    return damage('store_unreadable', `SQLite cannot read the store: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    store?.close();
  }
}

function verifyStructure({ database }: EntryStore): Damage | undefined {
  const application = database.pragma('application_id', { simple: true });
  const header = { application_id: application === CHAIN_APPLICATION_ID ? CHAIN_APPLICATION_ID : APPLICATION_ID, user_version: FORMAT_VERSION, encoding: 'UTF-8' };
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
