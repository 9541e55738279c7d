import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

const CONNECTIONS = 4;
const DEFAULT_TIMEOUT_MS = 15_000;

export interface HttpReply { readonly status: number; readonly body: Buffer }

export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: string | Uint8Array;
  readonly type?: string;
  /** Longest reply that is read, in bytes. */
  readonly maxBytes: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** HTTP to one server, with bounded replies and kept connections. */
export class HttpClient {
  readonly #base: URL;
  readonly #agent: HttpAgent;

  constructor(url: string) {
    this.#base = new URL(url);
    this.#agent = this.#base.protocol === 'https:' ? new HttpsAgent({ keepAlive: true, maxSockets: CONNECTIONS }) : new HttpAgent({ keepAlive: true, maxSockets: CONNECTIONS });
  }

  /** @throws Error on anything but a whole reply: no connection, too long, too slow, aborted. */
  call(call: HttpCall): Promise<HttpReply> {
    const body = call.body === undefined ? undefined : Buffer.from(call.body as Uint8Array);
    const headers = body === undefined ? {} : { 'content-type': call.type ?? 'application/octet-stream', 'content-length': body.length };
    const makeRequest = this.#base.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = makeRequest(new URL(call.path, this.#base), { method: call.method, headers, agent: this.#agent, ...(call.signal ? { signal: call.signal } : {}) });
      const deadline = setTimeout(() => request.destroy(new Error(`no answer from ${this.#base.host} in time`)), call.timeoutMs ?? DEFAULT_TIMEOUT_MS);
      const settle = (outcome: () => void): void => {
        clearTimeout(deadline);
        outcome();
      };
      request.on('error', (error) => settle(() => reject(error)));
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > call.maxBytes) request.destroy(new Error(`the answer is longer than ${call.maxBytes} bytes`));
          else chunks.push(chunk);
        });
        response.on('error', (error) => settle(() => reject(error)));
        response.on('end', () => settle(() => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks, size) })));
      });
      request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
