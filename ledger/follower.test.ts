import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { hashOf } from './blobs.ts';
import { type Follower, type FollowerOptions, openFollower } from './follower.ts';
import { newGrid, removeTemporaryFolders, temporaryFolder, type TestGrid } from './grid.fixture.ts';
import { serveLedger } from './serve.ts';
import { stateDigest } from './state/machine.ts';

const closing: { close(): Promise<void> | void }[] = [];
afterEach(async () => { for (const each of closing.splice(0).reverse()) await each.close(); });
afterAll(removeTemporaryFolders);

async function follow(options: FollowerOptions): Promise<Follower> {
  const follower = await openFollower(options);
  closing.push(follower);
  return follower;
}

async function serve(grid: TestGrid, dir = temporaryFolder(), port = 0): ReturnType<typeof serveLedger> {
  const ledger = await serveLedger({ dir, signer: grid.signer, port, tickAfterMs: 1e9 });
  closing.push(ledger);
  return ledger;
}

function pictureOf(follower: Follower): object {
  return { size: follower.size(), root: follower.root(), digest: stateDigest(follower.state()), note: follower.status().lastCheckpoint };
}

describe('a follower of an honest ledger', () => {
  it('sees what it submits, agrees on root and state, and resumes from disk without the ledger', async () => {
    const grid = newGrid();
    const ledger = await serve(grid);
    const dir = temporaryFolder();
    const follower = await follow({ url: ledger.url, dir, pin: { grid: grid.grid } });
    const results = await follower.submit([grid.genesis, ...Array.from({ length: 600 }, (_, i) => grid.principal(`p${i}`)), newGrid(grid.signer).principal('elsewhere')]);
    expect(results.filter((r) => r.ok)).toHaveLength(601);
    expect(results.at(-1)).toMatchObject({ ok: false, code: 'grid_mismatch' });
    expect(follower.state().size).toBe(601);
    expect(stateDigest(follower.state())).toBe(stateDigest(ledger.log.state()));
    expect(follower.root()).toBe(Buffer.from(ledger.log.root()).toString('hex'));
    expect([...follower.entries(599, 700)].map(({ seq }) => seq)).toEqual([599, 600]);
    expect(follower.stateAt(1).size).toBe(1);
    expect(stateDigest(follower.stateAt(601))).toBe(stateDigest(follower.state()));
    const before = pictureOf(follower);
    const digest = await follower.putBlob(Buffer.from('body'));
    await follower.close();
    await ledger.close();

    const offline = await follow({ url: ledger.url, dir });
    expect(pictureOf(offline)).toEqual(before);
    expect(offline.status()).toMatchObject({ connected: false, trouble: { code: 'ledger_unreachable' } });
    expect(Buffer.from(await offline.getBlob(digest)).toString()).toBe('body');
    await expect(offline.submit([grid.principal('x')], { timeoutMs: 200 })).rejects.toMatchObject({ code: 'ledger_unreachable' });
    await expect(offline.waitFor(() => undefined, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'timeout' });
    await expect(offline.waitFor(() => undefined, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });

  it('waits through a restart of the ledger, and submits once however often it asks', async () => {
    const grid = newGrid();
    const dir = temporaryFolder();
    const first = await serve(grid, dir);
    const port = Number(new URL(first.url).port);
    const follower = await follow({ url: first.url });
    await follower.submit([grid.genesis]);
    await first.close();
    const entry = grid.principal('patient');
    const submitted = Promise.all([follower.submit([entry]), follower.submit([entry])]);
    const seen = follower.waitFor((state) => (state.size === 3 ? state.principals : undefined), { timeoutMs: 10_000 });
    await new Promise((resolve) => setTimeout(resolve, 250));
    await serve(grid, dir, port);
    const [[a], [b]] = await submitted;
    // Entry 1 is the ledger's own: that it was away.
    expect(a).toMatchObject({ ok: true, seq: 2 });
    expect(b).toMatchObject({ ok: true, seq: 2 });
    expect(Object.keys(await seen)).toHaveLength(1);
    await follower.caughtUp({ timeoutMs: 1000 });
  });

  it('checks every blob, whoever kept it', async () => {
    const grid = newGrid();
    const ledger = await serve(grid);
    const dir = temporaryFolder();
    const follower = await follow({ url: ledger.url, dir });
    const digest = await follower.putBlob(Buffer.from('original'));
    const hex = digest.slice('sha256:'.length);
    writeFileSync(path.join(dir, 'blobs', hex.slice(0, 2), hex), 'replaced');
    expect(Buffer.from(await follower.getBlob(digest)).toString()).toBe('original');
    await expect(follower.getBlob(hashOf(Buffer.from('nobody has this')))).rejects.toMatchObject({ code: 'blob_missing' });
  });

  it('refuses another grid than the pinned one, and a damaged copy', async () => {
    const grid = newGrid();
    const ledger = await serve(grid);
    await ledger.log.submit([grid.genesis]);
    await expect(openFollower({ url: ledger.url, pin: { grid: newGrid().grid } })).rejects.toMatchObject({ code: 'grid_mismatch' });
    const dir = temporaryFolder();
    await (await follow({ url: ledger.url, dir })).close();
    await expect(openFollower({ url: ledger.url, dir, pin: { grid: newGrid().grid } })).rejects.toMatchObject({ code: 'grid_mismatch' });
    const file = path.join(dir, 'log.sqlite');
    const bytes = readFileSync(file);
    const at = bytes.indexOf('grid.created');
    expect(at).toBeGreaterThan(0);
    bytes[at - 40]! ^= 1;
    writeFileSync(file, bytes);
    await expect(openFollower({ url: ledger.url, dir })).rejects.toMatchObject({ code: 'copy_damaged' });
  });
});
