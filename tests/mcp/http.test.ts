import { Agent, request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuthority, newTokens } from '../../bot/mcp/authority.ts';
import { type HttpOptions, type McpHttp, serveMcpHttp } from '../../bot/mcp/http.ts';
import type { Surface } from '../../bot/mcp/surface.ts';
import { openClient, REVISIONS } from './client.fixture.ts';
import { tool } from './fixture-content.ts';
import { fixtureSurface } from './fixture-surface.ts';

const tokens = newTokens();
const served: McpHttp[] = [];
afterEach(async () => { await Promise.all(served.splice(0).map((each) => each.close())); });

async function serve(options: Partial<HttpOptions> = {}, surface: Surface = fixtureSurface()): Promise<McpHttp> {
  const http = await serveMcpHttp(surface, { host: '127.0.0.1', port: 0, authority: (resource) => createAuthority(tokens, resource), log: () => undefined, ...options });
  served.push(http);
  return http;
}

const JSON_HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } } };
const post = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> => fetch(url, { method: 'POST', headers: { ...JSON_HEADERS, ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });

/** With headers that `fetch` would not let through. */
function raw(url: string, headers: Record<string, string>, agent?: Agent): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { method: 'POST', agent, headers: { ...JSON_HEADERS, ...bearer(tokens.read), ...headers } }, (response) => { response.resume().once('end', () => { resolve(response.statusCode); }); }).once('error', reject).end(JSON.stringify(initialize));
  });
}

describe('who is answered', () => {
  it('refuses other names of this machine, and pages from elsewhere', async () => {
    const { url } = await serve();
    expect(await raw(url, {})).toBe(200);
    for (const headers of [{ host: 'evil.example' }, { host: 'evil.example:80' }, { origin: 'https://evil.example' }, { origin: 'null' }]) expect(await raw(url, headers)).toBe(403);
    expect(await raw(url, { origin: new URL(url).origin })).toBe(200);
  });

  it('asks for a token before it reads anything', async () => {
    const { url } = await serve();
    for (const headers of [{}, { authorization: 'Basic eA==' }, bearer('wrong')]) {
      const answer = await post(url, 'not JSON', headers);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toContain('resource_metadata=');
    }
    const document = await fetch(new URL('/.well-known/oauth-protected-resource/mcp', url));
    expect(await document.json()).toMatchObject({ resource: url });
    expect((await post(new URL('/other', url).href, initialize, bearer(tokens.read))).status).toBe(404);
  });

  it.each(REVISIONS)('enforces scopes for each tool in %s: a challenge names the one that is missing', async (revision) => {
    const calls: string[] = [];
    const surface: Surface = { ...fixtureSurface(), tools: (['read', 'propose'] as const).map((scope) => tool(scope, async () => { calls.push(scope); return { content: [] }; }, { scope })) };
    const { url } = await serve({}, surface);
    const reader = await openClient({ revision, at: { url, token: tokens.read } });
    await reader.call('read');
    await expect(reader.call('propose')).rejects.toThrow();
    await reader.close();
    const owner = await openClient({ revision, at: { url, token: tokens.propose } });
    await owner.call('propose');
    await owner.close();
    expect(calls).toEqual(['read', 'propose']);
  });
});

describe('bounds', () => {
  it('reads no body that is too long, in either revision', async () => {
    const { url } = await serve({ bounds: { maxBody: 10_000 } });
    const long = 'x'.repeat(11_000);
    expect((await post(url, { ...initialize, long }, bearer(tokens.read))).status).toBe(413);
    expect((await post(url, long, { ...bearer(tokens.read), 'mcp-protocol-version': '2026-07-28' })).status).toBe(413);
  });

  it('slows down whoever asks too often on one connection', async () => {
    const { url } = await serve({ rate: { burst: 5, perSecond: 0.1 } });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const statuses = [];
    for (let n = 0; n < 8; n++) statuses.push(await raw(url, {}, agent));
    agent.destroy();
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
    expect(await raw(url, {})).toBe(200);
  });

  it('keeps so many sessions and no more', async () => {
    const { url } = await serve({ bounds: { maxSessions: 2 } });
    const statuses = [];
    for (let n = 0; n < 3; n++) statuses.push((await post(url, initialize, bearer(tokens.read))).status);
    expect(statuses).toEqual([200, 200, 503]);
  });

  it('ends a session that nobody uses', async () => {
    const { url } = await serve({ bounds: { idleMs: 100 } });
    const id = (await post(url, initialize, bearer(tokens.read))).headers.get('mcp-session-id') ?? '';
    expect(id).not.toBe('');
    const alive = async (): Promise<number> => (await post(url, { jsonrpc: '2.0', id: 2, method: 'ping' }, { ...bearer(tokens.read), 'mcp-session-id': id })).status;
    expect(await alive()).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await alive()).toBe(404);
  });

  it('ends no session whose answer is still on its way', async () => {
    const surface: Surface = { ...fixtureSurface(), tools: [tool('slow', async (_, { progress }) => {
      progress('it takes a while');
      await new Promise((resolve) => setTimeout(resolve, 600));
      return { content: [{ type: 'text', text: 'at last' }] };
    })] };
    const { url } = await serve({ bounds: { idleMs: 100, maxSessions: 1 } }, surface);
    const id = (await post(url, initialize, bearer(tokens.read))).headers.get('mcp-session-id') ?? '';
    const called = await post(url, { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'slow', arguments: {}, _meta: { progressToken: 1 } } }, { ...bearer(tokens.read), 'mcp-session-id': id });
    const answer = called.text();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await post(url, initialize, bearer(tokens.read))).status).toBe(503);
    expect(await answer).toContain('at last');
    await expect.poll(async () => (await post(url, initialize, bearer(tokens.read))).status, { timeout: 5000 }).toBe(200);
  });

  it('gives a session to nobody with another token', async () => {
    const { url } = await serve();
    const id = (await post(url, initialize, bearer(tokens.propose))).headers.get('mcp-session-id') ?? '';
    const ping = { jsonrpc: '2.0', id: 2, method: 'ping' };
    expect((await post(url, ping, { ...bearer(tokens.read), 'mcp-session-id': id })).status).toBe(404);
    expect((await post(url, ping, { ...bearer(tokens.propose), 'mcp-session-id': id })).status).toBe(200);
  });

  it('makes no session of anything but a first message', async () => {
    const { url } = await serve();
    for (const body of ['', 'not JSON', '[]', { jsonrpc: '2.0', id: 1, method: 'tools/list' }]) {
      const answer = await post(url, body, bearer(tokens.read));
      expect(answer.status).toBe(400);
      expect(answer.headers.get('mcp-session-id')).toBeNull();
    }
  });
});

describe('text of others', () => {
  it.each(REVISIONS)('cannot hide, reorder or command anything in %s', async (revision) => {
    const evil = '\u001b[2Jtitle\u202e';
    const surface: Surface = {
      ...fixtureSurface(),
      tools: [tool('tells', async () => ({ content: [{ type: 'text', text: evil }], structuredContent: { [evil]: [evil] } })), tool('asks', async () => ({ content: [{ type: 'text', text: 'x' }], isError: true, _meta: { note: evil } }))],
      resources: [{ name: 'evil', uri: 'test://evil', about: {}, read: async ({ href }) => ({ contents: [{ uri: href, text: evil }] }) }],
    };
    const { url } = await serve({}, surface);
    const client = await openClient({ revision, at: { url, token: tokens.read } });
    expect((await client.call('tells')).text).toBe('·[2Jtitle·');
    await client.call('asks');
    expect((await client.read('test://evil')).text).toBe('·[2Jtitle·');
    await client.close();
    expect(client.traffic()).not.toMatch(/\\u001b|\u202e/);
  });
});

describe('failures', () => {
  it.each(REVISIONS)('tells nobody what went wrong inside in %s, but the log', async (revision) => {
    const log: string[] = [];
    const surface: Surface = { ...fixtureSurface(), tools: [tool('breaks', async () => { throw new Error('the password is hunter2'); })] };
    const { url } = await serve({ log: (line) => { log.push(line); } }, surface);
    const client = await openClient({ revision, at: { url, token: tokens.read } });
    const result = await client.call('breaks');
    await client.close();
    expect(result).toMatchObject({ refused: true });
    expect(client.traffic()).not.toContain('hunter2');
    expect(log.join('\n')).toContain('hunter2');
  });
});
