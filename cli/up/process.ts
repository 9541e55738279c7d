import { type ChildProcess, fork, type Serializable } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { Refusal } from '../refusal.ts';
import { installRoot } from '../state-dir.ts';

const RESTART_DELAYS_MS = [200, 500, 1000, 2000, 5000];
const STOP_GRACE_MS = 5000;
/** A log that is longer at a start is put aside; one older one is kept. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;

const Failed = z.object({ type: z.literal('failed'), code: z.string(), message: z.string(), hint: z.string().optional() });

export interface ManagedOptions {
  readonly name: string;
  /** File in dist/. */
  readonly entry: string;
  readonly args?: readonly string[];
  readonly logFile: string;
  /** First message over IPC; settings never travel in arguments. */
  readonly start?: Serializable;
  /** Type of the IPC message that says it is ready; without one it is ready when it runs. */
  readonly readyType?: string;
  /** Start it again when it ends. A node is a machine: when it dies it stays dead. */
  readonly restart: boolean;
  onExit?(code: number | null, signal: NodeJS.Signals | null): void;
}

export interface Managed {
  readonly name: string;
  readonly pid: number | undefined;
  /** Resolves with the ready message; rejects when the process ends before it. */
  readonly ready: Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

/** Runs one of the grid's processes as a child that ends with us: its IPC channel closes when we die. */
export function manage(options: ManagedOptions): Managed {
  let child: ChildProcess | undefined;
  let stopping = false;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let settle: { resolve: (m: Record<string, unknown>) => void; reject: (e: Error) => void };
  const ready = new Promise<Record<string, unknown>>((resolve, reject) => { settle = { resolve, reject }; });
  ready.catch(() => undefined);
  const spawn = (): void => {
    mkdirSync(path.dirname(options.logFile), { recursive: true, mode: 0o700 });
    if (existsSync(options.logFile) && statSync(options.logFile).size > MAX_LOG_BYTES) renameSync(options.logFile, `${options.logFile}.1`);
    const log = openSync(options.logFile, 'a', 0o600);
    child = fork(path.join(installRoot(), 'dist', options.entry), [...(options.args ?? [])], { stdio: ['ignore', log, log, 'ipc'], execArgv: [] });
    closeSync(log);
    if (options.start !== undefined) child.send(options.start, () => undefined);
    if (options.readyType === undefined) settle.resolve({});
    child.on('message', (message) => {
      const failed = Failed.safeParse(message);
      // What it says itself is clearer than how it ended.
      if (failed.success) settle.reject(new Refusal({ code: failed.data.code, message: `the ${options.name} could not start: ${failed.data.message}`, hint: failed.data.hint ?? `its log is ${options.logFile}` }));
      if (typeof message !== 'object' || !('type' in message) || message.type !== options.readyType) return;
      failures = 0;
      settle.resolve({ ...message });
    });
    child.on('error', () => undefined);
    child.on('exit', (code, signal) => {
      settle.reject(new Error(`${options.name} ended (${signal ?? `code ${code ?? 'unknown'}`}) before it was ready; its log is ${options.logFile}`));
      options.onExit?.(code, signal);
      if (stopping || !options.restart) return;
      timer = setTimeout(spawn, RESTART_DELAYS_MS[Math.min(failures++, RESTART_DELAYS_MS.length - 1)]);
    });
  };
  spawn();
  return {
    name: options.name,
    get pid() { return child?.pid; },
    ready,
    stop: () => {
      stopping = true;
      if (timer) clearTimeout(timer);
      return endChild(child);
    },
  };
}

function endChild(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
    child.once('exit', () => {
      clearTimeout(force);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
