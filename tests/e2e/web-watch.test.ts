import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { planContract } from '../../bot/planner/plan.ts';
import { Digest } from '../../contract/digest.ts';
import { parseBlueprint } from '../../knowledge/blueprint.ts';
import { chromiumFlags, findChromium, forWantOfChromium as suite, type Liar, startLiar, watchedPage } from './browser.fixture.ts';
import { type Grid, startGrid, tailsOnFailure } from './grid.fixture.ts';
import { openParties, type Parties } from './parties.fixture.ts';

/** What the signing page does after its check: it goes on looking, up to the moment in which it signs. */

const CHROMIUM = findChromium();
const PASSPHRASE = 'five words make it long';
const LIMIT = 60_000;

let grid: Grid;
let parties: Parties;
let liar: Liar;
let folder: string;
let browser: Browser;
let page: Page;
let complaints: string[];
let requests: string[];
let contract: string;
let proposed = 0;
let keyFile: string;

/** A signature of nobody on every note from now on. */
const forgeNotes = (): void => {
  liar.tamper = (asked, body) => (asked === '/sign/checkpoint' ? body.toString('utf8').replace(/ (.)([A-Za-z0-9+/=]+)\n$/, (_, c: string, rest: string) => ` ${c}AAAAAAAA${rest.slice(8)}\n`) : undefined);
};
const votesSent = (): string[] => requests.filter((request) => request.includes('/sign/vote'));

async function openWithKey(id: string): Promise<void> {
  await page.goto(`${liar.url}/sign#${id}`);
  await page.waitForSelector('.passed', { timeout: LIMIT });
  await page.getByRole('button', { name: 'Import a key' }).click();
  await page.getByLabel('Name').fill('Lea');
  await page.getByLabel('Key file').setInputFiles(keyFile);
  await page.getByLabel('New passphrase').fill(PASSPHRASE);
  await page.getByLabel('The same again').fill(PASSPHRASE);
  await page.getByRole('button', { name: 'Import key' }).click();
  await page.waitForSelector('.decision form', { timeout: LIMIT });
}

async function sign(): Promise<void> {
  await page.getByLabel('Passphrase of your key').fill(PASSPHRASE);
  await page.getByRole('button', { name: /^Sign the/ }).click();
}

beforeAll(async () => {
  if (CHROMIUM === undefined) return;
  folder = mkdtempSync(path.join(tmpdir(), '3bot-web-watch-'));
  grid = await startGrid({ grid: path.join(import.meta.dirname, 'grids', 'signing.yaml') });
  [parties, liar] = await Promise.all([openParties(grid), startLiar(grid.ready.bot)]);
  keyFile = path.join(folder, 'legal.pem');
  const { exitCode, stderr } = await grid.cli('key', 'export', 'legal', '--keystore', 'stakeholders', '--format', 'pkcs8', '--plain', '--out', keyFile);
  if (exitCode !== 0) throw new Error(stderr);
  browser = await chromium.launch({ executablePath: CHROMIUM, args: chromiumFlags() });
}, 240_000);
beforeEach(async () => {
  if (CHROMIUM === undefined) return;
  liar.tamper = undefined;
  contract = await parties.propose(parties.plan({ capacity: '1GB', countries: ['CH'], data_shards: 2, parity_shards: 1, name: `watched-${proposed++}` }));
  ({ page, complaints, requests } = await watchedPage(await browser.newContext()));
});
afterEach(async () => {
  await page?.context().close();
  expect(complaints ?? []).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await liar?.close();
  await parties?.close();
  await grid?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}, 60_000);
tailsOnFailure(() => grid);

describe.skipIf(CHROMIUM === undefined)(suite('the signing page, after its check'), () => {
  it('signs nothing while the bot does not answer, says so, and goes on checking when it does', async () => {
    await openWithKey(contract);
    liar.tamper = (asked) => (asked === '/sign/checkpoint' ? 503 : undefined);
    await sign();
    await page.waitForSelector('.decision [data-code="not_checked"], .decision .done', { timeout: LIMIT });
    await page.locator('#sign > div > .alert[data-code="unreachable"]').waitFor({ timeout: LIMIT });
    expect(await page.locator('.decision').isVisible()).toBe(false);
    expect(votesSent()).toEqual([]);
    liar.tamper = undefined;
    await page.getByRole('button', { name: /^Sign the/ }).waitFor({ timeout: LIMIT });
    expect(await page.locator('#sign > div > .alert').count()).toBe(0);
    forgeNotes();
    await page.waitForSelector('.check .alert', { timeout: LIMIT });
    expect(await page.locator('.check .alert').getAttribute('data-code')).toBe('checkpoint_invalid');
    expect(await page.locator('form, button, .explanation').count()).toBe(0);
  });

  it('looks once more before it signs', async () => {
    await openWithKey(contract);
    forgeNotes();
    await sign();
    await page.waitForSelector('.check .alert, .decision .done', { timeout: LIMIT });
    expect(await page.locator('.check .alert').getAttribute('data-code')).toBe('checkpoint_invalid');
    expect(votesSent()).toEqual([]);
  });

  it('signs nothing when the check fails while the key is being unlocked', async () => {
    await openWithKey(contract);
    await page.evaluate(`{
      const derive = crypto.subtle.deriveKey.bind(crypto.subtle);
      crypto.subtle.deriveKey = (...of) => new Promise((resolve) => { globalThis.unlockNow = () => resolve(derive(...of)); });
    }`);
    await sign();
    await page.waitForFunction('globalThis.unlockNow !== undefined', undefined, { timeout: LIMIT });
    forgeNotes();
    await page.waitForSelector('.check .alert', { timeout: LIMIT });
    // The truth again: nothing but what the page remembers keeps it from signing.
    liar.tamper = undefined;
    await page.evaluate('unlockNow()');
    await page.waitForTimeout(5000);
    expect(votesSent()).toEqual([]);
  });

  it('says at once what the author says against the blueprint', async () => {
    const { bot, keys } = parties;
    const entry = bot.library.find(({ blueprint }) => blueprint.blueprint === 'archive');
    const bytes = new Uint8Array(Buffer.from(Buffer.from(entry?.source ?? []).toString('utf8').replace(/^blueprint: archive$/m, 'blueprint: doubtful')));
    const parsed = parseBlueprint(bytes);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const { version, policy } = parsed.blueprint;
    const digest = await bot.follower.putBlob(bytes);
    const author = { id: Digest.parse(bot.follower.state().keyOwners[keys.author.key]), signer: keys.author };
    expect(await parties.say('blueprint.published', author, { name: 'doubtful', version, digest, policy })).toMatchObject({ ok: true });
    await bot.follower.waitFor((s) => s.blueprints[`doubtful@${version}`], { timeoutMs: 30_000 });
    const plan = planContract({ state: bot.follower.state(), ledger: { size: bot.follower.size(), root: bot.follower.root() }, requester: bot.requester.id, nonce: randomBytes(16).toString('hex'), blueprint: { parsed: parsed.blueprint, digest }, parameters: { capacity: '1000000000', data_shards: 2, parity_shards: 1 } });
    if (!plan.ok) throw new Error(JSON.stringify(plan));
    const doubtful = await parties.propose(plan);
    await openWithKey(doubtful);
    expect(await page.getByText('is deprecated').count()).toBe(0);
    expect(await parties.say('blueprint.deprecated', author, { name: 'doubtful', version, reason: 'too <b>slow</b>' })).toMatchObject({ ok: true });
    await page.getByText(`doubtful ${version} is deprecated: too <b>slow</b>`).waitFor({ timeout: LIMIT });
    expect(await parties.say('blueprint.yanked', author, { name: 'doubtful', version, reason: 'it loses data' })).toMatchObject({ ok: true });
    await page.getByText(`doubtful ${version} is yanked: it loses data`).waitFor({ timeout: LIMIT });
    await page.reload();
    await page.getByText(`doubtful ${version} is yanked: it loses data`).waitFor({ timeout: LIMIT });
  });
});
