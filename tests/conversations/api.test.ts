import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { z } from 'zod';
import { createDialogue } from '../../bot/chat/dialogue/dialogue.ts';
import { openMemory } from '../../bot/chat/memory.ts';
import { serveBot } from '../../bot/chat/server.ts';
import { createSession } from '../../bot/chat/session.ts';
import { PlanStore } from '../../bot/tools/plan-store.ts';
import { CATALOGUE, toolsFor } from '../../bot/tools/catalogue.ts';
import { toolContextOf, type ToolContext } from '../../bot/tools/tool.ts';
import { startWorld, type World } from './world.ts';

const TOKEN = 'test-token-of-this-bot-0123456789abcdef';
const Anything = z.record(z.string(), z.json());
type Document = z.infer<typeof Anything>;
let world: World;
let bot: { url: string; close: () => Promise<void> };

beforeAll(async () => {
  world = await startWorld();
  const dialogue = createDialogue(world.context);
  const tools = toolContextOf(Object.create(world.context) as ToolContext, { plans: new PlanStore() });
  bot = await serveBot({ context: tools, session: createSession({ memory: openMemory(':memory:'), answerer: dialogue, dialogue }), token: TOKEN }, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await bot.close();
  await world.close();
});

interface Asked { readonly method?: string; readonly body?: unknown; readonly headers?: Record<string, string>; readonly token?: string | undefined }

async function ask(path: string, { method, body, headers = {}, token = TOKEN }: Asked = {}): Promise<{ status: number; document: Document }> {
  const response = await fetch(`${bot.url}${path}`, { method: method ?? (body === undefined ? 'GET' : 'POST'), headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...(token !== '' && { authorization: `Bearer ${token}` }), ...headers }, ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }) });
  return { status: response.status, document: Anything.parse(await response.json()) };
}

async function begin(): Promise<string> {
  const { document } = await ask('/v1/conversations', { method: 'POST' });
  return z.string().parse(document['id']);
}

function turnOf(document: Document): number {
  return z.object({ reply: z.object({ turn: z.int() }) }).parse(document).reply.turn;
}

function textOf(document: Document): string {
  return z.object({ reply: z.object({ text: z.string() }) }).parse(document).reply.text;
}

describe('tools over HTTP', () => {
  it('are those of the surface, and none of them changes anything or signs', async () => {
    for (const tool of CATALOGUE) {
      const { status, document } = await ask(`/v1/tools/${tool.name}`, { body: {}, token: tool.waits ? TOKEN : '' });
      if (!tool.surfaces.includes('http')) expect([tool.name, status, document['error']]).toMatchObject([tool.name, 404, { code: 'not_found' }]);
      else expect([200, 400]).toContain(status);
    }
    expect(toolsFor('http').filter(({ effect }) => effect === 'changes')).toEqual([]);
  });

  it('plan as the planner does, refuse in the same shape, and say what is missing', async () => {
    const planned = await ask('/v1/tools/plan', { body: { blueprint: 'archive', parameters: { capacity: '1 TB', countries: 'CH' } }, token: '' });
    expect(planned.document).toMatchObject({ ok: true, workloads: [{ type: 'zdb', count: 6 }, { type: 'archive', count: 3 }, { type: 'gateway-name', count: 1 }] });
    const missing = await ask('/v1/tools/plan', { body: { blueprint: 'archive', parameters: {} }, token: '' });
    expect(missing.document).toMatchObject({ ok: false, error: { code: 'missing_parameter', missing: [{ name: 'capacity', type: 'bytes' }] } });
  });

  it('refuse a size that does not fit as what cannot be, and not as a bad request', async () => {
    const { status, document } = await ask('/v1/tools/plan', { body: { blueprint: 'archive', parameters: { capacity: '10 PB', countries: 'CH' } }, token: '' });
    expect([status, document]).toMatchObject([200, { ok: false, error: { code: 'no_capacity' } }]);
  });

  it('take the token where they wait: nobody else holds a connection for minutes', async () => {
    expect(toolsFor('http').filter(({ waits }) => waits).map(({ name }) => name)).toEqual(['follow_contract']);
    const body = { contract: 'abcdef', seconds: 600 };
    expect((await ask('/v1/tools/follow_contract', { body, token: '' })).status).toBe(401);
    expect((await ask('/v1/tools/follow_contract', { body })).document).toMatchObject({ error: { code: 'contract_unknown' } });
  });

  it('answer eight at once without the token, and the person all the same', async () => {
    const held = Array.from({ length: 8 }, () => connect(Number(new URL(bot.url).port), '127.0.0.1'));
    // A body that never comes is a call that is being answered.
    for (const socket of held) socket.write('POST /v1/tools/list_nodes HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n');
    const call = (token: string): Promise<number> => ask('/v1/tools/list_nodes', { body: {}, token }).then(({ status }) => status);
    await expect.poll(() => call('')).toBe(503);
    expect(await call(TOKEN)).toBe(200);
    for (const socket of held) socket.destroy();
    await expect.poll(() => call('')).toBe(200);
  });

  it.each([['no JSON', '{'], ['another shape', '{"text":5}'], ['an unknown field', '{"text":"x","as":"root"}'], ['a list', '[]']])('refuse %s', async (_, body) => {
    const { status, document } = await ask('/v1/tools/understand', { body, token: '' });
    expect(status).toBe(400);
    expect(document).toMatchObject({ ok: false, error: {} });
  });

  it('refuse a body that is too large', async () => {
    expect((await ask('/v1/tools/understand', { body: { text: 'x'.repeat(70_000) }, token: '' })).status).toBe(413);
  });
});

describe('who may ask', () => {
  it('refuses other hosts, pages from elsewhere, and conversations without the token', async () => {
    expect((await ask('/v1/tools/list_nodes', { body: {}, headers: { origin: 'https://evil.example' } })).status).toBe(403);
    expect((await ask('/v1/tools/list_nodes', { body: {}, headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
    for (const headers of [{ origin: 'http://localhost:3000' }, { origin: 'http://127.0.0.1:1' }, { 'sec-fetch-site': 'same-site' }]) expect((await ask('/v1/tools/list_nodes', { body: {}, headers })).status).toBe(403);
    expect((await ask('/v1/tools/list_nodes', { body: {}, headers: { origin: bot.url, 'sec-fetch-site': 'same-origin' } })).status).toBe(200);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded']) expect((await ask('/v1/tools/list_nodes', { body: {}, headers: { 'content-type': type } })).status).toBe(415);
    for (const token of ['', 'x'.repeat(43), `${TOKEN}x`]) for (const [path, method] of [['/v1/conversations', 'POST'], ['/v1/conversations', 'GET'], ['/v1/conversations/0123456789abcdef', 'GET'], ['/v1/conversations/0123456789abcdef', 'DELETE'], ['/v1/conversations/0123456789abcdef/messages', 'POST']] as const) {
      expect([path, (await ask(path, { method, token })).status]).toEqual([path, 401]);
    }
  });
});

describe('a conversation over HTTP', () => {
  it('proposes only after a yes to the plan that it has shown', async () => {
    const id = await begin();
    const messages = `/v1/conversations/${id}/messages`;
    expect(textOf((await ask(messages, { body: { text: 'yes' } })).document)).toContain('no plan');
    // A plan that a tool made for somebody else is not what a yes agrees to.
    await ask('/v1/tools/plan', { body: { blueprint: 'archive', parameters: { capacity: '9 TB' } }, token: '' });
    expect(textOf((await ask(messages, { body: { text: 'yes, propose it' } })).document)).toContain('no plan');
    const shown = await ask(messages, { body: { text: 'an archive of 1 TB in CH' } });
    expect(shown.document).toMatchObject({ ok: true, reply: { by: 'dialogue', draft: { blueprint: 'archive' } } });
    expect(Object.keys(world.context.follower.state().contracts)).toHaveLength(0);
    // Nor is a yes without what it answers, which an older client or another one would send.
    for (const seen of [{}, { seen: 0 }, { seen: turnOf(shown.document) - 1 }]) expect(textOf((await ask(messages, { body: { text: 'yes', ...seen } })).document)).toContain('Shall I propose');
    const { document: again } = await ask(messages, { body: { text: 'show me the plan' } });
    expect(textOf((await ask(messages, { body: { text: 'yes', seen: turnOf(again) } })).document)).toMatch(/^Proposed/);
    expect(Object.keys(world.context.follower.state().contracts)).toHaveLength(1);
    const read = await ask(`/v1/conversations/${id}`);
    expect(read.document).toMatchObject({ ok: true, conversation: { id } });
    expect((await ask('/v1/conversations')).document['conversations']).toMatchObject([{ id, first: 'yes' }]);
    expect((await ask(`/v1/conversations/${id}`, { method: 'DELETE' })).status).toBe(200);
    expect((await ask(messages, { body: { text: 'hello' } })).status).toBe(404);
  });

  it('decides nothing by what another client was shown', async () => {
    const id = await begin();
    const messages = `/v1/conversations/${id}/messages`;
    const before = Object.keys(world.context.follower.state().contracts).length;
    const { document: first } = await ask(messages, { body: { text: 'an archive of 3 TB in CH' } });
    const { document: changed } = await ask(messages, { body: { text: 'no, 4 TB', seen: turnOf(first) } });
    const { document: stale } = await ask(messages, { body: { text: 'yes', seen: turnOf(first) } });
    expect(textOf(stale)).toMatch(/Archive of 4 TB[^]*Shall I propose/);
    expect((await ask(`/v1/conversations/${id}`)).document).toMatchObject({ conversation: { turn: turnOf(stale) } });
    const { document: compared } = await ask(messages, { body: { text: 'cheaper?', seen: turnOf(stale) } });
    expect(textOf((await ask(messages, { body: { text: '1', seen: turnOf(changed) } })).document)).not.toContain('Shall I propose');
    expect(turnOf(compared)).toBeGreaterThan(turnOf(stale));
    expect(Object.keys(world.context.follower.state().contracts)).toHaveLength(before);
  });

  it('streams events when asked to', async () => {
    const id = await begin();
    const response = await fetch(`${bot.url}/v1/conversations/${id}/messages`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}`, accept: 'text/event-stream' }, body: JSON.stringify({ text: 'hello' }) });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(await response.text()).toMatch(/event: reply\ndata: \{.*Say what you need/);
  });
});

describe('a conversation over WebSocket', () => {
  async function open(id: string, headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` }): Promise<{ socket: WebSocket; next: (type: string) => Promise<Document> }> {
    const socket = new WebSocket(`${bot.url.replace('http', 'ws')}/v1/conversations/${id}/live`, { headers });
    const frames: Document[] = [];
    const waiting: (() => void)[] = [];
    socket.on('message', (data: Buffer) => { frames.push(Anything.parse(JSON.parse(data.toString('utf8')))); for (const wake of waiting.splice(0)) wake(); });
    await new Promise<void>((resolve, reject) => { socket.once('open', () => { resolve(); }); socket.once('error', reject); });
    const next = async (type: string): Promise<Document> => {
      for (;;) {
        const at = frames.findIndex((frame) => frame['type'] === type);
        if (at >= 0) return frames.splice(0, at + 1).at(-1) ?? {};
        await new Promise<void>((resolve) => { waiting.push(resolve); });
      }
    };
    return { socket, next };
  }

  it('says what goes on, answers, and ends a wait', async () => {
    const contract = await world.propose('archive', { capacity: '1 TB', countries: 'DE' });
    const { socket, next } = await open(await begin());
    expect(await next('ready')).toMatchObject({ messages: 0 });
    socket.send(JSON.stringify({ type: 'say', text: `wait until ${contract.slice(7, 19)} runs` }));
    expect(JSON.stringify(await next('progress'))).toContain('Following');
    socket.send(JSON.stringify({ type: 'say', text: 'hello' }));
    expect(await next('error')).toMatchObject({ error: { code: 'conversation_busy' } });
    socket.send(JSON.stringify({ type: 'stop' }));
    expect(await next('reply')).toMatchObject({ reply: { text: expect.stringContaining('Stopped waiting') as string } });
    for (const bad of ['{', '{"type":"sign"}', '{"type":"say"}']) {
      socket.send(bad);
      expect(await next('error')).toMatchObject({ error: { code: 'request_invalid' } });
    }
    socket.close();
  });

  it('ends with who says too much, too often', async () => {
    const { socket } = await open(await begin());
    const closed = new Promise<number>((resolve) => { socket.once('close', resolve); });
    for (let n = 0; n < 40; n++) socket.send('{"type":"stop"}');
    expect(await closed).toBe(1008);
    const { socket: large } = await open(await begin());
    const dropped = new Promise<number>((resolve) => { large.once('close', resolve); });
    large.send('x'.repeat(40_000));
    expect(await dropped).toBe(1009);
  });

  it('takes the token, and no page from elsewhere', async () => {
    const id = await begin();
    await expect(open(id, {})).rejects.toThrow('401');
    await expect(open(id, { authorization: `Bearer ${TOKEN}`, origin: 'https://evil.example' })).rejects.toThrow('403');
    await expect(open('0123456789abcdef')).rejects.toThrow('404');
  });
});

describe('the description of the API', () => {
  it('is OpenAPI 3.1: every path, every operation named once, every schema its own or a reference that exists', async () => {
    const { document } = await ask('/v1/openapi.json', { token: '' });
    const shape = z.object({ openapi: z.literal('3.1.0'), info: z.object({ title: z.string(), version: z.string() }), paths: z.record(z.string().startsWith('/'), z.record(z.string(), z.json())), components: z.object({ schemas: Anything, securitySchemes: Anything }) });
    const api = shape.parse(document);
    const operations = Object.entries(api.paths).flatMap(([path, item]) => Object.entries(item).filter(([method]) => ['get', 'post', 'delete'].includes(method)).map(([method, operation]) => ({ path, method, operation: Anything.parse(operation) })));
    for (const { path, operation } of operations) {
      expect([path, Object.keys(Anything.parse(operation['responses'])).every((status) => /^[1-5]\d\d$/.test(status))]).toEqual([path, true]);
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = z.array(z.object({ name: z.string() })).parse((api.paths[path] as Document)['parameters'] ?? []).map(({ name }) => name);
      expect(declared).toEqual(names);
    }
    const ids = operations.map(({ operation }) => operation['operationId']);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining([...toolsFor('http').map(({ name }) => name), 'say', 'live']));
    const text = JSON.stringify(document);
    for (const [, name = ''] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)) expect(Object.keys(api.components.schemas)).toContain(name);
    expect(text).not.toContain('"$schema"');
  });
});
