import { base64 } from '@scure/base';
import type { EntrySigner } from '../../contract/envelope.ts';
import { equalHash } from '../merkle.ts';
import type { Log } from '../ports.ts';
import { SnapshotFiles } from './files.ts';
import { takeSnapshot, type Taken } from './take.ts';

/** Entries between two snapshots, when there is time for them. */
export const SNAPSHOT_EVERY = 10_000;
/** So many more and one is taken however busy the log is: what a newcomer has to replay stays bounded. */
export const SNAPSHOT_AT_MOST = 200_000;
/** The log is quiet when it grows by fewer entries than this in so long: a thousand a second, a tenth of what it can do. */
export const QUIET_MS = 5000;
export const QUIET_ENTRIES = 5000;

export interface SnapshotSchedule {
  close(): Promise<void>;
}

export interface ScheduleOptions {
  readonly dir: string;
  readonly log: Pick<Log, 'size' | 'root' | 'onCommit'>;
  readonly signer: EntrySigner;
  readonly every?: number | undefined;
  readonly atMost?: number | undefined;
  readonly quietMs?: number | undefined;
  readonly quietEntries?: number | undefined;
  readonly worker?: URL | undefined;
  /** Told what became of each; a snapshot that fails costs nothing but the time to try again. */
  readonly onTaken?: ((taken: Taken) => void) | undefined;
}

/**
 * Takes a snapshot when so many entries have come since the newest one and the log is quiet, or when they are very many;
 * one at a time. Deriving one replays each entry once (60 us of a core), which a busy log has not to spare.
 */
export function scheduleSnapshots(options: ScheduleOptions): SnapshotSchedule {
  const { dir, log, signer, worker } = options;
  const { every = SNAPSHOT_EVERY, atMost = SNAPSHOT_AT_MOST, quietMs = QUIET_MS, quietEntries = QUIET_ENTRIES } = options;
  const closing = new AbortController();
  let latest = new SnapshotFiles(dir).sizes()[0] ?? 0;
  let running: Promise<void> | undefined;
  let waiting: NodeJS.Timeout | undefined;
  const take = (): void => {
    clearTimeout(waiting);
    waiting = undefined;
    // Also after a failure: the next try comes with the next `every` entries, not with the next entry.
    latest = log.size();
    running = takeSnapshot({
      dir, signer, signal: closing.signal, ...(worker === undefined ? {} : { worker }),
      confirm: ({ size, root }) => size <= log.size() && equalHash(log.root(size), base64.decode(root)),
    })
      .catch((error: unknown): Taken => ({ ok: false, code: 'snapshot_failed', message: error instanceof Error ? error.message : String(error) }))
      .then((taken) => {
        running = undefined;
        if (taken.ok) latest = taken.statement.size;
        if (closing.signal.aborted) return;
        options.onTaken?.(taken);
        look();
      });
  };
  const waitForQuiet = (): void => {
    const before = log.size();
    waiting = setTimeout(() => {
      if (log.size() - before < quietEntries) take();
      else waitForQuiet();
    }, quietMs).unref();
  };
  const look = (): void => {
    const tail = log.size() - latest;
    if (running || closing.signal.aborted || tail < every) return;
    if (tail >= atMost) take();
    else if (!waiting) waitForQuiet();
  };
  const stop = log.onCommit(look);
  look();
  return {
    close: async () => {
      stop();
      clearTimeout(waiting);
      closing.abort(new Error('the ledger stops'));
      await running;
    },
  };
}
