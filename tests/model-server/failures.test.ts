import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ModelSettings } from '../../bot/chat/model/settings.ts';
import { chats, contractsOf, KEY, PLAN } from './chat.fixture.ts';
import { competentAnswer } from './competent.ts';
import type { Answer, Fault } from './protocol.ts';

const { start, world } = chats();
const REQUEST = 'give me an archive of 1 PB in CH';
const HASTY: Partial<ModelSettings> = { firstByteSeconds: 0.4, idleSeconds: 0.4, retries: 0 };
const status = (code: number, more: Partial<Extract<Fault, { kind: 'status' }>> = {}): Answer => ({ fault: { kind: 'status', status: code, ...more } });

afterEach(() => { vi.restoreAllMocks(); });

/** Every word that reached a log or the screen while the test ran. */
function listen(): () => string {
  const heard: string[] = [];
  for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) vi.spyOn(console, name).mockImplementation((...all: unknown[]) => { heard.push(all.map(String).join(' ')); });
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockImplementation((text) => { heard.push(String(text)); return true; });
  return () => heard.join('\n');
}

describe('when the model does not answer, the dialogue does, and says why', () => {
  it.each<[string, Answer, Partial<ModelSettings>, RegExp]>([
    ['refuses the key', status(401, { body: `Incorrect API key provided: ${KEY}` }), {}, /key is not accepted \(401\)/],
    ['knows no such model', status(404), {}, /\(404\)/],
    ['takes no tools', status(400, { body: 'tool_calls context_length_exceeded' }), {}, /not accepted \(400\)/],
    ['redirects elsewhere', status(307, { location: 'http://127.0.0.1:9/v1/chat/completions' }), {}, /redirects, which is not followed \(307\)/],
    ['fails', status(500), { retries: 0 }, /server failed \(500\)/],
    ['has too many requests', status(429), { retries: 0 }, /too many requests \(429\)/],
    ['hangs up', { fault: { kind: 'refuse-connection' } }, { retries: 0 }, /no connection/],
    ['is silent', { delayMs: 5000 }, HASTY, /no answer within 0\.4 s/],
    ['falls silent', { text: 'Let me think about this for a', fault: { kind: 'hang', afterPieces: 3 } }, HASTY, /silent for 0\.4 s/],
    ['breaks off', { text: 'Let me think about this for a', fault: { kind: 'cut', afterPieces: 3 } }, {}, /connection broke|ended in the middle/],
    ['ends early, in good order', { text: 'Let me think about this for a', fault: { kind: 'end', afterPieces: 3 } }, {}, /ended in the middle/],
    ['breaks off in a call', { ...PLAN, fault: { kind: 'end', afterPieces: 4 } }, {}, /ended in the middle/],
    ['sends what is no JSON', { text: 'Hm', fault: { kind: 'malformed', afterPieces: 99 } }, {}, /cannot be used/],
    ['says nothing', { text: '' }, {}, /empty/],
  ])('%s', async (_, answer, settings, why) => {
    const heard = listen();
    const chat = await start([answer], { settings });
    const reply = await chat.say(REQUEST);
    expect(reply).toMatchObject({ by: 'fallback', draft: { blueprint: 'archive' } });
    expect(reply.text).toMatch(/The language model did not answer \(.*\); I answer without it\./);
    expect(reply.text).toMatch(why);
    expect(reply.text).toContain('EUR a month');
    expect(chat.pieces.join('')).toBe(reply.text);
    expect(`${heard()}${JSON.stringify(reply)}`).not.toContain(KEY);
  });

  it.each([['not streamed, broken off', { text: 'x', fault: { kind: 'cut', afterPieces: 0 } }], ['not streamed, silent', { text: 'x', fault: { kind: 'hang', afterPieces: 0 } }]] as [string, Answer][])('%s', async (_, answer) => {
    const chat = await start([answer], { settings: { ...HASTY, stream: false } });
    expect((await chat.say(REQUEST)).by).toBe('fallback');
  });

  it('in the language of the person', async () => {
    const chat = await start([status(401)]);
    expect((await chat.say('ich brauche bitte ein Archiv mit 1 PB in der Schweiz')).text).toContain('Das Sprachmodell hat nicht geantwortet (the key is not accepted (401))');
  });

  it('when nobody listens at its address', async () => {
    const gone = await start([]);
    await gone.server.close();
    const chat = await start([], { url: gone.server.url, settings: { retries: 0 } });
    expect((await chat.say(REQUEST)).text).toContain('no connection (ECONNREFUSED)');
  });
});

describe('a failure that may pass is tried again', () => {
  it.each([['500', status(500)], ['429', status(429, { retryAfter: 1 })], ['a lost connection', { fault: { kind: 'refuse-connection' } }]] as [string, Answer][])('%s', async (_, answer) => {
    const chat = await start((request, index) => (index === 0 ? answer : competentAnswer(request)));
    const began = performance.now();
    expect(await chat.say(REQUEST)).toMatchObject({ by: 'model', plan: expect.any(String) as string });
    expect(performance.now() - began).toBeGreaterThan(answer.fault?.kind === 'status' && answer.fault.retryAfter ? 990 : 240);
    expect(chat.server.received.length).toBe(4);
  });

  it('so many times and no more, and others not at all', async () => {
    const chat = await start(() => status(503), { settings: { retries: 1 } });
    expect((await chat.say(REQUEST)).by).toBe('fallback');
    expect(chat.server.received.length).toBe(2);
    const refused = await start(() => status(403));
    expect((await refused.say(REQUEST)).by).toBe('fallback');
    expect(refused.server.received.length).toBe(1);
  });
});

it('a dead model costs one timeout a minute, not one a turn; then one turn tries again', async () => {
  let now = 1000;
  const chat = await start((request, index) => (index === 0 ? { delayMs: 5000 } : competentAnswer(request)), { settings: HASTY, now: () => now });
  expect((await chat.say(REQUEST)).text).toContain('no answer within');
  for (let i = 0; i < 3; i++) expect((await chat.say('no, 500 TB')).text).toContain('it failed a moment ago');
  expect(chat.server.received.length).toBe(1);
  now += 60_000;
  expect((await chat.say('hello there')).by).toBe('model');
  expect((await chat.say('no, 400 TB')).by).toBe('model');
});

describe('budgets', () => {
  it('steps: a model that calls tools for ever is stopped, and what it planned is shown', async () => {
    const chat = await start(() => PLAN, { settings: { maxSteps: 4 } });
    const reply = await chat.say(REQUEST);
    expect(chat.server.received.length).toBe(4);
    expect(reply).toMatchObject({ by: 'model', plan: expect.any(String) as string });
    expect(reply.text).toContain('The language model was stopped here (the budget of steps');
    const lost = await start(() => ({ calls: [{ name: 'list_nodes', arguments: {} }] }), { settings: { maxSteps: 3 } });
    expect((await lost.say(REQUEST)).by).toBe('fallback');
    expect(lost.server.received.length).toBe(3);
    // Talkative is not dead: the next turn asks it again.
    expect((await lost.say('hello there')).text).not.toContain('failed a moment ago');
  });

  it('tokens: an answer that does not end is cut off while it comes', async () => {
    const words = Array.from({ length: 2000 }, () => 'and more words '.repeat(20));
    const chat = await start([{ text: words, pieceMs: 5, usage: false }], { settings: { maxTurnTokens: 6000 } });
    const reply = await chat.say(REQUEST);
    expect(reply.by).toBe('fallback');
    expect(reply.text).toContain('the budget of tokens');
    await expect.poll(() => chat.server.left(), { timeout: 10_000 }).toBe(1);
  });

  it.each([['also when it is one piece', ['x'.repeat(2_000_000)]], ['in pieces', Array<string>(40).fill('x'.repeat(50_000))]])('bytes: %s', async (_, text) => {
    const chat = await start([{ text }], { settings: { maxTurnTokens: 2_000_000 } });
    expect((await chat.say(REQUEST)).text).toMatch(/longer than 1000000 bytes|longer than 128000 characters|budget of tokens/);
  });

  it('tokens of a conversation: what the server counts adds up, then the dialogue goes on alone', async () => {
    const chat = await start(() => ({ text: 'Hm.', usage: { prompt: 20_000, completion: 10 } }), { settings: { maxConversationTokens: 30_000 } });
    expect((await chat.say('hello there')).by).toBe('model');
    expect((await chat.say('hello again')).by).toBe('model');
    const third = await chat.say(REQUEST);
    expect(third).toMatchObject({ by: 'fallback', draft: { blueprint: 'archive' } });
    expect(third.text).toContain('used up its tokens');
    expect(chat.server.received.length).toBe(2);
  });

  it('time: of the model, whatever it is doing', async () => {
    const chat = await start([{ text: Array.from({ length: 400 }, () => 'slow '), pieceMs: 20 }], { settings: { turnSeconds: 0.6 } });
    const began = performance.now();
    const reply = await chat.say(REQUEST);
    expect(performance.now() - began).toBeLessThan(6000);
    expect(reply.by).toBe('fallback');
    expect(reply.text).toContain('the budget of time');
  });
});

describe('a person who stops', () => {
  it.each([['before the answer', { delayMs: 3000 }], ['in the answer', { text: Array.from({ length: 300 }, () => 'words '), pieceMs: 20 }]] as [string, Answer][])('%s ends the turn and the request, and nothing answers in its place', async (_, answer) => {
    const chat = await start((request, index) => (index === 0 ? answer : competentAnswer(request)));
    const stop = new AbortController();
    const turn = chat.say(REQUEST, stop.signal);
    await expect.poll(() => chat.server.received.length, { timeout: 10_000 }).toBe(1);
    setTimeout(() => { stop.abort(); }, 150);
    expect(await turn).toMatchObject({ by: 'model', draft: undefined, text: expect.stringMatching(/Stopped\. Nothing was changed\.$/) as string });
    await expect.poll(() => chat.server.left(), { timeout: 10_000 }).toBe(1);
    // The model is not to blame.
    expect((await chat.say(REQUEST)).by).toBe('model');
  });

  it('in a tool, ends that', async () => {
    const contract = await world().propose('archive', { capacity: '1000000000000', countries: ['CH'], name: 'waiting' });
    const before = contractsOf(world());
    const chat = await start([{ calls: [{ name: 'follow_contract', arguments: { contract, seconds: 60 } }] }]);
    const stop = new AbortController();
    const turn = chat.say('wait for it please, would you', stop.signal);
    await expect.poll(() => chat.progress.join(' '), { timeout: 10_000 }).toContain('waiting for the signature');
    stop.abort();
    expect((await turn).text).toContain('Stopped.');
    expect(chat.server.received.length).toBe(1);
    expect(contractsOf(world())).toBe(before);
  });
});
