import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Archive, type Grid, type Refused, startGrid, tailsOnFailure } from './grid.fixture.ts';

/** Keys change, are lost and come back; people come and go; what was signed before goes on. */

let grid: Grid;
let archive: Archive;
const files = mkdtempSync(path.join(tmpdir(), '3bot-roster-'));
/** Each command is a process of its own. */
const LIMIT_MS = 400_000;
tailsOnFailure(() => grid);

beforeAll(async () => {
  grid = await startGrid();
  archive = await grid.ask('give me an archive of 1 GB in CH, 2 + 1 shards, called before');
}, 240_000);
afterAll(async () => {
  await grid?.stop();
  rmSync(files, { recursive: true, force: true });
}, 60_000);

async function done<T = Record<string, unknown>>(...args: string[]): Promise<T> {
  const { exitCode, json } = await grid.cli<T>(...args);
  expect(exitCode, JSON.stringify(json)).toBe(0);
  return json;
}

async function refused(...args: string[]): Promise<Refused['error']> {
  const { exitCode, json } = await grid.cli<Refused>(...args);
  expect(exitCode, JSON.stringify(json)).toBe(1);
  return json.error;
}

/** Gives a new key to a stakeholder who is on the ledger, and answers its did:key. */
const newKey = async (name: string): Promise<string> => (await done<{ key: string }>('key', 'new', name)).key;

describe('the key of a stakeholder', () => {
  it('is replaced, and the grid goes on: what it signed stands, the new one signs, also after a restart', async () => {
    const { key, retired } = await done<{ key: string; retired: string }>('key', 'rotate', 'legal');
    const { principals } = await done<{ principals: { name: string; keys: { key: string; until?: number; ended?: string }[] }[] }>('key', 'list', '--ledger');
    const legal = principals.find((p) => p.name === 'demonstration legal');
    expect(legal?.keys).toEqual([expect.objectContaining({ key: retired, ended: 'retired' }), expect.not.objectContaining({ ended: expect.anything() as unknown })]);
    expect(legal?.keys[1]?.key).toBe(key);
    await done('contract', 'verify', archive.contract);
    const { state } = grid;
    await grid.kill();
    grid = await startGrid({ state });
    expect((await done<{ status: string }>('contract', 'show', archive.contract)).status).toBe('active');
    const proposed = await done<{ contract: string }>('contract', 'update', archive.contract, '--param', 'months=2', '--yes');
    await done('contract', 'approve', proposed.contract, '--role', 'legal', '--yes');
    await done('contract', 'withdraw', proposed.contract);
  }, LIMIT_MS);

  it('is revoked, and its guardians give its owner a new one', async () => {
    await done('key', 'guardians', 'legal', '--guardian', 'demonstration it-expert', '--guardian', 'demonstration budget', '--guardian', 'you', '--threshold', '2', '--yes');
    expect(await refused('key', 'guardians', 'legal', '--guardian', 'you', '--yes')).toMatchObject({ code: 'not_permitted' });
    const proposed = await done<{ contract: string }>('contract', 'update', archive.contract, '--param', 'months=3', '--yes');
    await done('contract', 'approve', proposed.contract, '--role', 'legal', '--yes');
    await done('key', 'revoke', 'legal', '--reason', 'the laptop was stolen', '--yes');
    // The open decision of a stolen key is void, and the key decides nothing more.
    const { waitingFor } = await done<{ waitingFor: string[] }>('contract', 'show', proposed.contract);
    expect(waitingFor).toContain('legal (0 of 1: demonstration legal)');
    expect(await refused('contract', 'approve', proposed.contract, '--role', 'legal', '--yes')).toMatchObject({ code: 'principal_unknown' });
    const key = await newKey('legal-again');
    expect(await done('key', 'recover', 'demonstration legal', '--as', 'it-expert', '--key', key, '--yes')).toMatchObject({ done: false });
    expect(await done('key', 'recover', 'demonstration legal', '--as', 'budget', '--key', key, '--yes')).toMatchObject({ done: true });
    const { principals } = await done<{ principals: { name: string; keys: { key: string; ended?: string }[] }[] }>('key', 'list', '--ledger');
    const present = principals.find((p) => p.name === 'demonstration legal')?.keys.filter((k) => k.ended === undefined);
    expect(present?.map((k) => k.key)).toEqual([key]);
    // And the new one speaks for them, though it was never used before, and is called otherwise.
    await done('contract', 'approve', proposed.contract, '--role', 'legal', '--yes');
    expect(await done('key', 'rotate', 'legal-again')).toMatchObject({ retired: key });
    await done('contract', 'withdraw', proposed.contract);
  }, LIMIT_MS);
});

describe('an organisation', () => {
  it('changes by its governance once it has one', async () => {
    const roster = path.join(files, 'roster.json');
    const roles = { requester: ['you'], 'it-expert': ['demonstration it-expert'], legal: ['demonstration legal'], budget: ['demonstration budget'] };
    writeFileSync(roster, JSON.stringify({ roles, governance: { all: [{ role: 'it-expert' }, { role: 'budget' }] } }));
    expect(await done('org', 'change', roster, '--yes')).toMatchObject({ waiting: false });
    writeFileSync(roster, JSON.stringify({ roles: { ...roles, legal: ['demonstration budget'] }, governance: { role: 'budget' } }));
    expect(await done('org', 'change', roster, '--yes')).toMatchObject({ waiting: true });
    const { organisations } = await done<{ organisations: { pending?: { change: string; waitingFor: string[] } }[] }>('org', 'show');
    const change = organisations[0]?.pending?.change ?? '';
    expect(organisations[0]?.pending?.waitingFor).toEqual(['it-expert (0 of 1: demonstration it-expert)', 'budget (0 of 1: demonstration budget)']);
    expect(await refused('org', 'approve', 'demonstration', change, '--role', 'legal', '--yes')).toMatchObject({ code: expect.stringMatching(/not_permitted|principal_unknown/) as string });
    expect(await done('org', 'approve', 'demonstration', change, '--role', 'it-expert', '--yes')).toMatchObject({ done: false });
    expect(await done('org', 'approve', 'demonstration', change, '--role', 'budget', '--yes')).toMatchObject({ done: true });
    writeFileSync(roster, '{"roles": {"legal": ["nobody here"]}}');
    expect(await refused('org', 'change', roster, '--yes')).toMatchObject({ code: 'principal_unknown', hint: expect.any(String) as string });
  }, LIMIT_MS);
});
