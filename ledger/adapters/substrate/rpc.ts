import { WebSocket } from 'ws';
import { z } from 'zod';
import { backoffMs } from '../../client.ts';
import { ChainError } from './errors.ts';

/** One answer: a block of 5 MB in hexadecimal, or the runtime's metadata. Anything longer ends the connection. */
export const MAX_MESSAGE = 32 * 1024 * 1024;
/** Questions without an answer yet. */
const MAX_PENDING = 256;
/** Subscriptions of which something came before their id. */
const MAX_EARLY = 8;
const CALL_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** A connection on which nothing came for two of these is dead. */
const PING_MS = 15_000;

const Message = z.union([
  z.object({ id: z.int(), result: z.unknown(), error: z.undefined().optional() }),
  z.object({ id: z.int(), error: z.object({ code: z.number().optional(), message: z.string(), data: z.unknown().optional() }) }),
  z.object({ method: z.string(), params: z.object({ subscription: z.union([z.string(), z.number()]), result: z.unknown() }) }),
]);

/** The node answered a question with an error (JSON-RPC 2.0 section 5.1). */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: number | undefined;
  constructor(code: number | undefined, message: string) {
    super(message.slice(0, 500));
    this.code = code;
  }
}

/** Nothing was answered: no connection, or none in time. Whether the question arrived is unknown. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

interface Pending { resolve(result: unknown): void; reject(error: Error): void; readonly timer: NodeJS.Timeout }

export interface ChainRpcOptions {
  /** `ws://` or `wss://` */
  readonly url: string;
  /** After each connection but the first: subscriptions are gone, and nobody knows what happened to what was sent. */
  onReconnected(): void;
}

/** JSON-RPC 2.0 over one WebSocket that comes back by itself; everything that is read is bounded. */
export class ChainRpc {
  readonly #options: ChainRpcOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #subscriptions = new Map<string | number, (result: unknown) => void>();
  /** The latest news of subscriptions that nobody waits for yet: it may come in one piece with the subscription's id. */
  readonly #early = new Map<string | number, { readonly result: unknown }>();
  #socket: WebSocket | undefined;
  #nextId = 1;
  #closed = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: ChainRpcOptions) {
    this.#options = options;
  }

  /** @throws ChainError `chain_unreachable`. */
  async connect(): Promise<void> {
    try {
      await this.#dial();
    } catch (cause) {
      throw new ChainError('chain_unreachable', `no chain answers at ${this.#options.url}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  }

  /** @throws RpcError when the node refuses; ConnectionError when there is no connection, no answer in time, or too much is asked at once. */
  call(method: string, params: readonly unknown[]): Promise<unknown> {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return Promise.reject(new ConnectionError('there is no connection to the chain'));
    if (this.#pending.size >= MAX_PENDING) return Promise.reject(new ConnectionError('too many questions to the chain wait for an answer'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new ConnectionError(`the chain did not answer ${method} in ${CALL_TIMEOUT_MS} ms`));
      }, CALL_TIMEOUT_MS);
      this.#pending.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }), (error) => { if (error) this.#settle(id)?.reject(new ConnectionError(error.message)); });
    });
  }

  /** Lasts until the connection ends. */
  async subscribe(method: string, listener: (result: unknown) => void): Promise<void> {
    const id = z.union([z.string(), z.number()]).parse(await this.call(method, []));
    this.#subscriptions.set(id, listener);
    const early = this.#early.get(id);
    this.#early.delete(id);
    if (early) listener(early.result);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#socket?.terminate();
    this.#dropAll();
  }

  #dial(): Promise<void> {
    const socket = new WebSocket(this.#options.url, { maxPayload: MAX_MESSAGE, handshakeTimeout: CONNECT_TIMEOUT_MS, perMessageDeflate: false });
    this.#socket = socket;
    let heard = true;
    const ping = setInterval(() => {
      if (!heard) socket.terminate();
      heard = false;
      if (socket.readyState === WebSocket.OPEN) socket.ping();
    }, PING_MS).unref();
    socket.on('pong', () => { heard = true; });
    socket.on('message', (data: Buffer) => {
      heard = true;
      if (!this.#take(data)) socket.terminate();
    });
    return new Promise((resolve, reject) => {
      let open = false;
      socket.once('open', () => {
        open = true;
        resolve();
      });
      socket.on('error', reject);
      socket.once('close', () => {
        clearInterval(ping);
        reject(new Error('the connection ended'));
        this.#dropAll();
        if (open && !this.#closed) this.#redial(0);
      });
    });
  }

  #redial(attempt: number): void {
    this.#retry = setTimeout(() => {
      this.#dial().then(() => this.#options.onReconnected(), () => { if (!this.#closed) this.#redial(attempt + 1); });
    }, backoffMs(attempt));
  }

  /** False when it is not JSON-RPC. */
  #take(data: Buffer): boolean {
    let value: unknown;
    try {
      value = JSON.parse(data.toString('utf8'));
    } catch {
      return false;
    }
    const parsed = Message.safeParse(value);
    if (!parsed.success) return false;
    const message = parsed.data;
    if ('params' in message) this.#hear(message.params);
    else if (message.error) this.#settle(message.id)?.reject(new RpcError(message.error.code, `${message.error.message}${message.error.data === undefined ? '' : `: ${JSON.stringify(message.error.data)}`}`));
    else this.#settle(message.id)?.resolve(message.result);
    return true;
  }

  #hear({ subscription, result }: { subscription: string | number; result?: unknown }): void {
    const listener = this.#subscriptions.get(subscription);
    if (listener) listener(result);
    else if (this.#early.size < MAX_EARLY) this.#early.set(subscription, { result });
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }

  #dropAll(): void {
    this.#subscriptions.clear();
    this.#early.clear();
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(new ConnectionError('the connection to the chain ended'));
  }
}
