import { type ChildProcess, fork } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Digest } from '../../contract/digest.ts';
import type { Condition } from '../driver.ts';
import { type MeasuredEngine, measureFile } from '../engine.ts';
import { openLogFile } from '../log-file.ts';
import { deviationOf } from '../purity.ts';

const MIN_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 5000;
/** A process that ran this long is healthy: the next failure starts the backoff anew. */
const STEADY_MS = 10_000;
/** From start to `ready`; opening a large log takes time. */
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 2000;
/** Failed starts in a row before the condition says `failed`. */
const FAILURES_TO_REPORT = 3;
const MAX_REASON = 300;

export interface EngineProcessOptions {
  readonly engine: MeasuredEngine;
  /** Copies the engine again when its private copy was changed. */
  readonly restage: () => Promise<MeasuredEngine>;
  /** What the engine is told at its start; secrets go this way only, never by argument, environment or file. */
  readonly startMessage: () => Promise<object>;
  readonly workDir: string;
  readonly logFile: string;
  readonly onMessage: (message: unknown) => void;
  readonly onChange: () => void;
}

/**
 * One engine as a child process that is started again until it is stopped. What runs is the private copy, measured
 * right before each start. The child ends by itself when this process dies: its IPC channel closes.
 */
export class EngineProcess {
  readonly #o: EngineProcessOptions;
  readonly #log: (data: Buffer | string) => void;
  #child: ChildProcess | undefined;
  #ready = false;
  #stopped = false;
  #failures = 0;
  #reason = 'starting';
  /** The current process, or this one about it, has said why it fails. */
  #explained = false;
  #measured: Digest | undefined;
  /** End of the lease on this machine's monotonic clock. */
  #leaseEnd = 0n;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: EngineProcessOptions) {
    this.#o = options;
    this.#log = openLogFile(options.logFile);
    void this.#spawn();
  }

  get ready(): boolean {
    return this.#ready;
  }

  condition(): Condition {
    return {
      phase: this.#stopped ? 'stopped' : this.#ready ? 'running' : this.#failures >= FAILURES_TO_REPORT ? 'failed' : 'starting',
      reason: this.#ready ? '' : this.#reason,
      ...(this.#measured && { measured: this.#measured }),
      ...(this.#child?.pid !== undefined && { pid: this.#child.pid }),
    };
  }

  lease(validForMs: number): void {
    this.#leaseEnd = process.hrtime.bigint() + BigInt(Math.max(0, Math.floor(validForMs))) * 1_000_000n;
    this.#sendLease();
  }

  send(message: object): void {
    if (this.#child?.connected) this.#child.send(message, () => undefined);
  }

  async inspect(): Promise<void> {
    const child = this.#child;
    if (!this.#ready || child?.pid === undefined) return;
    const deviation = await deviationOf(child.pid, this.#o.engine);
    // It may have ended by itself meanwhile; then the exit handler has the word.
    if (!deviation || child !== this.#child || child.exitCode !== null || child.signalCode !== null) return;
    this.#failed(deviation);
    child.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#ready = false;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    this.lease(0);
    await new Promise<void>((resolve) => {
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      child.once('exit', () => {
        clearTimeout(kill);
        resolve();
      });
      this.send({ type: 'stop' });
    });
  }

  async #spawn(): Promise<void> {
    try {
      await mkdir(this.#o.workDir, { recursive: true, mode: 0o700 });
      await this.#measure();
      const start = await this.#o.startMessage();
      if (this.#stopped) return;
      this.#run(start);
    } catch (error) {
      this.#failures += 1;
      this.#failed(error instanceof Error ? error.message : 'could not be started');
      this.#again();
    }
  }

  /** Refuses anything but the pinned bytes; a changed copy is made anew from the installation, once. */
  async #measure(): Promise<void> {
    const { engine } = this.#o;
    this.#measured = await measureFile(engine.file).catch(() => undefined);
    if (this.#measured === engine.digest) return;
    await this.#o.restage();
    this.#measured = await measureFile(engine.file);
    if (this.#measured !== engine.digest) throw new Error(`engine_mismatch: measured ${this.#measured}, pinned ${engine.digest}`);
  }

  #run(start: object): void {
    const { PATH = '/usr/bin:/bin' } = process.env;
    const child = fork(this.#o.engine.file, [], {
      cwd: path.dirname(this.#o.engine.file),
      // Nothing of this process's environment or flags reaches the engine: they could load other code into it.
      env: { PATH },
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    const startedAt = performance.now();
    this.#explained = false;
    child.stdout?.on('data', this.#log);
    child.stderr?.on('data', this.#log);
    child.on('message', (message) => this.#receive(child, message));
    child.on('error', (error) => {
      this.#failed(error.message);
      // A process that could not be made does not exit.
      if (child.pid === undefined) ended(null, null);
    });
    const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (child !== this.#child) return;
      clearTimeout(this.#timer);
      this.#ready = false;
      this.#child = undefined;
      if (performance.now() - startedAt > STEADY_MS) this.#failures = 0;
      if (!this.#stopped) {
        this.#failures += 1;
        if (!this.#explained) this.#reason = `ended with ${signal ?? `code ${code ?? 'unknown'}`}`;
        this.#again();
      }
      this.#o.onChange();
    };
    child.once('exit', ended);
    this.#timer = setTimeout(() => child.kill('SIGKILL'), READY_TIMEOUT_MS).unref();
    child.send(start, () => undefined);
    this.#sendLease();
  }

  #receive(child: ChildProcess, message: unknown): void {
    if (child !== this.#child || typeof message !== 'object' || message === null || !('type' in message)) return;
    if (message.type === 'ready') {
      clearTimeout(this.#timer);
      this.#ready = true;
      this.#reason = '';
      this.#sendLease();
      this.#o.onChange();
    } else if (message.type === 'failed' && 'message' in message && typeof message.message === 'string') {
      this.#failed(message.message);
    } else {
      this.#o.onMessage(message);
    }
  }

  #sendLease(): void {
    const now = process.hrtime.bigint();
    const validForMs = this.#leaseEnd > now ? Number((this.#leaseEnd - now) / 1_000_000n) : 0;
    // issuedAt lets the child count from here: a message that waited in the pipe of a stopped process is not newer for that.
    this.send({ type: 'lease', validForMs, issuedAt: now.toString() });
  }

  #failed(reason: string): void {
    this.#ready = false;
    this.#explained = true;
    this.#reason = reason.slice(0, MAX_REASON);
    this.#o.onChange();
  }

  #again(): void {
    if (this.#stopped) return;
    const delay = Math.min(MIN_BACKOFF_MS * 2 ** Math.max(0, this.#failures - 1), MAX_BACKOFF_MS);
    if (!this.#child) this.#timer = setTimeout(() => void this.#spawn(), delay).unref();
  }
}
