import type { Duplex } from 'node:stream';
import { ZdbError } from './client-error.ts';
import { Pipeline, type Request } from './pipeline.ts';
import * as replies from './replies.ts';
import type { Resp } from './resp.ts';

export { ZdbError, type ZdbErrorCode } from './client-error.ts';
export type { ScanPage, TailPage } from './replies.ts';

const DEFAULT_TIMEOUT_MS = 5_000;
const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 2_000;
/** The server takes no more than this at once from a connection, either. */
const MAX_PENDING = 1024;
const MAX_PENDING_BYTES = 128 * 1024 * 1024;

export interface ZdbClientOptions {
  /** Selected on every new stream; without it, the server's default. */
  readonly namespace?: string | undefined;
  /** Time that a command may take, connecting included; 5 s by default. */
  readonly timeoutMs?: number | undefined;
}

/** A key: bytes, or text that is sent as UTF-8. */
export type Key = Buffer | string;

/** Every method rejects with ZdbError. */
export interface ZdbClient {
  /** Resolves when the value is durable on the server. The buffer must not change until then. */
  set(key: Key, value: Buffer): Promise<void>;
  /** In mode seq: stores a value under a new key, which it gives. After a failure the value may lie there all the same. */
  append(value: Buffer): Promise<Buffer>;
  get(key: Key): Promise<Buffer | undefined>;
  mget(keys: readonly Key[]): Promise<(Buffer | undefined)[]>;
  exists(key: Key): Promise<boolean>;
  /** True when the key had a value. */
  del(key: Key): Promise<boolean>;
  /** True when the record on the server's disk is whole; false when it is damaged or there is none. */
  check(key: Key): Promise<boolean>;
  /** Bytes of the value; undefined when there is none. */
  length(key: Key): Promise<number | undefined>;
  scan(cursor: string, count?: number): Promise<replies.ScanPage>;
  /** Newest state of the keys that changed after `cursor` ('0' is the start), values included. */
  tail(cursor: string, count?: number): Promise<replies.TailPage>;
  /** Facts about the namespace, by name (see NSINFO). */
  info(): Promise<Map<string, string>>;
  ping(): Promise<void>;
  /** Rejects what is pending, and every later command. */
  close(): void;
}

/**
 * A pipelining client over any stream. It connects when a command needs it, and again after the stream died;
 * while an attempt to connect has just failed, commands are rejected at once, with a growing pause up to 2 s.
 */
export function createZdbClient(
  open: (signal: AbortSignal) => Promise<Duplex>,
  options: ZdbClientOptions = {},
): ZdbClient {
  const namespace = options.namespace ?? 'default';
  const link = new Link(open, namespace, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const ask = <T>(args: readonly Key[], read: (reply: Resp) => T): Promise<T> => link.request(args).then(read);
  return {
    set: (key, value) => ask(['SET', key, value], () => undefined),
    append: (value) => ask(['SET', '', value], replies.key),
    get: (key) => ask(['GET', key], replies.value),
    mget: (keys) => (keys.length === 0 ? Promise.resolve([]) : ask(['MGET', ...keys], replies.values)),
    exists: (key) => ask(['EXISTS', key], replies.flag),
    del: (key) => ask(['DEL', key], replies.flag),
    check: (key) => ask(['CHECK', key], replies.flag),
    length: (key) => ask(['LENGTH', key], replies.length),
    scan: (cursor, count = 1000) => ask(['SCAN', cursor, 'COUNT', String(count)], replies.scanPage),
    tail: (cursor, count = 1000) => ask(['TAIL', cursor, String(count)], replies.tailPage),
    info: () => ask(['NSINFO', namespace], replies.facts),
    ping: () => ask(['PING'], () => undefined),
    close: () => link.close(),
  };
}

/** Keeps at most one stream, and the bounds on what is pending. */
class Link {
  private pipeline: Pipeline | undefined;
  private connecting: Promise<Pipeline> | undefined;
  private readonly closing = new AbortController();
  private pending = 0;
  private pendingBytes = 0;
  private backoffMs = 0;
  private closedUntil = 0;

  constructor(
    private readonly open: (signal: AbortSignal) => Promise<Duplex>,
    private readonly namespace: string,
    private readonly timeoutMs: number,
  ) {}

  async request(args: readonly Key[]): Promise<Resp> {
    const bytes = args.reduce((sum, a) => sum + a.length, 0);
    if (this.pending >= MAX_PENDING || this.pendingBytes + bytes > MAX_PENDING_BYTES) {
      throw new ZdbError('unavailable', 'too much is pending');
    }
    this.pending += 1;
    this.pendingBytes += bytes;
    try {
      const deadline = performance.now() + this.timeoutMs;
      const pipeline = this.pipeline ?? (await this.connected());
      return await submit(pipeline, args, deadline);
    } finally {
      this.pending -= 1;
      this.pendingBytes -= bytes;
    }
  }

  close(): void {
    this.closing.abort();
    this.pipeline?.die('client is closed');
  }

  private connected(): Promise<Pipeline> {
    if (this.closing.signal.aborted) return Promise.reject(new ZdbError('unavailable', 'client is closed'));
    if (!this.connecting && performance.now() < this.closedUntil) {
      return Promise.reject(new ZdbError('unavailable', 'could not connect, waiting before the next attempt'));
    }
    this.connecting ??= this.connect().finally(() => {
      this.connecting = undefined;
    });
    return this.connecting;
  }

  private async connect(): Promise<Pipeline> {
    try {
      const deadline = performance.now() + this.timeoutMs;
      const stream = await this.openInTime();
      const pipeline: Pipeline = new Pipeline(stream, () => {
        if (this.pipeline === pipeline) this.pipeline = undefined;
      });
      try {
        await submit(pipeline, ['SELECT', this.namespace], deadline);
      } catch (error) {
        pipeline.die('could not select the namespace', error);
        throw error;
      }
      if (this.closing.signal.aborted) {
        pipeline.die('client is closed');
        throw new ZdbError('unavailable', 'client is closed');
      }
      this.backoffMs = 0;
      this.pipeline = pipeline;
      return pipeline;
    } catch (error) {
      this.backoffMs = Math.min(MAX_BACKOFF_MS, Math.max(FIRST_BACKOFF_MS, this.backoffMs * 2));
      this.closedUntil = performance.now() + this.backoffMs;
      throw error instanceof ZdbError ? error : new ZdbError('unavailable', 'could not connect', { cause: error });
    }
  }

  /** Opens a stream; one that comes after the time is over is destroyed, whether or not `open` heeds its signal. */
  private openInTime(): Promise<Duplex> {
    const signal = AbortSignal.any([this.closing.signal, AbortSignal.timeout(this.timeoutMs)]);
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(new ZdbError('unavailable', 'could not connect in time'));
      signal.addEventListener('abort', giveUp, { once: true });
      this.open(signal).then(
        (stream) => {
          signal.removeEventListener('abort', giveUp);
          if (signal.aborted) stream.on('error', () => undefined).destroy();
          else resolve(stream);
        },
        (error: unknown) => {
          signal.removeEventListener('abort', giveUp);
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }
}

function submit(pipeline: Pipeline, args: Request['args'], deadline: number): Promise<Resp> {
  return new Promise((resolve, reject) => pipeline.send({ args, deadline, resolve, reject }));
}
