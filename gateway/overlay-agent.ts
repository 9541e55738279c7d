import { setMaxListeners } from 'node:events';
import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dial, Target } from './ports.ts';

const DIAL_TIMEOUT_MS = 3000;
/** Node servers close idle connections after 5 s; staying below keeps us from writing into one that is closing. */
const IDLE_CONNECTION_MS = 4000;
/** Below the usual concurrency, connections would be closed and dialled again all the time. */
const MAX_IDLE_CONNECTIONS = 256;

/** The methods of a TCP socket that http.Agent calls and that an overlay stream need not have. */
const SOCKET_METHODS = ['ref', 'unref', 'setKeepAlive', 'setNoDelay', 'setTimeout'] as const;

function completeSocket(stream: Duplex): Duplex {
  for (const method of SOCKET_METHODS) {
    if (!(method in stream)) Object.defineProperty(stream, method, { value: () => stream });
  }
  // Between requests nobody else listens, and an error nobody listens for would end the process.
  stream.on('error', () => undefined);
  // A backend that ends its half has given up the connection; half-open it would look idle and reusable.
  stream.once('end', () => stream.destroy());
  return stream;
}

/** A pool of keep-alive HTTP connections to one backend, opened through the overlay. */
export class OverlayAgent extends Agent {
  readonly #dial: Dial;
  readonly #target: Target;
  readonly #closing = new AbortController();
  readonly #idleTimers = new WeakMap<Duplex, NodeJS.Timeout>();

  constructor(dial: Dial, target: Target) {
    super({ keepAlive: true, maxFreeSockets: MAX_IDLE_CONNECTIONS, scheduling: 'lifo' });
    this.#dial = dial;
    this.#target = target;
    // Every dial under way may listen for the end; how many there are is bounded by the requests in flight.
    setMaxListeners(0, this.#closing.signal);
  }

  override createConnection(
    _options: unknown,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const done = callback as ((error: Error | null, stream?: Duplex) => void) | undefined;
    this.#open().then(
      // On a stream that is gone already, the request would wait for events that have passed.
      (stream) => (stream.destroyed ? done?.(new Error('connection closed')) : done?.(null, stream)),
      (error: unknown) => done?.(error instanceof Error ? error : new Error(String(error))),
    );
    return undefined;
  }

  async #open(): Promise<Duplex> {
    const signal = this.#closing.signal;
    signal.throwIfAborted();
    const dialled = this.#dial(this.#target, { signal, timeoutMs: DIAL_TIMEOUT_MS });
    let giveUp: (reason: Error) => void = () => undefined;
    const limit = new Promise<never>((_resolve, reject) => (giveUp = reject));
    const onAbort = () => giveUp(new Error('gateway closed'));
    // Backs up a dial that ignores its time limit or the signal.
    const timer = setTimeout(() => giveUp(new Error('dial timed out')), DIAL_TIMEOUT_MS);
    signal.addEventListener('abort', onAbort);
    try {
      return completeSocket(await Promise.race([dialled, limit]));
    } catch (error) {
      // A stream that comes too late belongs to nobody.
      dialled.then((stream) => stream.destroy(), () => undefined);
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  override keepSocketAlive(socket: Duplex): boolean {
    if (this.#closing.signal.aborted) return false;
    const timer = setTimeout(() => socket.destroy(), IDLE_CONNECTION_MS);
    timer.unref();
    this.#idleTimers.set(socket, timer);
    return true;
  }

  override reuseSocket(socket: Duplex, request: Parameters<Agent['reuseSocket']>[1]): void {
    clearTimeout(this.#idleTimers.get(socket));
    super.reuseSocket(socket, request);
  }

  /** Closes every connection, those in use too, and gives up dials under way. */
  override destroy(): void {
    this.#closing.abort();
    super.destroy();
  }
}
