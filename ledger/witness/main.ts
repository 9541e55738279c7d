import path from 'node:path';
import { z } from 'zod';
import { DidKey } from '../../contract/principal.ts';
import { openKeystore } from '../../signer/keystore.ts';
import { verifySignature } from '../../signer/verify.ts';
import { Witness } from './cosignature.ts';
import { WitnessDesk } from './desk.ts';
import { WitnessMemory } from './memory.ts';
import { startWitness, type WitnessServer } from './server.ts';

/** A witness as a process of its own; its parent starts it with one message and ends it by going away. */

const Start = z.strictObject({
  type: z.literal('start'),
  /** What it must never forget; its keystore lies in it too. */
  dir: z.string().min(1),
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(0),
  name: Witness.shape.name,
  logs: z.array(z.strictObject({ origin: z.string().min(1).max(128), key: DidKey })).min(1).max(16),
});

const KEY_NAME = 'witness';
let running: { server: WitnessServer; memory: WitnessMemory } | undefined;

function fail(error: unknown): void {
  process.stderr.write(`witness: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
  setTimeout(() => process.exit(1), 100);
}

async function start(message: unknown): Promise<void> {
  const { dir, host, port, name, logs } = Start.parse(message);
  const memory = new WitnessMemory(dir);
  const keystore = await openKeystore({ dir: path.join(dir, 'keys'), unlock: path.join(dir, 'keys.unlock'), create: true });
  const signer = await keystore.signing(KEY_NAME);
  const onFork = (file: string): void => { process.stderr.write(`witness: this ledger was forked, the proof is ${file}\n`); };
  const onDamaged = (origin: string, { message }: Error): void => { process.stderr.write(`witness: nothing of ${origin} is cosigned: ${message}\n`); };
  const desk = new WitnessDesk({ name, signer, logs, memory, verify: verifySignature, onFork, onDamaged });
  running = { memory, server: await startWitness(desk, { host, port }) };
  if (process.connected) process.send?.({ type: 'ready', url: running.server.url, name, key: signer.key });
}

process.once('message', (message) => { start(message).catch(fail); });
// What it answered is remembered on disk, so that going at once forgets nothing.
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => { void (running?.server.close() ?? Promise.resolve()).finally(() => process.exit(0)); });
// Ctrl-C reaches the whole group at once; the parent says when the witness goes.
process.on('SIGINT', () => undefined);
if (!process.send) {
  process.stderr.write('witness: this process is started by `3bot up`; `3bot ledger witness` runs one alone\n');
  process.exit(2);
}
