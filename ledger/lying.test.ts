import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { sealEnvelope } from '../contract/envelope.ts';
import { verifySignature } from '../signer/verify.ts';
import { verifyEvidence, type VerifiedEvidence } from './evidence.ts';
import { type Follower, type FollowerOptions, openFollower } from './follower.ts';
import { newGrid, newSigner, removeTemporaryFolders, temporaryFolder, type TestGrid } from './grid.fixture.ts';
import { LyingLog, LyingServer } from './liar.fixture.ts';
import { leafBytes } from './leaf.ts';
import { stateDigest } from './state/machine.ts';

const closing: { close(): Promise<void> }[] = [];
afterEach(async () => { for (const each of closing.splice(0).reverse()) await each.close(); });
afterAll(removeTemporaryFolders);

async function follow(options: FollowerOptions): Promise<Follower> {
  const follower = await openFollower(options);
  closing.push(follower);
  return follower;
}

interface Scene { readonly grid: TestGrid; readonly log: LyingLog; readonly server: LyingServer; readonly follower: Follower; readonly dir: string; readonly before: object }

/** A follower that has verified `size` entries of a ledger, which can begin to lie. */
async function believing(options: Partial<FollowerOptions> & { size?: number } = {}): Promise<Scene> {
  const grid = newGrid();
  const log = new LyingLog(grid);
  log.say(grid.genesis, ...Array.from({ length: (options.size ?? 5) - 1 }, (_, i) => grid.principal(`p${i}`)));
  const server = new LyingServer(log);
  const url = await server.listen();
  closing.push(server);
  const dir = temporaryFolder();
  const follower = await follow({ ...options, url, dir });
  expect(follower.size()).toBe(log.size());
  return { grid, log, server, follower, dir, before: pictureOf(follower) };
}

function pictureOf(follower: Follower): object {
  return { size: follower.size(), root: follower.root(), digest: stateDigest(follower.state()), note: follower.status().lastCheckpoint };
}

async function until(test: () => boolean): Promise<void> {
  for (let n = 0; n < 800 && !test(); n++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(test()).toBe(true);
}

/** What a stranger, who holds nothing but the grid's digest, makes of the file that a stopped follower left. */
function judgeEvidence(follower: Follower, grid: TestGrid): VerifiedEvidence {
  const file = follower.status().stopped?.evidence ?? '';
  return verifyEvidence(JSON.parse(readFileSync(file, 'utf8')), { verify: verifySignature, grid: grid.grid });
}

async function expectStoppedForGood({ grid, server, follower, dir, before }: Scene, proves: RegExp): Promise<void> {
  await until(() => follower.status().stopped !== undefined);
  expect(follower.status()).toMatchObject({ connected: false, stopped: { code: 'ledger_forked' } });
  expect(pictureOf(follower)).toEqual(before);
  expect(judgeEvidence(follower, grid)).toMatchObject({ ok: true, testimony: false, keyOfGrid: true, proves: expect.stringMatching(proves) as string });
  await expect(follower.submit([grid.principal('x')])).rejects.toMatchObject({ code: 'ledger_forked' });
  await expect(follower.waitFor(() => undefined)).rejects.toMatchObject({ code: 'ledger_forked' });
  await follower.close();
  const again = await follow({ url: server.url, dir });
  expect(again.status()).toMatchObject({ connected: false, stopped: { code: 'ledger_forked' } });
  expect(pictureOf(again)).toEqual(before);
}

/** History from entry 3 on becomes another one, `count` entries long. */
function rewrite({ grid, log }: Scene, count: number): void {
  log.leaves = log.leaves.slice(0, 3);
  log.say(...Array.from({ length: count }, (_, i) => grid.principal(`other ${i}`)));
}

describe('a ledger that has the key and contradicts itself', () => {
  it.each([
    ['rewritten and longer', /does not begin with/, 5, (scene: Scene) => rewrite(scene, 7)],
    ['rewritten and longer, after a perfect tree', /does not begin with/, 8, (scene: Scene) => rewrite(scene, 9)],
    ['forked at the same size', /two different logs of 5/, 5, (scene: Scene) => rewrite(scene, 2)],
    ['truncated, and continued otherwise', /a log of 4 entries, and one of 5/, 5, (scene: Scene) => rewrite(scene, 1)],
  ] as const)('is stopped at for good, with a proof for strangers, when history is %s', async (_, proves, size, lie) => {
    const scene = await believing({ size });
    lie(scene);
    await scene.server.restart();
    await expectStoppedForGood(scene, proves);
  });

  it.each([
    ['a forged entry', /not valid/, ({ grid, log }: Scene) => {
      const entry = grid.principal('forged');
      log.say(grid.principal('fine'), { ...entry, signatures: [{ ...entry.signatures[0], sig: grid.principal('other').signatures[0].sig }] });
    }],
    ['an entry that the rules refuse', /the rules refuse there/, ({ grid, log }: Scene) => log.say(grid.principal('fine'), log.leaves[1]!.envelope)],
    ['time going back', /lies before/, ({ grid, log }: Scene) => {
      log.say(grid.principal('early'));
      log.leaves[5] = { ...log.leaves[5]!, time: '2020-01-01T00:00:00.000Z' };
    }],
    ['an entry that says it stands elsewhere', /says that it is entry 7/, ({ grid, log }: Scene) => {
      log.say(grid.principal('moved'));
      log.leaves[5] = { ...log.leaves[5]!, seq: 7 };
    }],
  ] as const)('is stopped at for good when it signs a log with %s', async (_, proves, lie) => {
    const scene = await believing();
    lie(scene);
    scene.log.push();
    await expectStoppedForGood(scene, proves);
  });

  it('is caught when what it acknowledged is not what it goes on with', async () => {
    const scene = await believing();
    const { grid, log, follower } = scene;
    // Acknowledged under a signed note over six entries; the feed goes on with another sixth one.
    const promised = log.leaves.slice();
    log.acknowledge = (envelopes) => {
      log.leaves = [...promised, { seq: 5, time: new Date().toISOString(), envelope: envelopes[0] as ReturnType<TestGrid['principal']> }];
      setTimeout(() => {
        log.leaves = promised.slice();
        log.say(grid.principal('instead'), grid.principal('and one more'));
        log.push();
      }, 50);
      return [{ ok: true, seq: 5, time: log.leaves[5]!.time }];
    };
    await expect(follower.submit([grid.principal('mine')])).rejects.toMatchObject({ code: 'ledger_forked' });
    expect(judgeEvidence(follower, grid)).toMatchObject({ ok: true, testimony: false });
  });
});

describe('a ledger that has the key and does not prove what it signed', () => {
  it.each([
    ['gives no proof', (log: LyingLog) => { log.consistencyProof = () => { throw new Error('no'); }; }],
    ['gives a proof that leads nowhere', (log: LyingLog) => { log.consistencyProof = () => [new Uint8Array(32), new Uint8Array(32)]; }],
  ] as const)('is not believed when it rewrites history and %s: nothing of it is applied', async (_, hide) => {
    const scene = await believing();
    const { log, server, follower, before } = scene;
    rewrite(scene, 7);
    hide(log);
    await server.restart();
    await until(() => follower.status().trouble?.code === 'root_unproven');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(follower.status()).toMatchObject({ trouble: { code: 'root_unproven' } });
    expect(follower.status().stopped).toBeUndefined();
    expect(pictureOf(follower)).toEqual(before);
  });
});

describe('a ledger that has the key and holds back', () => {
  it.each([
    ['truncates the log', 2, ({ log }: Scene) => { log.leaves.length = 2; }],
    ['says that the log is empty', 0, ({ log }: Scene) => { log.leaves.length = 0; }],
  ] as const)('is stopped at when it %s for longer than the bound, until it shows all again', async (_, shown, lie) => {
    const scene = await believing({ withholdingMs: 300 });
    const { grid, log, server, follower, dir, before } = scene;
    const whole = log.leaves.slice();
    lie(scene);
    await server.restart();
    await until(() => follower.status().trouble?.code === 'log_shorter');
    expect(follower.status().stopped).toBeUndefined();
    await until(() => follower.status().stopped !== undefined);
    expect(follower.status().stopped).toMatchObject({ code: 'ledger_withholding' });
    expect(pictureOf(follower)).toEqual(before);
    expect(judgeEvidence(follower, grid)).toMatchObject({ ok: true, testimony: true, proves: expect.stringContaining(`it was shown ${shown}`) as string });
    await expect(follower.submit([grid.principal('x')])).rejects.toMatchObject({ code: 'ledger_withholding' });
    await follower.close();
    const again = await follow({ url: server.url, dir, withholdingMs: 300 });
    expect(again.status()).toMatchObject({ stopped: { code: 'ledger_withholding' } });
    expect(pictureOf(again)).toEqual(before);
    log.leaves = whole;
    await server.restart();
    await until(() => again.status().stopped === undefined && again.status().connected);
    expect(pictureOf(again)).toEqual(before);
    expect(readdirSync(dir).filter((name) => name.startsWith('evidence'))).toEqual(['evidence-5-withholding.json']);
  });

  it('is stopped at when it never shows what it acknowledged', async () => {
    const { grid, log, follower } = await believing({ withholdingMs: 300 });
    const shown = log.leaves.slice();
    log.acknowledge = (envelopes) => {
      log.leaves = [...shown, { seq: 5, time: new Date().toISOString(), envelope: envelopes[0] as ReturnType<TestGrid['principal']> }];
      setTimeout(() => { log.leaves = shown.slice(); }, 20);
      return [{ ok: true, seq: 5, time: log.leaves[5]!.time }];
    };
    await expect(follower.submit([grid.principal('mine')])).rejects.toMatchObject({ code: 'ledger_withholding' });
    expect(judgeEvidence(follower, grid)).toMatchObject({ ok: true, testimony: true, proves: expect.stringContaining('a log of 6 entries') as string });
  });

  it('is not stopped at for being away longer than the bound, nor for bringing back what it was asked for bit by bit', async () => {
    const { grid, log, server, follower } = await believing({ withholdingMs: 300 });
    const whole = log.leaves.slice();
    await server.close();
    await until(() => follower.status().trouble?.code === 'ledger_unreachable');
    await new Promise((resolve) => setTimeout(resolve, 600));
    // One old note at the moment of its return is no proof either.
    log.leaves = whole.slice(0, 3);
    await server.listen();
    await until(() => follower.status().trouble?.code === 'log_shorter');
    log.leaves = whole;
    await server.restart();
    await until(() => follower.status().connected);
    // What it acknowledged comes one entry at a time, with pauses; each of them is progress.
    const later = [0, 1, 2, 3, 4, 5].map((n) => grid.principal(`later ${n}`));
    log.say(...later);
    const promised = log.checkpoint() ?? '';
    const all = log.leaves;
    log.leaves = all.slice(0, 5);
    expect(follower.examine(promised)).toMatchObject({ ok: true, ahead: true });
    for (let size = 6; size <= 11; size++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      log.leaves = all.slice(0, size);
      log.push();
    }
    await until(() => follower.size() === 11);
    expect(follower.status().stopped).toBeUndefined();
  });

  it('is told to be late when the log\'s time stands still, and is not waited for as if it were fresh', async () => {
    const { grid, log, follower } = await believing({ delayMs: 250 });
    await follower.caughtUp({ timeoutMs: 1000 });
    await until(() => follower.status().trouble?.code === 'ledger_delayed');
    expect(follower.status()).toMatchObject({ connected: true });
    expect(follower.status().stopped).toBeUndefined();
    await expect(follower.caughtUp({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'timeout' });
    log.say(sealEnvelope('tick', { grid: grid.grid, beat: 1 }, grid.signer));
    log.push();
    await until(() => follower.status().trouble === undefined);
    await follower.caughtUp({ timeoutMs: 1000 });
  });

  it('is told to have a slow clock when its time lags, and followed all the same', async () => {
    const { grid, log, follower } = await believing();
    log.leaves = log.leaves.slice();
    const behind = new LyingLog(grid);
    for (const leaf of log.leaves) behind.leaves.push({ ...leaf, time: new Date(Date.parse(leaf.time) - 3_600_000).toISOString() });
    const server = new LyingServer(behind);
    closing.push(server);
    const other = await follow({ url: await server.listen(), dir: temporaryFolder() });
    expect(other.size()).toBe(5);
    expect(other.status()).toMatchObject({ connected: true, trouble: { code: 'clock_behind' } });
    await other.caughtUp({ timeoutMs: 1000 });
    expect(follower.status().trouble).toBeUndefined();
  });
});

describe('whoever answers without the key', () => {
  /** Notes that the ledger signed, by size: all that somebody without its key can show. */
  const record = (log: LyingLog): Map<number, string> => new Map(Array.from({ length: log.size() }, (_, i) => [i + 1, log.checkpoint(i + 1) ?? '']));

  it.each([
    ['signs with a key of its own', 'checkpoint_invalid', ({ grid, log }: Scene) => { log.signer = newSigner(); log.say(grid.principal('x')); }],
    ['leaves out an entry', 'root_unproven', ({ grid, log }: Scene) => { log.say(grid.principal('x'), grid.principal('y')); log.show = (leaves) => leaves.filter(({ seq }) => seq !== 5); }],
    ['leaves out an entry under a note that covers it', 'entries_withheld', ({ grid, log }: Scene) => {
      log.say(grid.principal('x'), grid.principal('y'));
      log.recorded = new Map([[5, log.checkpoint(7) ?? ''], [6, log.checkpoint(7) ?? '']]);
      log.show = (leaves) => leaves.filter(({ seq }) => seq !== 5);
    }],
    ['shows an older note again', 'log_shorter', ({ log }: Scene) => { log.recorded = record(log); log.leaves.length = 3; }],
    ['says that the log is empty', 'log_shorter', ({ log }: Scene) => { log.leaves.length = 0; }],
    ['changes the entries under a real note', 'root_unproven', ({ grid, log }: Scene) => {
      log.say(grid.principal('x'), grid.principal('y'));
      log.recorded = record(log);
      log.leaves[5] = { ...log.leaves[5]!, envelope: grid.principal('slipped in') };
    }],
    ['shows another grid', 'feed_invalid', ({ log }: Scene) => { log.recorded = new Map(); log.say(newGrid().genesis); }],
  ] as const)('cannot convict the ledger when it %s: nothing is applied, and the real one is followed again', async (_, code, lie) => {
    const scene = await believing();
    const { grid, log, server, follower, dir, before } = scene;
    const honest = { leaves: log.leaves.slice(), signer: log.signer };
    lie(scene);
    await server.restart();
    await until(() => follower.status().trouble?.code === code);
    // Long enough for an investigation to end.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(pictureOf(follower)).toEqual(before);
    expect(follower.status().stopped).toBeUndefined();
    expect(readdirSync(dir).filter((name) => name.startsWith('evidence'))).toEqual([]);
    log.leaves = honest.leaves;
    log.signer = honest.signer;
    log.recorded = undefined;
    log.show = (leaves) => leaves;
    log.say(grid.principal('after all'));
    await server.restart();
    await follower.waitFor((state) => (state.size === 6 ? true : undefined), { timeoutMs: 10_000 });
  });

  it('cannot convict it by acknowledgements, which are not signed', async () => {
    const { grid, log, follower, dir } = await believing();
    log.recorded = record(log);
    log.acknowledge = () => [{ ok: true, seq: 5, time: '2026-11-20T00:00:01.000Z' }];
    expect(await follower.submit([grid.principal('x')], { timeoutMs: 100 })).toMatchObject([{ ok: false, code: 'entries_withheld' }]);
    log.acknowledge = () => [{ ok: true, seq: 2, time: '2026-11-20T00:00:01.000Z' }];
    expect(await follower.submit([grid.principal('y')], { timeoutMs: 100 })).toMatchObject([{ ok: false, code: 'entries_withheld' }]);
    expect(follower.status().stopped).toBeUndefined();
    expect(existsSync(`${dir}/evidence-5-fork.json`)).toBe(false);
  });
});

describe('a ledger that shows two clients two histories', () => {
  it('is exposed when they compare notes, to both and to strangers', async () => {
    const grid = newGrid();
    const [left, right] = [new LyingLog(grid), new LyingLog(grid)];
    const common = [grid.genesis, grid.principal('a'), grid.principal('b')];
    const times = ['2026-11-20T00:00:00.000Z', '2026-11-20T00:00:01.000Z', '2026-11-20T00:00:02.000Z'];
    for (const log of [left, right]) {
      log.leaves = common.map((envelope, seq) => ({ seq, time: times[seq]!, envelope }));
    }
    left.say(grid.principal('only left'), grid.principal('more left'));
    right.say(grid.principal('only right'));
    const servers = [new LyingServer(left), new LyingServer(right)];
    closing.push(...servers);
    const [one, two] = [await follow({ url: await servers[0]!.listen(), dir: temporaryFolder() }), await follow({ url: await servers[1]!.listen(), dir: temporaryFolder() })];
    expect([one.size(), two.size(), one.status().stopped, two.status().stopped]).toEqual([5, 4, undefined, undefined]);
    // The shorter one cannot judge a note over more than it has; the longer one can.
    expect(two.examine(one.status().lastCheckpoint ?? '')).toMatchObject({ ok: true, ahead: true });
    expect(one.examine(two.status().lastCheckpoint ?? '')).toMatchObject({ ok: false, proven: true });
    expect(judgeEvidence(one, grid)).toMatchObject({ ok: true, proves: expect.stringMatching(/a log of 4 entries, and one of 5/) as string });
    // The shorter one finds out when its own log has grown to the note's size.
    right.say(grid.principal('right again'));
    right.push();
    await until(() => two.status().stopped?.code === 'ledger_forked');
    expect(judgeEvidence(two, grid)).toMatchObject({ ok: true, testimony: false, keyOfGrid: true });
    expect(leafBytes(left.leaves[3]!)).not.toEqual(leafBytes(right.leaves[3]!));
  });
});
