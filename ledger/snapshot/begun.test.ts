import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { canonicalBytes } from '../../contract/canonical.ts';
import { verifySignature } from '../../signer/verify.ts';
import { LeafCache } from '../adapters/sqlite/cache.ts';
import { hashOf, openBlobs } from '../blobs.ts';
import { originOf, signCheckpoint } from '../checkpoint.ts';
import { verifyEvidence } from '../evidence.ts';
import { type Follower, type FollowerOptions, openFollower } from '../follower.ts';
import { newGrid, removeTemporaryFolders, temporaryFolder } from '../grid.fixture.ts';
import { parseLeaf } from '../leaf.ts';
import { LyingLog } from '../liar.fixture.ts';
import { Frontier, leafHash } from '../merkle.ts';
import type { Frame } from '../protocol.ts';
import { type ServedLedger, serveLedger } from '../serve.ts';
import { startServer } from '../server.ts';
import { stateDigest } from '../state/machine.ts';
import { CHECKPOINT, type LogBase, VerifiedLog } from '../verified-log.ts';
import { SnapshotFiles } from './files.ts';
import { sealSnapshot, SnapshotOffer, SnapshotStatement } from './statement.ts';
import { takeSnapshot } from './take.ts';

const grid = newGrid();
const SIZE = 300;
const TAIL = 20;
/** So little that an audit takes longer than any test: its first page of 64 entries, then nothing. */
const ALMOST_NONE = 1e-5;
const principals = Array.from({ length: SIZE - 1 }, (_, i) => grid.principal(`p${i}`));
/** A ledger with a snapshot over SIZE entries and TAIL more. */
let honest: ServedLedger;
let folder: string;
const closing: { close(): Promise<void> | void }[] = [];

beforeAll(async () => {
  folder = temporaryFolder();
  honest = await serve(folder);
  closing.pop();
  await honest.log.submit([grid.genesis, ...principals]);
  expect(await takeSnapshot({ dir: folder, signer: grid.signer })).toMatchObject({ ok: true, statement: { size: SIZE } });
  await honest.log.submit(Array.from({ length: TAIL }, (_, i) => grid.principal(`tail${i}`)));
});
afterEach(async () => { for (const each of closing.splice(0).reverse()) await each.close(); });
afterAll(async () => {
  await honest.close();
  removeTemporaryFolders();
});

async function serve(dir: string): Promise<ServedLedger> {
  const served = await serveLedger({ dir, signer: grid.signer, tickAfterMs: 1e9, snapshotEvery: 1e9 });
  closing.push(served);
  return served;
}

async function follow(options: Partial<FollowerOptions> = {}): Promise<Follower> {
  const follower = await openFollower({ url: honest.url, pin: { grid: grid.grid }, snapshot: true, auditShare: 1, ...options });
  closing.push(follower);
  return follower;
}

async function until(test: () => boolean): Promise<void> {
  for (let n = 0; n < 2000 && !test(); n++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(test()).toBe(true);
}

const rootOf = (served: ServedLedger, size?: number): string => Buffer.from(served.log.root(size)).toString('hex');
const isThere = (dir: string): boolean => existsSync(path.join(dir, 'begun.sqlite'));

function emptyCache(base = 0): LeafCache {
  const cache = new LeafCache(':memory:');
  closing.push(cache);
  if (base > 0) cache.beginAt(base);
  return cache;
}

function expectSameAs(served: ServedLedger, follower: Follower): void {
  expect({ size: follower.size(), root: follower.root(), digest: stateDigest(follower.state()) }).toEqual({ size: served.log.size(), root: rootOf(served), digest: stateDigest(served.log.state()) });
}

/** Replaces the snapshot by one over the same entries with a state that no log leads to, signed by the ledger. */
function signFalseState(dir: string): void {
  const files = new SnapshotFiles(dir);
  const offer = files.offer(SIZE)!;
  const statement = SnapshotStatement.parse(JSON.parse(Buffer.from(offer.statement.payload, 'base64').toString('utf8')));
  const state = JSON.parse(Buffer.from(files.state(SIZE)!).toString('utf8')) as { tick: number };
  state.tick = 77;
  const bytes = canonicalBytes(state);
  files.writeState(SIZE, bytes);
  files.writeOffer(SIZE, { ...offer, statement: sealSnapshot({ ...statement, state: hashOf(bytes), bytes: bytes.length }, grid.signer) });
}

/** A ledger with the same snapshot and entries that says from there on whatever it likes. */
async function serveLiar(): Promise<{ log: LyingLog; url: string }> {
  const log = new LyingLog(grid);
  log.leaves = honest.log.read(0, { entries: 10_000, bytes: 1e9 }).map(parseLeaf);
  const server = await startServer({ log, blobs: await openBlobs(temporaryFolder()), snapshots: new SnapshotFiles(folder) });
  closing.push(server);
  return { log, url: server.url };
}

function evidenceOf(follower: Follower): ReturnType<typeof verifyEvidence> {
  return verifyEvidence(JSON.parse(readFileSync(follower.status().stopped?.evidence ?? '', 'utf8')), { verify: verifySignature, grid: grid.grid });
}

describe('a copy that is begun from a snapshot', () => {
  it('stands at the head at once, says what it does not know, and is whole when the audit agrees', async () => {
    const dir = temporaryFolder();
    const unaudited = await follow({ dir, auditShare: ALMOST_NONE });
    expectSameAs(honest, unaudited);
    expect(unaudited.status()).toMatchObject({ connected: true, audited: false });
    for (const read of [() => unaudited.stateAt(SIZE - 1), () => [...unaudited.entries(0, 1)]]) expect(read).toThrow(expect.objectContaining({ code: 'not_here_yet' }) as Error);
    expect(stateDigest(unaudited.stateAt(SIZE + TAIL))).toBe(stateDigest(honest.log.state()));
    expect([...unaudited.entries(SIZE, SIZE + 2)].map(({ seq }) => seq)).toEqual([SIZE, SIZE + 1]);
    // What is in the log before the snapshot is known to be there by the ledger's proof; what is not stands at no place there.
    expect(await unaudited.submit([principals[6]!])).toMatchObject([{ ok: true, seq: 7, duplicate: true }]);
    await unaudited.submit([grid.principal('meanwhile')]);
    await unaudited.close();

    const audited = await follow({ dir });
    await until(() => audited.status().audited === true);
    expectSameAs(honest, audited);
    expect([...audited.entries(0, 1e9)]).toHaveLength(honest.log.size());
    for (const size of [1, SIZE - 1, SIZE, SIZE + 1]) expect(audited.stateAt(size).size).toBe(size);
    expect(audited.examine(honest.log.checkpoint(5)!)).toMatchObject({ ok: true, ahead: false });
    expect(isThere(dir)).toBe(false);
    await audited.submit([grid.principal('and on')]);
    await audited.close();
    // From now on a copy like any other.
    for (const snapshot of [true, false]) {
      const again = await follow({ dir, snapshot });
      expectSameAs(honest, again);
      expect(again.status()).not.toHaveProperty('audited');
      await again.close();
    }
  });

  it('is audited in memory as well', async () => {
    const follower = await follow();
    await until(() => follower.status().audited === true);
    expectSameAs(honest, follower);
    expect(follower.stateAt(3).size).toBe(3);
  });

  it('goes on from whatever a kill left', async () => {
    const dir = temporaryFolder();
    const images: string[] = [];
    // Between two turns of the event loop no write is under way: the files are what a kill would leave.
    const image = (): string => {
      const copy = temporaryFolder();
      cpSync(dir, copy, { recursive: true });
      images.push(copy);
      return copy;
    };
    const follower = await follow({ dir, auditShare: 0.1 });
    for (let n = 0; n < 8; n++) {
      image();
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    await until(() => follower.status().audited === true);
    // After the entries were moved, and before what was begun is removed.
    const between = image();
    for (const suffix of ['', '-wal', '-shm']) if (existsSync(path.join(images[0]!, `begun.sqlite${suffix}`))) cpSync(path.join(images[0]!, `begun.sqlite${suffix}`), path.join(between, `begun.sqlite${suffix}`));
    // Begun, and the copy from entry 0 lost; and a snapshot that was never written whole.
    const lost = image();
    for (const suffix of ['', '-wal', '-shm']) {
      rmSync(path.join(lost, `log.sqlite${suffix}`), { force: true });
      if (existsSync(path.join(images[0]!, `begun.sqlite${suffix}`))) cpSync(path.join(images[0]!, `begun.sqlite${suffix}`), path.join(lost, `begun.sqlite${suffix}`));
    }
    cpSync(path.join(image(), 'log.sqlite'), path.join(images.at(-1)!, 'begun.sqlite'));
    await follower.close();
    let unaudited = 0;
    for (const copy of images) {
      const resumed = await follow({ dir: copy });
      if (resumed.status().audited === false) unaudited += 1;
      if (copy === between) expect(resumed.status()).not.toHaveProperty('audited');
      await resumed.caughtUp({ timeoutMs: 20_000 });
      expectSameAs(honest, resumed);
      await until(() => resumed.status().audited !== false);
      expect([...resumed.entries(0, 1e9)]).toHaveLength(honest.log.size());
      expect(isThere(copy)).toBe(false);
      await resumed.close();
    }
    expect(unaudited).toBeGreaterThan(1);
  });

  it('resumes without the ledger, and goes on with the audit when it is back', async () => {
    const dir = temporaryFolder();
    await (await follow({ dir, auditShare: ALMOST_NONE })).close();
    const offline = await follow({ dir, url: 'http://127.0.0.1:9' });
    expectSameAs(honest, offline);
    expect(offline.status()).toMatchObject({ connected: false, audited: false });
    await expect(openFollower({ url: honest.url, dir, pin: { grid: newGrid().grid }, snapshot: true })).rejects.toMatchObject({ code: 'grid_mismatch' });
  });

  it.each<[string, Partial<FollowerOptions>]>([
    ['without a pin', { pin: undefined }],
    ['that follows only what is witnessed', { witnesses: { keys: [], k: 0 } }],
    ['that does not ask for one', { snapshot: false }],
  ])('is not one %s', async (_, options) => {
    const follower = await follow(options.witnesses ? { ...options, witnesses: { keys: [{ name: 'w', key: newGrid().signer.key }], k: 1 }, catchUpMs: 50 } : options);
    expect(follower.status()).not.toHaveProperty('audited');
    if (!options.witnesses) expectSameAs(honest, follower);
  });

  it('begins at entry 0 when the ledger has no snapshot, or is away; never on another grid', async () => {
    const empty = await serve(temporaryFolder());
    await empty.log.submit([grid.genesis]);
    const follower = await follow({ url: empty.url });
    expect([follower.size(), follower.status().audited]).toEqual([1, undefined]);
    const away = await follow({ url: 'http://127.0.0.1:9', catchUpMs: 50 });
    expect([away.size(), away.status().trouble?.code]).toEqual([0, 'ledger_unreachable']);
    await expect(follow({ pin: { grid: newGrid().grid } })).rejects.toMatchObject({ code: 'grid_mismatch' });
  });
});

describe('what is on disk of a begun copy', () => {
  async function begunFolder(): Promise<string> {
    const dir = temporaryFolder();
    await (await follow({ dir, auditShare: ALMOST_NONE })).close();
    return dir;
  }

  it.each([
    ['the state', (cache: LeafCache) => cache.setText('state', cache.text('state')!.replace('"tick":0', '"tick":1'))],
    ['the offer', (cache: LeafCache) => cache.setText('offer', cache.text('offer')!.replace('"sig":"', '"sig":"A'))],
    ['the note', (cache: LeafCache) => cache.setText('checkpoint', '')],
  ])('is not used when %s was damaged, and says which file it is', async (_, damage) => {
    const dir = await begunFolder();
    const file = path.join(dir, 'begun.sqlite');
    const cache = new LeafCache(file);
    damage(cache);
    cache.close();
    await expect(openFollower({ url: honest.url, dir, pin: { grid: grid.grid }, snapshot: true })).rejects.toMatchObject({ code: 'copy_damaged', hint: expect.stringContaining(file) as string });
    rmSync(file);
    expectSameAs(honest, await follow({ dir }));
  });

  it('is given up when it is of another state machine', async () => {
    const dir = await begunFolder();
    const cache = new LeafCache(path.join(dir, 'begun.sqlite'));
    const offer = SnapshotOffer.parse(JSON.parse(cache.text('offer')!));
    const statement = SnapshotStatement.parse(JSON.parse(Buffer.from(offer.statement.payload, 'base64').toString('utf8')));
    cache.setText('offer', JSON.stringify({ ...offer, statement: sealSnapshot({ ...statement, machine: statement.machine + 1 }, grid.signer) }));
    cache.close();
    const follower = await follow({ dir });
    expectSameAs(honest, follower);
    expect(isThere(dir)).toBe(follower.status().audited === false);
  });
});

describe('VerifiedLog.complete', () => {
  it('makes of any two parts what one from entry 0 is', () => {
    const leaves = honest.log.read(0, { entries: 60, bytes: 1e9 });
    const { genesis } = grid;
    const note = (size: number, root = honest.log.root(size)): string => signCheckpoint({ size, root }, originOf(grid.grid), grid.signer);
    const frame = (from: number, to: number): Frame => ({ entries: leaves.slice(from, to).map(parseLeaf), checkpoint: note(to), size: to });
    const logFrom = (base?: LogBase): VerifiedLog => {
      const cache = emptyCache(base?.frontier.size);
      if (base) cache.setText(CHECKPOINT, note(base.frontier.size));
      return new VerifiedLog({ cache, verify: verifySignature, pin: grid.grid, base });
    };
    fc.assert(fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 4 }), (base, tail, more) => {
      const whole = logFrom();
      expect(whole.accept(frame(0, base + tail))).toMatchObject({ ok: true });
      const frontier = new Frontier();
      for (const leaf of leaves.slice(0, base)) frontier.append(leafHash(leaf));
      const begun = logFrom({ genesis, frontier, load: () => whole.stateAt(base) });
      expect(begun.accept(frame(base, base + tail))).toMatchObject({ ok: true, added: tail });
      const audited = logFrom();
      expect(() => begun.complete(audited)).toThrow('does not lead to the base');
      // Another process may have brought it further.
      const ahead = Math.min(base + more, base + tail);
      expect(audited.accept(frame(0, ahead))).toMatchObject({ ok: true });
      begun.complete(audited);
      for (let size = 1; size <= base + tail; size++) {
        expect(begun.examine(note(size))).toMatchObject({ ok: true, ahead: false });
        expect(begun.examine(note(size, new Uint8Array(32)))).toMatchObject({ proven: true, evidence: { kind: 'fork' } });
      }
      expect({ state: stateDigest(begun.state), root: begun.root(), leaves: [...begun.leaves(0, begun.size)].length }).toEqual({ state: stateDigest(whole.state), root: whole.root(), leaves: base + tail });
      expect(begun.accept(frame(base + tail, 60))).toMatchObject({ ok: true });
    }), { seed: 20261120, numRuns: 15 });
  });
});

describe('a ledger that signed a state which does not follow', () => {
  it('is convicted by the audit, for anybody to see, and what was begun on it is over', async () => {
    const [lying, dir] = [temporaryFolder(), temporaryFolder()];
    cpSync(path.join(folder, 'snapshots'), path.join(lying, 'snapshots'), { recursive: true });
    const served = await serve(lying);
    await served.log.submit(honest.log.read(0, { entries: SIZE, bytes: 1e9 }).map((leaf) => parseLeaf(leaf).envelope));
    // Another time of each entry makes another log: its own snapshot is what it lies about.
    rmSync(path.join(lying, 'snapshots'), { recursive: true });
    expect(await takeSnapshot({ dir: lying, signer: grid.signer })).toMatchObject({ ok: true });
    signFalseState(lying);
    const believing = await follow({ url: served.url, dir, auditShare: ALMOST_NONE });
    expect([believing.size(), believing.state().tick, believing.status().audited]).toEqual([SIZE, 77, false]);
    await believing.close();
    const follower = await follow({ url: served.url, dir });
    await until(() => follower.status().stopped !== undefined);
    expect(follower.status()).toMatchObject({ connected: false, audited: false, stopped: { code: 'ledger_forked' } });
    expect(evidenceOf(follower)).toMatchObject({ ok: true, kind: 'snapshot_false', testimony: false, keyOfGrid: true, proves: expect.stringContaining('from which') as string });
    await expect(follower.waitFor(() => undefined)).rejects.toMatchObject({ code: 'ledger_forked' });
    expect([...follower.entries(SIZE, SIZE + 1)]).toEqual([]);
    expect(isThere(dir)).toBe(false);
    await follower.close();
    const again = await follow({ url: served.url, dir });
    expect([again.size(), again.state().tick, again.status().stopped?.code]).toEqual([SIZE, 0, 'ledger_forked']);
    expect(stateDigest(again.state())).toBe(stateDigest(again.stateAt(SIZE)));
  });

  it('cannot be convicted of it by a file about an honest one', () => {
    const { statement, checkpoint, genesis } = new SnapshotFiles(folder).offer(SIZE)!;
    const file = { format: '3bot-ledger-evidence/1', origin: originOf(grid.grid), key: grid.signer.key, genesis, message: '', kind: 'snapshot_false', statement, checkpoint };
    const log = honest.log.read(0, { entries: SIZE, bytes: 1e9 });
    const judge = (changed: object, leaves?: Uint8Array[]): unknown => verifyEvidence({ ...file, prefix: null, ...changed }, { verify: verifySignature, log: leaves });
    expect(judge({}, log)).toMatchObject({ ok: false, code: 'proves_nothing' });
    expect(judge({ prefix: log.map(parseLeaf) })).toMatchObject({ ok: false, code: 'proves_nothing' });
    expect(judge({ genesis: null }, log)).toMatchObject({ ok: false, code: 'proves_nothing' });
    expect(judge({})).toMatchObject({ ok: false, code: 'needs_log' });
    expect(judge({ prefix: log.slice(1).map(parseLeaf) })).toMatchObject({ ok: false, code: 'proves_nothing' });
  });
});

describe('a ledger that contradicts itself before the audit is over', () => {
  it.each<[string, RegExp, (liar: LyingLog, follower: Follower) => void]>([
    ['an entry that the rules refuse', /the rules refuse there/, (liar) => {
      liar.say(grid.principal('fine'), principals[3]!);
      liar.push();
    }],
    ['another log over fewer entries than the snapshot', /two different logs|does not begin with|and one of/, (_, follower) => {
      expect(follower.examine(signCheckpoint({ size: 9, root: new Uint8Array(32) }, originOf(grid.grid), grid.signer))).toMatchObject({ ok: false, proven: false, code: 'not_here_yet' });
    }],
    ['another log over more entries than the snapshot', /two different logs|and one of/, (_, follower) => {
      expect(follower.examine(signCheckpoint({ size: SIZE + 1, root: new Uint8Array(32) }, originOf(grid.grid), grid.signer))).toMatchObject({ ok: false, proven: false, code: 'not_here_yet' });
    }],
  ])('with %s is not believed, and convicted once the log is here', async (what, proves, lie) => {
    const { log, url } = await serveLiar();
    // The audit waits until all is said.
    let shown = false;
    log.show = (leaves) => (shown || (leaves[0]?.seq ?? SIZE) >= SIZE ? leaves : []);
    const follower = await follow({ url, dir: temporaryFolder() });
    const before = { size: follower.size(), digest: stateDigest(follower.state()) };
    lie(log, follower);
    if (what.startsWith('an entry')) await until(() => follower.status().trouble?.code === 'not_here_yet');
    expect(follower.status()).toMatchObject({ audited: false });
    expect(follower.status()).not.toHaveProperty('stopped');
    shown = true;
    await until(() => follower.status().stopped !== undefined);
    expect(evidenceOf(follower)).toMatchObject({ ok: true, keyOfGrid: true, proves: expect.stringMatching(proves) as string });
    expect({ size: follower.size(), digest: stateDigest(follower.state()) }).toEqual(before);
  });

  it('is convicted at once by a later log that does not begin with what it signed', async () => {
    const { log, url } = await serveLiar();
    log.show = (leaves) => ((leaves[0]?.seq ?? SIZE) >= SIZE ? leaves : []);
    const dir = temporaryFolder();
    const follower = await follow({ url, dir });
    const [size, rest] = [follower.size(), log.leaves.length - 3];
    log.leaves = log.leaves.slice(0, 3);
    log.say(...Array.from({ length: rest + 5 }, (_, i) => grid.principal(`other${i}`)));
    log.push();
    await until(() => follower.status().stopped !== undefined);
    expect(evidenceOf(follower)).toMatchObject({ ok: true, kind: 'fork', keyOfGrid: true, proves: expect.stringContaining('does not begin with') as string });
    expect([follower.size(), follower.status().audited]).toEqual([size, false]);
    // What was never audited is not believed again on the word of a ledger that was caught.
    await follower.close();
    const again = await follow({ url, dir });
    expect([again.size(), again.status().stopped?.code, again.status().audited, isThere(dir)]).toEqual([0, 'ledger_forked', undefined, false]);
  });
});
