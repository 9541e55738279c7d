import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Header } from '../../contract/contract.ts';
import { digestOf } from '../../contract/digest.ts';
import { sealEnvelope } from '../../contract/envelope.ts';
import { chromiumFlags, findChromium, forWantOfChromium as suite, type Liar, startLiar, watchedPage } from './browser.fixture.ts';
import { type Grid, startGrid, tailsOnFailure } from './grid.fixture.ts';
import { openParties, type Parties } from './parties.fixture.ts';

/** The signing page, with somebody between it and the bot; and what the bot gives out for it. */

const CHROMIUM = findChromium();
const LIMIT = 60_000;

let grid: Grid;
let parties: Parties;
let liar: Liar;
let browser: Browser;
let complaints: string[];
let page: Page;
let contract: string;

async function open(id: string): Promise<void> {
  await page.goto('about:blank');
  await page.goto(`${liar.url}/sign#${id}`);
  await page.waitForSelector('.passed, .check .alert', { timeout: LIMIT });
}

beforeAll(async () => {
  if (CHROMIUM === undefined) return;
  grid = await startGrid({ grid: path.join(import.meta.dirname, 'grids', 'signing.yaml') });
  [parties, liar] = await Promise.all([openParties(grid), startLiar(grid.ready.bot)]);
  contract = await parties.propose(parties.plan({ capacity: '1GB', countries: ['CH'], data_shards: 2, parity_shards: 1, name: 'seen' }));
  await parties.approve(contract as Parameters<Parties['approve']>[0], 'legal');
  browser = await chromium.launch({ executablePath: CHROMIUM, args: chromiumFlags() });
  ({ page, complaints } = await watchedPage(await browser.newContext()));
}, 240_000);
afterEach(() => { expect(complaints ?? []).toEqual([]); });
afterAll(async () => {
  await browser?.close();
  await liar?.close();
  await parties?.close();
  await grid?.stop();
}, 60_000);
tailsOnFailure(() => grid);

describe.skipIf(CHROMIUM === undefined)(suite('the signing page, when somebody lies'), () => {
  const shown = async (): Promise<string | null> => page.locator('.check .alert').getAttribute('data-code');

  it.each([
    ['the body', '/sign/blob/', (text: string) => text.replace('"retentionDays":0', '"retentionDays":1'), 'body_mismatch'],
    ['the blueprint', '/sign/blob/', (text: string) => text.replace(/^title: /m, 'title: X'), 'blueprint_mismatch'],
    ['the header', '/sign/contract/', (text: string) => text.replace(/"month":"\d+"/, '"month":"1"'), 'contract_mismatch'],
    ['the shape of the header', '/sign/contract/', () => '{"ok":true,"header":{"__proto__":{}}}', 'contract_mismatch'],
    ['the words of an entry', '/sign/entries', (text: string) => text.replace(/"payload":"(.)/, (_, c: string) => `"payload":"${c === 'e' ? 'f' : 'e'}`), 'entry_invalid'],
    ['a signature', '/sign/entries', (text: string) => text.replace(/"sig":"(.)/, (_, c: string) => `"sig":"${c === 'A' ? 'B' : 'A'}`), 'entry_invalid'],
    ['the time of an entry', '/sign/entries', (text: string) => text.replace(/(\d)Z"/, (_, d: string) => `${d === '0' ? '1' : '0'}Z"`), 'digest_mismatch'],
    ['the order of entries', '/sign/entries', (text: string) => { const answer = JSON.parse(text) as { entries: unknown[] }; const [a, b, ...rest] = answer.entries; return JSON.stringify({ ...answer, entries: [b, a, ...rest] }); }, 'entry_invalid'],
    ['the signed note', '/sign/checkpoint', (text: string) => text.replace(/ (.)([A-Za-z0-9+/=]+)\n$/, (_, c: string, rest: string) => ` ${c}${rest.startsWith('AAAA') ? rest : `AAAAAAAA${rest.slice(8)}`}\n`), 'checkpoint_invalid'],
    ['how long the log is', '/sign/checkpoint', (text: string) => text.replace(/\n\d+\n/, '\n5\n'), 'log_shorter'],
    ['what never ends', '/sign/blob/', () => 'x'.repeat(2 * 1024 * 1024), 'too_large'],
  ] as const)('refuses to sign when it changes %s', async (_, where, change, code) => {
    let changed = 0;
    liar.tamper = (asked, body) => {
      if (!asked.startsWith(where)) return undefined;
      const text = body.toString('utf8');
      const next = change(text);
      if (next !== text) changed += 1;
      return next;
    };
    await open(contract);
    expect(changed).toBeGreaterThan(0);
    expect(await shown()).toBe(code);
    expect(await page.locator('form, button, .explanation').count()).toBe(0);
  });

  it('refuses to go on when it lies later', async () => {
    liar.tamper = undefined;
    await open(contract);
    expect(await page.locator('.passed').count()).toBe(1);
    liar.tamper = (asked, body) => (asked.startsWith('/sign/entries') ? body.toString('utf8').replace(/"sig":"(.)/g, (_, c: string) => `"sig":"${c === 'A' ? 'B' : 'A'}`) : undefined);
    await page.waitForSelector('.check .alert', { timeout: LIMIT });
    expect(await shown()).toBe('entry_invalid');
    expect(await page.locator('form, button, .explanation').count()).toBe(0);
  });

  it.each([
    ['another title', (header: Header): Header => ({ ...header, title: 'Archive of 1 GB for nothing' }), 'digest_mismatch'],
    ['other nodes than the rule gives', (header: Header): Header => { const [a, b, ...rest] = header.assignments; return a && b ? { ...header, assignments: [{ ...a, node: b.node }, { ...b, node: a.node }, ...rest] } : header; }, 'digest_mismatch'],
    ['another ledger', (header: Header): Header => ({ ...header, derivation: { ...header.derivation, ledger: { ...header.derivation.ledger, root: '0'.repeat(64) } } }), 'digest_mismatch'],
    ['another planner', (header: Header): Header => ({ ...header, derivation: { ...header.derivation, planner: '3bot-planner/0' } }), 'planner_mismatch'],
  ])('refuses what the ledger took but nobody can compile again: %s', async (name, change, code) => {
    liar.tamper = undefined;
    const plan = parties.plan({ capacity: '1GB', countries: ['CH'], data_shards: 2, parity_shards: 1, name: name.replaceAll(' ', '-') });
    const id = await parties.propose({ header: change(plan.header), body: plan.body });
    await open(id);
    expect(await shown()).toBe(code);
    expect(await page.locator('form, button, .explanation').count()).toBe(0);
  });

  it('refuses a contract that nobody proposed', async () => {
    liar.tamper = undefined;
    await open(digestOf('nothing'));
    expect(await shown()).toBe('contract_unknown');
  });
});

describe.skipIf(CHROMIUM === undefined)(suite('what the bot serves for the page'), () => {
  const post = async (body: string, type = 'application/json'): Promise<{ status: number; code: string | undefined }> => {
    const response = await fetch(`${grid.ready.bot}/sign/vote`, { method: 'POST', headers: { 'content-type': type }, body });
    return { status: response.status, code: ((await response.json()) as { error?: { code: string } }).error?.code };
  };

  it.each(['/sign', '/sign/app.js', '/sign/worker.js', '/sign/style.css', '/sign/checkpoint'])('%s has a policy under which nothing else runs, and nothing goes elsewhere', async (asked) => {
    const { headers, status } = await fetch(`${grid.ready.bot}${asked}`);
    expect(status).toBe(200);
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types worker");
    expect(['referrer-policy', 'x-content-type-options', 'cross-origin-opener-policy', 'cross-origin-resource-policy'].map((name) => headers.get(name))).toEqual(['no-referrer', 'nosniff', 'same-origin', 'same-origin']);
  });

  it('names no other origin in the page and its style', async () => {
    const texts = await Promise.all(['/sign', '/sign/style.css'].map(async (asked) => (await fetch(`${grid.ready.bot}${asked}`)).text()));
    expect(texts.filter((text) => /https?:\/\/|\bstyle=|\bon[a-z]+=|javascript:/.test(text))).toEqual([]);
  });

  it('passes on votes and nothing else', async () => {
    const { legal } = parties.stakeholders;
    const sealed = (kind: string, payload: object): string => JSON.stringify(sealEnvelope(kind, { grid: parties.grid, by: legal.id, ...payload }, legal.signer));
    expect(await post(sealed('contract.cancelled', { contract, role: 'legal' }))).toEqual({ status: 422, code: 'kind_refused' });
    expect(await post('{"envelopes":[]}')).toEqual({ status: 422, code: 'kind_refused' });
    expect(await post('{')).toEqual({ status: 400, code: 'request_invalid' });
    expect(await post('{}', 'text/plain')).toEqual({ status: 415, code: 'request_invalid' });
    expect(await post(JSON.stringify('x'.repeat(40_000)))).toEqual({ status: 413, code: 'too_large' });
    const vote = sealed('contract.rejected', { contract, role: 'legal', reason: 'again' });
    expect(await post(vote.replace(/"sig":"./, (start) => (start.endsWith('A') ? '"sig":"B' : '"sig":"A')))).toEqual({ status: 422, code: 'signature_invalid' });
    expect(await post(vote)).toEqual({ status: 422, code: 'already_voted' });
  });

  it('gives out no blob that no contract names', async () => {
    const digest = await parties.bot.follower.putBlob(new Uint8Array(Buffer.from('something else')));
    expect((await fetch(`${grid.ready.bot}/sign/blob/${digest}`)).status).toBe(404);
  });
});
