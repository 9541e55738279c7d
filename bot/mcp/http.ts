import { randomBytes } from 'node:crypto';
import { serve, type HttpBindings, type ServerType } from '@hono/node-server';
import { createMcpHandler, hostHeaderValidationResponse, isLegacyRequest, localhostAllowedHostnames, localhostAllowedOrigins, originValidationResponse } from '@modelcontextprotocol/server';
import type { Authority } from './authority.ts';
import { type Rate, RateLimit } from './rate.ts';
import { createSession } from './server.ts';
import { refuse, Sessions, type SessionBounds } from './sessions.ts';
import type { Surface } from './surface.ts';

export const MCP_PATH = '/mcp';

const MAX_CONNECTIONS = 256;
const HEADERS_TIMEOUT_MS = 10_000;
/** For a request to arrive; its answer may take as long as a person does. */
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_LISTENERS = 256;
const BOUNDS: SessionBounds = { maxSessions: 64, idleMs: 8 * 3_600_000, maxBody: 256 * 1024 };
const RATE: Rate = { burst: 120, perSecond: 40 };

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  /** Names besides those of loopback under which this server may be asked. */
  readonly names?: readonly string[];
  /** Made when the server's own URL is known; undefined: whoever reaches it may do everything. */
  readonly authority: ((resource: URL) => Authority) | undefined;
  readonly log: (line: string) => void;
  readonly bounds?: Partial<SessionBounds>;
  readonly rate?: Rate;
}

export interface McpHttp {
  /** Of the endpoint, path included. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a surface over Streamable HTTP, in both revisions: sessions for the older one, single requests for the newer one. */
export async function serveMcpHttp(surface: Surface, options: HttpOptions): Promise<McpHttp> {
  const { log, host, names = [] } = options;
  const bounds = { ...BOUNDS, ...options.bounds };
  const dispatch = { surface, key: randomBytes(32), log };
  const sessions = new Sessions(dispatch, bounds);
  // A client without a session is known by its token: what was shown under one can be proposed under it.
  const modern = createMcpHandler(({ authInfo }) => createSession(dispatch, { visitor: `token ${authInfo?.clientId ?? ''}`, era: 'modern' }).server, {
    legacy: 'reject', maxRequestBodySize: bounds.maxBody, maxSubscriptions: MAX_LISTENERS, onerror: (error) => { log(error.message); },
  });
  const rate = new RateLimit(options.rate ?? RATE);
  const stop = surface.watch?.((change) => {
    sessions.announce(change);
    modern.bus.publish(change.kind === 'resource' ? { kind: 'resource_updated', uri: change.uri } : { kind: `${change.kind}_list_changed` });
  });
  // Nobody is answered before it is known who may ask.
  let decided: (authority: Authority | undefined) => void = () => undefined;
  const deciding = new Promise<Authority | undefined>((resolve) => { decided = resolve; });

  const answer = async (request: Request, connection: object): Promise<Response> => {
    // Over the loopback address a page elsewhere could ask in the name of whoever looks at it.
    const stranger = hostHeaderValidationResponse(request, [...localhostAllowedHostnames(), ...names]) ?? originValidationResponse(request, localhostAllowedOrigins());
    if (stranger) return stranger;
    if (!rate.take(connection)) return refuse(429, -32_000, 'too many requests on this connection', { 'retry-after': '1' });
    const authority = await deciding;
    const document = authority?.metadata(request);
    if (document) return document;
    if (new URL(request.url).pathname !== MCP_PATH) return refuse(404, -32_000, `there is only ${MCP_PATH} here`);
    const auth = await authority?.gate(request);
    if (auth instanceof Response) return auth;
    const legacy = await isLegacyRequest(request, undefined, { maxRequestBodySize: bounds.maxBody });
    return legacy ? sessions.handle(request, auth) : modern.fetch(request, auth && { authInfo: auth });
  };
  const fetch = async (request: Request, { incoming }: HttpBindings): Promise<Response> => {
    try {
      return await answer(request, incoming.socket);
    } catch (error) {
      log(error instanceof Error ? (error.stack ?? error.message) : String(error));
      return refuse(500, -32_603, 'the server failed to answer');
    }
  };

  const { server, port } = await listen((request, env) => fetch(request, env as HttpBindings), options);
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}${MCP_PATH}`;
  decided(options.authority?.(new URL(url)));
  return {
    url,
    close: async () => {
      stop?.();
      await Promise.all([sessions.close(), modern.close()]);
      await new Promise<void>((done) => {
        server.close(() => { done(); });
        if ('closeAllConnections' in server) server.closeAllConnections();
      });
    },
  };
}

function listen(fetch: (request: Request, env: unknown) => Promise<Response>, { host, port }: HttpOptions): Promise<{ server: ServerType; port: number }> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, hostname: host, port }, (address) => { resolve({ server, port: address.port }); });
    if ('headersTimeout' in server) server.headersTimeout = HEADERS_TIMEOUT_MS;
    if ('requestTimeout' in server) server.requestTimeout = REQUEST_TIMEOUT_MS;
    if ('maxConnections' in server) server.maxConnections = MAX_CONNECTIONS;
    server.once('error', reject);
  });
}
