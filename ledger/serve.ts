import path from 'node:path';
import type { EntrySigner } from '../contract/envelope.ts';
import { openSqliteLog } from './adapters/sqlite/log.ts';
import { openBlobs } from './blobs.ts';
import type { Log } from './ports.ts';
import { startServer } from './server.ts';
import { sayResumed, startTicker } from './ticker.ts';
import { BLOBS_DIR } from './verify.ts';

export interface ServeOptions {
  readonly dir: string;
  readonly signer: EntrySigner;
  readonly host?: string;
  readonly port?: number;
  /** Quiet time before a tick, in ms; default half of the grid's lease. */
  readonly tickAfterMs?: number;
  /** The log could not make a batch durable: end the process. */
  readonly onFailure?: (error: Error) => void;
}

export interface ServedLedger {
  readonly url: string;
  readonly log: Log;
  close(): Promise<void>;
}

/** Opens the ledger in a folder and serves it, with its ticker. @throws StoreDamagedError, or when it is in use. */
export async function serveLedger(options: ServeOptions): Promise<ServedLedger> {
  const { dir, signer } = options;
  const log = await openSqliteLog({ dir, signer, ...(options.onFailure ? { onFailure: options.onFailure } : {}) });
  try {
    await sayResumed(log, signer);
    const blobs = await openBlobs(path.join(dir, BLOBS_DIR));
    const server = await startServer({ log, blobs, ...(options.host === undefined ? {} : { host: options.host }), ...(options.port === undefined ? {} : { port: options.port }) });
    const ticker = startTicker({ log, signer, ...(options.tickAfterMs === undefined ? {} : { quietMs: options.tickAfterMs }) });
    return {
      url: server.url,
      log,
      close: async () => {
        ticker.stop();
        await server.close();
        await log.close();
      },
    };
  } catch (error) {
    await log.close();
    throw error;
  }
}
