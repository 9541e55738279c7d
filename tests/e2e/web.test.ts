import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { planContract } from '../../bot/planner/plan.ts';
import { Digest, digestOf } from '../../contract/digest.ts';
import type { Explanation } from '../../contract/explain.ts';
import { parseBlueprint } from '../../knowledge/blueprint.ts';
import { seedOfPkcs8 } from '../../web/keys/pkcs8.ts';
import { parsePem } from '../../web/keys/pem.ts';
import { chromiumFlags, FAINT, filesOf, findChromium, forWantOfChromium as suite, type Liar, startLiar, watchedPage } from './browser.fixture.ts';
import { type Grid, startGrid, tailsOnFailure } from './grid.fixture.ts';
import { openParties, type Parties } from './parties.fixture.ts';

/** The signing page in a real browser, on a real grid. */

const CHROMIUM = findChromium();
const PASSPHRASE = 'five words make it long';
const LIMIT = 60_000;
const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>';

let grid: Grid;
let parties: Parties;
let liar: Liar;
let folder: string;
let browser: BrowserContext;
let complaints: string[];
let requests: string[];
let page: Page;
let contract: string;
let keyFile: string;

async function propose(name: string): Promise<string> {
  return parties.propose(parties.plan({ capacity: '1GB', countries: ['CH'], data_shards: 2, parity_shards: 1, name }));
}

/** A private key of the demonstration, as its owner would take it along. */
async function exported(name: string, keystore = 'stakeholders'): Promise<string> {
  const file = path.join(folder, `${name}.pem`);
  const { exitCode, stderr } = await grid.cli('key', 'export', name, '--keystore', keystore, '--format', 'pkcs8', '--plain', '--out', file);
  if (exitCode !== 0) throw new Error(stderr);
  return file;
}

async function open(id: string, base = grid.ready.bot): Promise<void> {
  await page.goto('about:blank');
  await page.goto(`${base}/sign#${id}`);
  await page.waitForSelector('.passed, .check .alert', { timeout: LIMIT });
}

async function importKey(file: string, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Import a key' }).click();
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Key file').setInputFiles(file);
  await page.getByLabel('New passphrase').fill(PASSPHRASE);
  await page.getByLabel('The same again').fill(PASSPHRASE);
  await page.getByRole('button', { name: 'Import key' }).click();
  await page.waitForSelector('.decision .card', { timeout: LIMIT });
}

async function sign(passphrase = PASSPHRASE): Promise<void> {
  await page.getByLabel('Passphrase of your key').fill(passphrase);
  await page.getByRole('button', { name: /^Sign the/ }).click();
}

beforeAll(async () => {
  if (CHROMIUM === undefined) return;
  folder = mkdtempSync(path.join(tmpdir(), '3bot-web-'));
  grid = await startGrid({ grid: path.join(import.meta.dirname, 'grids', 'signing.yaml') });
  [parties, liar] = await Promise.all([openParties(grid), startLiar(grid.ready.bot)]);
  contract = await propose('seen');
  keyFile = await exported('legal');
  // A profile on disk: what the browser keeps of a key is looked for there, too.
  browser = await chromium.launchPersistentContext(path.join(folder, 'profile'), { executablePath: CHROMIUM, args: chromiumFlags(), viewport: { width: 900, height: 1000 } });
  ({ page, complaints, requests } = await watchedPage(browser));
}, 240_000);
afterEach(() => { expect(complaints ?? []).toEqual([]); });
afterAll(async () => {
  await browser?.close();
  await liar?.close();
  await parties?.close();
  await grid?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}, 60_000);
tailsOnFailure(() => grid);

describe.skipIf(CHROMIUM === undefined)(suite('the signing page'), () => {
  it('shows what `3bot contract explain` says, line by line, after it recompiled the contract itself', async () => {
    const { json } = await grid.cli<{ explanation: Explanation; digest: string }>('contract', 'explain', contract);
    const metrics = await page.context().newCDPSession(page);
    await open(contract);
    await metrics.send('Performance.enable');
    const cpu = (await metrics.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'ProcessTime')?.value;
    const told = page.locator('.passed [data-milliseconds]');
    console.log(`web: ${await told.getAttribute('data-entries')} entries replayed in ${await told.getAttribute('data-milliseconds')} ms, ${cpu?.toFixed(2)} s of CPU in the whole renderer since it began`);
    const lines = await page.evaluate<Record<string, string[]>>(`Object.fromEntries([...document.querySelectorAll('.explanation section')].map((part) => {
      const copy = part.cloneNode(true);
      for (const name of copy.querySelectorAll('.name')) name.remove();
      return [part.id, [...copy.querySelectorAll('li')].map((li) => li.textContent)];
    }))`);
    const { what, where, cost, who, unasked } = json.explanation;
    expect(lines).toEqual({ what, where, cost, who, unasked });
    expect(await page.locator('h1').textContent()).toBe(json.explanation.title);
    expect(await page.locator('footer').textContent()).toContain(json.digest);
    expect(await page.locator('.verdict').textContent()).toBe('Recompiled to the same id');
    expect(await page.locator('#where .name').first().textContent()).toMatch(/^[a-z]+-\d, [A-Z][a-z]+, CH $/);
    expect(await page.locator('.waiting li').allTextContents()).toHaveLength(3);
  });

  it('imports a stakeholder\'s key, refuses a wrong passphrase, signs in the page, and the ledger counts it', async () => {
    await open(contract);
    await importKey(keyFile, 'Lea');
    expect(await page.locator('.decision').textContent()).toContain('demonstration legal');
    await sign('not the passphrase at all');
    await page.waitForSelector('.decision [data-code="passphrase_wrong"]', { timeout: LIMIT });
    expect(parties.bot.follower.state().contracts[Digest.parse(contract)]?.votes).toEqual([]);
    await page.getByLabel('Your statement').fill('read\nin the page');
    await sign();
    await page.waitForSelector('.decision .done', { timeout: LIMIT });
    await page.waitForSelector('.decisions .approve', { timeout: LIMIT });
    expect(await page.locator('.decisions').textContent()).toContain('read in the page');
    const { json } = await grid.cli<{ digest: string }>('contract', 'explain', contract);
    await parties.bot.follower.waitFor((s) => (s.contracts[Digest.parse(contract)]?.votes.length === 1 ? true : undefined), { timeoutMs: 30_000 });
    expect(parties.bot.follower.state().contracts[Digest.parse(contract)]?.votes).toMatchObject([{ principal: parties.stakeholders.legal.id, role: 'legal', decision: 'approve', note: 'read in the page', explanation: json.digest }]);
    expect((await grid.cli<{ otherExplanations: string[] }>('contract', 'verify', contract)).json.otherExplanations).toEqual([]);
    await open(contract);
    await page.waitForSelector('.decision .notice', { timeout: LIMIT });
    expect(await page.locator('.decision').textContent()).toContain('has decided already');
  });

  it('keeps the key encrypted, and nothing else anywhere', async () => {
    await open(contract);
    const seed = seedOfPkcs8(parsePem(readFileSync(keyFile, 'utf8'))?.bytes ?? new Uint8Array(0));
    expect(seed).toHaveLength(32);
    const kept = JSON.parse(await page.evaluate<string>(`new Promise((resolve, reject) => {
      const opening = indexedDB.open('3bot-keys');
      opening.onerror = reject;
      opening.onsuccess = () => {
        const all = opening.result.transaction('keys').objectStore('keys').getAll();
        all.onsuccess = () => resolve(JSON.stringify(all.result.map((key) => Object.fromEntries(Object.entries(key).map(([name, value]) => [name, value instanceof Uint8Array ? Array.from(value) : value])))));
      };
    })`)) as Record<string, unknown>[];
    expect(kept).toHaveLength(1);
    expect(kept[0]).toMatchObject({ key: parties.keys.stakeholders.legal.key, iterations: 600_000 });
    expect(kept[0]?.['sealed']).toHaveLength(48);
    expect(await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])')).toBe('[{},{},""]');
    const secret = Buffer.from(seed ?? []);
    const needles = [secret, ...[secret.toString('base64').slice(0, 40), secret.toString('hex'), PASSPHRASE].flatMap((text) => [Buffer.from(text), Buffer.from(text, 'utf16le')])];
    const files = filesOf(path.join(folder, 'profile'));
    const holding = (wanted: readonly Buffer[]): string[] => files.filter((file) => { const bytes = readFileSync(file); return wanted.some((needle) => bytes.includes(needle)); });
    // Where the key lies can be read, so what is not found there is not there.
    expect(holding([Buffer.from(parties.keys.stakeholders.legal.key)]).some((file) => file.includes('IndexedDB'))).toBe(true);
    expect(holding(needles)).toEqual([]);
    expect(requests.some((request) => request.includes('/sign/vote {'))).toBe(true);
    expect(requests.filter((request) => !request.startsWith(`${grid.ready.bot}/sign`) || needles.some((needle) => Buffer.from(request).includes(needle)))).toEqual([]);
  });

  it('stays unlocked for some minutes, locks when told, by itself, and when the page is left', async () => {
    const next = await propose('locked');
    await page.clock.install();
    try {
      await open(next);
      await page.waitForSelector('.decision form', { timeout: LIMIT });
      // A vote that the ledger refuses leaves the key unlocked and the contract as it is.
      await page.route('**/sign/vote', (route) => route.fulfill({ status: 503, json: { ok: false, error: { code: 'busy', message: 'not now' } } }));
      const unlock = async (): Promise<void> => {
        await sign();
        await page.waitForSelector('.decision [data-code="busy"]', { timeout: LIMIT });
        await page.getByLabel('Your key', { exact: true }).dispatchEvent('change');
        await page.getByRole('button', { name: 'Lock it now' }).waitFor({ timeout: LIMIT });
      };
      await unlock();
      await page.getByRole('button', { name: 'Lock it now' }).click();
      await page.getByLabel('Passphrase of your key').waitFor({ timeout: LIMIT });
      await unlock();
      await page.clock.fastForward('04:00');
      expect(await page.getByRole('button', { name: 'Lock it now' }).isVisible()).toBe(true);
      await page.clock.fastForward('01:30');
      await page.getByLabel('Passphrase of your key').waitFor({ timeout: LIMIT });
      await unlock();
      await open(next);
      await page.getByLabel('Passphrase of your key').waitFor({ timeout: LIMIT });
    } finally {
      await page.unroute('**/sign/vote');
      await page.close();
      ({ page, complaints, requests } = await watchedPage(browser));
    }
  });

  it('shows an update against what runs now', async () => {
    await parties.approve(Digest.parse(contract), 'it-expert', 'budget');
    await parties.bot.follower.waitFor((s) => (s.contracts[Digest.parse(contract)]?.status === 'active' ? true : undefined), { timeoutMs: 30_000 });
    const update = await grid.cli<{ contract: string }>('contract', 'update', contract, '--param', 'capacity=2GB', '--yes');
    const { json } = await grid.cli<{ explanation: Explanation; digest: string }>('contract', 'explain', update.json.contract);
    await open(update.json.contract);
    expect(json.explanation.changes.length).toBeGreaterThan(2);
    expect(await page.locator('#changes li').allTextContents()).toEqual(json.explanation.changes);
    expect(await page.locator('footer').textContent()).toContain(json.digest);
    await sign();
    await page.waitForSelector('.decisions .approve', { timeout: LIMIT });
    expect(parties.bot.follower.state().contracts[Digest.parse(update.json.contract)]?.votes[0]?.explanation).toBe(json.digest);
  });

  it('is reached by a link on another site, and by nothing else from there', async () => {
    await page.goto(`${grid.ready.bot.replace('127.0.0.1', 'localhost')}/sign`);
    await page.waitForSelector('form', { timeout: LIMIT });
    await page.evaluate(`void (location.href = ${JSON.stringify(`${grid.ready.bot}/sign#${contract}`)})`);
    await page.waitForSelector('.passed', { timeout: LIMIT });
    const asked = async (where: string, mode: string): Promise<number> => new Promise((resolve, reject) => {
      get(`${grid.ready.bot}${where}`, { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': mode, 'sec-fetch-dest': mode === 'navigate' ? 'document' : 'empty' } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      }).once('error', reject);
    });
    expect(await asked('/sign', 'navigate')).toBe(200);
    expect([await asked('/sign', 'cors'), await asked('/sign/checkpoint', 'navigate'), await asked('/v1/status', 'navigate')]).toEqual([403, 403, 403]);
  });

  it('rejects with a reason, as whoever may', async () => {
    const next = await propose('rejected');
    await open(next);
    await page.waitForSelector('.decision form', { timeout: LIMIT });
    await page.getByRole('radio', { name: 'Reject' }).check();
    await page.getByLabel('Your reason').fill('too far away');
    await sign();
    await page.waitForSelector('.decisions .reject', { timeout: LIMIT });
    expect(await page.locator('[data-status]').getAttribute('data-status')).toBe('rejected');
    await parties.bot.follower.waitFor((s) => (s.contracts[Digest.parse(next)]?.status === 'rejected' ? true : undefined), { timeoutMs: 30_000 });
    expect(parties.bot.follower.state().contracts[Digest.parse(next)]?.votes).toMatchObject([{ decision: 'reject', note: 'too far away' }]);
  });

  it('says of a key that it speaks for nobody who is asked, or for nobody at all', async () => {
    const other = await browser.browser()?.newContext() ?? browser;
    const watched = await watchedPage(other);
    const before = page;
    page = watched.page;
    try {
      await open(contract, liar.url);
      await importKey(await exported('operator', 'operator'), 'the operator');
      expect(await page.locator('.decision').textContent()).toContain('local operator, who is not asked');
      await page.getByRole('button', { name: 'Create a key' }).click();
      await page.getByLabel('Name').fill('new');
      await page.getByLabel('New passphrase').fill('short');
      await page.getByLabel('The same again').fill('short');
      await page.getByRole('button', { name: 'Create key' }).click();
      await page.waitForSelector('[data-code="passphrase_unfit"]', { timeout: LIMIT });
      await page.getByLabel('New passphrase').fill(PASSPHRASE);
      await page.getByLabel('The same again').fill(PASSPHRASE);
      await page.getByRole('button', { name: 'Create key' }).click();
      await page.getByText('The ledger knows nobody who signs with this key.').waitFor({ timeout: LIMIT });
      expect(await page.locator('.decision form').count()).toBe(0);
      expect(watched.complaints).toEqual([]);
    } finally {
      page = before;
      await watched.page.close();
    }
  });

  it('runs nothing but its own programs, and would say so', async () => {
    await open(contract);
    await page.evaluate("void document.body.append(Object.assign(document.createElement('style'), { textContent: '* { display: none }' }))");
    await expect.poll(() => complaints.length, { timeout: LIMIT }).toBeGreaterThan(0);
    await expect(page.evaluate("document.body.innerHTML = '<b>'")).rejects.toThrow(/TrustedHTML/);
    await expect(page.evaluate("fetch('http://127.0.0.1:1/')")).rejects.toThrow();
    expect(await page.locator('.verdict').isVisible()).toBe(true);
    await page.close();
    ({ page, complaints, requests } = await watchedPage(browser));
  });

  it.each([['light', 900], ['dark', 900], ['light', 360], ['dark', 360]] as const)('can be read and used: %s, %i pixels wide', async (colorScheme, width) => {
    const next = await propose(`read-${colorScheme}-${width}`);
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    await open(next);
    await page.waitForSelector('.decision form', { timeout: LIMIT });
    await sign('not the passphrase at all');
    await page.waitForSelector('.decision .alert', { timeout: LIMIT });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    expect(await page.evaluate(`[...document.querySelectorAll('input:not([hidden]), select, textarea')].filter((control) => control.labels.length === 0).map((control) => control.name)`)).toEqual([]);
    expect(await page.evaluate(FAINT)).toEqual([]);
    await page.getByLabel('Your statement').focus();
    expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe('solid');
    await page.setViewportSize({ width: 900, height: 1000 });
  });

  it('is used with the keyboard alone', async () => {
    const next = await propose('keyboard');
    await open(next);
    await page.waitForSelector('.decision form', { timeout: LIMIT });
    const reached = async (): Promise<string> => page.evaluate<string>("document.activeElement.name || document.activeElement.textContent");
    await page.getByLabel('Your key', { exact: true }).focus();
    for (let steps = 0; (await reached()) !== 'passphrase'; steps++) {
      if (steps > 20) throw new Error('no way to the passphrase');
      await page.keyboard.press('Tab');
    }
    await page.keyboard.type(PASSPHRASE);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.decision .done', { timeout: LIMIT });
  });

  it('shows hostile text as text', async () => {
    const { bot, keys, stakeholders } = parties;
    const entry = bot.library.find(({ blueprint }) => blueprint.blueprint === 'archive');
    const source = Buffer.from(entry?.source ?? []).toString('utf8').replace(/^blueprint: archive$/m, 'blueprint: hostile').replace(/^summary: .*$/m, `summary: ${JSON.stringify(HOSTILE)}`);
    const bytes = new Uint8Array(Buffer.from(source));
    const parsed = parseBlueprint(bytes);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const digest = await bot.follower.putBlob(bytes);
    const author = bot.follower.state().keyOwners[keys.author.key];
    const { version, policy } = parsed.blueprint;
    expect(await parties.say('blueprint.published', { id: Digest.parse(author), signer: keys.author }, { name: 'hostile', version, digest, policy })).toMatchObject({ ok: true });
    await bot.follower.waitFor((s) => s.blueprints[`hostile@${version}`], { timeoutMs: 30_000 });
    const plan = planContract({ state: bot.follower.state(), ledger: { size: bot.follower.size(), root: bot.follower.root() }, requester: bot.requester.id, nonce: randomBytes(16).toString('hex'), blueprint: { parsed: parsed.blueprint, digest }, parameters: { capacity: '1000000000', data_shards: 2, parity_shards: 1 } });
    if (!plan.ok) throw new Error(JSON.stringify(plan));
    const id = await parties.propose(plan);
    const approval = { contract: id, role: 'budget', explanation: digestOf('something else'), statement: HOSTILE, signBefore: plan.header.validity.signBefore };
    expect(await parties.say('contract.approved', stakeholders.budget, approval)).toMatchObject({ ok: true });
    await open(id);
    expect(await page.locator('h1').textContent()).toBe(HOSTILE);
    expect(await page.locator('.decisions q').textContent()).toBe(HOSTILE);
    expect(await page.locator('.decisions em').textContent()).toContain('another explanation');
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.title()).toContain('<img src=x');
    // An id in the address is text like any other.
    await page.goto('about:blank');
    await page.goto(`${grid.ready.bot}/sign#${encodeURIComponent(HOSTILE)}`);
    await page.waitForSelector('.alert', { timeout: LIMIT });
    expect(await page.locator('main img, main script').count()).toBe(0);
  });
});
