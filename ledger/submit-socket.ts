import type { WebSocket } from 'ws';
import { z } from 'zod';
import type { EntryRate } from './entry-rate.ts';
import { BUSY, type Log, type Refusal, type SubmitResult } from './ports.ts';
import { CLOSE_GOING_AWAY, CLOSE_POLICY, CLOSE_TOO_SLOW, CLOSE_TRY_LATER, MAX_SUBMISSION } from './protocol.ts';

/** Longest message: less than an HTTP body may have, because it lies in memory before anything of it can be counted. */
export const MAX_SOCKET_MESSAGE = 1024 * 1024;
export const MAX_SUBMIT_CLIENTS = 128;
/** Beyond either, nothing more is read from the socket until an answer has left. */
export const MAX_IN_FLIGHT = 32;
const MAX_ENTRIES_IN_FLIGHT = 1024;
/** One read may hold more messages than that; they are taken too, but beyond this answered `busy`. */
const MAX_ACCEPTED = 8 * MAX_IN_FLIGHT;
/** Messages in work, over all sockets. */
const MAX_BYTES_IN_FLIGHT = 64 * 1024 * 1024;
/** Answers that a client has not taken; beyond it nothing is read, and after that time the client goes. */
const MAX_UNSENT = 256 * 1024;
const SLOW_CLIENT_MS = 20_000;
const PING_MS = 10_000;

const Message = z.strictObject({ id: z.int().min(0), envelopes: z.array(z.unknown()).min(1).max(MAX_SUBMISSION) });
const Identified = z.object({ id: z.int().min(0) });

interface Client {
  readonly socket: WebSocket;
  readonly address: string | undefined;
  messages: number;
  entries: number;
  answered: boolean;
  slow: NodeJS.Timeout | undefined;
}

export interface SubmitSocketsOptions {
  readonly log: Log;
  readonly rate: EntryRate;
  readonly slowMs?: number | undefined;
}

/**
 * Submissions over WebSocket: `{id, envelopes}` is answered `{id, ok: true, results, checkpoint}` or `{id, ok: false, error}`, when
 * it is durable, in any order. One submission is what one POST of /v1/entries is; what is saved is HTTP around it.
 */
export class SubmitSockets {
  readonly #log: Log;
  readonly #rate: EntryRate;
  readonly #slowMs: number;
  readonly #clients = new Set<Client>();
  readonly #pings: NodeJS.Timeout;
  #bytes = 0;

  constructor({ log, rate, slowMs = SLOW_CLIENT_MS }: SubmitSocketsOptions) {
    this.#log = log;
    this.#rate = rate;
    this.#slowMs = slowMs;
    this.#pings = setInterval(() => this.#ping(), PING_MS).unref();
  }

  add(socket: WebSocket, address: string | undefined): void {
    socket.on('error', () => socket.terminate());
    if (this.#clients.size >= MAX_SUBMIT_CLIENTS) {
      socket.close(CLOSE_TRY_LATER, 'too many submitters');
      return;
    }
    const client: Client = { socket, address, messages: 0, entries: 0, answered: true, slow: undefined };
    this.#clients.add(client);
    socket.on('close', () => {
      clearTimeout(client.slow);
      this.#clients.delete(client);
    });
    socket.on('pong', () => { client.answered = true; });
    socket.on('message', (data: Buffer, binary) => {
      if (binary) socket.close(CLOSE_POLICY, 'expected JSON as text');
      else void this.#take(client, data);
    });
  }

  close(): void {
    clearInterval(this.#pings);
    for (const { socket } of this.#clients) {
      socket.close(CLOSE_GOING_AWAY, 'the ledger stops');
      setTimeout(() => socket.terminate(), 200).unref();
    }
  }

  async #take(client: Client, data: Buffer): Promise<void> {
    const message = parseMessage(data);
    if (!message.ok) {
      this.#answer(client, message.id, message.refusal);
      return;
    }
    const { id, envelopes } = message;
    if (client.messages >= MAX_ACCEPTED || this.#bytes + data.length > MAX_BYTES_IN_FLIGHT) {
      this.#answer(client, id, { ok: false, code: BUSY, message: 'too much is in work', hint: `send at most ${MAX_IN_FLIGHT} messages before an answer` });
      return;
    }
    const refused = this.#rate.refuse(client.address, envelopes.length);
    if (refused) {
      this.#answer(client, id, refused);
      return;
    }
    client.messages += 1;
    client.entries += envelopes.length;
    this.#bytes += data.length;
    if (client.messages >= MAX_IN_FLIGHT || client.entries >= MAX_ENTRIES_IN_FLIGHT) client.socket.pause();
    try {
      const results = await this.#log.submit(envelopes);
      this.#settle(client, envelopes.length, data.length);
      this.#answer(client, id, { ok: true, results, checkpoint: this.#log.checkpoint() ?? null });
    } catch (error) {
      this.#settle(client, envelopes.length, data.length);
      const text = error instanceof Error ? error.message : 'internal error';
      this.#answer(client, id, { ok: false, code: 'ledger_failed', message: text.slice(0, 200), hint: 'look at the ledger\'s log, then start it again' });
    }
  }

  #settle(client: Client, entries: number, bytes: number): void {
    client.messages -= 1;
    client.entries -= entries;
    this.#bytes -= bytes;
  }

  #answer(client: Client, id: number | null, answer: { readonly ok: true; readonly results: readonly SubmitResult[]; readonly checkpoint: string | null } | Refusal): void {
    const { socket } = client;
    if (socket.readyState !== socket.OPEN) return;
    const body = answer.ok ? { id, ...answer } : { id, ok: false, error: { code: answer.code, message: answer.message, hint: answer.hint } };
    socket.send(JSON.stringify(body), () => this.#mayRead(client));
    if (socket.bufferedAmount > MAX_UNSENT) {
      socket.pause();
      client.slow ??= setTimeout(() => {
        socket.close(CLOSE_TOO_SLOW, 'too slow');
        setTimeout(() => socket.terminate(), 1000).unref();
      }, this.#slowMs).unref();
    }
    this.#mayRead(client);
  }

  #mayRead(client: Client): void {
    const { socket } = client;
    if (socket.bufferedAmount > MAX_UNSENT || client.messages >= MAX_IN_FLIGHT || client.entries >= MAX_ENTRIES_IN_FLIGHT) return;
    clearTimeout(client.slow);
    client.slow = undefined;
    if (socket.isPaused) socket.resume();
  }

  #ping(): void {
    for (const client of this.#clients) {
      // While nothing is read from it, its pong is not seen either.
      if (client.socket.isPaused) continue;
      if (!client.answered) client.socket.terminate();
      client.answered = false;
      client.socket.ping();
    }
  }
}

type ParsedMessage = ({ readonly ok: true } & z.infer<typeof Message>) | { readonly ok: false; readonly id: number | null; readonly refusal: Refusal };

function parseMessage(data: Buffer): ParsedMessage {
  const hint = `expected {"id":N,"envelopes":[…]} with 1 to ${MAX_SUBMISSION} envelopes`;
  let value: unknown;
  try {
    value = JSON.parse(data.toString('utf8'));
  } catch {
    return { ok: false, id: null, refusal: { ok: false, code: 'bad_request', message: 'the message is not JSON', hint } };
  }
  const parsed = Message.safeParse(value);
  if (parsed.success) return { ok: true, ...parsed.data };
  const identified = Identified.safeParse(value);
  return { ok: false, id: identified.success ? identified.data.id : null, refusal: { ok: false, code: 'bad_request', message: z.prettifyError(parsed.error).slice(0, 500), hint } };
}
