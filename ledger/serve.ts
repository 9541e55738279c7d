import { existsSync } from 'node:fs';
import path from 'node:path';
import type { EntrySigner } from '../contract/envelope.ts';
import { verifySignature } from '../signer/verify.ts';
import { openSqliteLog } from './adapters/sqlite/log.ts';
import { CURSOR_FILE } from './adapters/substrate/cursor.ts';
import { ChainError } from './adapters/substrate/errors.ts';
import type { SubstrateLog } from './adapters/substrate/log.ts';
import { openBlobs } from './blobs.ts';
import type { EntryRateOptions } from './entry-rate.ts';
import type { OpenerOptions } from './opening/pool.ts';
import type { Log } from './ports.ts';
import { startServer } from './server.ts';
import { SnapshotFiles } from './snapshot/files.ts';
import { scheduleSnapshots } from './snapshot/schedule.ts';
import type { Taken } from './snapshot/take.ts';
import { sayResumed, startTicker } from './ticker.ts';
import { BLOBS_DIR } from './verify.ts';
import { askWitnesses, type WitnessAddress, type WitnessStatus } from './witness/submitter.ts';

/** Cosigned notes inside the ledger's folder; to lose them costs only asking again. */
const COSIGNED_FILE = 'cosigned.json';

export interface ServeOptions {
  readonly dir: string;
  readonly signer: EntrySigner;
  /** A Substrate chain that keeps order and time instead of this machine: a node's WebSocket address, and where a new copy begins to read. */
  readonly chain?: { readonly url: string; readonly from?: number | 'head' } | undefined;
  readonly host?: string;
  readonly port?: number;
  /** Quiet time before a tick, in ms; default half of the grid's lease. */
  readonly tickAfterMs?: number;
  /** Entries between two snapshots of the state; default 10,000. */
  readonly snapshotEvery?: number;
  /** A snapshot waits until the log was quiet for so long, in ms, or its tail is very long; default 5 s. */
  readonly snapshotQuietMs?: number;
  /** The bundled program of snapshot/worker.ts; without it this thread does that work. */
  readonly snapshotWorker?: URL;
  /** Told what became of each snapshot. */
  readonly onSnapshot?: (taken: Taken) => void;
  /** Entries that one remote address may submit. */
  readonly entryRate?: EntryRateOptions | undefined;
  /** Threads that open envelopes when many wait. */
  readonly openers?: OpenerOptions | undefined;
  /** Who is asked to cosign; at most 16. */
  readonly witnesses?: readonly WitnessAddress[] | undefined;
  /** The log could not make a batch durable: end the process. */
  readonly onFailure?: (error: Error) => void;
}

export interface ServedLedger {
  readonly url: string;
  readonly log: Log;
  /** Only of a ledger on a chain. */
  readonly chain?: SubstrateLog['chain'];
  /** What became of asking each witness. */
  witnesses(): WitnessStatus[];
  close(): Promise<void>;
}

/** Opens the ledger in a folder and serves it, with its ticker. @throws StoreDamagedError, or when it is in use. */
export async function serveLedger(options: ServeOptions): Promise<ServedLedger> {
  const { dir, signer } = options;
  const log = await openLog(options);
  try {
    await sayResumed(log, signer);
    const blobs = await openBlobs(path.join(dir, BLOBS_DIR));
    const asking = askWitnesses({ log, file: path.join(dir, COSIGNED_FILE), witnesses: options.witnesses ?? [], verify: verifySignature });
    const server = await startServer({ log, blobs, cosigned: asking.notes, entryRate: options.entryRate, snapshots: new SnapshotFiles(dir), ...(options.host === undefined ? {} : { host: options.host }), ...(options.port === undefined ? {} : { port: options.port }) });
    const ticker = startTicker({ log, signer, ...(options.tickAfterMs === undefined ? {} : { quietMs: options.tickAfterMs }) });
    const snapshots = scheduleSnapshots({ dir, log, signer, every: options.snapshotEvery, quietMs: options.snapshotQuietMs, worker: options.snapshotWorker, onTaken: options.onSnapshot });
    return {
      url: server.url,
      log,
      ...('chain' in log ? { chain: log.chain } : {}),
      witnesses: () => asking.status(),
      close: async () => {
        ticker.stop();
        asking.close();
        await snapshots.close();
        await server.close();
        await log.close();
      },
    };
  } catch (error) {
    await log.close();
    throw error;
  }
}

async function openLog({ dir, signer, chain, openers, onFailure }: ServeOptions): Promise<Log | SubstrateLog> {
  const options = { dir, signer, openers, ...(onFailure ? { onFailure } : {}) };
  if (chain) {
    // The chain's library is loaded by those only who follow one.
    const { openSubstrateLog } = await import('./adapters/substrate/log.ts');
    return openSubstrateLog({ ...options, url: chain.url, ...(chain.from === undefined ? {} : { from: chain.from }) });
  }
  if (existsSync(path.join(dir, CURSOR_FILE))) throw new ChainError('chain_mismatch', `the ledger in ${dir} is a copy of one that lies on a chain, and is continued there only`);
  return openSqliteLog(options);
}
