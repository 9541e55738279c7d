import { cpSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import Database from 'better-sqlite3';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalBytes } from '../../contract/canonical.ts';
import { verifySignature } from '../../signer/verify.ts';
import { STORE_FILE } from '../adapters/sqlite/store.ts';
import { openSqliteLog } from '../adapters/sqlite/log.ts';
import { hashOf } from '../blobs.ts';
import { originOf, signCheckpoint } from '../checkpoint.ts';
import { newGrid, newSigner, removeTemporaryFolders, temporaryFolder } from '../grid.fixture.ts';
import { serveLedger } from '../serve.ts';
import { emptyState, stateDigest } from '../state/machine.ts';
import { verifyLedger } from '../verify.ts';
import { SnapshotFiles, SNAPSHOTS_DIR } from './files.ts';
import { loadStored } from './load.ts';
import { scheduleSnapshots } from './schedule.ts';
import { MACHINE_VERSION, openSnapshot, sealSnapshot, type SnapshotOffer, SnapshotStatement } from './statement.ts';
import { takeSnapshot, type Taken } from './take.ts';

const grid = newGrid();
/** 41 entries, with snapshots over 31 and 41. */
let folder: string;

const people = (count: number, name = 'p'): ReturnType<typeof grid.principal>[] => Array.from({ length: count }, (_, i) => grid.principal(`${name}${i}`));

beforeAll(async () => {
  folder = temporaryFolder();
  const log = await openSqliteLog({ dir: folder, signer: grid.signer });
  await log.submit([grid.genesis, ...people(30)]);
  expect(await takeSnapshot({ dir: folder, signer: grid.signer })).toMatchObject({ ok: true, statement: { size: 31 } });
  await log.submit(people(10, 'q'));
  expect(await takeSnapshot({ dir: folder, signer: grid.signer })).toMatchObject({ ok: true, statement: { size: 41, state: stateDigest(log.state()), time: log.state().time } });
  await log.close();
});
afterAll(removeTemporaryFolders);

function copyOfFolder(): string {
  const copy = temporaryFolder();
  cpSync(folder, copy, { recursive: true });
  return copy;
}

function offerAt(size: number, dir = folder): { offer: SnapshotOffer; statement: SnapshotStatement } {
  const offer = new SnapshotFiles(dir).offer(size);
  if (!offer) throw new Error(`no snapshot over ${size}`);
  return { offer, statement: SnapshotStatement.parse(JSON.parse(Buffer.from(offer.statement.payload, 'base64').toString('utf8'))) };
}

describe('a snapshot', () => {
  it('is judged by the digest of the grid alone', () => {
    const { offer, statement } = offerAt(41);
    const judge = (changed: Partial<SnapshotOffer>, pin = grid.grid): unknown => openSnapshot({ ...offer, ...changed }, { grid: pin, verify: verifySignature });
    expect(judge({})).toMatchObject({ ok: true, statement, ledger: grid.signer.key });
    const other = newGrid();
    expect(judge({}, other.grid)).toMatchObject({ ok: false, code: 'grid_mismatch' });
    const seal = (changed: Partial<SnapshotStatement>, signer = grid.signer): Partial<SnapshotOffer> => ({ statement: sealSnapshot({ ...statement, ...changed }, signer) });
    const note = (size: number, root: Uint8Array, signer = grid.signer): Partial<SnapshotOffer> => ({ checkpoint: signCheckpoint({ size, root }, originOf(grid.grid), signer) });
    const refused: Record<string, Partial<SnapshotOffer>> = {
      'another first entry': { genesis: grid.principal('x') },
      'a statement by another key': seal({}, newSigner()),
      'a statement of another kind': { statement: grid.genesis },
      'a statement for another grid': seal({ grid: other.grid }),
      'another size': seal({ size: 43 }),
      'one hash less': seal({ frontier: statement.frontier.slice(1) }),
      'the hashes in another order': seal({ frontier: [...statement.frontier].reverse() }),
      'another root': seal({ root: statement.frontier[0]! }),
      'a hash that is not canonical': seal({ root: statement.root.replace(/.=$/, (end) => `${end[0] === 'B' ? 'C' : 'B'}=`) }),
      'a checkpoint of an earlier size': { checkpoint: offerAt(31).offer.checkpoint },
      'a checkpoint over another log': note(41, new Uint8Array(32)),
      'a checkpoint by another key': note(41, Buffer.from(statement.root, 'base64'), newSigner()),
    };
    for (const [what, changed] of Object.entries(refused)) expect(judge(changed), what).toMatchObject({ ok: false, code: 'snapshot_invalid' });
    expect(judge(seal({ machine: MACHINE_VERSION + 1 }))).toMatchObject({ ok: false, code: 'snapshot_version' });
    for (const junk of [null, 1, [], {}, { ...offer, extra: 1 }]) expect(openSnapshot(junk, { grid: grid.grid, verify: verifySignature })).toMatchObject({ ok: false, code: 'snapshot_invalid' });
  });

  it('is of the state that its bytes are, and of no other', () => {
    const dir = copyOfFolder();
    const files = new SnapshotFiles(dir);
    expect(loadStored(files, 41, verifySignature)).toMatchObject({ ok: true, state: { size: 41 } });
    files.writeState(41, files.state(31)!);
    expect(loadStored(files, 41, verifySignature)).toMatchObject({ ok: false, code: 'snapshot_mismatch' });
    // Signed by the ledger, and still not a state: an earlier one, an empty one, none at all.
    for (const bytes of [files.state(31)!, canonicalBytes(emptyState()), Buffer.from('{}')]) {
      files.writeState(41, bytes);
      const { offer, statement } = offerAt(41);
      files.writeOffer(41, { ...offer, statement: sealSnapshot({ ...statement, state: hashOf(bytes), bytes: bytes.length }, grid.signer) });
      expect(loadStored(files, 41, verifySignature)).toMatchObject({ ok: false, code: 'snapshot_invalid' });
    }
    rmSync(path.join(files.dir, '41.state'));
    expect(loadStored(files, 41, verifySignature)).toMatchObject({ ok: false, code: 'snapshot_invalid', message: expect.stringContaining('missing') as string });
    expect(loadStored(files, 7, verifySignature)).toBeUndefined();
  });

  it('is taken beside a running server, and begins where the last one ended', async () => {
    const dir = temporaryFolder();
    const log = await openSqliteLog({ dir, signer: grid.signer });
    expect(await takeSnapshot({ dir, signer: grid.signer })).toMatchObject({ ok: false, code: 'grid_missing' });
    await log.submit([grid.genesis, ...people(20)]);
    expect(await takeSnapshot({ dir, signer: newSigner() })).toMatchObject({ ok: false, code: 'snapshot_invalid' });
    expect(await takeSnapshot({ dir, signer: grid.signer, confirm: () => false })).toMatchObject({ ok: false, code: 'store_damaged' });
    expect(new SnapshotFiles(dir).sizes()).toEqual([]);
    for (const sizes of [[21], [24, 21], [27, 24]]) {
      expect(await takeSnapshot({ dir, signer: grid.signer })).toMatchObject({ ok: true, statement: { state: stateDigest(log.state()) } });
      expect(new SnapshotFiles(dir).sizes()).toEqual(sizes);
      await log.submit(people(3));
    }
    await log.close();
    expect(await verifyLedger(dir)).toMatchObject({ ok: true, size: 30 });
  });

  it('leaves the last two, and removes what nobody finished', () => {
    const files = new SnapshotFiles(copyOfFolder());
    const old = new Date(Date.now() - 2 * 3_600_000);
    for (const name of ['11.json', '11.state', '12.state', '50.state', '41.json.x.tmp', '60.state.y.tmp']) writeFileSync(path.join(files.dir, name), '{}');
    utimesSync(path.join(files.dir, '60.state.y.tmp'), old, old);
    files.prune();
    expect(readdirSync(files.dir).sort()).toEqual(['31.json', '31.state', '41.json', '41.json.x.tmp', '41.state', '50.state']);
    writeFileSync(path.join(files.dir, '41.json'), '{');
    expect(files.newest()?.size).toBe(31);
  });
});

describe('a ledger with snapshots', () => {
  it('starts from the newest one and ends where a full replay does', async () => {
    const dir = copyOfFolder();
    const log = await openSqliteLog({ dir, signer: grid.signer });
    expect((await log.submit(people(5, 'later'))).every(({ ok }) => ok)).toBe(true);
    const expected = { size: log.size(), note: log.checkpoint(), state: stateDigest(log.state()), proof: log.inclusionProof(3, 46) };
    await log.close();
    for (const prepare of [() => undefined, () => rmSync(path.join(dir, SNAPSHOTS_DIR), { recursive: true })]) {
      prepare();
      const again = await openSqliteLog({ dir, signer: grid.signer });
      expect({ size: again.size(), note: again.checkpoint(), state: stateDigest(again.state()), proof: again.inclusionProof(3, 46) }).toEqual(expected);
      // What is in the log before the snapshot is still known to be there.
      const [leaf] = again.read(5, { entries: 1, bytes: 1 });
      const { envelope } = JSON.parse(Buffer.from(leaf!).toString('utf8')) as { envelope: unknown };
      expect(await again.submit([envelope])).toMatchObject([{ ok: true, seq: 5, duplicate: true }]);
      await again.close();
    }
  });

  it('really begins there: an entry before it is not applied again', async () => {
    const dir = copyOfFolder();
    // A state that no log leads to, signed by the key holder: only who replays everything can tell.
    const files = new SnapshotFiles(dir);
    const { offer, statement } = offerAt(41, dir);
    const state = JSON.parse(Buffer.from(files.state(41)!).toString('utf8')) as { tick: number };
    state.tick = 77;
    const bytes = canonicalBytes(state);
    files.writeState(41, bytes);
    files.writeOffer(41, { ...offer, statement: sealSnapshot({ ...statement, state: hashOf(bytes), bytes: bytes.length }, grid.signer) });
    const log = await openSqliteLog({ dir, signer: grid.signer });
    expect(log.state().tick).toBe(77);
    await log.close();
    expect(await verifyLedger(dir)).toMatchObject({ ok: false, code: 'snapshot_mismatch' });
    expect(await verifyLedger(folder)).toMatchObject({ ok: true });
  });

  it.each([
    ['a changed leaf', 'UPDATE entries SET leaf = CAST(replace(CAST(leaf AS TEXT), \'"seq":9\', \'"seq":8\') AS BLOB) WHERE seq = 9', /leaf_hash_mismatch/],
    ['a changed leaf with its hash', undefined, /leaf_invalid|root_mismatch/],
    ['a changed envelope digest', 'UPDATE entries SET envelope_digest = zeroblob(32) WHERE seq = 9', /envelope_digest_mismatch/],
    ['a deleted entry', 'DELETE FROM entries WHERE seq = 9', /entry_missing/],
    ['a deleted end', 'DELETE FROM entries WHERE seq = 40', /entry_missing/],
  ])('does not start from it over %s before it', async (_, sql, code) => {
    const dir = copyOfFolder();
    const database = new Database(path.join(dir, STORE_FILE));
    if (sql !== undefined) database.exec(sql);
    else {
      const { leaf } = database.prepare<[], { leaf: Buffer }>('SELECT leaf FROM entries WHERE seq = 9').get()!;
      const changed = Buffer.from(leaf.toString('utf8').replace('"seq":9', '"seq":8'));
      const { nativeLeafHash } = await import('../native.ts');
      database.prepare('UPDATE entries SET leaf = ?, leaf_hash = ? WHERE seq = 9').run(changed, nativeLeafHash(changed));
    }
    database.close();
    await expect(openSqliteLog({ dir, signer: grid.signer })).rejects.toThrow(code);
  });

  it.each([
    ['the state', '41.state', 200], ['the offer', '41.json', 300], ['the whole state', '41.state', undefined],
  ])('replays when %s is damaged, and verify says so', async (_, file, at) => {
    const dir = copyOfFolder();
    const target = path.join(dir, SNAPSHOTS_DIR, file);
    if (at === undefined) rmSync(target);
    else {
      const bytes = readFileSync(target);
      bytes[at]! ^= 1;
      writeFileSync(target, bytes);
    }
    const log = await openSqliteLog({ dir, signer: grid.signer });
    expect(log.size()).toBe(41);
    await log.close();
    expect(await verifyLedger(dir)).toMatchObject({ ok: false, code: 'snapshot_damaged', message: expect.stringContaining('41') as string });
  });

  it('takes one by itself every so many entries, in a thread of its own, and serves it', async () => {
    const program = temporaryFolder();
    symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), path.join(program, 'node_modules'));
    const outfile = path.join(program, 'ledger-snapshot.mjs');
    await build({
      entryPoints: [fileURLToPath(new URL('worker.ts', import.meta.url))], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['better-sqlite3'], logLevel: 'silent',
      banner: { js: 'import { createRequire as bundleCreateRequire } from "node:module"; const require = bundleCreateRequire(import.meta.url);' },
    });
    const dir = temporaryFolder();
    const taken: Taken[] = [];
    let told: () => void;
    const next = (): Promise<void> => new Promise((resolve) => { told = resolve; });
    const served = await serveLedger({ dir, signer: grid.signer, snapshotEvery: 50, snapshotQuietMs: 20, snapshotWorker: pathToFileURL(outfile), onSnapshot: (one) => { taken.push(one); told(); } });
    expect((await fetch(`${served.url}/v1/snapshot`)).status).toBe(404);
    const first = next();
    await served.log.submit([grid.genesis, ...people(59)]);
    await first;
    await served.log.submit(people(20));
    expect(taken).toMatchObject([{ ok: true, statement: { size: 60 } }]);
    const offered = await (await fetch(`${served.url}/v1/snapshot`)).json() as { ok: true };
    const { ok, ...offer } = offered;
    const opened = openSnapshot(offer, { grid: grid.grid, verify: verifySignature });
    if (!opened.ok) throw new Error(opened.message);
    expect({ ok, size: opened.statement.size }).toEqual({ ok: true, size: 60 });
    const answer = await fetch(`${served.url}/v1/snapshot/${opened.statement.state}`);
    expect(answer.headers.get('content-length')).toBe(String(opened.statement.bytes));
    expect(hashOf(new Uint8Array(await answer.arrayBuffer()))).toBe(opened.statement.state);
    expect((await fetch(`${served.url}/v1/snapshot/${grid.grid}`)).status).toBe(404);
    expect((await fetch(`${served.url}/v1/snapshot/x`)).status).toBe(400);
    expect((await fetch(`${served.url}/v1/snapshot`, { method: 'DELETE' })).status).toBe(405);
    const second = next();
    await served.log.submit(people(40));
    await second;
    expect(taken[1]).toMatchObject({ ok: true, statement: { size: 120 } });
    await served.close();
    expect(await verifyLedger(dir)).toMatchObject({ ok: true });
  });

  it('goes on without one that fails', async () => {
    const dir = temporaryFolder();
    const log = await openSqliteLog({ dir, signer: grid.signer });
    await log.submit([grid.genesis, ...people(9)]);
    const taken = await new Promise<Taken>((resolve) => {
      const schedule = scheduleSnapshots({ dir, log, signer: grid.signer, every: 5, quietMs: 1, worker: new URL('file:///nowhere/ledger-snapshot.mjs'), onTaken: (one) => { void schedule.close().then(() => resolve(one)); } });
    });
    expect(taken).toMatchObject({ ok: false, code: 'snapshot_failed' });
    expect((await log.submit(people(1)))[0]).toMatchObject({ ok: true });
    await log.close();
  });
});
