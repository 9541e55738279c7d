import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Digest } from '../contract/digest.ts';
import type { Envelope } from '../contract/envelope.ts';
import { hashOf, MAX_BLOB } from './blobs.ts';
import { HttpClient, type HttpReply } from './http-client.ts';
import { BUSY, type SubmitResult } from './ports.ts';
import { Leaf, MAX_LEAF } from './leaf.ts';
import type { Hash } from './merkle.ts';
import { Consistency, Failure, MAX_SUBMISSION, MAX_SUBMISSION_BYTES, Proof, Results } from './protocol.ts';

const MIN_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 2000;
const MAX_REPLY = 1024 * 1024;

const Entries = z.object({ ok: z.literal(true), entries: z.array(Leaf).max(1) });
const Inclusion = z.object({ ok: z.literal(true), proof: Proof });

/** The ledger did not do what was asked; `code` says why. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
  readonly code: string;
  readonly hint: string | undefined;
  constructor(code: string, message: string, options: ErrorOptions & { hint?: string } = {}) {
    super(message, options);
    this.code = code;
    this.hint = options.hint;
  }
}

export interface CallOptions { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number | undefined }
export interface SubmitOptions extends CallOptions {
  /** Called with the note that came with each reply, as it came: nothing of it is checked here. */
  readonly onCheckpoint?: ((note: string) => void) | undefined;
}

/** Doubling pauses with jitter, so that many clients of a restarted ledger do not come back at once. */
export function backoffMs(attempt: number): number {
  return Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** Math.min(attempt, 10)) * (0.75 + Math.random() / 4);
}

/** What a ledger's HTTP API offers; believes nothing but what it can check itself (blob digests). */
export class LedgerClient {
  readonly #http: HttpClient;

  constructor(url: string) {
    this.#http = new HttpClient(url);
  }

  /** Submits in order, in as many requests as needed; asks again while the ledger is away or busy, which is safe: the same envelope has one place. */
  async submit(envelopes: readonly Envelope[], options: SubmitOptions): Promise<SubmitResult[]> {
    const results: SubmitResult[] = [];
    for (const body of bodiesOf(envelopes)) {
      results.push(...await retry(options, async () => {
        const reply = await this.#http.call({ method: 'POST', path: '/v1/entries', body: `{"envelopes":[${body.join(',')}]}`, type: 'application/json', maxBytes: MAX_REPLY, signal: options.signal });
        const { results: some, checkpoint } = Results.parse(parseReply(reply));
        if (some.length !== body.length) throw new Error(`${body.length} entries were sent, ${some.length} were answered`);
        if (some.some((result) => !result.ok && result.code === BUSY)) throw new Error('the ledger is busy');
        if (checkpoint != null) options.onCheckpoint?.(checkpoint);
        return some;
      }));
    }
    return results;
  }

  /** The ledger's proof that its log of `to` entries begins with that of `from`; asked once. */
  async consistency(from: number, to: number, options: CallOptions): Promise<Consistency> {
    const reply = await this.#http.call({ method: 'GET', path: `/v1/proof/consistency?from=${from}&to=${to}`, maxBytes: MAX_REPLY, signal: options.signal, ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }) });
    return Consistency.parse(parseReply(reply));
  }

  /** The entry at `seq`, and the ledger's proof that it is in its log of `size` entries: nothing of it is checked here. */
  entry(seq: number, size: number, options: CallOptions): Promise<{ leaf: Leaf; proof: Hash[] }> {
    return retry(options, async () => {
      const ask = (path: string): Promise<HttpReply> => this.#http.call({ method: 'GET', path, maxBytes: MAX_REPLY + MAX_LEAF, signal: options.signal });
      const { entries: [leaf] } = Entries.parse(parseReply(await ask(`/v1/entries?from=${seq}&limit=1`)));
      if (!leaf) throw new Error(`the ledger does not show entry ${seq}`);
      return { leaf, proof: Inclusion.parse(parseReply(await ask(`/v1/proof/inclusion?seq=${seq}&size=${size}`))).proof };
    });
  }

  /** @throws LedgerError `blob_missing` or `blob_mismatch`. */
  getBlob(digest: Digest, options: CallOptions): Promise<Uint8Array> {
    return retry(options, async () => {
      const reply = await this.#http.call({ method: 'GET', path: `/v1/blobs/${digest}`, maxBytes: MAX_BLOB, signal: options.signal });
      if (reply.status !== 200) parseReply(reply);
      if (hashOf(reply.body) !== digest) throw new LedgerError('blob_mismatch', `the ledger sent other bytes than blob ${digest}`);
      return new Uint8Array(reply.body);
    });
  }

  putBlob(digest: Digest, bytes: Uint8Array, options: CallOptions): Promise<void> {
    return retry(options, async () => {
      parseReply(await this.#http.call({ method: 'PUT', path: `/v1/blobs/${digest}`, body: bytes, maxBytes: MAX_REPLY, signal: options.signal }));
    });
  }

  close(): void {
    this.#http.close();
  }
}

/** Refusals are final; no connection, no sense and no room are tried again until the time is up. */
async function retry<T>(options: CallOptions, attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + (options.timeoutMs ?? 30_000);
  for (let n = 0; ; n++) {
    try {
      return await attempt();
    } catch (cause) {
      options.signal?.throwIfAborted();
      if (cause instanceof LedgerError) throw cause;
      const pause = backoffMs(n);
      if (Date.now() + pause > deadline) {
        throw new LedgerError('ledger_unreachable', `the ledger does not answer: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, hint: 'is the ledger running? `3bot up` starts one' });
      }
      await sleep(pause, undefined, options.signal ? { signal: options.signal } : {});
    }
  }
}

function parseReply(reply: HttpReply): unknown {
  const value: unknown = JSON.parse(reply.body.toString('utf8'));
  if (reply.status === 200) return value;
  const failure = Failure.parse(value).error;
  if (reply.status === 503 || reply.status === 429) throw new Error(failure.message);
  throw new LedgerError(failure.code, failure.message, failure.hint === undefined ? {} : { hint: failure.hint });
}

/** Envelopes as JSON texts, grouped so that each request stays inside the server's bounds. */
function bodiesOf(envelopes: readonly Envelope[]): string[][] {
  const bodies: string[][] = [];
  let size = Infinity;
  for (const text of envelopes.map((envelope) => JSON.stringify(envelope))) {
    const last = bodies.at(-1);
    const bytes = Buffer.byteLength(text) + 1;
    if (!last || last.length >= MAX_SUBMISSION || size + bytes > MAX_SUBMISSION_BYTES - 64) {
      bodies.push([text]);
      size = bytes;
    } else {
      last.push(text);
      size += bytes;
    }
  }
  return bodies;
}
