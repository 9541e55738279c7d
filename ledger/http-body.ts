import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';

/** A reader that takes nothing for so long, or does not end in that time, is let go. */
const STALLED_MS = 20_000;
const STREAM_MS = 600_000;
/** A body in memory has to be taken sooner: so many bytes in each millisecond, after a moment's grace. */
const WHOLE_GRACE_MS = 30_000;
const WHOLE_BYTES_A_MS = 32;
/** How often a reader is looked at. */
const LOOK_MS = 1_000;
/** Bodies in memory that are not read yet, over all connections: else readers that read nothing exhaust it. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
/** Shorter ones are always sent, `busy` among them: a connection has one at a time. */
const SMALL_BODY = 16 * 1024;
/** Longer ones are written in pieces, so that it shows whether their reader takes them. */
const PIECE = 256 * 1024;

/** An answer of the HTTP API; `refuseRequest` makes the ones that are not ok. */
export interface Answer {
  readonly status: number;
  readonly type: 'application/json' | 'text/plain; charset=utf-8' | 'application/octet-stream';
  readonly body: string | Uint8Array | StreamedBody;
  /** Called once when nothing of it is held any more: it was sent, or its reader went away. */
  readonly onClosed?: () => void;
}

/** A body that is not read into memory: exactly so many bytes. */
export interface StreamedBody { readonly bytes: number; readonly content: Readable }

export function answerJson(value: unknown, status = 200): Answer & { readonly body: string } {
  return { status, type: 'application/json', body: JSON.stringify(value) };
}

/** The error shape of every 3bot API. */
export function refuseRequest(status: number, code: string, message: string, hint?: string): Answer & { readonly body: string } {
  return answerJson({ ok: false, error: { code, message, ...(hint === undefined ? {} : { hint }) } }, status);
}

/** Sends answers, and bounds what all of them hold until they are read. */
export class AnswersInFlight {
  readonly #total: number;
  readonly #stalledMs: number;
  #used = 0;

  constructor({ bytes = MAX_UNREAD_BYTES, stalledMs = STALLED_MS }: { bytes?: number; stalledMs?: number } = {}) {
    this.#total = bytes;
    this.#stalledMs = stalledMs;
  }

  send(response: ServerResponse, answer: Answer): void {
    const { status, type, body } = answer;
    const streamed = typeof body === 'object' && 'content' in body ? body : undefined;
    if (response.headersSent || response.destroyed) {
      streamed?.content.destroy();
      answer.onClosed?.();
      return;
    }
    const whole = typeof body === 'string' ? Buffer.from(body) : body instanceof Uint8Array ? body : undefined;
    const held = whole?.length ?? 0;
    if (held > SMALL_BODY && this.#used + held > this.#total) {
      answer.onClosed?.();
      this.send(response, refuseRequest(503, 'busy', 'too many answers are waiting to be read', 'ask again in a moment'));
      return;
    }
    this.#used += held;
    this.#watch(response, streamed ? STREAM_MS : WHOLE_GRACE_MS + held / WHOLE_BYTES_A_MS, () => {
      this.#used -= held;
      answer.onClosed?.();
    });
    response.writeHead(status, { 'content-type': type, 'content-length': streamed?.bytes ?? held, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    // An error ends the connection: what was sent is not the whole, and its length says so.
    if (streamed) pipeline(streamed.content, response, () => undefined);
    else if (whole && held > PIECE) pipeline(Readable.from(piecesOf(whole)), response, () => undefined);
    else response.end(whole);
  }

  /** Ends an answer whose reader stalls or is too slow. What the reader itself sends does not count as progress. */
  #watch(response: ServerResponse, limitMs: number, onClosed: () => void): void {
    const { socket } = response;
    const every = Math.min(LOOK_MS, this.#stalledMs / 4);
    let elapsed = 0;
    let still = 0;
    let taken = -1;
    // Counted in looks: a machine that slept, or a busy thread, does not end what nobody could have read meanwhile.
    const look = setInterval(() => {
      elapsed += every;
      // The system takes bytes only as the reader makes room for them.
      const sent = socket ? socket.bytesWritten - socket.writableLength : 0;
      still = sent === taken ? still + every : 0;
      taken = sent;
      if (still >= this.#stalledMs || elapsed >= limitMs) {
        response.destroy();
        socket?.destroy();
      }
    }, every).unref();
    response.once('close', () => {
      clearInterval(look);
      onClosed();
    });
  }
}

function* piecesOf(whole: Uint8Array): Generator<Uint8Array> {
  for (let from = 0; from < whole.length; from += PIECE) yield whole.subarray(from, from + PIECE);
}

/** Bytes of request bodies that are in memory now, over all connections. */
export class BodyBudget {
  readonly #total: number;
  #used = 0;

  constructor(total: number) {
    this.#total = total;
  }

  /** Reads a body of at most `limit` bytes; hands it to `use` while it is counted. */
  async read<T>(request: IncomingMessage, limit: number, use: (body: Buffer) => Promise<T>): Promise<T | Answer> {
    const tooLarge = refuseRequest(413, 'body_too_large', `a body has at most ${limit} bytes here`);
    if (Number(request.headers['content-length'] ?? 0) > limit) return tooLarge;
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        size += chunk.length;
        this.#used += chunk.length;
        if (size > limit) return tooLarge;
        if (this.#used > this.#total) return refuseRequest(503, 'busy', 'too many bodies at once', 'send it again in a moment');
        chunks.push(chunk);
      }
      return await use(Buffer.concat(chunks, size));
    } finally {
      this.#used -= size;
    }
  }
}
