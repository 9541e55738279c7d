import path from 'node:path';
import { paint, type Outcome } from '../output.ts';
import { createProgress } from '../progress.ts';
import { Refusal } from '../refusal.ts';
import { stateDir } from '../state-dir.ts';
import { openPartyKeystore } from '../up/grid-keys.ts';

export interface FolderFlags { readonly state?: string; readonly dir?: string }

/** Nothing is shown for what is done sooner. */
const QUIET_MS = 1000;

function folderOf(flags: FolderFlags): string {
  return flags.dir ?? stateDir(flags.state).part('ledger');
}

/** Runs something that may take long, and says how far it is once that is worth saying. */
async function withProgress<T>(what: string, run: (onProgress: (text: string) => void) => Promise<T>): Promise<T> {
  const progress = createProgress();
  const started = performance.now();
  try {
    return await run((text) => { if (performance.now() - started > QUIET_MS) progress.update(`${what}: ${text}`); });
  } finally {
    progress.stop();
  }
}

/** The same for what writes: Ctrl-C ends it between two steps, and what was begun is removed. */
async function withCleanEnd<T>(what: string, run: (options: { onProgress: (text: string) => void; signal: AbortSignal }) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort(new Refusal({ code: 'interrupted', message: 'interrupted', hint: 'nothing half done was left' }));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    return await withProgress(what, (onProgress) => run({ onProgress, signal: stop.signal }));
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** Offline check of everything the ledger has on disk; names the first bad entry. */
export async function ledgerVerify(flags: FolderFlags): Promise<Outcome> {
  const { verifyLedger } = await import('../../ledger/verify.ts');
  const verified = await withProgress('verify', (onProgress) => verifyLedger(folderOf(flags), { onEntry: (done, of) => { if (done % 1000 === 0) onProgress(`entry ${done} of ${of}`); } }));
  if (!verified.ok) throw new Refusal({ code: verified.code, message: verified.message, hint: verified.code === 'store_missing' ? 'name the grid with --state, or the ledger folder with --dir' : (verified.hint ?? 'restore the ledger from a copy that is at least as long: `3bot ledger restore --help`') });
  return { json: { ...verified }, text: `ok  ${verified.size} entries, root ${verified.root}\nok  state ${verified.stateDigest}` };
}

/** A consistent copy beside a running ledger, verified before it gets its name. */
export async function ledgerBackup(to: string, flags: FolderFlags): Promise<Outcome> {
  const { backupLedger } = await import('../../ledger/backup.ts');
  const done = await withCleanEnd('backup', (options) => backupLedger(folderOf(flags), path.resolve(to), options));
  if (!done.ok) throw new Refusal(done);
  const { size, root, state, blobs } = done.manifest;
  return { json: { ok: true, dir: path.resolve(to), ...done.manifest }, text: `ok  ${size} entries and ${blobs} blobs in ${path.resolve(to)}, verified\nok  root ${root}, state ${state}\n${paint('dim', 'Keep it on another machine: here it shares the disk, and its files, with the ledger.', process.stdout)}` };
}

const OLDER = 'What the ledger acknowledged after this backup is not in it. Whoever has seen those entries (nodes, bots, witnesses) will refuse this ledger and keep the proof: rightly, for it takes back what it signed. Start it only when the original is gone for good.';

/** A ledger's folder from a backup, for a ledger that is gone. */
export async function ledgerRestore(from: string, flags: { readonly to: string }): Promise<Outcome> {
  const { restoreLedger } = await import('../../ledger/backup.ts');
  const to = path.resolve(flags.to);
  const done = await withCleanEnd('restore', (options) => restoreLedger(path.resolve(from), to, options));
  if (!done.ok) throw new Refusal(done);
  const { size, made } = done.manifest;
  return { json: { ok: true, dir: to, ...done.manifest, warning: OLDER }, text: `ok  ${size} entries as of ${made} in ${to}, verified\n${paint('yellow', OLDER, process.stdout)}` };
}

/** Takes a snapshot of the state now, beside a running ledger or without one, and signs it with the ledger's key. */
export async function ledgerSnapshot(flags: FolderFlags): Promise<Outcome> {
  const { takeSnapshot } = await import('../../ledger/snapshot/take.ts');
  const signer = await (await openPartyKeystore(stateDir(flags.state), 'ledger')).signing('ledger');
  const taken = await withCleanEnd('snapshot', ({ signal }) => takeSnapshot({ dir: folderOf(flags), signer, signal }));
  if (!taken.ok) throw new Refusal(taken);
  const { size, state, bytes, root } = taken.statement;
  return { json: { ok: true, size, root: Buffer.from(root, 'base64').toString('hex'), state, bytes }, text: `ok  the state after ${size} entries, ${bytes} bytes, ${state}\nok  the ledger offers it to new followers, and starts from it` };
}
