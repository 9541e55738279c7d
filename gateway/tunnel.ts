import { request as httpRequest, ServerResponse } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { answerProblem, type Problem } from './answer.ts';
import type { Backend } from './backend.ts';
import { admit, BACKEND_WAIT_MS, noBackend, waitForBackend, type Director } from './proxy.ts';
import { endToEnd, headerValues } from './request-head.ts';
import { MAX_HEADER_BYTES } from './attempt.ts';

const MAX_ATTEMPTS = 3;
const HANDSHAKE_TIMEOUT_MS = 15_000;
/** A tunnel in which nothing moves for this long is closed. */
const TUNNEL_IDLE_MS = 3_600_000;

const badUpgrade: Problem = { status: 400, code: 'bad_upgrade', message: 'This upgrade is not offered here.' };

type Handshake =
  | { kind: 'upgraded'; response: IncomingMessage; stream: Duplex; head: Buffer }
  | { kind: 'declined'; response: IncomingMessage }
  | { kind: 'failed' };

/**
 * Serves a request to switch protocols (WebSocket): bytes pass unread once the backend has answered 101, not before.
 * An upgrade to h2c is refused: behind it, further requests would escape every check made here.
 */
export async function serveUpgrade(
  director: Director,
  request: IncomingMessage,
  socket: TLSSocket,
  early: Buffer,
): Promise<void> {
  const admission = admit(director, request);
  const protocol = headerValues(request.rawHeaders, 'upgrade').join(',').trim();
  if (!admission.ok) return answerOn(socket, request, admission);
  const { head, site } = admission;
  if (head.method !== 'GET' || head.hasBody || !/^[A-Za-z0-9._/-]{1,64}$/.test(protocol) || /^h2/i.test(protocol)) {
    return answerOn(socket, request, badUpgrade);
  }
  site.inflight += 1;
  socket.once('close', () => (site.inflight -= 1));
  const headers = [...head.headers, 'Connection', 'Upgrade', 'Upgrade', protocol];
  for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts += 1) {
    const backend = site.pool.pick() ?? (await waitForBackend(site.pool, socket, BACKEND_WAIT_MS));
    if (socket.destroyed) return;
    if (!backend) break;
    const result = await shakeHands(backend, { path: head.path, headers, socket });
    if (socket.destroyed && result.kind !== 'upgraded') return;
    if (result.kind === 'upgraded') return join(socket, early, result);
    if (result.kind === 'declined') return relayRefusal(socket, request, result.response);
  }
  answerOn(socket, request, noBackend);
}

function shakeHands(
  backend: Backend,
  options: { path: string; headers: string[]; socket: TLSSocket },
): Promise<Handshake> {
  return new Promise((resolve) => {
    const upstream = httpRequest({
      agent: backend.agent,
      method: 'GET',
      path: options.path,
      headers: options.headers,
      maxHeaderSize: MAX_HEADER_BYTES,
      insecureHTTPParser: false,
    });
    const abandon = () => upstream.destroy();
    const timer = setTimeout(abandon, HANDSHAKE_TIMEOUT_MS);
    const finish = (result: Handshake) => {
      clearTimeout(timer);
      options.socket.off('close', abandon);
      release();
      resolve(result);
    };
    const release = backend.begin(() => upstream.destroy());
    options.socket.once('close', abandon);
    upstream.once('upgrade', (response, stream, head) => finish({ kind: 'upgraded', response, stream, head }));
    upstream.once('response', (response) => finish({ kind: 'declined', response }));
    upstream.on('error', (error) => {
      if (!options.socket.destroyed) backend.markDown(error.message);
      finish({ kind: 'failed' });
    });
    upstream.once('close', () => finish({ kind: 'failed' }));
    upstream.end();
  });
}

/** Answers 101 and connects the two streams until either ends. */
function join(socket: TLSSocket, early: Buffer, upgraded: Extract<Handshake, { kind: 'upgraded' }>): void {
  const { response, stream, head } = upgraded;
  const closeBoth = () => {
    socket.destroy();
    stream.destroy();
  };
  stream.on('error', closeBoth);
  stream.once('close', closeBoth);
  socket.once('close', closeBoth);
  if (socket.destroyed) {
    closeBoth();
    return;
  }
  const protocol = headerValues(response.rawHeaders, 'upgrade').join(', ');
  const fields = [...endToEnd(response.rawHeaders), 'Connection', 'Upgrade', 'Upgrade', protocol];
  let text = 'HTTP/1.1 101 Switching Protocols\r\n';
  for (let i = 0; i + 1 < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  socket.write(`${text}\r\n`, 'latin1');
  if (head.length > 0) socket.write(head);
  if (early.length > 0) stream.write(early);
  socket.setTimeout(TUNNEL_IDLE_MS, closeBoth);
  stream.pipe(socket);
  socket.pipe(stream);
}

function responseOn(socket: TLSSocket, request: IncomingMessage): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.on('error', () => undefined);
  response.assignSocket(socket);
  response.once('finish', () => socket.end());
  return response;
}

function answerOn(socket: TLSSocket, request: IncomingMessage, problem: Problem): void {
  if (!socket.destroyed) answerProblem(request, responseOn(socket, request), problem);
}

/** The backend declined to switch: its response goes to the client and ends the connection. */
function relayRefusal(socket: TLSSocket, request: IncomingMessage, incoming: IncomingMessage): void {
  const response = responseOn(socket, request);
  const cut = () => {
    if (!incoming.complete || !incoming.readableEnded) socket.destroy();
  };
  incoming.once('error', cut);
  incoming.once('close', cut);
  socket.once('close', () => incoming.destroy());
  try {
    response.writeHead(incoming.statusCode ?? 502, incoming.statusMessage ?? '', endToEnd(incoming.rawHeaders));
  } catch {
    socket.destroy();
    return;
  }
  incoming.pipe(response);
}
