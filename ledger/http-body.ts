import type { IncomingMessage, ServerResponse } from 'node:http';

/** An answer of the HTTP API; `refuseRequest` makes the ones that are not ok. */
export interface Answer {
  readonly status: number;
  readonly type: 'application/json' | 'text/plain; charset=utf-8' | 'application/octet-stream';
  readonly body: string | Uint8Array;
}

export function answerJson(value: unknown, status = 200): Answer {
  return { status, type: 'application/json', body: JSON.stringify(value) };
}

/** The error shape of every 3bot API. */
export function refuseRequest(status: number, code: string, message: string, hint?: string): Answer {
  return answerJson({ ok: false, error: { code, message, ...(hint === undefined ? {} : { hint }) } }, status);
}

export function send(response: ServerResponse, answer: Answer): void {
  if (response.headersSent || response.destroyed) return;
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  response.writeHead(answer.status, { 'content-type': answer.type, 'content-length': body.length, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  response.end(body);
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
