import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Grid, type Refused, startGrid, tailsOnFailure } from './grid.fixture.ts';

/** What an expert writes is found, understood, planned, signed and run by everybody on a running grid, without a restart. */

let grid: Grid;
const files = mkdtempSync(path.join(tmpdir(), '3bot-blueprint-'));
const draft = path.join(files, 'scratchpad.yaml');
const LIMIT_MS = 400_000;
tailsOnFailure(() => grid);

beforeAll(async () => { grid = await startGrid(); }, 240_000);
afterAll(async () => {
  await grid?.stop();
  rmSync(files, { recursive: true, force: true });
}, 60_000);

async function done<T = Record<string, unknown>>(...args: string[]): Promise<T> {
  const { exitCode, json, stderr } = await grid.cli<T>(...args);
  expect(exitCode, `${args.join(' ')}: ${JSON.stringify(json)}\n${stderr}`).toBe(0);
  return json;
}

async function refused(...args: string[]): Promise<Refused['error']> {
  const { exitCode, json } = await grid.cli<Refused>(...args);
  expect(exitCode, `${args.join(' ')}: ${JSON.stringify(json)}`).toBe(1);
  return json.error;
}

const change = (...pairs: readonly (readonly [string, string])[]): void => {
  let text = readFileSync(draft, 'utf8');
  for (const [from, to] of pairs) {
    expect(text).toContain(from);
    text = text.replace(from, () => to);
  }
  writeFileSync(draft, text);
};

/** What the bot that has run since before answers over its API. */
async function botUnderstands(text: string): Promise<{ ok: boolean; blueprint?: string; error?: { code: string } }> {
  const response = await fetch(`${grid.ready.bot}/v1/tools/understand`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text }) });
  expect(response.status).toBe(200);
  return (await response.json()) as { ok: boolean; blueprint?: string; error?: { code: string } };
}

interface Contract { readonly status: string; readonly header: { readonly blueprint: { name: string; version: string } }; readonly workloads: { workload: string; type: string; phase: string; label: string }[] }
const SENTENCE = 'make me a jotterbook of 20 MB in CH with 2 copies';

describe('a blueprint that an author writes', () => {
  it('is drafted, linted with line and column, and tested', async () => {
    expect(await done('blueprint', 'new', 'scratchpad', '--out', draft)).toMatchObject({ ok: true, file: draft });
    expect(await refused('blueprint', 'new', 'scratchpad', '--out', draft)).toMatchObject({ code: 'file_exists' });
    // In words that no other blueprint has.
    change(['nouns: ["scratchpad"]', 'nouns: [scratchpad, jotterbook, Notizwürfel]'], ['give me a scratchpad of 5 GB in CH', 'give me a jotterbook of 5 GB in CH']);
    expect(await done('blueprint', 'lint', draft)).toMatchObject({ ok: true, files: [{ problems: [] }] });
    change(['capacity + capacity / 50', 'capacity + capacitee / 50']);
    const { exitCode, json } = await grid.cli<{ files: { problems: { line: number; column: number; code: string; message: string }[] }[] }>('blueprint', 'lint', draft);
    const lines = readFileSync(draft, 'utf8').split('\n');
    const line = lines.findIndex((text) => text.includes('capacitee'));
    expect({ exitCode, problem: json.files[0]?.problems[0] }).toMatchObject({ exitCode: 1, problem: { line: line + 1, column: (lines[line]?.indexOf('capacitee') ?? 0) + 1, code: 'expression' } });
    expect((await refused('blueprint', 'publish', draft)).code).toBe('blueprint_invalid');
    change(['capacitee', 'capacity']);
    const { tests } = await done<{ tests: { ok: boolean; draws?: number }[] }>('blueprint', 'test', draft);
    expect(tests.length).toBeGreaterThanOrEqual(4);
    expect(tests.some(({ draws }) => (draws ?? 0) >= 100)).toBe(true);
  }, LIMIT_MS);

  it('is planned on the test market before it is published, and unknown to everybody else', async () => {
    const plan = await done<{ market: string; workloads: unknown[]; trace: { workloads: { fields: { field: string; reads: { name: string }[] }[] }[] } }>('blueprint', 'plan', draft, '--param', 'capacity=20 MB', '--param', 'copies=2', '--explain');
    expect(plan).toMatchObject({ market: 'test', workloads: [{ name: 'store-0' }, { name: 'store-1' }] });
    expect(plan.trace.workloads[0]?.fields.find(({ field }) => field === 'resources.disk')?.reads[0]).toMatchObject({ name: 'disk', kind: 'value' });
    expect(await botUnderstands(SENTENCE)).toMatchObject({ ok: false, error: { code: expect.stringMatching(/^(not_understood|ambiguous)$/) as string } });
    expect((await refused('plan', SENTENCE)).code).not.toBe('internal');
    expect((await refused('blueprint', 'show', 'scratchpad')).code).toBe('blueprint_unknown');
  }, LIMIT_MS);

  it('is published, found and understood without a restart', async () => {
    expect(await done('blueprint', 'publish', draft)).toMatchObject({ name: 'scratchpad', version: '0.1.0' });
    // The same again changes nothing, and under the same version nothing else is published.
    await done('blueprint', 'publish', draft);
    change(['author: your name', 'author: somebody else']);
    expect((await refused('blueprint', 'publish', draft)).code).toBe('blueprint_exists');
    change(['author: somebody else', 'author: your name']);
    const { hits } = await done<{ hits: { name: string }[] }>('blueprint', 'search', 'jotterbok');
    expect(hits[0]?.name).toBe('scratchpad');
    expect(await done('blueprint', 'show', 'scratchpad')).toMatchObject({ version: '0.1.0', author: 'local author' });
    const { blueprints } = await done<{ blueprints: { name: string; version: string }[] }>('blueprint', 'list');
    expect(blueprints).toContainEqual(expect.objectContaining({ name: 'scratchpad', version: '0.1.0' }));
    // The bot process was started before: it has seen the entry on the ledger.
    await eventually('the running bot understands the new words', 20_000, async () => ((await botUnderstands(SENTENCE)).blueprint === 'scratchpad' ? true : undefined));
    const plan = await done<{ header: { blueprint: object; assignments: unknown[] }; trace: { workloads: { fields: { field: string; reads: unknown[] }[] }[] } }>('plan', SENTENCE, '--explain');
    expect(plan.header).toMatchObject({ blueprint: { name: 'scratchpad', version: '0.1.0' }, assignments: [{ type: 'zdb' }, { type: 'zdb' }] });
    expect(JSON.stringify(plan.trace.workloads[0]?.fields.find(({ field }) => field === 'resources.disk'))).toContain('20 MB');
  }, LIMIT_MS);

  let contract = '';
  it('is proposed, signed by those whom it names, and runs', async () => {
    const running = await done<{ contract: string; title: string; nodes: { country: string }[] }>('ask', SENTENCE, '--yes');
    contract = running.contract;
    expect(running.nodes.map(({ country }) => country)).toEqual(['CH', 'CH']);
    const shown = await done<Contract>('contract', 'show', contract);
    expect(shown).toMatchObject({ status: 'active', header: { blueprint: { name: 'scratchpad', version: '0.1.0' } } });
    expect(shown.workloads.map(({ workload, type, phase }) => `${workload} ${type} ${phase}`).sort()).toEqual(['store-0 zdb running', 'store-1 zdb running']);
    expect(new Set(shown.workloads.map(({ label }) => label)).size).toBe(2);
    await done('contract', 'verify', contract);
  }, LIMIT_MS);

  it('goes on as higher versions; what is deprecated says so, what is yanked begins nothing new', async () => {
    writeFileSync(path.join(files, 'before.yaml'), readFileSync(draft));
    change(['version: 0.1.0', 'version: 0.2.0'], ['memory: 128 MiB', 'memory: 192 MiB']);
    expect(await done('blueprint', 'diff', path.join(files, 'before.yaml'), draft)).toMatchObject({ advice: 'minor', enough: true });
    expect(await done('blueprint', 'diff', 'scratchpad@0.1.0', draft, '--contract', contract)).toMatchObject({ updates: [{ outcome: 'changes' }] });
    await done('blueprint', 'publish', draft);
    const planned = async (): Promise<string> => (await done<{ header: { blueprint: { version: string } } }>('plan', SENTENCE)).header.blueprint.version;
    expect(await planned()).toBe('0.2.0');

    await done('blueprint', 'deprecate', 'scratchpad@0.2.0', '--reason', 'it takes too much memory', '--instead', '0.1.0');
    expect(await planned()).toBe('0.2.0');
    expect(await grid.print('plan', SENTENCE)).toContain('scratchpad 0.2.0 is deprecated: it takes too much memory; use 0.1.0 instead');
    const { blueprints } = await done<{ blueprints: { name: string; deprecated?: object }[] }>('blueprint', 'list');
    expect(blueprints.find(({ name }) => name === 'scratchpad')).toMatchObject({ version: '0.2.0', deprecated: { instead: '0.1.0' } });

    await done('blueprint', 'yank', 'scratchpad@0.2.0', '--reason', 'it loses data', '--yes');
    expect(await planned()).toBe('0.1.0');
    expect((await refused('blueprint', 'yank', 'scratchpad@0.2.0', '--reason', 'again', '--yes')).code).toBe('blueprint_yanked');
    await done('blueprint', 'yank', 'scratchpad@0.1.0', '--reason', 'nor is this one good', '--yes');
    expect((await refused('plan', SENTENCE)).code).not.toBe('internal');
    expect((await refused('contract', 'update', contract, '--param', 'capacity=30 MB', '--yes')).code).toBe('blueprint_unknown');
    // What runs goes on, and can be checked as before.
    expect(await done<Contract>('contract', 'show', contract)).toMatchObject({ status: 'active', workloads: [{ phase: 'running' }, { phase: 'running' }] });
    await done('contract', 'verify', contract);

    // A number is never used again; a higher one brings everything back, for what runs too.
    change(['version: 0.2.0', 'version: 0.1.1']);
    expect((await refused('blueprint', 'publish', draft)).code).toBe('blueprint_version');
    change(['version: 0.1.1', 'version: 0.3.0']);
    await done('blueprint', 'publish', draft);
    expect(await planned()).toBe('0.3.0');
    const update = await done<{ contract: string; version: number }>('contract', 'update', contract, '--param', 'capacity=30 MB', '--yes');
    expect(update.version).toBe(2);
    await done('contract', 'withdraw', update.contract);
  }, LIMIT_MS);
});
