import { Backend } from './backend.ts';
import type { BackendStatus, Dial, Log, Target } from './ports.ts';

interface PoolOptions {
  name: string;
  /** Host header of health checks. */
  host: string;
  dial: Dial;
  log: Log;
}

const keyOf = (target: Target): string => JSON.stringify([target.node, target.service]);

/** The backends of one name, and the choice among them. */
export class BackendPool {
  readonly #options: PoolOptions;
  readonly #backends = new Map<string, Backend>();
  readonly #retired = new Set<Backend>();
  readonly #waiters = new Set<() => void>();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Makes `targets` the backends of the name: new ones are checked at once, those gone are drained. */
  update(targets: Target[]): void {
    const wanted = new Map(targets.map((target) => [keyOf(target), target]));
    for (const [key, backend] of this.#backends) {
      if (wanted.has(key)) continue;
      this.#backends.delete(key);
      this.#retired.add(backend);
      backend.retire();
    }
    for (const backend of this.#retired) if (backend.inflight === 0) this.#retired.delete(backend);
    for (const [key, target] of wanted) {
      if (!this.#backends.has(key)) this.#backends.set(key, this.#create(target));
    }
  }

  #create(target: Target): Backend {
    const { name, host, dial, log } = this.#options;
    return new Backend({
      target,
      dial,
      host,
      onUp: () => {
        log({ event: 'backend_up', name, target });
        for (const wake of [...this.#waiters]) wake();
      },
      onDown: (reason) => log({ event: 'backend_down', name, target, reason }),
    });
  }

  /** The healthy backend with the least in flight, a random one among equals; undefined when none is healthy. */
  pick(): Backend | undefined {
    let best: Backend[] = [];
    for (const backend of this.#backends.values()) {
      if (!backend.healthy) continue;
      const least = best[0]?.inflight ?? Infinity;
      if (backend.inflight < least) best = [backend];
      else if (backend.inflight === least) best.push(backend);
    }
    return best[Math.floor(Math.random() * best.length)];
  }

  /** Waits until a backend is healthy and picks; undefined after `timeoutMs` or when `signal` aborts. */
  async wait(timeoutMs: number, signal: AbortSignal): Promise<Backend | undefined> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const backend = this.pick();
      const left = deadline - performance.now();
      if (backend || left <= 0 || signal.aborted) return backend;
      await this.#nextUp(left, signal);
    }
  }

  #nextUp(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        this.#waiters.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      signal.addEventListener('abort', wake);
      this.#waiters.add(wake);
    });
  }

  status(): BackendStatus[] {
    return [...this.#backends.values()].map((backend) => backend.status());
  }

  close(): void {
    for (const backend of [...this.#backends.values(), ...this.#retired]) backend.close();
    this.#backends.clear();
    this.#retired.clear();
  }
}
