import { existsSync } from 'node:fs';
import { z } from 'zod';
import { openKeystore } from '../signer/keystore.ts';
import { findOpeners } from './opening/find.ts';
import { type ServedLedger, serveLedger } from './serve.ts';
import { WitnessAddress } from './witness/submitter.ts';
import type { Taken } from './snapshot/take.ts';

/** The ledger as a process of its own; its parent starts it with one message and ends it by going away. */

const Start = z.strictObject({
  type: z.literal('start'),
  dir: z.string().min(1),
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(0),
  keystore: z.strictObject({ dir: z.string().min(1), unlock: z.string().min(1) }),
  key: z.string().min(1),
  tickAfterMs: z.int().min(1).optional(),
  witnesses: z.array(WitnessAddress).max(16).optional(),
  /** The chain that keeps the log; without it, this machine does. */
  chain: z.strictObject({ url: z.string().regex(/^wss?:\/\//).max(512), from: z.union([z.literal('head'), z.int().min(1)]).optional() }).optional(),
});

let served: ServedLedger | undefined;

/** The build puts the program of the thread that derives snapshots beside this one; without it, the ledger's own thread does. */
function findSnapshotter(): { snapshotWorker: URL } | undefined {
  const worker = new URL('./ledger-snapshot.mjs', import.meta.url);
  return existsSync(worker) ? { snapshotWorker: worker } : undefined;
}

function tellSnapshot(taken: Taken): void {
  process.stderr.write(taken.ok ? `ledger: snapshot over ${taken.statement.size} entries, state ${taken.statement.state}\n` : `ledger: no snapshot: ${taken.message}\n`);
}

/** The chain of the log, and what its account has, for people. */
interface ChainReady { readonly name: string; readonly genesis: string; readonly from: number; readonly account: string; readonly free: string; readonly balance: string }

async function describeChain({ chain }: ServedLedger): Promise<ChainReady | undefined> {
  if (!chain) return undefined;
  const { address, free, text } = await chain.account();
  return { name: chain.name, genesis: chain.genesis, from: chain.from, account: address, free: free.toString(), balance: text };
}

function tell(message: { type: 'ready'; url: string; chain?: ChainReady | undefined } | { type: 'failed'; code: string; message: string; hint?: string }): void {
  if (process.connected) process.send?.(message);
}

function fail(error: unknown): void {
  const text = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'ledger_failed';
  const hint = error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
  tell({ type: 'failed', code, message: text, ...(hint === undefined ? {} : { hint }) });
  process.stderr.write(`ledger: ${text}\n`);
  process.exitCode = 1;
  setTimeout(() => process.exit(1), 100);
}

async function start(message: unknown): Promise<void> {
  const { dir, host, port, keystore, key, tickAfterMs, witnesses, chain } = Start.parse(message);
  const signer = await (await openKeystore(keystore)).signing(key);
  served = await serveLedger({ dir, signer, host, port, openers: findOpeners(), ...findSnapshotter(), onSnapshot: tellSnapshot, onFailure: fail, witnesses, chain: chain && { url: chain.url, ...(chain.from === undefined ? {} : { from: chain.from }) }, ...(tickAfterMs === undefined ? {} : { tickAfterMs }) });
  tell({ type: 'ready', url: served.url, chain: await describeChain(served) });
}

process.once('message', (message) => { start(message).catch(fail); });
// Everything acknowledged is durable, so that going at once loses nothing.
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => { void (served?.close() ?? Promise.resolve()).finally(() => process.exit(0)); });
// Ctrl-C reaches the whole group at once; the parent says when the ledger goes.
process.on('SIGINT', () => undefined);
if (!process.send) {
  process.stderr.write('ledger: this process is started by `3bot up` or `3bot ledger serve`\n');
  process.exit(2);
}
