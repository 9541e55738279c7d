import { parseArgs } from 'node:util';
import { readConfig } from './config.ts';
import { type Daemon, runDaemon } from './daemon.ts';
import type { Log } from './standing.ts';

/** One node as a process of its own: `node-daemon --config FILE`. Logs are JSON lines on stderr. */
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const MAX_LINE = 2000;
const MAX_LINES_PER_SECOND = 50;
/** A stop that takes longer is ended; the children end with the process. */
const STOP_MS = 5000;

let second = 0;
let lines = 0;
const log: Log = (level, event, facts = {}) => {
  const now = Math.floor(performance.now() / 1000);
  if (now !== second) [second, lines] = [now, 0];
  if (++lines > MAX_LINES_PER_SECOND) return;
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...facts }).slice(0, MAX_LINE)}\n`);
};

const stopping = new AbortController();
let daemon: Daemon | undefined;

async function stop(): Promise<void> {
  if (stopping.signal.aborted) return;
  stopping.abort();
  setTimeout(() => process.exit(EXIT_FAILED), STOP_MS).unref();
  await daemon?.close();
  process.exit(0);
}

// A daemon without the process that started it ends at once, and its children with it: nothing is left to clean up.
if (process.send) process.on('disconnect', () => process.exit(EXIT_FAILED));
// It may have gone before anybody listened.
if (process.send && !process.connected) process.exit(EXIT_FAILED);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
// A parent that is gone must not end this process by a closed pipe.
process.stderr.on('error', () => undefined);

/** Nothing else here holds the event loop while the ledger is away. */
const KEEP_ALIVE_MS = 60_000;

async function main(): Promise<void> {
  process.umask(0o077);
  setInterval(() => undefined, KEEP_ALIVE_MS);
  const { values } = parseArgs({ options: { config: { type: 'string' } }, allowPositionals: false });
  if (!values.config) {
    log('warn', 'usage', { message: 'expected --config FILE' });
    process.exitCode = EXIT_USAGE;
    return;
  }
  daemon = await runDaemon(await readConfig(values.config), { signal: stopping.signal, log });
  log('info', 'node.ready', { id: daemon.id, endpoint: daemon.endpoint });
  if (process.connected) process.send?.({ type: 'ready', id: daemon.id, endpoint: daemon.endpoint });
}

main().catch((error: unknown) => {
  if (stopping.signal.aborted) process.exit(0);
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'node_failed';
  const message = error instanceof Error ? error.message : 'unknown';
  log('warn', 'node.failed', { code, message });
  if (process.connected) process.send?.({ type: 'failed', code, message });
  process.exitCode = EXIT_FAILED;
  setTimeout(() => process.exit(EXIT_FAILED), 100);
});
