import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type McpHttp, serveMcpHttp } from '../../bot/mcp/http.ts';
import { type ProductOptions, productSurface } from '../../bot/mcp/product.ts';
import { toolNames } from '../../bot/mcp/tools.ts';
import { startWorld, type World } from '../conversations/world.ts';
import { type Answered, type Asked, openClient, REVISIONS, type Revision, type TestClient } from './client.fixture.ts';

/** The product on a real ledger in this process, spoken to by real clients. */

const CHANGING = ['propose', 'withdraw'];
const ARCHIVE = { capacity: '2 GB', countries: 'CH', data_shards: 2, parity_shards: 1 };

let world: World;
beforeAll(async () => { world = await startWorld({}); }, 60_000);
afterAll(async () => { await world?.close(); });

/** Serves the product for one test, and opens a client whose person answers so. */
async function session(revision: Revision, person?: (asked: Asked) => Answered, options: Partial<ProductOptions> = {}): Promise<{ client: TestClient; url: string; done: () => Promise<void> }> {
  const http: McpHttp = await serveMcpHttp(productSurface(world.context, { version: '0.0.0', signUrl: (contract) => `http://127.0.0.1:1/sign#${contract}`, ...options }), { host: '127.0.0.1', port: 0, authority: undefined, log: (line) => { throw new Error(line); } });
  const client = await openClient({ revision, at: { url: http.url }, ...(person && { person }) });
  return { client, url: http.url, done: async () => { await client.close(); await http.close(); } };
}

const contracts = (): number => Object.keys(world.context.follower.state().contracts).length;
const yes = (asked: Asked): Answered => ({ action: 'accept', ...(asked.mode === 'form' && { content: { confirm: true } }) });
let count = 0;
const named = (): typeof ARCHIVE & { name: string } => ({ ...ARCHIVE, name: `store-${count++}` });

describe.each(REVISIONS)('in %s', (revision) => {
  it('shows about a dozen tools with schemas and honest annotations, in few characters', async () => {
    const { client, done } = await session(revision);
    const tools = await client.tools();
    await done();
    expect(tools.map(({ name }) => name)).toEqual(toolNames());
    for (const { name, annotations, inputSchema, outputSchema } of tools) {
      expect(annotations).toEqual({ readOnlyHint: !CHANGING.includes(name), destructiveHint: CHANGING.includes(name), idempotentHint: true, openWorldHint: false });
      expect(inputSchema).toMatchObject({ type: 'object' });
      expect(outputSchema).toMatchObject({ type: 'object' });
    }
    expect(JSON.stringify(tools).length).toBeLessThan(22_000);
    expect(JSON.stringify(tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }))).length).toBeLessThan(8500);
  });

  it('hides and refuses what changes anything when it is read-only, and offers only what was chosen', async () => {
    const { client, done } = await session(revision, yes, { readOnly: true, allowPropose: true });
    expect((await client.tools()).map(({ name }) => name)).toEqual(toolNames().filter((name) => !CHANGING.includes(name)));
    const plan = await client.call('plan', { blueprint: 'archive', parameters: named() });
    await expect(client.call('propose', { plan: plan.structured['plan'] })).rejects.toThrow(/not found/);
    await done();
    const few = await session(revision, undefined, { only: ['list_nodes', 'plan'] });
    expect((await few.client.tools()).map(({ name }) => name)).toEqual(['plan', 'list_nodes']);
    await few.done();
  });

  it('asks for what is missing in a form, and goes on with the answer', async () => {
    const asked: Asked[] = [];
    const { client, done } = await session(revision, (question) => { asked.push(question); return { action: 'accept', content: { capacity: '3 GB' } }; });
    const { capacity: _capacity, ...rest } = named();
    const plan = await client.call('plan', { blueprint: 'archive', parameters: rest });
    await done();
    expect(plan.structured).toMatchObject({ parameters: { capacity: '3000000000' } });
    expect(asked).toHaveLength(1);
    expect(asked[0]?.requestedSchema).toMatchObject({ properties: { capacity: { type: 'string' } }, required: ['capacity'] });
  });

  it.each([['declines', (): Answered => ({ action: 'decline' })], ['cannot be asked', undefined]] as const)('says what is missing when the person %s', async (_, person) => {
    const { client, done } = await session(revision, person);
    const plan = await client.call('plan', { blueprint: 'archive' });
    await done();
    expect(plan.refused).toBe(true);
    expect(plan.text).toContain('missing_parameter');
  });

  it.each([
    ['declines', { action: 'decline' }, 'not_confirmed'],
    ['closes the form', { action: 'cancel' }, 'not_confirmed'],
    ['leaves the box as it is', { action: 'accept', content: { confirm: false } }, 'not_confirmed'],
    ['answers something else', { action: 'accept', content: { confirmed: true } }, 'not_confirmed'],
    ['cannot be asked', undefined, 'confirmation_impossible'],
  ] as const)('proposes nothing when the person %s', async (_, answer, code) => {
    const { client, done } = await session(revision, answer && (() => answer));
    const before = contracts();
    const plan = await client.call('plan', { blueprint: 'archive', parameters: named() });
    const result = await client.call('propose', { plan: plan.structured['plan'] });
    await done();
    expect(result.refused).toBe(true);
    expect(result.text).toContain(code);
    expect(contracts()).toBe(before);
  });

  it('asks about an update with what it replaces and all that it changes', async () => {
    const before = await world.propose('archive', { ...ARCHIVE, capacity: '2000000000', countries: ['CH'], name: `store-${count++}` });
    await world.approve(before);
    const asked: Asked[] = [];
    const { client, done } = await session(revision, (question) => { asked.push(question); return { action: 'decline' }; });
    const plan = await client.call('plan', { update: before, parameters: { capacity: '3 GB' } });
    const explained = await client.call('explain_plan', { plan: plan.structured['plan'] });
    await client.call('propose', { plan: plan.structured['plan'] });
    await done();
    const { changes } = z.object({ explanation: z.object({ changes: z.array(z.string()).min(1) }) }).parse(explained.structured).explanation;
    for (const line of [before, ...changes]) expect(asked[0]?.message).toContain(line);
  });

  it('names in the question the blueprint, its author and every value', async () => {
    const asked: Asked[] = [];
    const { client, done } = await session(revision, (question) => { asked.push(question); return { action: 'decline' }; });
    const parameters = named();
    const plan = await client.call('plan', { blueprint: 'archive', parameters });
    await client.call('propose', { plan: plan.structured['plan'] });
    await done();
    for (const said of ['The blueprint archive 1.0.0 of 3bot, with', 'capacity 2 GB', 'countries CH', 'data_shards 2', `name ${parameters.name}`]) expect(asked[0]?.message).toContain(said);
  });

  it('proposes without a form only where it was started so, and never what was not shown', async () => {
    const { client, done } = await session(revision, undefined, { allowPropose: true });
    const unknown = await client.call('propose', { plan: `sha256:${'0'.repeat(64)}` });
    expect(unknown.text).toContain('plan_unknown');
    const plan = await client.call('plan', { blueprint: 'archive', parameters: named() });
    const first = await client.call('propose', { plan: plan.structured['plan'] });
    expect(first.structured).toMatchObject({ status: 'proposed', contract: plan.structured['plan'] });
    // Twice is as good as once.
    const before = contracts();
    expect((await client.call('propose', { plan: plan.structured['plan'] })).structured).toMatchObject({ status: 'proposed' });
    expect(contracts()).toBe(before);
    await done();
  });

  it('shows the whole way on a page, tells of progress, and sees it run', async () => {
    const pages: string[] = [];
    const { client, done } = await session(revision, (asked) => { if (asked.url !== undefined) pages.push(asked.url); return yes(asked); });
    const plan = await client.call('plan', { blueprint: 'archive', parameters: named() });
    const proposed = await client.call('propose', { plan: plan.structured['plan'] });
    const contract = z.string().parse(proposed.structured['contract']);
    expect(pages).toEqual([`http://127.0.0.1:1/sign#${contract}`]);
    const told: { message: string; done: number }[] = [];
    let seen = 0;
    await client.watch(`threebot://contract/${contract}`, () => { seen += 1; });
    const following = client.call('follow_contract', { contract, seconds: 30 }, { progress: (message, at) => { told.push({ message, done: at }); } });
    await world.approve(contract);
    await world.report(contract, 'running');
    expect((await following).structured).toMatchObject({ status: 'active', running: true });
    expect(told[0]?.message).toMatch(/waiting for the signature/);
    expect(told.every(({ done: at }, i) => i === 0 || at > (told[i - 1]?.done ?? 0))).toBe(true);
    await expect.poll(() => seen, { timeout: 5000 }).toBeGreaterThan(0);
    await done();
  });

  it('ends a wait that is cancelled, and nothing else', async () => {
    const contract = await world.propose('archive', { ...ARCHIVE, capacity: '2000000000', countries: ['CH'], name: `store-${count++}` });
    const { client, done } = await session(revision);
    const aborted = new AbortController();
    const following = client.call('follow_contract', { contract, seconds: 60 }, { signal: aborted.signal, progress: () => { aborted.abort(); } });
    await expect(following).rejects.toThrow();
    expect((await client.call('show_contract', { contract })).structured).toMatchObject({ status: 'proposed' });
    await done();
  });

  it('gives no more than it may, and every row once over the pages', async () => {
    const { client, done } = await session(revision, undefined, { maxOutput: 2000 });
    const labels: string[] = [];
    for (let cursor: string | undefined, pages = 0; pages < 50; pages++) {
      const { structured, text } = await client.call('list_nodes', { limit: 100, ...(cursor !== undefined && { cursor }) });
      expect(JSON.stringify(structured).length).toBeLessThan(2100);
      expect(text.length).toBeLessThan(2100);
      labels.push(...z.array(z.looseObject({ label: z.string() })).parse(structured['nodes']).map(({ label }) => label));
      cursor = z.string().optional().parse(structured['next']);
      if (cursor === undefined) break;
    }
    await done();
    const all = Object.values(world.context.follower.state().nodes).flatMap(({ offer }) => (offer ? [offer.label] : [])).sort();
    expect(labels).toEqual(all);
  });

  it('has contracts, blueprints and nodes as resources, with templates and completions', async () => {
    const contract = await world.propose('archive', { ...ARCHIVE, capacity: '2000000000', countries: ['CH'], name: `store-${count++}` });
    const { client, done } = await session(revision);
    expect(await client.templates()).toEqual(['threebot://contract/{id}', 'threebot://blueprint/{name}', 'threebot://node/{label}']);
    const listed = await client.resources();
    expect(listed).toEqual(expect.arrayContaining([`threebot://contract/${contract}`, 'threebot://blueprint/archive']));
    expect(JSON.parse((await client.read(`threebot://contract/${contract}`)).text)).toMatchObject({ contract, status: 'proposed', explanation: { contract } });
    const blueprint = await client.read('threebot://blueprint/archive');
    expect(blueprint.mimeType).toBe('application/yaml');
    expect(blueprint.text).toContain('blueprint: archive');
    const [node = ''] = listed.filter((uri) => uri.startsWith('threebot://node/'));
    expect(JSON.parse((await client.read(node)).text)).toMatchObject({ label: node.slice('threebot://node/'.length) });
    expect(await client.complete('threebot://contract/{id}', 'id', contract.slice(7, 15))).toContain(contract);
    expect(await client.complete('threebot://blueprint/{name}', 'name', 'arch')).toEqual(['archive']);
    for (const uri of ['threebot://node/nowhere', 'threebot://blueprint/nothing', `threebot://contract/sha256:${'0'.repeat(64)}`]) await expect(client.read(uri)).rejects.toThrow(/not found/i);
    await done();
  });

  it('has prompts to begin with', async () => {
    const { client, done } = await session(revision);
    expect(await client.prompt('request', { text: 'an archive of 1 PB' })).toContain('an archive of 1 PB');
    expect(await client.prompt('review-contract', { id: 'abcdef' })).toContain('threebot://contract/abcdef');
    expect(await client.prompt('write-blueprint', { idea: 'a mail archive' })).toContain('a mail archive');
    await done();
  });
});

describe('what a client says it was told', () => {
  const envelope = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' }, 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } };
  const Answer = z.looseObject({ result: z.looseObject({ resultType: z.string().optional(), requestState: z.string().optional(), structuredContent: z.looseObject({ plan: z.string().optional(), status: z.string().optional() }).optional() }).optional(), error: z.looseObject({ code: z.number() }).optional() });
  let url: string;
  let done: () => Promise<void>;
  beforeEach(async () => {
    ({ url, done } = await session('2026-07-28'));
    return async () => done();
  });

  async function raw(name: string, args: object, more: object = {}): Promise<z.infer<typeof Answer>> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args, _meta: envelope, ...more } }),
    });
    return Answer.parse(await response.json());
  }
  const confirmed = { inputResponses: { confirm: { action: 'accept', content: { confirm: true } } } };

  it('is no yes unless this very question was asked', async () => {
    const one = (await raw('plan', { blueprint: 'archive', parameters: named() })).result?.structuredContent?.plan ?? '';
    const other = (await raw('plan', { blueprint: 'archive', parameters: named() })).result?.structuredContent?.plan ?? '';
    const before = contracts();
    // Without having been asked, it is asked.
    const asked = await raw('propose', { plan: one }, confirmed);
    expect(asked.result?.resultType).toBe('input_required');
    const requestState = asked.result?.requestState ?? '';
    // A yes to one plan is none to another.
    expect((await raw('propose', { plan: other }, { ...confirmed, requestState })).result?.resultType).toBe('input_required');
    expect((await raw('propose', { plan: one }, { ...confirmed, requestState: `${requestState.slice(0, -2)}xx` })).error?.code).toBe(-32_602);
    expect(contracts()).toBe(before);
    expect((await raw('propose', { plan: one }, { ...confirmed, requestState })).result?.structuredContent?.status).toBe('proposed');
    expect(contracts()).toBe(before + 1);
  });
});

it('shows a session of the older revision only its own plans', async () => {
  const one = await session('2025-11-25', yes);
  const two = await openClient({ revision: '2025-11-25', at: { url: one.url }, person: yes });
  const plan = await one.client.call('plan', { blueprint: 'archive', parameters: named() });
  const stolen = await two.call('propose', { plan: plan.structured['plan'] });
  expect(stolen.text).toContain('plan_unknown');
  await two.close();
  await one.done();
});
