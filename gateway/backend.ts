import { request } from 'node:http';
import { OverlayAgent } from './overlay-agent.ts';
import type { BackendStatus, Dial, Target } from './ports.ts';

export const HEALTH_PATH = '/-/health';
const CHECK_INTERVAL_MS = 1000;
const CHECK_TIMEOUT_MS = 2000;
const MAX_REASON = 200;

interface BackendOptions {
  target: Target;
  dial: Dial;
  /** Host header of health checks. */
  host: string;
  onUp(): void;
  onDown(reason: string): void;
}

/** One backend of a name: its connections, its health and what is in flight on it. */
export class Backend {
  readonly target: Target;
  readonly agent: OverlayAgent;
  readonly #options: BackendOptions;
  readonly #watchers = new Set<(failures: number) => void>();
  #healthy = false;
  #failures = 0;
  #inflight = 0;
  #lastError: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #checking = false;
  #retiring = false;
  #closed = false;

  constructor(options: BackendOptions) {
    this.#options = options;
    this.target = options.target;
    this.agent = new OverlayAgent(options.dial, options.target);
    this.#schedule(0);
  }

  get healthy(): boolean {
    return this.#healthy && !this.#retiring && !this.#closed;
  }

  get inflight(): number {
    return this.#inflight;
  }

  /** Counts one exchange on this backend until the returned function is called (once). */
  begin(onFailedCheck: (failures: number) => void): () => void {
    this.#inflight += 1;
    this.#watchers.add(onFailedCheck);
    return () => {
      if (!this.#watchers.delete(onFailedCheck)) return;
      this.#inflight -= 1;
      if (this.#retiring && this.#inflight === 0) this.close();
    };
  }

  /** Passive check: a connection has failed. The backend is out of choice until a health check succeeds. */
  markDown(reason: string): void {
    this.#lastError = reason.slice(0, MAX_REASON);
    if (!this.#healthy) return;
    this.#healthy = false;
    this.#options.onDown(this.#lastError);
    this.#schedule(0);
  }

  /** Takes it out of choice; it is closed when nothing is in flight on it any more. */
  retire(): void {
    this.#retiring = true;
    if (this.#inflight === 0) this.close();
  }

  close(): void {
    this.#closed = true;
    this.#healthy = false;
    clearTimeout(this.#timer);
    this.agent.destroy();
  }

  status(): BackendStatus {
    const error = this.#healthy || this.#lastError === undefined ? {} : { lastError: this.#lastError };
    return { ...this.target, healthy: this.healthy, inflight: this.#inflight, ...error };
  }

  #schedule(delayMs: number): void {
    if (this.#closed || this.#checking) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#check(), delayMs);
    this.#timer.unref();
  }

  async #check(): Promise<void> {
    this.#checking = true;
    const failure = await this.#probe();
    this.#checking = false;
    if (this.#closed) return;
    if (failure === undefined) {
      this.#failures = 0;
      if (!this.#healthy) {
        this.#healthy = true;
        this.#lastError = undefined;
        this.#options.onUp();
      }
    } else {
      this.#failures += 1;
      this.markDown(failure);
      for (const watcher of [...this.#watchers]) watcher(this.#failures);
    }
    this.#schedule(CHECK_INTERVAL_MS);
  }

  /** One health request over the same path as traffic: undefined when it answers 2xx in time, else the reason. */
  #probe(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const probe = request({
        agent: this.agent,
        method: 'GET',
        path: HEALTH_PATH,
        headers: ['Host', this.#options.host],
      });
      const finish = (failure: string | undefined) => {
        clearTimeout(timer);
        resolve(failure);
      };
      const timer = setTimeout(() => {
        // Answers that arrived while this process was busy are read before the backend is blamed.
        setImmediate(() => {
          finish('health check timed out');
          probe.destroy();
        });
      }, CHECK_TIMEOUT_MS);
      probe.once('response', (response) => {
        const status = response.statusCode ?? 0;
        response.once('end', () => finish(status >= 200 && status < 300 ? undefined : `health check answered ${status}`));
        response.once('close', () => finish('health check was cut off'));
        response.once('error', () => finish('health check was cut off'));
        response.resume();
      });
      probe.once('upgrade', (_response, socket) => socket.destroy());
      probe.on('error', (error) => finish(error.message));
      probe.once('close', () => finish('connection closed'));
      probe.end();
    });
  }
}
