import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Digest } from '../../contract/digest.ts';
import type { Envelope } from '../../contract/envelope.ts';
import { envelopeDigest } from '../../ledger/leaf.ts';
import type { Random } from '../e2e/random.ts';
import { type Acknowledged, Notebook } from './acknowledgements.ts';

/** A ledger that was killed closes its connections at once; this long one waits only on a machine with too much to do. */
const ANSWER_MS = 120_000;
const PAUSE_MS = 10;

const Reply = z.object({
  ok: z.literal(true),
  results: z.array(z.union([
    z.object({ ok: z.literal(true), seq: z.int().min(0), time: z.string(), duplicate: z.literal(true).optional() }),
    z.object({ ok: z.literal(false), code: z.string(), message: z.string() }),
  ])),
  /** A signed note over at least what was acknowledged, if this ledger sends one. */
  checkpoint: z.string().nullish(),
});
export type Results = z.infer<typeof Reply>;

export interface HttpReply { readonly status: number; readonly text: string }

/** One kept connection to a ledger. */
export class Connection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** @throws when there is no whole answer in time. */
  call(method: 'GET' | 'POST' | 'PUT', path: string, body?: Uint8Array | string, type = 'application/json'): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      const bytes = body === undefined ? undefined : Buffer.from(body as Uint8Array);
      const headers = bytes === undefined ? {} : { 'content-type': type, 'content-length': bytes.length };
      const call = request(new URL(path, this.#url), { method, agent: this.#agent, headers, timeout: ANSWER_MS }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; });
        response.once('error', reject);
        response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      call.once('timeout', () => call.destroy(new Error('no answer in time')));
      call.once('error', reject);
      call.end(bytes);
    });
  }

  async submit(envelopes: readonly Envelope[]): Promise<Results> {
    const { status, text } = await this.call('POST', '/v1/entries', JSON.stringify({ envelopes }));
    if (status !== 200) throw new Error(`answered ${status}: ${text.slice(0, 300)}`);
    return Reply.parse(JSON.parse(text));
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** What all writers have sent, acknowledged or not. */
export type Sent = Map<Digest, Envelope>;

export interface WriterOptions {
  readonly url: string;
  /** Makes a valid entry. */
  readonly entry: () => Envelope;
  readonly notebook: string;
  readonly random: Random;
  readonly sent: Sent;
  /** Most entries in one request. */
  readonly atOnce: number;
}

/**
 * A client over one connection. It sends signed entries, writes down every acknowledgement before it sends the next
 * ones, and sends again what got no answer: it cannot know whether that was lost before or after it was accepted.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #connection: Connection;
  readonly #notebook: Notebook;
  #pending: Envelope[] = [];
  /** Entries that were acknowledged to this writer. */
  acknowledged = 0;
  /** Those of them that the ledger had accepted without this writer having heard of it. */
  duplicates = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#connection = new Connection(options.url);
    this.#notebook = new Notebook(options.notebook);
  }

  /** Writes until told to stop. @throws when an entry is refused: all of them are valid. */
  async write(stop: () => boolean): Promise<void> {
    const { entry, random, sent, atOnce } = this.#options;
    while (!stop()) {
      if (this.#pending.length === 0) {
        this.#pending = Array.from({ length: 1 + random.below(atOnce) }, entry);
        for (const envelope of this.#pending) sent.set(envelopeDigest(envelope), envelope);
      }
      const reply = await this.#connection.submit(this.#pending).catch(() => undefined);
      if (reply) this.#record(reply);
      else await sleep(PAUSE_MS);
    }
  }

  close(): void {
    this.#connection.close();
    this.#notebook.close();
  }

  #record({ results, checkpoint }: Results): void {
    if (results.length !== this.#pending.length) throw new Error(`${this.#pending.length} entries were sent, ${results.length} were answered`);
    const promises: Acknowledged[] = results.map((result, i) => {
      if (!result.ok) throw new Error(`a valid entry was refused: ${result.code} ${result.message}`);
      if (result.duplicate) this.duplicates += 1;
      return { digest: envelopeDigest(this.#pending[i]!), seq: result.seq, time: result.time };
    });
    this.#notebook.write([...promises, ...(checkpoint ? [{ note: checkpoint }] : [])]);
    this.acknowledged += promises.length;
    this.#pending = [];
  }
}
