import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { openSqliteLog } from '../../ledger/adapters/sqlite/log.ts';
import { readEnvelopes, readSigner } from './files.ts';

// accept.mjs FOLDER DIR COUNT BATCH THREADS: signed envelopes through parse, verification, state machine and durable SQLite, in one process.
const [folder = '', dir = '', count = '', batch = '', threads = ''] = process.argv.slice(2);
/** Submissions that wait at once: what several clients keep a server supplied with. */
const WAITING = 8;
const WARM_UP = 8000;
const openers = Number(threads) > 0 ? { entry: new URL('./ledger-opener.mjs', import.meta.url), workers: Number(threads) } : undefined;
const log = await openSqliteLog({ dir, signer: readSigner(folder), openers });

async function submit(envelopes: readonly unknown[]): Promise<void> {
  for (const result of await log.submit(envelopes)) if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
}
const preamble = readEnvelopes(folder, 'preamble', 0, Infinity);
for (let at = 0; at < preamble.length; at += 256) await submit(preamble.slice(at, at + 256));
// Each thread checks each key once, for half a millisecond: a ledger that runs for longer than a second has done so.
const envelopes = readEnvelopes(folder, 'alive', 0, WARM_UP + Number(count));
const warmUp = envelopes.splice(0, WARM_UP);
for (let at = 0; at < warmUp.length; at += 256) await submit(warmUp.slice(at, at + 256));
const batches = Array.from({ length: Math.ceil(envelopes.length / Number(batch)) }, (_, i) => envelopes.slice(i * Number(batch), (i + 1) * Number(batch)));

const cpu = process.cpuUsage();
const started = performance.now();
let next = 0;
await Promise.all(Array.from({ length: WAITING }, async () => {
  for (let mine = batches[next++]; mine; mine = batches[next++]) await submit(mine);
}));
const seconds = (performance.now() - started) / 1000;
const used = process.cpuUsage(cpu);
const { rss } = process.memoryUsage();
await log.close();
const bytes = readdirSync(dir).reduce((sum, name) => sum + (statSync(path.join(dir, name)).isFile() ? statSync(path.join(dir, name)).size : 0), 0);
process.stdout.write(`${JSON.stringify({ perSecond: envelopes.length / seconds, cpuMicroseconds: (used.user + used.system) / envelopes.length, rss, bytesAnEntry: bytes / (envelopes.length + WARM_UP + preamble.length) })}\n`);
