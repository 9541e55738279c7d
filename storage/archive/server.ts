import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { drain, refusalOf, refusalReply, send } from './s3/answer.ts';
import type { ArchiveServices } from './s3/context.ts';
import { Refusal } from './s3/refusal.ts';
import { authenticate } from './s3/request.ts';
import { route } from './s3/routes.ts';
import type { Verifier } from './s3/sigv4.ts';

const MAX_CONNECTIONS = 512;
const MAX_REQUESTS = 256;
const HEADERS_TIMEOUT_MS = 30_000;
/** Longer than the gateway keeps an idle connection, so that it is the gateway that closes. */
const KEEP_ALIVE_MS = 75_000;
/** Half the age at which unreferenced shards count as orphans (garbage.ts): no upload outlives its own data. */
const REQUEST_LIFE_MS = 12 * 3_600_000;
const MAX_HEADER_BYTES = 32 * 1024;
const HEALTH_PATH = '/-/health';

export interface Health { readonly ok: boolean; readonly degraded: boolean; readonly reason: string }

export interface ServerOptions {
  readonly services: ArchiveServices;
  readonly verifier: Verifier;
  /** Whether this front end can serve right now; asked by the gateway's health checks. */
  readonly health: () => Promise<Health>;
  /** False once the lease is over: everything is refused. */
  readonly leased: () => boolean;
}

/** The HTTP/1.1 server; the caller listens with it. */
export function createArchiveServer(options: ServerOptions): Server {
  let running = 0;

  const handle = async (message: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void> => {
    const life = new AbortController();
    const timer = setTimeout(() => { life.abort(new Error('request took too long')); }, REQUEST_LIFE_MS);
    timer.unref();
    response.once('close', () => { clearTimeout(timer); if (!response.writableFinished) life.abort(new Error('client went away')); });
    message.on('error', () => undefined);
    const resource = (message.url ?? '').split('?')[0] ?? '';
    running += 1;
    try {
      if (resource === HEALTH_PATH) { await answerHealth(message, response, options); return; }
      if (!options.leased() || running > MAX_REQUESTS) throw new Refusal('SlowDown', 'This front end cannot serve now; please try again');
      const request = authenticate(message, { services: options.services, verifier: options.verifier, signal: life.signal, response, expectsContinue });
      const reply = await route(request)(request);
      // Once the lease is over another front end may act for this one: what was done is not acknowledged any more.
      if (!options.leased()) throw new Refusal('SlowDown', 'This front end lost its lease; please try again');
      await send(response, reply, life.signal);
    } catch (error) {
      if (response.headersSent || response.destroyed) { response.destroy(); return; }
      if (!message.complete) response.setHeader('connection', 'close');
      await send(response, refusalReply(refusalOf(error), resource), life.signal);
    } finally {
      running -= 1;
      drain(message);
      life.abort(new Error('request is over'));
    }
  };

  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_LIFE_MS, keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true,
  });
  server.maxConnections = MAX_CONNECTIONS;
  const guarded = (expectsContinue: boolean) => (message: IncomingMessage, response: ServerResponse): void => {
    handle(message, response, expectsContinue).catch(() => { response.destroy(); });
  };
  server.on('request', guarded(false));
  server.on('checkContinue', guarded(true));
  return server;
}

async function answerHealth(message: IncomingMessage, response: ServerResponse, options: ServerOptions): Promise<void> {
  if (message.method !== 'GET') { response.writeHead(405, { 'content-length': 0 }).end(); return; }
  const health = options.leased() ? await options.health() : { ok: false, degraded: true, reason: 'the lease is over' };
  const body = Buffer.from(JSON.stringify(health));
  response.writeHead(health.ok ? 200 : 503, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}
