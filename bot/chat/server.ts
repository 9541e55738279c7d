import { serve, type ServerType } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { DeploymentId } from '../../contract/contract.ts';
import type { BotContext } from '../context.ts';
import { findContract, listContracts, readContract, verifyContract } from '../tools/contracts.ts';
import { deploymentStatus } from '../tools/deployments.ts';
import { planRequest, understandText } from '../tools/request.ts';

const MAX_BODY = 64 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 256;

const Text = z.strictObject({ text: z.string().min(1).max(2000) });
const Request = z.strictObject({ blueprint: z.string().max(63), parameters: z.record(z.string(), z.json()) });

/** The bot's HTTP API on loopback. It answers questions; nothing that signs, proposes or pays is reachable here. */
export function botApi(context: BotContext): Hono {
  const api = new Hono();
  // A page elsewhere may make a browser send requests to loopback under a name of its own (DNS rebinding).
  api.use(async (c, next) => {
    if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(c.req.header('host') ?? '')) return c.json({ ok: false, error: { code: 'host_refused', message: 'ask on the loopback address' } }, 421);
    // A page may be shown what it asks only when it comes from this machine itself.
    const origin = c.req.header('origin');
    if (c.req.header('sec-fetch-site') === 'cross-site' || (origin !== undefined && !/^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(origin))) {
      return c.json({ ok: false, error: { code: 'origin_refused', message: 'pages from elsewhere are not answered' } }, 403);
    }
    await next();
  });
  api.use(bodyLimit({ maxSize: MAX_BODY, onError: (c) => c.json({ ok: false, error: { code: 'too_large', message: `a request has at most ${MAX_BODY} bytes` } }, 413) }));
  api.get('/v1/status', (c) => {
    const ledger = context.follower.status();
    return c.json({ ok: !ledger.stopped, grid: context.grid, requester: context.requester.id, ledger }, ledger.stopped ? 503 : 200);
  });
  api.post('/v1/understand', async (c) => {
    const { text } = Text.parse(await c.req.json());
    return c.json(shaped(understandText(context, text)));
  });
  api.post('/v1/plan', async (c) => {
    const { blueprint, parameters } = Request.parse(await c.req.json());
    return c.json(shaped(planRequest(context, { blueprint, parameters })));
  });
  api.get('/v1/contracts', (c) => c.json({ ok: true, contracts: listContracts(context) }));
  api.get('/v1/contracts/:id', async (c) => {
    const found = findContract(context, c.req.param('id'));
    return c.json(shaped(found.ok ? await readContract(context, found.contract) : found));
  });
  api.get('/v1/contracts/:id/verify', async (c) => {
    const found = findContract(context, c.req.param('id'));
    return c.json(shaped(found.ok ? await verifyContract(context, found.contract) : found));
  });
  api.get('/v1/deployments/:id', (c) => c.json({ ok: true, workloads: deploymentStatus(context.follower.state(), c.req.param('id') as DeploymentId) }));
  api.notFound((c) => c.json({ ok: false, error: { code: 'not_found', message: `there is no ${c.req.method} ${c.req.path}` } }, 404));
  api.onError((error, c) => {
    if (error instanceof z.ZodError) return c.json({ ok: false, error: { code: 'request_invalid', message: z.prettifyError(error) } }, 400);
    if (error instanceof SyntaxError) return c.json({ ok: false, error: { code: 'request_invalid', message: 'the body is not JSON' } }, 400);
    return c.json({ ok: false, error: { code: 'internal', message: 'the bot failed to answer' } }, 500);
  });
  return api;
}

function shaped(result: { readonly ok: true } | { readonly ok: false; readonly code: string; readonly message: string; readonly hint?: string | undefined }): object {
  return result.ok ? result : { ok: false, error: { code: result.code, message: result.message, ...(result.hint !== undefined && { hint: result.hint }) } };
}

/** Serves the API; resolves with its URL when it listens. */
export function serveBot(context: BotContext, { host, port }: { host: string; port: number }): Promise<{ url: string; close: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server: ServerType = serve({ fetch: botApi(context).fetch, hostname: host, port }, (address) => {
      resolve({ url: `http://${host}:${address.port}`, close: () => new Promise((done) => server.close(() => { done(); })) });
    });
    if ('headersTimeout' in server) server.headersTimeout = HEADERS_TIMEOUT_MS;
    if ('maxConnections' in server) server.maxConnections = MAX_CONNECTIONS;
    server.once('error', reject);
  });
}
