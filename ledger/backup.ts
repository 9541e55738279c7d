import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { Digest } from '../contract/digest.ts';
import { HEAD_FILE, HeadFile } from './adapters/sqlite/head.ts';
import { EntryStore, STORE_FILE } from './adapters/sqlite/store.ts';
import { CURSOR_FILE } from './adapters/substrate/cursor.ts';
import { blobFiles } from './blobs.ts';
import type { Refusal } from './ports.ts';
import { BLOBS_DIR, type Verified, verifyLedger } from './verify.ts';

/** What makes a folder a backup; says what it must verify to. */
export const MANIFEST_FILE = 'backup.json';
const FORMAT = '3bot-ledger-backup/1';
/** Database pages (4 KiB) that are copied in one step, between which others get their turn. */
const PAGES_A_STEP = 1000;
const MAX_MANIFEST_BYTES = 64 * 1024;

export const Manifest = z.strictObject({
  format: z.literal(FORMAT),
  size: z.int().min(1),
  /** 64 hex digits. */
  root: z.string().regex(/^[0-9a-f]{64}$/),
  state: Digest,
  blobs: z.int().min(0),
  /** When it was begun, by the clock of whoever made it. */
  made: z.iso.datetime(),
});
export type Manifest = z.infer<typeof Manifest>;

export type BackupResult = { readonly ok: true; readonly manifest: Manifest } | Refusal;

export interface CopyOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (text: string) => void;
}

/**
 * Copies a ledger's folder beside a running server: the database in one consistent view, then the blobs, which are there
 * before the entries that name them (linked where the file system can: they never change). The copy is verified like a
 * ledger before it gets its name, so that what has the name is whole. @throws on I/O, and the signal's reason.
 */
export async function backupLedger(dir: string, to: string, options: CopyOptions & { now?: () => number } = {}): Promise<BackupResult> {
  const made = new Date((options.now ?? Date.now)()).toISOString();
  return intoNewFolder(to, async (draft) => {
    const copied = await copyLedger(dir, draft, { ...options, links: true });
    if (!copied.ok) return copied;
    options.onProgress?.('verifying the copy');
    const verified = await verifyLedger(draft, options.signal ? { signal: options.signal } : {});
    if (!verified.ok) return { ...verified, hint: 'run `3bot ledger verify`: what was copied is damaged' };
    const manifest: Manifest = { format: FORMAT, size: verified.size, root: verified.root, state: verified.stateDigest, blobs: copied.blobs, made };
    await writeSynced(path.join(draft, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
    return { ok: true, manifest };
  });
}

/**
 * Makes a ledger's folder from a backup, after verifying it against its manifest. The folder appears whole or not at
 * all, and shares nothing with the backup. What was acknowledged after the backup is lost, and whoever saw it will stop
 * with the proof: never for a ledger that still exists. @throws on I/O, and the signal's reason.
 */
export async function restoreLedger(from: string, to: string, options: CopyOptions = {}): Promise<BackupResult> {
  const manifest = await readManifest(from);
  if (!manifest.ok) return manifest;
  return intoNewFolder(to, async (draft) => {
    options.onProgress?.('verifying the backup');
    const damaged = differs(await verifyLedger(from, options.signal ? { signal: options.signal } : {}), manifest.manifest);
    if (damaged) return damaged;
    const copied = await copyLedger(from, draft, { ...options, links: false });
    if (!copied.ok) return copied;
    options.onProgress?.('verifying the copy');
    return differs(await verifyLedger(draft, options.signal ? { signal: options.signal } : {}), manifest.manifest) ?? manifest;
  });
}

/** Works in a folder of another name beside the target; the target gets it when the work is done and durable. */
async function intoNewFolder(target: string, work: (draft: string) => Promise<BackupResult>): Promise<BackupResult> {
  const there = await readdir(target).catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return [];
    throw error;
  });
  if (there.length > 0) return { ok: false, code: 'target_not_empty', message: `${target} is not empty`, hint: 'name a folder that is not there yet; nothing is overwritten' };
  const draft = `${path.resolve(target)}.${randomUUID()}.partial`;
  await mkdir(draft, { recursive: true, mode: 0o700 });
  try {
    const done = await work(draft);
    if (!done.ok) return done;
    await syncTree(draft);
    await rmdir(target).catch((error: unknown) => { if (!isCode(error, 'ENOENT')) throw error; });
    await rename(draft, target);
    await syncFile(path.dirname(path.resolve(target)));
    return done;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function copyLedger(from: string, to: string, options: CopyOptions & { links: boolean }): Promise<{ ok: true; blobs: number } | Refusal> {
  let source: EntryStore;
  try {
    source = new EntryStore(path.join(from, STORE_FILE), { readonly: true });
  } catch (error) {
    return { ok: false, code: 'store_missing', message: `there is no ledger in ${from}: ${error instanceof Error ? error.message : String(error)}`, hint: 'name the grid with --state, or the ledger folder with --dir' };
  }
  try {
    // One view: writers go on, and the copy neither sees them nor begins again.
    source.database.exec('BEGIN');
    // Its cursor is a file that moves with the log: a copy of one without the other would not know where it is.
    if (source.orderedBy === 'chain' || existsSync(path.join(from, CURSOR_FILE))) {
      return { ok: false, code: 'chain_ledger', message: `the ledger in ${from} is a copy of a log that lies on a chain`, hint: `the chain keeps the log: start with it again, and it is read anew; copy the folder ${BLOBS_DIR} with any program` };
    }
    const note = source.note();
    if (note === undefined) return { ok: false, code: 'grid_missing', message: 'the log is empty: there is nothing to copy', hint: 'begin the grid first: `3bot up` does' };
    await source.database.backup(path.join(to, STORE_FILE), {
      progress: ({ totalPages, remainingPages }) => {
        options.signal?.throwIfAborted();
        if (totalPages > 0) options.onProgress?.(`entries: ${Math.floor(((totalPages - remainingPages) / totalPages) * 100)} %`);
        return PAGES_A_STEP;
      },
    });
    settleInOneFile(path.join(to, STORE_FILE));
    const head = new HeadFile(path.join(to, HEAD_FILE));
    head.write(note);
    head.close();
  } finally {
    source.close();
  }
  return { ok: true, blobs: await copyBlobs(path.join(from, BLOBS_DIR), path.join(to, BLOBS_DIR), options) };
}

/** Without a write-ahead log beside it, the copy can be read from a medium that cannot be written; a server switches back. */
function settleInOneFile(file: string): void {
  const database = new Database(file);
  try {
    database.pragma('journal_mode = DELETE');
  } finally {
    database.close();
  }
}

async function copyBlobs(from: string, to: string, { links, signal, onProgress }: CopyOptions & { links: boolean }): Promise<number> {
  let count = 0;
  let linking = links;
  for await (const { file, digest } of blobFiles(from)) {
    signal?.throwIfAborted();
    // Not a blob: verify names it in the original.
    if (digest === undefined) continue;
    const target = path.join(to, path.relative(from, file));
    await mkdir(path.dirname(target), { recursive: true });
    if (linking) linking = await link(file, target).then(() => true, () => false);
    if (!linking) await copyFile(file, target);
    count += 1;
    if (count % 100 === 0) onProgress?.(`blobs: ${count}`);
  }
  return count;
}

async function readManifest(dir: string): Promise<BackupResult> {
  const broken = (message: string): Refusal => ({ ok: false, code: 'not_a_backup', message: `${dir} is not a backup: ${message}`, hint: 'name a folder that `3bot ledger backup` wrote' });
  try {
    const text = await readFile(path.join(dir, MANIFEST_FILE));
    if (text.length > MAX_MANIFEST_BYTES) return broken(`${MANIFEST_FILE} is too long`);
    const parsed = Manifest.safeParse(JSON.parse(text.toString('utf8')));
    return parsed.success ? { ok: true, manifest: parsed.data } : broken(`${MANIFEST_FILE}: ${z.prettifyError(parsed.error).slice(0, 300)}`);
  } catch (error) {
    return broken(error instanceof SyntaxError ? `${MANIFEST_FILE} is not JSON` : `${MANIFEST_FILE} cannot be read`);
  }
}

function differs(verified: Verified, { size, root, state }: Manifest): Refusal | undefined {
  if (!verified.ok) return { ...verified, hint: 'take another backup' };
  if (verified.size === size && verified.root === root && verified.stateDigest === state) return undefined;
  return { ok: false, code: 'backup_mismatch', message: `the folder holds ${verified.size} entries with root ${verified.root}, its manifest says ${size} with root ${root}`, hint: 'take another backup' };
}

/** Files before the folders that name them; links share what the server has synced. */
async function syncTree(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    if (entry.isDirectory()) await syncTree(file);
    else await syncFile(file);
  }
  await syncFile(dir);
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
