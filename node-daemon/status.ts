import { rename, writeFile } from 'node:fs/promises';

const MIN_INTERVAL_MS = 1000;
/** Written again even if nothing happened, since the rest of the lease changes. */
const REFRESH_MS = 5000;

/** What `<state>/status.json` says; read by whoever may read the node's private folder. */
export interface NodeStatus {
  readonly id: string;
  readonly label: string;
  readonly at: string;
  /** Milliseconds left of the lease. */
  readonly lease: number;
  readonly ledger: { readonly size: number; readonly connected: boolean };
  readonly overlay: { readonly endpoint: string | undefined; readonly links: number; readonly sessions: number; readonly streams: number };
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
  readonly workloads: readonly { readonly deployment: string; readonly workload: string; readonly epoch: number; readonly phase: string; readonly reason: string; readonly pid: number | undefined }[];
}

/** Writes a file whole or not at all; one writer a file. */
export async function writeAtomically(file: string, value: unknown): Promise<void> {
  const temporary = `${file}.tmp`;
  await writeFile(temporary, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  await rename(temporary, file);
}

/** Keeps the status file current, at most one write a second. */
export function keepStatus(file: string, read: () => NodeStatus): { touch(): void; close(): void } {
  let writing = false;
  let dirty = true;
  let last = -Infinity;
  const look = (): void => {
    const age = performance.now() - last;
    if (writing || (!dirty && age < REFRESH_MS)) return;
    writing = true;
    dirty = false;
    last = performance.now();
    // A full disk costs the status, not the work.
    void writeAtomically(file, read()).catch(() => undefined).finally(() => { writing = false; });
  };
  const timer = setInterval(look, MIN_INTERVAL_MS).unref();
  return { touch: () => { dirty = true; }, close: () => clearInterval(timer) };
}
