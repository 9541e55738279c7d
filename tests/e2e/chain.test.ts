import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChainProcess, startChainProcess } from './chain.fixture.ts';
import { type Grid, type Refused, startGrid, tailsOnFailure } from './grid.fixture.ts';
import { s3Of } from './s3.fixture.ts';

/** The main job with a Substrate chain as the ledger: a real runtime, simulated to the extent that one process is the whole network. */

const GRID = path.join(import.meta.dirname, 'grids', 'chain.yaml');
const PLENTY = 1_000_000_000_000_000n;
/** Blocks take half a second here, and what a grid says at its start is some twenty of them. */
const CHAIN_MS = 240_000;

let chain: ChainProcess;
let base: string;
let grid: Grid | undefined;

beforeAll(async () => {
  chain = await startChainProcess();
  base = mkdtempSync(path.join(tmpdir(), '3bot-e2e-chain-'));
});
afterAll(async () => {
  await grid?.stop();
  chain?.stop();
  if (base !== undefined) rmSync(base, { recursive: true, force: true });
}, 60_000);
tailsOnFailure(() => grid);

interface Verified { readonly ok: true; readonly size: number; readonly root: string; readonly stateDigest: string }

describe('a grid on a chain', () => {
  it('says what the account lacks and where it is; with that, runs an archive, verifies, and goes on after a restart', async () => {
    const state = path.join(base, 'state');
    const poor = await startGrid({ grid: GRID, state, ledger: chain.url }).then(() => 'started', (error: Error) => error.message);
    expect(poor).toMatch(/"code":"no_funds"/);
    const address = /send at least [\d.]+ \w+ to (\w{40,60})/.exec(poor)?.[1];
    if (address === undefined) throw new Error(`no address in: ${poor}`);
    await chain.fund(address, PLENTY);

    grid = await startGrid({ grid: GRID, state, ledger: chain.url });
    expect(grid.ready).toMatchObject({ nodes: 5, chain: { account: address, name: expect.stringContaining('rococo') as string } });
    const archive = await grid.ask('give me an archive of 1 GB in CH, 2 + 1 shards, called chained');
    const payload = Buffer.from(`kept on a chain: ${archive.contract}`);
    expect((await s3Of(archive, grid.ready.ca)('PUT', 'first', payload)).status).toBe(200);
    expect((await s3Of(archive, grid.ready.ca)('GET', 'first')).body).toEqual(payload);
    expect(await chain.height()).toBeGreaterThan(5);
    const before = await grid.cli<Verified>('ledger', 'verify');
    expect(before.exitCode, before.stderr).toBe(0);
    await grid.stop();

    // The chain is remembered: no flag is needed to continue.
    grid = await startGrid({ grid: GRID, state });
    const after = await grid.cli<Verified>('ledger', 'verify');
    expect(after.exitCode, after.stderr).toBe(0);
    expect(after.json.size).toBeGreaterThan(before.json.size);
    expect((await s3Of(archive, readCa(grid))('GET', 'first')).body).toEqual(payload);
    expect((await grid.cli<Refused>('contract', 'verify', archive.contract)).exitCode).toBe(0);
  }, CHAIN_MS);
});

/** s3Of wants the file's path; a restart keeps it. */
function readCa({ ready: { ca } }: Grid): string {
  expect(readFileSync(ca, 'utf8')).toContain('BEGIN CERTIFICATE');
  return ca;
}
