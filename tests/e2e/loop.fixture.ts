import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Clients } from './clients.fixture.ts';

const LOOP = path.join(import.meta.dirname, 'clients', 'loop.py');
const VERIFY_MS = 300_000;

/** One thing the client did or saw; times in seconds since 1970. */
export interface LoopEvent {
  readonly event: 'wrote' | 'failed' | 'read' | 'fault' | 'verified';
  readonly key?: string;
  readonly start?: number;
  readonly end?: number;
  readonly error?: string;
  readonly fault?: string;
  readonly objects?: number;
  readonly listed?: number;
  readonly faults?: readonly unknown[];
}

/** A client that writes and reads without end and keeps account of what was acknowledged (clients/loop.py). */
export class Loop {
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #listeners = new Set<(event: LoopEvent) => void>();
  readonly wrote: LoopEvent[] = [];
  /** Writes that the client gave up, after its own retries. */
  readonly failed: LoopEvent[] = [];
  /** Reads that were wrong, or that the client gave up: each is a broken promise. */
  readonly faults: LoopEvent[] = [];
  reads = 0;

  constructor(clients: Clients, { python, seed }: { python: string; seed: string }) {
    this.#log = path.join(clients.dir, 'loop.log');
    const log = openSync(this.#log, 'a', 0o600);
    this.#child = spawn(python, [LOOP, seed], { cwd: clients.dir, env: { ...clients.env }, stdio: ['pipe', 'pipe', log] });
    closeSync(log);
    if (!this.#child.stdout) throw new Error('no standard output');
    createInterface({ input: this.#child.stdout }).on('line', (line) => { this.#take(JSON.parse(line) as LoopEvent); });
  }

  #take(event: LoopEvent): void {
    if (event.event === 'wrote') this.wrote.push(event);
    else if (event.event === 'failed') this.failed.push(event);
    else if (event.event === 'fault') this.faults.push(event);
    else if (event.event === 'read') this.reads += 1;
    for (const listener of this.#listeners) listener(event);
  }

  /** Resolves with the first event that `accept` takes. @throws when there is none in time, or the client ends. */
  next(what: string, withinMs: number, accept: (event: LoopEvent) => boolean): Promise<LoopEvent> {
    return new Promise((resolve, reject) => {
      const finish = (done: () => void): void => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
        this.#child.off('exit', onExit);
        done();
      };
      const listener = (event: LoopEvent): void => { if (accept(event)) finish(() => { resolve(event); }); };
      const onExit = (): void => { finish(() => { reject(new Error(`the client ended: ${readFileSync(this.#log, 'utf8').slice(-2000)}`)); }); };
      const timer = setTimeout(() => { finish(() => { reject(new Error(`no ${what} within ${withinMs} ms; last failure: ${this.failed.at(-1)?.error ?? 'none'}`)); }); }, withinMs);
      this.#listeners.add(listener);
      this.#child.once('exit', onExit);
      if (this.#child.exitCode !== null) onExit();
    });
  }

  /** Milliseconds from `since` (Date.now()) until a write that began later was acknowledged. */
  async untilWritten(since: number, withinMs: number): Promise<number> {
    const began = since / 1000;
    const isNew = (e: LoopEvent): boolean => e.event === 'wrote' && (e.start ?? 0) >= began;
    const done = this.wrote.find(isNew) ?? (await this.next('acknowledged write', withinMs, isNew));
    return Math.round(((done.end ?? 0) - began) * 1000);
  }

  /** Pauses the writers, reads and lists everything; returns what is not as it was promised. */
  async verify(): Promise<{ objects: number; faults: readonly unknown[] }> {
    const verdict = this.next('verdict', VERIFY_MS, (e) => e.event === 'verified');
    this.#child.stdin?.write('verify\n');
    const { objects = 0, faults = [] } = await verdict;
    return { objects, faults };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 90_000);
    const ended = new Promise<void>((resolve) => { this.#child.once('exit', () => { resolve(); }); });
    this.#child.stdin?.end('stop\n');
    await ended;
    clearTimeout(force);
  }
}
