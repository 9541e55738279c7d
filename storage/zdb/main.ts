import { CatalogueCorrupt } from './catalogue.ts';
import { VERSION } from './commands.ts';
import { Fence } from './fence.ts';
import { LogCorrupt } from './log.ts';
import { daemonMessage, type DaemonMessage, type ZdbFailure, type ZdbMessage } from './messages.ts';
import { startZdb, type Zdb } from './server.ts';
import { StoreLocked, WrongMode } from './store.ts';

/** The zdb process. Its node daemon forks it and says all it has to know over IPC; without a daemon it ends. */
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

type Start = Extract<DaemonMessage, { type: 'start' }>;

const fence = new Fence();
let starting: Promise<Zdb> | undefined;
let zdb: Zdb | undefined;

function send(message: ZdbMessage, then?: () => void): void {
  if (!process.connected || !process.send) return then?.();
  process.send(message, undefined, undefined, () => then?.());
}

function fail(code: ZdbFailure, message: string): void {
  process.exitCode = EXIT_FAILED;
  send({ type: 'failed', code, message }, () => process.exit(EXIT_FAILED));
}

async function start(message: Start): Promise<void> {
  if (starting) return fail('bad_message', 'already started');
  starting = startZdb({
    dir: message.dir,
    socket: message.socket,
    capacity: BigInt(message.capacity),
    namespaces: message.namespaces,
    mode: message.mode,
    fence,
    onFailure: (error) => fail('io', messageOf(error)),
  });
  try {
    zdb = await starting;
  } catch (error) {
    return fail(failureOf(error), messageOf(error));
  }
  send({ type: 'ready', version: VERSION });
}

async function stop(): Promise<void> {
  const running = await starting?.catch(() => undefined);
  await running?.close();
  process.exit(process.exitCode ?? 0);
}

function receive(raw: unknown): void {
  const parsed = daemonMessage.safeParse(raw);
  if (!parsed.success) return fail('bad_message', 'message of the daemon is not valid');
  const message = parsed.data;
  switch (message.type) {
    case 'start':
      void start(message);
      return;
    case 'lease':
      fence.renew(message);
      return;
    case 'status':
      send({
        type: 'status',
        bytes: String(zdb?.store.bytes ?? 0),
        records: zdb?.store.records ?? 0,
        fenced: fence.ended,
      });
      return;
    case 'stop':
      void stop();
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function failureOf(error: unknown): ZdbFailure {
  if (error instanceof StoreLocked) return 'locked';
  if (error instanceof WrongMode) return 'wrong_mode';
  return error instanceof LogCorrupt || error instanceof CatalogueCorrupt ? 'corrupt' : 'io';
}

if (process.send) {
  process.umask(0o077);
  // A store without its daemon has nobody who renews or ends its lease: it ends at once, as after kill -9.
  process.on('disconnect', () => process.exit(EXIT_FAILED));
  process.on('message', receive);
} else {
  process.stderr.write('zdb is started by the node daemon (no IPC channel)\n');
  process.exitCode = EXIT_USAGE;
}
