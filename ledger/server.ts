import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { EntryRate, type EntryRateOptions } from './entry-rate.ts';
import { Feed } from './feed.ts';
import { type Answer, AnswersInFlight, refuseRequest } from './http-body.ts';
import type { BlobStore, Log } from './ports.ts';
import { LedgerRoutes } from './routes.ts';
import { MAX_SOCKET_MESSAGE, SubmitSockets } from './submit-socket.ts';
import type { SnapshotFiles } from './snapshot/files.ts';
import type { CosignedNotes } from './witness/cosigned-notes.ts';
import { parseWanted } from './witness/query.ts';

const MAX_CONNECTIONS = 512;
const MAX_HEADER_BYTES = 8 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_MS = 30_000;
/** Requests that a connection sends before it has its answers. */
const MAX_AHEAD = 8;
/** Clients of the feed have nothing to say. */
const MAX_CLIENT_MESSAGE = 1024;

export interface ServerOptions {
  readonly log: Log;
  readonly blobs: BlobStore;
  readonly snapshots?: SnapshotFiles;
  /** What witnesses cosigned, for clients that ask for it. */
  readonly cosigned?: CosignedNotes | undefined;
  /** Default 127.0.0.1: the API asks nobody who they are. */
  readonly host?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** Entries that one remote address may submit. */
  readonly entryRate?: EntryRateOptions | undefined;
  readonly slowFeedMs?: number;
  /** What answers may hold in memory until they are read. */
  readonly answers?: AnswersInFlight | undefined;
}

export interface LedgerServer {
  /** `http://host:port` */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a log and its blobs over HTTP, the WebSocket feed and the WebSocket for submissions; closing it leaves the log open. */
export async function startServer(options: ServerOptions): Promise<LedgerServer> {
  const host = options.host ?? '127.0.0.1';
  const rate = new EntryRate(options.entryRate);
  const routes = new LedgerRoutes(options.log, options.blobs, { snapshots: options.snapshots, cosigned: options.cosigned, rate });
  const answers = options.answers ?? new AnswersInFlight();
  const feed = new Feed(options.log, { slowMs: options.slowFeedMs, cosigned: options.cosigned });
  const submitters = new SubmitSockets({ log: options.log, rate, slowMs: options.slowFeedMs });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_CLIENT_MESSAGE, perMessageDeflate: false });
  const submitSockets = new WebSocketServer({ noServer: true, maxPayload: MAX_SOCKET_MESSAGE, perMessageDeflate: false });
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('request', (request, response) => {
    inTurn(request, response, () => {
      void answerRequest(routes, request, host).then((answer) => {
        // What was not read of a refused body must not be taken for the next request.
        if (!request.complete) response.setHeader('connection', 'close');
        answers.send(response, answer);
        if (!request.complete) request.resume();
      });
    });
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const url = parseUrl(request, host);
    if (url?.pathname === '/v1/submit') {
      submitSockets.handleUpgrade(request, socket, head, (client) => submitters.add(client, request.socket.remoteAddress));
      return;
    }
    const from = url?.pathname === '/v1/feed' ? (url.searchParams.get('from') ?? '0') : undefined;
    const wanted = url && parseWanted(url.searchParams);
    if (from === undefined || wanted === false || !/^(0|[1-9][0-9]{0,14})$/.test(from)) {
      const { body } = refuseRequest(400, 'bad_request', 'expected /v1/feed?from=N or /v1/submit');
      socket.end(`HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${String(body)}`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => feed.add(client, Number(from), wanted));
  });
  const port = await listen(server, host, options.port ?? 0);
  return {
    url: `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`,
    close: async () => {
      feed.close();
      submitters.close();
      sockets.close();
      submitSockets.close();
      const closed = new Promise<void>((resolve) => { server.close(() => resolve()); });
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 300).unref();
      await closed;
    },
  };
}

/**
 * Answers a connection's requests one after the other: many in one packet would all be answered in memory first. A request
 * has no socket while the answer to the one before has it; an honest client is one ahead at most.
 */
function inTurn(request: IncomingMessage, response: ServerResponse, answer: () => void): void {
  if (response.socket) {
    answer();
    return;
  }
  const { socket } = request;
  const waiting = (ahead.get(socket) ?? 0) + 1;
  if (waiting > MAX_AHEAD) {
    socket.destroy();
    return;
  }
  ahead.set(socket, waiting);
  response.once('socket', () => {
    ahead.set(socket, (ahead.get(socket) ?? 1) - 1);
    answer();
  });
}

/** Requests of each connection that wait for their turn. */
const ahead = new WeakMap<Socket, number>();

async function answerRequest(routes: LedgerRoutes, request: IncomingMessage, host: string): Promise<Answer> {
  const url = parseUrl(request, host);
  if (!url) return refuseRequest(403, 'bad_request', 'this host or origin is not served here');
  try {
    return await routes.answer(request, url);
  } catch (error) {
    if (request.destroyed && !request.complete) return refuseRequest(400, 'bad_request', 'the request ended early');
    const message = error instanceof Error ? error.message : 'internal error';
    return refuseRequest(503, 'ledger_failed', message.slice(0, 200), 'look at the ledger\'s log, then start it again');
  }
}

/** The request's URL; undefined when a web page elsewhere sent it (another Origin, or a rebound name in Host). */
function parseUrl(request: IncomingMessage, host: string): URL | undefined {
  const { origin } = request.headers;
  const local = (name: string): boolean => name === host || name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
  try {
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? ''}`);
    if (!local(url.hostname) || (origin !== undefined && !local(new URL(origin).hostname))) return undefined;
    return url;
  } catch {
    return undefined;
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: MAX_CONNECTIONS }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
