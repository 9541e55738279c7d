import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { sealEnvelope } from '../contract/envelope.ts';
import { verifySignature } from '../signer/verify.ts';
import { LeafCache } from './adapters/sqlite/cache.ts';
import { verifyEvidence } from './evidence.ts';
import { type Follower, type FollowerOptions, openFollower } from './follower.ts';
import { newGrid, newSigner, removeTemporaryFolders, temporaryFolder, type TestGrid } from './grid.fixture.ts';
import { type Leaf, leafBytes } from './leaf.ts';
import { LyingLog, LyingServer } from './liar.fixture.ts';
import { Prosecution } from './prosecution.ts';
import { Roots } from './roots.ts';
import { MACHINE_VERSION } from './snapshot/statement.ts';
import { StopRecord } from './stop-record.ts';
import { VerifiedLog } from './verified-log.ts';

/** What a follower remembers against its ledger: over restarts, of several processes, and when the copy is lost. */

const closing: { close(): Promise<void> }[] = [];
afterEach(async () => { for (const each of closing.splice(0).reverse()) await each.close(); });
afterAll(removeTemporaryFolders);

async function follow(options: FollowerOptions): Promise<Follower> {
  const follower = await openFollower(options);
  closing.push(follower);
  return follower;
}

async function serve(log: LyingLog): Promise<LyingServer> {
  const server = new LyingServer(log);
  await server.listen();
  closing.push(server);
  return server;
}

function logOf(grid: TestGrid, ...names: string[]): LyingLog {
  const log = new LyingLog(grid);
  log.say(grid.genesis, ...names.map((name) => grid.principal(name)));
  return log;
}

/** The same entries, from which the two logs can go on differently. */
function twinOf(grid: TestGrid, log: LyingLog): LyingLog {
  const twin = new LyingLog(grid);
  twin.leaves = [...log.leaves];
  return twin;
}

async function until(test: () => boolean): Promise<void> {
  for (let n = 0; n < 800 && !test(); n++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(test()).toBe(true);
}

function judge(follower: Follower, grid: TestGrid): ReturnType<typeof verifyEvidence> {
  return verifyEvidence(JSON.parse(readFileSync(follower.status().stopped?.evidence ?? '', 'utf8')), { verify: verifySignature, grid: grid.grid });
}

function removeCopy(dir: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path.join(dir, `log.sqlite${suffix}`), { force: true });
}

describe('what a follower remembers against its ledger', () => {
  it.each([
    ['', () => undefined],
    [', and the copy is lost', removeCopy],
  ] as const)('holds a promise against the log after a restart%s', async (_, lose) => {
    const grid = newGrid();
    const log = logOf(grid, 'a');
    const server = await serve(log);
    const other = twinOf(grid, log);
    other.say(grid.principal('b'));
    const dir = temporaryFolder();
    const first = await follow({ url: server.url, dir });
    expect(first.examine(other.checkpoint() ?? '')).toMatchObject({ ok: true, ahead: true });
    await first.close();
    lose(dir);
    log.say(grid.principal('instead'));
    const again = await follow({ url: server.url, dir });
    await until(() => again.status().stopped !== undefined);
    expect(again.status().stopped).toMatchObject({ code: 'ledger_forked' });
    expect(judge(again, grid)).toMatchObject({ ok: true, kind: 'fork', testimony: false });
  });

  it('keeps count of a promise that nobody shows after a restart, with the copy or without', async () => {
    for (const lose of [() => undefined, removeCopy]) {
      const grid = newGrid();
      const log = logOf(grid, 'a');
      const server = await serve(log);
      const whole = twinOf(grid, log);
      whole.say(grid.principal('b'));
      const dir = temporaryFolder();
      const first = await follow({ url: server.url, dir });
      first.examine(whole.checkpoint() ?? '');
      await first.close();
      lose(dir);
      const again = await follow({ url: server.url, dir, withholdingMs: 300 });
      await until(() => again.status().stopped?.code === 'ledger_withholding');
      log.leaves = whole.leaves;
      log.push();
      await until(() => again.status().stopped === undefined && again.size() === 3);
      // It was held against the log, and nothing is left to be.
      await again.close();
      const record = new StopRecord(new LeafCache(':memory:'), dir);
      expect(record.promises()).toEqual([]);
      record.close();
    }
  });

  it.each([
    ['', () => undefined],
    [', of which nothing but the stop is left', (promised: string, record: StopRecord) => record.settle(promised)],
  ] as const)('does not end a stop for withholding by as many entries of another log%s', async (_, forget) => {
    const grid = newGrid();
    const log = logOf(grid, 'a');
    const server = await serve(log);
    const other = twinOf(grid, log);
    other.say(grid.principal('b'));
    const dir = temporaryFolder();
    const first = await follow({ url: server.url, dir, withholdingMs: 300 });
    const promised = other.checkpoint() ?? '';
    first.examine(promised);
    await until(() => first.status().stopped?.code === 'ledger_withholding');
    await first.close();
    const record = new StopRecord(new LeafCache(':memory:'), dir);
    forget(promised, record);
    record.close();
    log.say(grid.principal('instead'), grid.principal('and more'));
    const again = await follow({ url: server.url, dir, withholdingMs: 300 });
    await until(() => again.status().stopped?.code === 'ledger_forked');
    expect(judge(again, grid)).toMatchObject({ ok: true, kind: 'fork', testimony: false });
  });

  it('stays convicted when the copy is removed, as it is told to when that is damaged', async () => {
    const grid = newGrid();
    const log = logOf(grid, 'a', 'b');
    const server = await serve(log);
    const dir = temporaryFolder();
    const first = await follow({ url: server.url, dir });
    log.leaves = [...logOf(grid, 'x', 'y').leaves];
    await server.restart();
    await until(() => first.status().stopped?.code === 'ledger_forked');
    await first.close();
    removeCopy(dir);
    const again = await follow({ url: server.url, dir });
    expect(again.status()).toMatchObject({ connected: false, size: 0, stopped: { code: 'ledger_forked' } });
    await expect(again.submit([grid.principal('z')])).rejects.toMatchObject({ code: 'ledger_forked' });
  });
});

describe('two processes that follow with one copy', () => {
  it.each([
    ['as long', 1, 1], ['longer', 1, 3], ['shorter', 3, 1],
  ] as const)('and are shown two signed logs, the second %s, convict the ledger, both', async (_, one, two) => {
    const grid = newGrid();
    const left = logOf(grid, 'common');
    const right = twinOf(grid, left);
    const servers = [await serve(left), await serve(right)];
    const dir = temporaryFolder();
    const [a, b] = [await follow({ url: servers[0]!.url, dir }), await follow({ url: servers[1]!.url, dir })];
    left.say(...Array.from({ length: one }, (__, i) => grid.principal(`left ${i}`)));
    left.push();
    await until(() => a.size() === 2 + one);
    right.say(...Array.from({ length: two }, (__, i) => grid.principal(`right ${i}`)));
    right.push();
    await until(() => b.status().stopped !== undefined);
    expect([b.status().stopped?.code, b.size()]).toEqual(['ledger_forked', 2]);
    expect(judge(b, grid)).toMatchObject({ ok: true, kind: 'fork', testimony: false, keyOfGrid: true });
    await until(() => a.status().stopped?.code === 'ledger_forked');
    await expect(a.submit([grid.principal('x')])).rejects.toMatchObject({ code: 'ledger_forked' });
    await Promise.all([a.close(), b.close()]);
    expect((await follow({ url: servers[0]!.url, dir })).status()).toMatchObject({ size: 2 + one, stopped: { code: 'ledger_forked' } });
  });

  it('of two grids convict nobody: the second says that it is not its copy', async () => {
    const [one, two] = [newGrid(), newGrid()];
    const [left, right] = [new LyingLog(one), new LyingLog(two)];
    const servers = [await serve(left), await serve(right)];
    const dir = temporaryFolder();
    const [a, b] = [await follow({ url: servers[0]!.url, dir }), await follow({ url: servers[1]!.url, dir })];
    left.say(one.genesis);
    left.push();
    await until(() => a.size() === 1);
    right.say(two.genesis);
    right.push();
    await until(() => b.status().trouble?.code === 'copy_failed');
    expect(b.status().trouble?.message).toMatch(/another entry 0/);
    expect([a.status().stopped, b.status().stopped, readdirSync(dir).filter((name) => name.startsWith('evidence'))]).toEqual([undefined, undefined, []]);
  });
});

describe('a ledger of another version', () => {
  it('is stopped at by the rules of this one, which are named, and tried again by those of the next', async () => {
    const grid = newGrid();
    const person = newSigner();
    const log = logOf(grid, 'a');
    // Of a kind that this version knows, in a form that it does not.
    log.say(sealEnvelope('principal.created', { grid: grid.grid, kind: 'person', name: 'a', keys: [person.key], nonce: '0'.repeat(32), later: 'a' }, person));
    const server = await serve(log);
    const dir = temporaryFolder();
    const follower = await follow({ url: server.url, dir });
    await until(() => follower.status().stopped !== undefined);
    expect(follower.status().stopped).toMatchObject({ code: 'ledger_forked', machine: MACHINE_VERSION, message: expect.stringContaining(`machine version ${MACHINE_VERSION}`) as string });
    expect(judge(follower, grid)).toMatchObject({ ok: true, kind: 'entry_invalid', machine: MACHINE_VERSION });
    await follower.close();
    // A program with the next version begins: what this one thought is over, and this one would think it again.
    const copy = new LeafCache(path.join(dir, 'log.sqlite'));
    const next = new StopRecord(copy, dir, MACHINE_VERSION + 1);
    expect(next.stopped).toBeUndefined();
    next.close();
    copy.close();
    const again = await follow({ url: server.url, dir });
    await until(() => again.status().stopped?.code === 'ledger_forked');
    expect(again.size()).toBe(0);
  });
});

describe('a conviction', () => {
  class Counting extends LeafCache {
    read = 0;
    override *leaves(from: number, to: number): Generator<Uint8Array> {
      for (const leaf of super.leaves(from, to)) {
        this.read += 1;
        yield leaf;
      }
    }
  }

  it('holds in memory no more of the log than its file may carry', () => {
    const grid = newGrid();
    const cache = new Counting(':memory:');
    const leafOf = (seq: number): Leaf => ({ seq, time: '2026-11-20T00:00:00.000Z', envelope: grid.genesis });
    const SIZE = 200;
    const leaves = [leafBytes(leafOf(0)), ...Array.from({ length: SIZE - 1 }, (_, i) => Buffer.alloc(150_000, i))];
    cache.append(0, leaves);
    const prosecution = new Prosecution({ cache, roots: new Roots((from, to) => leaves.slice(from, to)), verify: verifySignature });
    const evidence = prosecution.entry({ index: SIZE, note: 'n', size: SIZE, entries: [leafOf(SIZE)], bytes: [leafBytes(leafOf(SIZE))], machine: undefined }, 'm');
    expect(evidence).toMatchObject({ kind: 'entry_invalid', index: SIZE, prefix: null });
    // 4 MiB, of 30 MB.
    expect(cache.read).toBeLessThan(60);
    cache.close();
  });

  it('is remembered before its proof, which reads the whole log, is made', () => {
    const grid = newGrid();
    const log = logOf(grid, 'a', 'b');
    class Failing extends LeafCache {
      failing = false;
      override *leaves(from: number, to: number): Generator<Uint8Array> {
        if (this.failing && from === 0) throw new Error('out of memory');
        yield* super.leaves(from, to);
      }
    }
    const cache = new Failing(':memory:');
    const caught: (number | undefined)[] = [];
    const verified = new VerifiedLog({ cache, verify: verifySignature, onCaught: (_, machine) => caught.push(machine) });
    const frame = (from: number): Parameters<VerifiedLog['accept']>[0] => ({ entries: log.leaves.slice(from), checkpoint: log.checkpoint() ?? null, size: log.size() });
    expect(verified.accept(frame(0))).toMatchObject({ ok: true });
    log.leaves.push({ ...log.leaves[1]!, seq: 4 });
    cache.failing = true;
    expect(() => verified.accept(frame(3))).toThrow('out of memory');
    expect(caught).toEqual([undefined]);
    cache.failing = false;
    expect(verified.accept(frame(3))).toMatchObject({ proven: true, evidence: { kind: 'entry_invalid' } });
    cache.close();
  });
});
