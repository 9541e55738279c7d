import { Worker } from 'node:worker_threads';
import type { EntrySigner } from '../../contract/envelope.ts';
import { verifySignature } from '../../signer/verify.ts';
import type { Refusal } from '../ports.ts';
import { deriveState, type Derived, offerOf } from './derive.ts';
import { SnapshotFiles } from './files.ts';
import { openSnapshot, sealSnapshot, type SnapshotStatement } from './statement.ts';

/** A state of 256 MiB takes about 2 GiB while it is parsed and written. */
const WORKER_HEAP_MB = 4096;

export type Taken = { readonly ok: true; readonly statement: SnapshotStatement } | Refusal;

export interface TakeOptions {
  readonly dir: string;
  /** The ledger's key. */
  readonly signer: EntrySigner;
  /** False when the log that is served does not have this root: nothing is signed then. */
  readonly confirm?: (statement: SnapshotStatement) => boolean;
  readonly signal?: AbortSignal;
  /** The bundled program of worker.ts; without it the caller's thread does the work. */
  readonly worker?: URL;
}

/** Takes a snapshot of a ledger's folder as it is now, signs it and makes it the newest; the last two stay. @throws when the disk fails, or the signal's reason. */
export async function takeSnapshot(options: TakeOptions): Promise<Taken> {
  const { dir, signer } = options;
  const derived = await deriveApart(options);
  if (!derived.ok) return derived;
  const { statement } = derived;
  if (options.confirm && !options.confirm(statement)) return { ok: false, code: 'store_damaged', message: `the stored entries up to ${statement.size} are not those that are served`, hint: 'run `3bot ledger verify` on this state' };
  const offer = offerOf(derived, sealSnapshot(statement, signer));
  // What clients would refuse is not written: another key than the grid's, above all.
  const opened = openSnapshot(offer, { grid: statement.grid, verify: verifySignature });
  if (!opened.ok) return opened;
  const files = new SnapshotFiles(dir);
  files.writeOffer(statement.size, offer);
  files.prune();
  return { ok: true, statement };
}

function deriveApart({ dir, signal, worker }: TakeOptions): Promise<Derived> {
  signal?.throwIfAborted();
  if (!worker) return Promise.resolve(deriveState(dir));
  return new Promise<Derived>((resolve, reject) => {
    const thread = new Worker(worker, { workerData: { dir }, resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB } });
    const stop = (): void => {
      void thread.terminate();
      reject(signal?.reason instanceof Error ? signal.reason : new Error('stopped'));
    };
    signal?.addEventListener('abort', stop, { once: true });
    thread.once('message', (derived: Derived) => resolve(derived));
    thread.once('error', reject);
    thread.once('exit', (code) => {
      signal?.removeEventListener('abort', stop);
      reject(new Error(`the snapshot's thread ended with ${code} and no answer`));
    });
  });
}
