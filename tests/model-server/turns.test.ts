import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { unconfirmed } from '../../bot/chat/conversation.ts';
import { toolsFor } from '../../bot/tools/catalogue.ts';
import { settingsFor } from './answerer.ts';
import { chats, contractsOf, KEY, PLAN } from './chat.fixture.ts';
import { competentAnswer } from './competent.ts';
import { contentOf } from './protocol.ts';

const { start, world } = chats();

describe.each([['streamed', true], ['not streamed', false]])('a turn, %s', (_, stream) => {
  it('goes through the tools to a plan that is shown as the tool gave it', async () => {
    const chat = await start(competentAnswer, { settings: { stream } });
    const reply = await chat.say('give me an archive of 1 PB in CH');
    expect(reply).toMatchObject({ by: 'model', draft: { blueprint: 'archive', parameters: { capacity: '1000000000000000', countries: ['CH'] } } });
    expect(reply.plan).toBe(reply.draft?.plan);
    const plan = world().context.plans.get(reply.plan ?? '');
    expect(plan?.header.title).toContain('1 PB');
    expect(reply.text).toContain(plan?.header.title);
    expect(reply.text).toMatch(/[\d,]+\.\d\d EUR a month/);
    expect(reply.text).toContain('It is proposed only when you say yes.');
    expect(chat.progress).toEqual(['Understand a request', 'Plan a contract']);
    expect(chat.server.received.map(({ body }) => body.stream === true)).toEqual([stream, stream, stream]);
  });

  it('gives the text in pieces that make up the reply', async () => {
    const chat = await start([{ text: 'One moment, please.', ...PLAN }, { text: ['This is ', 'what it ', 'would be.'] }], { settings: { stream } });
    const { text } = await chat.say('an archive');
    expect(chat.pieces.join('')).toBe(text);
    expect(text).toMatch(/^One moment, please\.\n\nThis is what it would be\.\n\nArchive of 1 PB/);
  });

  it('changes a draft by what is said next, and keeps it when nothing is planned', async () => {
    const chat = await start(competentAnswer, { settings: { stream } });
    const first = await chat.say('give me an archive of 1 PB in CH');
    const second = await chat.say('no, 500 TB');
    expect(second.draft?.parameters).toEqual({ capacity: '500000000000000', countries: ['CH'] });
    expect(second.plan).toMatch(/^sha256:/);
    expect(second.plan).not.toBe(first.plan);
    const third = await chat.say('thanks');
    expect(third.draft).toEqual(second.draft && unconfirmed(second.draft));
    expect(third.plan).toBeUndefined();
    expect(third.text).toMatch(/A yes shows it again first: Archive of 500 TB.*EUR\./);
  });
});

it('streams: a piece is passed on while the model still speaks', async () => {
  const chat = await start([{ text: ['The first words ', 'and ', 'the last.'], pieceMs: 60 }]);
  const at: [string, number][] = [];
  const began = performance.now();
  await chat.answerer.reply({ text: 'hello there', conversation: chat.conversation, signal: new AbortController().signal, onProgress: () => undefined, onText: (piece) => at.push([piece, performance.now() - began]) });
  const timeOf = (words: string): number => at.find(([piece]) => piece.includes(words))?.[1] ?? expect.fail(`${words} never came`);
  expect(timeOf('last.') - timeOf('first')).toBeGreaterThan(80);
});

it('tells the model what it needs: bounds, tools of its surface, the draft, the conversation so far', async () => {
  const chat = await start(competentAnswer);
  await chat.say('I need an archive of 1 PB in CH');
  await chat.say('und in Deutschland? bitte mach das so');
  const [before, after] = [chat.server.received[0], chat.server.received.at(-1)].map((each) => each?.body ?? expect.fail('nothing was asked'));
  expect(before).toMatchObject({ model: 'scripted', temperature: 0, max_tokens: 1000, stream: true });
  expect(before?.tools?.map((tool) => tool.function.name)).toEqual(toolsFor('model').map(({ name }) => name));
  expect(before?.messages.map(({ role }) => role)).toEqual(['system', 'user']);
  const roles = after?.messages.map(({ role }) => role) ?? [];
  expect(roles.slice(0, 4)).toEqual(['system', 'user', 'assistant', 'user']);
  expect(contentOf(after!.messages[1]!)).toBe('I need an archive of 1 PB in CH');
  const now = contentOf(after!.messages[3]!);
  expect(now).toContain('"answerIn":"German"');
  expect(now).toContain('"capacity":"1000000000000000"');
  expect(now.endsWith('The person says:\nund in Deutschland? bitte mach das so')).toBe(true);
  // Texts only: chat templates of small servers take nothing else. Ours names nobody.
  expect(after?.messages.every(({ content, name }) => typeof content === 'string' && (name === undefined || roles.includes('tool')))).toBe(true);
  expect(JSON.stringify(after?.tools)).not.toMatch(/\$ref|\$defs|propertyNames/);
});

it('keeps to the newest messages that fit, and begins with the person', async () => {
  const chat = await start((request, index) => (index === 0 ? { text: 'ok' } : competentAnswer(request)), { settings: { historyTokens: 40 } });
  const messages = Array.from({ length: 20 }, (_, i) => ({ from: i % 2 === 0 ? 'person' as const : 'bot' as const, text: `message number ${i} is here`, time: '2026-11-20T10:00:00.000Z' }));
  chat.conversation = { ...chat.conversation, messages };
  await chat.say('hello there');
  const sent = chat.server.received[0]?.body.messages ?? [];
  expect(sent.slice(1, -1).map(contentOf)).toEqual(['message number 16 is here', 'message number 17 is here', 'message number 18 is here', 'message number 19 is here'].slice(4 - (sent.length - 2)));
  expect(sent.length).toBeGreaterThan(3);
  expect(sent[1]?.role).toBe('user');
});

it('keeps its connection', async () => {
  const chat = await start(competentAnswer);
  await chat.say('give me an archive of 1 PB in CH');
  await chat.say('no, 2 PB');
  expect(chat.server.received.length).toBeGreaterThan(4);
  // A second one when the next request leaves before the end of the answer was read.
  expect(chat.server.connections()).toBeLessThanOrEqual(2);
});

describe('a decision', () => {
  it('goes to the rules and never to the model: a yes proposes exactly the plan that was shown', async () => {
    const chat = await start(competentAnswer);
    const shown = await chat.say('give me an archive of 3 TB called confirmed in CH');
    const asked = chat.server.received.length;
    const reply = await chat.say('yes, propose it');
    expect(chat.server.received.length).toBe(asked);
    expect(reply.by).toBe('dialogue');
    expect(reply.contract).toBe(shown.plan);
    expect(world().context.follower.state().contracts[shown.plan as never]).toMatchObject({ status: 'proposed', header: { title: expect.stringContaining('3 TB') as string } });
    // What a model says of it afterwards stands above what is so.
    const status = await chat.say('what are you waiting for?');
    expect(status.text).toMatch(/On the ledger: “Archive of 3 TB.* is proposed, not in force; waiting for it-expert.*legal.*budget/);
  });

  it('by a no, too, and by `forget it`', async () => {
    const chat = await start(competentAnswer);
    await chat.say('give me an archive of 4 TB in CH');
    const asked = chat.server.received.length;
    const before = contractsOf(world());
    expect((await chat.say('no')).draft?.plan).toBeUndefined();
    expect((await chat.say('forget it')).draft).toBeUndefined();
    expect(chat.server.received.length).toBe(asked);
    expect(contractsOf(world())).toBe(before);
  });

  it('is no decision when nothing was shown, or when the model asked something itself since', async () => {
    const before = contractsOf(world());
    const chat = await start([{ text: 'Yes to what' }, PLAN, { text: 'Here.' }, { text: 'Shall I make it 5 EUR for you?' }, { text: 'Nothing.' }]);
    expect((await chat.say('yes')).by).toBe('model');
    expect((await chat.say('an archive of 1 PB in CH')).draft?.plan).toBeDefined();
    expect((await chat.say('who are you')).draft?.plan).toBeUndefined();
    expect((await chat.say('yes')).by).toBe('model');
    expect(contractsOf(world())).toBe(before);
  });
});

it('never sends the key anywhere but in the header', async () => {
  const chat = await start(competentAnswer);
  await chat.say('give me an archive of 1 PB in CH');
  expect(chat.server.received.every(({ headers, raw }) => headers.authorization === `Bearer ${KEY}` && !raw.includes(KEY))).toBe(true);
  const kept = inspect([chat.answerer, chat.conversation, chat.pieces, chat.progress, await settingsFor(chat.server.url, {}, KEY)], { depth: 12, showHidden: true });
  expect(kept + process.argv.join(' ') + JSON.stringify(await settingsFor(chat.server.url, {}, KEY))).not.toContain(KEY);
});

describe('a comparison', () => {
  it('is shown as the tool gave it, under names of ours, and taken by rules', async () => {
    const parameters = { capacity: '100 TB', countries: ['CH'] };
    const chat = await start([{ calls: [{ name: 'plan', arguments: { blueprint: 'archive', parameters } }] }, { text: 'Here.' },
      { calls: [{ name: 'compare_plans', arguments: { blueprint: 'archive', parameters, variants: [{ label: 'for free', change: { countries: ['DE'] } }, { label: 'also free', change: { countries: ['JP'] } }] } }] }, { text: 'Germany costs 1 EUR.' }]);
    await chat.say('give me an archive of 100 TB in CH');
    const compared = await chat.say('and elsewhere, what would that be');
    expect(compared.choices).toEqual(['countries DE']);
    expect(compared.draft).toMatchObject({ parameters: { capacity: '100000000000000', countries: ['CH'] }, variants: [{ change: { countries: ['DE'] } }] });
    expect(compared.draft?.plan).toBeUndefined();
    expect(compared.text).toMatch(/1 {2}countries DE +[\d.,]+ EUR/);
    expect(compared.text).not.toContain('free');
    const taken = await chat.say('yes');
    expect(taken).toMatchObject({ by: 'dialogue', draft: { parameters: { countries: ['DE'] } }, plan: expect.any(String) as string });
    expect(chat.server.received.length).toBe(4);
  });

  it('of what cannot be had leaves what was shown', async () => {
    const parameters = { capacity: '100 TB', countries: ['CH'] };
    const chat = await start([{ calls: [{ name: 'plan', arguments: { blueprint: 'archive', parameters } }] }, { text: 'Here.' },
      { calls: [{ name: 'compare_plans', arguments: { blueprint: 'archive', parameters, variants: [{ label: 'x', change: { countries: ['JP'] } }] } }] }, { text: 'Not there.' }]);
    const first = await chat.say('give me an archive of 100 TB in CH');
    const compared = await chat.say('and in Japan, what would that be');
    expect(compared.draft).toEqual(first.draft && unconfirmed(first.draft));
    expect(compared.choices).toBeUndefined();
    expect(compared.text).toContain('A yes shows it again first: Archive of 100 TB');
  });

  it('of what cannot be had leaves the plan of the same turn to be shown, so that nothing unseen is agreed to', async () => {
    const of = (capacity: string) => ({ blueprint: 'archive', parameters: { capacity, countries: ['CH'] } });
    const chat = await start([{ calls: [{ name: 'plan', arguments: of('90 TB') }] }, { calls: [{ name: 'compare_plans', arguments: { ...of('1 TB'), variants: [{ label: 'x', change: { countries: ['JP'] } }] } }] }, { text: 'Not there.' }]);
    const reply = await chat.say('give me an archive of 90 TB in CH, or a small one in Japan');
    expect(reply.draft?.plan).toMatch(/^sha256:/);
    expect(reply.plan).toBe(reply.draft?.plan);
    expect(reply.text).toMatch(/countries JP[^]*Archive of 90 TB[^]*Shall I propose this/);
  });

  it('of a value that there cannot be is one row, and the model goes on', async () => {
    const parameters = { capacity: '100 TB', countries: ['CH'] };
    const compare = { calls: [{ name: 'compare_plans', arguments: { blueprint: 'archive', parameters, variants: [{ label: 'huge', change: { capacity: '900000 PB' } }, { label: 'there', change: { countries: ['DE'] } }] } }] };
    const chat = await start([compare, { text: 'Only the second.' }, { text: 'You are welcome.' }]);
    const compared = await chat.say('an archive of 100 TB in CH, much larger, or in Germany');
    expect(compared).toMatchObject({ by: 'model', choices: ['countries DE'] });
    expect(compared.text).toMatch(/huge +not possible[^]*countries DE/);
    expect(await chat.say('what do you think of it')).toMatchObject({ by: 'model' });
  });
});

it('a plan of an update shows what changes, and asks about the change', async () => {
  const contract = await world().propose('archive', { capacity: '1000000000000', countries: ['CH'], name: 'growing' });
  await world().approve(contract);
  const chat = await start([{ calls: [{ name: 'plan', arguments: { update: contract, parameters: { capacity: '2 TB' } } }] }, { text: 'Larger.' }]);
  const reply = await chat.say('make the growing one 2 TB');
  expect(reply.draft).toMatchObject({ blueprint: 'archive', update: contract, parameters: { capacity: '2000000000000' }, plan: reply.plan });
  expect(reply.text).toMatch(/replaces[^]*parameter capacity: was[^]*Shall I propose this change/);
});
