import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContext, TLSSocket } from 'node:tls';
import { MAX_HEADER_BYTES } from './attempt.ts';
import { answerProblem } from './answer.ts';
import type { Leaf } from './certificates.ts';
import { serve, type Director } from './proxy.ts';
import { serveUpgrade } from './tunnel.ts';

const HANDSHAKE_TIMEOUT_MS = 15_000;
const HEADERS_TIMEOUT_MS = 15_000;
const IDLE_TIMEOUT_MS = 65_000;
/** How often Node looks for connections whose headers are overdue. */
const OVERDUE_CHECK_MS = 2000;
/** Requests that one connection may send ahead of their answers. */
const MAX_PIPELINED = 16;
/** How long a client has to read why its request could not be parsed. */
const PARTING_MS = 1000;
const BACKLOG = 511;

/** Counts the connections of all listeners of a gateway against one limit. */
export class ConnectionBudget {
  #open = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get open(): number {
    return this.#open;
  }

  /** False when the limit is reached; otherwise the connection counts until it closes. */
  take(socket: Socket): boolean {
    if (this.#open >= this.#limit) return false;
    this.#open += 1;
    socket.once('close', () => (this.#open -= 1));
    return true;
  }
}

interface ListenerOptions {
  leaf: Leaf;
  director: Director;
  budget: ConnectionBudget;
  /** Certificate by server name; undefined falls back to `leaf`. */
  contextFor?: (serverName: string) => SecureContext | undefined;
}

/** A request whose turn on its connection has not come. */
interface Turn {
  request: IncomingMessage;
  response: ServerResponse;
}

/** What a parse error is answered with, by the code of Node's parser. */
const PARSE_FAILURES: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** One HTTPS port. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** By connection: the request being served first, then those that wait behind it. Never empty. */
  readonly #busy = new Map<Socket, Turn[]>();
  readonly #parting = new WeakSet<Duplex>();
  readonly #idleWaiters = new Set<() => void>();

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#server = createServer({
      key: options.leaf.keyPem,
      cert: options.leaf.certificatePem,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      // Bodies take as long as they move; attempts watch that they do.
      requestTimeout: 0,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      connectionsCheckingInterval: OVERDUE_CHECK_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      insecureHTTPParser: false,
      requireHostHeader: true,
      noDelay: true,
      SNICallback: (serverName, done) => done(null, options.contextFor?.(serverName)),
    });
    this.#server.maxHeadersCount = 0;
    // Runs before the TLS server's own listener: what is over the limit costs no handshake.
    this.#server.prependListener('connection', (socket: Socket) => this.#onConnection(socket));
    this.#server.on('request', (request, response) => this.#onRequest(request, response));
    this.#server.on('checkContinue', (request, response) => this.#onRequest(request, response));
    this.#server.on('clientError', (error, socket) => this.#onParseError(error, socket));
    this.#server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket as TLSSocket, head));
  }

  /** Listens on the wanted port, or on any when that is taken (or 0); returns the port. */
  async listen(host: string, wanted: number): Promise<number> {
    try {
      return await this.#bind(host, wanted);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (wanted === 0 || (code !== 'EADDRINUSE' && code !== 'EACCES')) throw error;
      return this.#bind(host, 0);
    }
  }

  #bind(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, backlog: BACKLOG }, () => {
        this.#server.off('error', reject);
        // Failures of accept (no file descriptors left) pass; they must not end the process.
        this.#server.on('error', () => undefined);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** New connections get this certificate; those that exist keep theirs. */
  renew(leaf: Leaf): void {
    this.#server.setSecureContext({ key: leaf.keyPem, cert: leaf.certificatePem, minVersion: 'TLSv1.2' });
  }

  #onConnection(socket: Socket): void {
    if (!this.#options.budget.take(socket)) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /**
   * Requests of one connection are served one after another. So only the response that owns the connection is ever
   * under way, and it alone learns (by 'close') when the client has gone; those behind it just disappear.
   */
  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    // A client that has gone is reported by 'close'; the error itself says nothing more.
    response.on('error', () => undefined);
    const turns = this.#busy.get(request.socket);
    const turn = { request, response };
    if (!turns) {
      this.#busy.set(request.socket, [turn]);
      this.#begin(turn);
    } else if (turns.length <= MAX_PIPELINED) turns.push(turn);
    else request.socket.destroy();
  }

  #begin({ request, response }: Turn): void {
    const { socket } = request;
    response.once('close', () => {
      const turns = this.#busy.get(socket);
      turns?.shift();
      const next = turns?.[0];
      if (next?.response.socket && !socket.destroyed) this.#begin(next);
      else this.#release(socket);
    });
    serve(this.#options.director, request, response).catch(() => {
      answerProblem(request, response, { status: 500, code: 'internal', message: 'Internal error.' });
    });
  }

  #release(socket: Socket): void {
    this.#busy.delete(socket);
    if (this.#busy.size === 0) for (const wake of [...this.#idleWaiters]) wake();
  }

  #onParseError(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (this.#parting.has(socket) || socket.destroyed) return;
    const answerable = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' || error.code?.startsWith('HPE_') === true;
    if (!answerable) {
      // Handshake failures and resets: there is nobody to talk to.
      socket.destroy();
      return;
    }
    this.#parting.add(socket);
    const status = PARSE_FAILURES[error.code ?? ''] ?? '400 Bad Request';
    // A second head must not follow a first one; the framing of what was sent shows that it is cut.
    const begun = this.#busy.get(socket as Socket)?.[0]?.response.headersSent ?? false;
    if (begun) socket.end();
    else socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    setTimeout(() => socket.destroy(), PARTING_MS).unref();
  }

  #onUpgrade(request: IncomingMessage, socket: TLSSocket, head: Buffer): void {
    socket.on('error', () => undefined);
    // Node hands over the socket even while answers to earlier requests are owed on it; they would be mixed up.
    if (this.#busy.has(socket)) {
      socket.destroy();
      return;
    }
    serveUpgrade(this.#options.director, request, socket, head).catch(() => socket.destroy());
  }

  /** Stops accepting, waits for the exchanges in flight at most `drainMs`, then destroys every connection. */
  async close(drainMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    if (this.#busy.size > 0) await this.#idle(drainMs);
    this.#server.closeAllConnections();
    const gone = [...this.#sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all([closed, ...gone]);
  }

  #idle(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#idleWaiters.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      this.#idleWaiters.add(wake);
    });
  }
}
