import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { ToolContext } from '../tools/tool.ts';
import { checkSource } from './http/access.ts';
import { NotJson } from './http/body.ts';
import { conversationRoutes } from './http/conversation-routes.ts';
import { refusalDocument } from './http/documents.ts';
import { serveLive } from './http/live.ts';
import { openApi } from './http/openapi.ts';
import { toolRoutes } from './http/tool-routes.ts';
import { isVisit, signPages } from './pages.ts';
import type { Session } from './session.ts';

const MAX_BODY = 64 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_CONNECTIONS = 256;

export interface BotApiOptions {
  /** What tools work on. Its plans are not those of the conversations: what was planned by a tool here cannot be agreed to there. */
  readonly context: ToolContext;
  readonly session: Session;
  /** Bearer token of what changes anything, and of conversations. */
  readonly token: string;
}

/**
 * The bot's HTTP API on loopback. Tools that only read, and at once, answer any process of this machine; conversations, in which a
 * person agrees to a proposal, take the token. Nothing that signs is reachable here: a vote is signed in the person's own page.
 */
export function botApi({ context, session, token }: BotApiOptions, urlOf: () => string = () => 'http://127.0.0.1'): Hono {
  const api = new Hono();
  api.use(async (c, next) => {
    const denied = checkSource((name) => c.req.header(name), { visit: isVisit(c) });
    return denied ? c.json(refusalDocument(denied), denied.status) : next();
  });
  api.use(bodyLimit({ maxSize: MAX_BODY, onError: (c) => c.json(refusalDocument({ code: 'too_large', message: `a request has at most ${MAX_BODY} bytes` }), 413) }));
  api.get('/v1/status', (c) => {
    const ledger = context.follower.status();
    return c.json({ ok: !ledger.stopped, grid: context.grid, requester: context.requester.id, ledger }, ledger.stopped ? 503 : 200);
  });
  api.get('/v1/openapi.json', (c) => c.json(openApi(urlOf())));
  api.route('/', toolRoutes(context, token));
  api.route('/', conversationRoutes(session, token));
  api.route('/', signPages(context));
  api.notFound((c) => c.json(refusalDocument({ code: 'not_found', message: `there is no ${c.req.method} ${c.req.path}`, hint: 'see /v1/openapi.json' }), 404));
  api.onError((error, c) => {
    if (error instanceof z.ZodError) return c.json(refusalDocument({ code: 'request_invalid', message: z.prettifyError(error) }), 400);
    if (error instanceof NotJson) return c.json(refusalDocument({ code: 'request_invalid', message: error.message }), 400);
    return c.json(refusalDocument({ code: 'internal', message: 'the bot failed to answer' }), 500);
  });
  return api;
}

/** Serves the API and its WebSocket; resolves when it listens. */
export function serveBot(options: BotApiOptions, { host, port }: { host: string; port: number }): Promise<{ url: string; close: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    let url = '';
    const server = serve({ fetch: botApi(options, () => url).fetch, hostname: host, port }, (address) => {
      url = `http://${host}:${address.port}`;
      resolve({ url, close });
    }) as Server;
    const live = serveLive({ server, session: options.session, token: options.token });
    const close = (): Promise<void> => new Promise((done) => {
      live.close();
      server.close(() => { done(); });
      server.closeIdleConnections();
    });
    server.headersTimeout = HEADERS_TIMEOUT_MS;
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    server.maxConnections = MAX_CONNECTIONS;
    server.once('error', reject);
  });
}
