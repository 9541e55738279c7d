import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import type { DeskAnswer, WitnessDesk } from './desk.ts';
import { MAX_REQUEST } from './request.ts';

const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 8 * 1024;
const HEADERS_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 10_000;

export interface WitnessServer {
  /** `http://host:port`, to which `/add-checkpoint` is added. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a witness over HTTP. It asks nobody who they are: the signature on a checkpoint is all that counts. */
export async function startWitness(desk: WitnessDesk, { host = '127.0.0.1', port = 0 }: { host?: string; port?: number } = {}): Promise<WitnessServer> {
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('request', (request, response) => {
    answer(desk, request).then(
      (given) => send(request, response, given),
      // What could not be remembered is not cosigned.
      () => send(request, response, { status: 500, type: 'text/plain; charset=utf-8', body: 'the witness failed\n' }),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, resolve);
  });
  return {
    url: `http://${isIP(host) === 6 ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

interface Given extends Omit<DeskAnswer, 'status'> { readonly status: number }

async function answer(desk: WitnessDesk, request: IncomingMessage): Promise<Given> {
  const refuse = (status: number, message: string): Given => ({ status, type: 'text/plain; charset=utf-8', body: `${message}\n` });
  if (request.url !== '/add-checkpoint') return refuse(404, 'expected /add-checkpoint');
  if (request.method !== 'POST') return refuse(405, 'expected POST');
  const body = await readBody(request);
  return body === undefined ? refuse(413, `a request has at most ${MAX_REQUEST} bytes`) : desk.addCheckpoint(body);
}

/** Undefined when it is too long, or ended early. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      // A dash in a note takes three bytes, so the bound on characters is checked again when it is parsed.
      if (size > 2 * MAX_REQUEST) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks, size).toString('utf8');
}

function send(request: IncomingMessage, response: ServerResponse, { status, type, body }: Given): void {
  if (response.destroyed) return;
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  response.end(body);
  if (!request.complete) request.resume();
}
