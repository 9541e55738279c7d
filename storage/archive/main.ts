import { chmod, rm } from 'node:fs/promises';
import { createArchive } from './archive.ts';
import type { Archive } from './archive.ts';
import { dialThrough } from './dial.ts';
import { daemonMessage } from './messages.ts';
import type { ArchiveFailure, ArchiveMessage, DaemonMessage } from './messages.ts';
import { Fence } from '../zdb/fence.ts';

/** The archive front-end process. Its node daemon forks it and says all it has to know over IPC; without a daemon it ends. */
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** Status pushes are at most this often. */
const PUSH_INTERVAL_MS = 1_000;
const LEASE_CHECK_MS = 100;

const fence = new Fence();
let archive: Archive | null = null;
let pushTimer: NodeJS.Timeout | null = null;
let lastPush = -PUSH_INTERVAL_MS;
let lastSent = '';

function send(message: ArchiveMessage, then?: () => void): void {
  if (!process.connected || !process.send) { then?.(); return; }
  process.send(message, undefined, undefined, () => { then?.(); });
}

function fail(code: ArchiveFailure, message: string): void {
  send({ type: 'failed', code, message }, () => process.exit(EXIT_FAILED));
}

/** Sends the status if it differs from the last one sent, now or when a second has passed since. */
function push(): void {
  if (pushTimer || !archive) return;
  pushTimer = setTimeout(() => {
    pushTimer = null;
    if (!archive) return;
    const status = archive.status();
    const text = JSON.stringify(status);
    if (text === lastSent) return;
    lastSent = text;
    lastPush = performance.now();
    send({ type: 'status', ...status });
  }, Math.max(0, lastPush + PUSH_INTERVAL_MS - performance.now()));
}

async function start(message: Extract<DaemonMessage, { type: 'start' }>): Promise<void> {
  if (archive) { fail('bad_message', 'already started'); return; }
  try {
    archive = createArchive({
      slots: message.slots, dataShards: message.dataShards, parityShards: message.parityShards, dataKey: Buffer.from(message.dataKey, 'base64'),
      region: message.region, credentials: message.credentials, dial: dialThrough(message.dialSocket), leased: () => !fence.ended, onChange: push,
      ...(message.bucket === undefined ? {} : { bucket: message.bucket }),
      ...(message.retention === undefined ? {} : { retention: message.retention }),
    });
  } catch (error) {
    fail('bad_layout', error instanceof Error ? error.message : String(error));
    return;
  }
  const { server } = archive;
  try {
    await rm(message.socket, { force: true });
    await new Promise<void>((resolve, reject) => { server.once('error', reject); server.listen(message.socket, resolve); });
    await chmod(message.socket, 0o600);
  } catch (error) {
    fail('io', `cannot listen: ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  watchLease(archive);
  send({ type: 'ready' });
  push();
}

/** The moment the lease ends, every connection is cut: what it was promised could not be kept any more. */
function watchLease(running: Archive): void {
  let ended = fence.ended;
  setInterval(() => {
    if (fence.ended === ended) return;
    ended = fence.ended;
    if (ended) running.server.closeAllConnections();
    push();
  }, LEASE_CHECK_MS).unref();
}

function receive(raw: unknown): void {
  const parsed = daemonMessage.safeParse(raw);
  // The message holds keys: say which field is wrong, never what it holds.
  if (!parsed.success) { fail('bad_message', `message of the daemon is not valid: ${parsed.error.issues[0]?.path.join('.') ?? ''}`); return; }
  const message = parsed.data;
  switch (message.type) {
    case 'start': void start(message); return;
    case 'slots': archive?.slots.update(message.slots); return;
    case 'lease': fence.renew(message); return;
    case 'status': if (archive) send({ type: 'status', ...archive.status() }); return;
    case 'stop': void (archive?.close() ?? Promise.resolve()).finally(() => process.exit(0));
  }
}

if (process.send) {
  process.on('message', receive);
  process.on('disconnect', () => process.exit(0));
} else {
  process.stderr.write('storage/archive is started by a node daemon, over IPC\n');
  process.exitCode = EXIT_USAGE;
}
