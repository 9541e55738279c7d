import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { canonicalBytes } from '../../contract/canonical.ts';
import { verifySignature } from '../../signer/verify.ts';
import { LeafCache } from '../adapters/sqlite/cache.ts';
import { hashOf } from '../blobs.ts';
import { verifyEvidence } from '../evidence.ts';
import { newGrid, removeTemporaryFolders, temporaryFolder } from '../grid.fixture.ts';
import { type ServedLedger, serveLedger } from '../serve.ts';
import { emptyState, stateDigest } from '../state/machine.ts';
import { World } from '../state/world.fixture.ts';
import { VerifiedLog } from '../verified-log.ts';
import { auditSnapshot, extendTo } from './audit.ts';
import { fetchSnapshot, type FetchedSnapshot } from './fetch.ts';
import { judgeSnapshot } from './judge.ts';
import { pacedStateDigest } from './paced-digest.ts';
import { sealSnapshot } from './statement.ts';
import { takeSnapshot } from './take.ts';

const grid = newGrid();
const ENTRIES = 150;
let dir: string;
let served: ServedLedger;
const caches: LeafCache[] = [];

beforeAll(async () => {
  dir = temporaryFolder();
  served = await serveLedger({ dir, signer: grid.signer, tickAfterMs: 60_000 });
  await served.log.submit([grid.genesis, ...Array.from({ length: ENTRIES - 1 }, (_, i) => grid.principal(`p${i}`))]);
  expect(await takeSnapshot({ dir, signer: grid.signer })).toMatchObject({ ok: true, statement: { size: ENTRIES } });
  await served.log.submit([grid.principal('after')]);
});
afterEach(() => { for (const cache of caches.splice(0)) cache.close(); });
afterAll(async () => {
  await served.close();
  removeTemporaryFolders();
});

function emptyCopy(): { cache: LeafCache; log: VerifiedLog } {
  const cache = new LeafCache(':memory:');
  caches.push(cache);
  return { cache, log: new VerifiedLog({ cache, verify: verifySignature, pin: grid.grid }) };
}

async function fetched(): Promise<FetchedSnapshot> {
  const snapshot = await fetchSnapshot(served.url, { grid: grid.grid, verify: verifySignature });
  if (!snapshot.ok) throw new Error(snapshot.message);
  return snapshot;
}

const audit = (log: VerifiedLog, { statement, offer: { checkpoint } }: Pick<FetchedSnapshot, 'statement' | 'offer'>, extra = {}): ReturnType<typeof auditSnapshot> =>
  auditSnapshot({ url: served.url, log, statement, checkpoint, signal: new AbortController().signal, share: 1, ...extra });

describe('a fetched snapshot', () => {
  it('is what the ledger signed, and not more', async () => {
    const snapshot = await fetched();
    expect({ size: snapshot.state.size, frontier: Buffer.from(snapshot.frontier.root()).toString('hex') }).toEqual({ size: ENTRIES, frontier: Buffer.from(served.log.root(ENTRIES)).toString('hex') });
    expect(await fetchSnapshot(served.url, { grid: newGrid().grid, verify: verifySignature })).toMatchObject({ ok: false, code: 'grid_mismatch' });
    expect(await fetchSnapshot('http://127.0.0.1:9', { grid: grid.grid, verify: verifySignature })).toMatchObject({ ok: false, code: 'ledger_unreachable' });
  });

  it.each<[string, (path: string, body: Buffer) => { status: number; body: Buffer }, string]>([
    ['sends another state', (path, body) => ({ status: 200, body: path.includes('sha256') ? Buffer.from(body.toString('utf8').replace('"tick":0', '"tick":1')) : body }), 'snapshot_mismatch'],
    ['sends less', (path, body) => ({ status: 200, body: path.includes('sha256') ? body.subarray(1) : body }), 'snapshot_mismatch'],
    ['sends more', (path, body) => ({ status: 200, body: path.includes('sha256') ? Buffer.concat([body, body]) : body }), 'ledger_unreachable'],
    ['changes the statement', (_, body) => ({ status: 200, body: Buffer.from(body.toString('utf8').replace(/"sig":"./, '"sig":"A')) }), 'snapshot_invalid'],
    ['has lost the state', (path, body) => (path.includes('sha256') ? { status: 404, body: Buffer.from('{}') } : { status: 200, body }), 'snapshot_missing'],
    ['speaks something else', () => ({ status: 200, body: Buffer.from('<html>') }), 'ledger_unreachable'],
    ['is very long', () => ({ status: 200, body: Buffer.alloc(2 * 1024 * 1024, ' ') }), 'ledger_unreachable'],
  ])('is refused when who answers %s', async (_, change, code) => {
    const server = createServer((request, response) => {
      void fetch(`${served.url}${request.url ?? ''}`).then(async (answer) => {
        const { status, body } = change(request.url ?? '', Buffer.from(await answer.arrayBuffer()));
        response.writeHead(status).end(body);
      });
    });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const { port } = server.address() as AddressInfo;
    expect(await fetchSnapshot(`http://127.0.0.1:${port}`, { grid: grid.grid, verify: verifySignature })).toMatchObject({ ok: false, code });
    await new Promise((resolve) => { server.close(resolve); });
  });
});

describe('the audit', () => {
  it('replays everything, and agrees with an honest ledger; what is there already is not fetched again', async () => {
    const snapshot = await fetched();
    const { log } = emptyCopy();
    let pages = 0;
    expect(await audit(log, snapshot, { onProgress: () => { pages += 1; } })).toEqual({ ok: true });
    expect({ size: log.size, digest: stateDigest(log.state), pages }).toEqual({ size: ENTRIES, digest: snapshot.statement.state, pages: 3 });
    expect(await audit(log, snapshot, { url: 'http://127.0.0.1:9' })).toEqual({ ok: true });
  });

  it('compares the state at the snapshot, also in a copy that another process has brought further', async () => {
    const snapshot = await fetched();
    const { log } = emptyCopy();
    expect(await extendTo(ENTRIES + 1, { url: served.url, log, signal: new AbortController().signal }, () => Promise.resolve())).toBeUndefined();
    expect(log.size).toBe(ENTRIES + 1);
    expect(await audit(log, snapshot)).toEqual({ ok: true });
  });

  it('convicts a ledger of a state that does not follow from its entries, for anybody to see', async () => {
    const honest = await fetched();
    const lie = { ...structuredClone(honest.state), principalCount: honest.state.principalCount + 1 };
    const bytes = canonicalBytes(lie);
    const statement = { ...honest.statement, state: hashOf(bytes), bytes: bytes.length };
    const offer = { ...honest.offer, statement: sealSnapshot(statement, grid.signer) };
    const { cache, log } = emptyCopy();
    expect(await audit(log, { statement, offer })).toEqual({ ok: false, evidence: undefined, derived: honest.statement.state });
    const leaves = (): Iterable<Uint8Array> => cache.leaves(0, ENTRIES);
    expect(judgeSnapshot(offer, { verify: verifySignature, log: leaves() })).toMatchObject({ ok: true, proves: expect.stringContaining(honest.statement.state) as string });
    expect(judgeSnapshot(honest.offer, { verify: verifySignature, log: leaves() })).toMatchObject({ ok: false, code: 'proves_nothing' });
    expect(judgeSnapshot(offer, { verify: verifySignature })).toMatchObject({ ok: false, code: 'needs_log' });
    expect(judgeSnapshot(offer, { verify: verifySignature, log: [...leaves()].slice(1) })).toMatchObject({ ok: false, code: 'proves_nothing' });
    expect(judgeSnapshot(offer, { verify: verifySignature, log: [...leaves()].slice(0, -1) })).toMatchObject({ ok: false, code: 'needs_log' });
    const other = await serveOther();
    expect(judgeSnapshot(offer, { verify: verifySignature, log: other.log.read(0, { entries: ENTRIES, bytes: 1e9 }) })).toMatchObject({ ok: false, code: 'proves_nothing' });
    await other.close();
  });

  it('convicts a ledger whose snapshot is of another log than it shows', async () => {
    const snapshot = await fetched();
    const other = await serveOther();
    const { log } = emptyCopy();
    const result = await audit(log, snapshot, { url: other.url });
    if (result.ok || !result.evidence) throw new Error('the fork was not seen');
    expect(verifyEvidence(result.evidence, { verify: verifySignature, grid: grid.grid })).toMatchObject({ ok: true, kind: 'fork' });
    await other.close();
  });

  it('convicts nobody when what comes is not the signed log, and goes on when it does', async () => {
    const snapshot = await fetched();
    let lies = 0;
    const server = createServer((request, response) => {
      void fetch(`${served.url}${request.url ?? ''}`).then(async (answer) => {
        const text = await answer.text();
        const lie = lies < 2 && request.url?.includes('from=64') === true;
        if (lie) lies += 1;
        response.end(lie ? text.replaceAll('"time":"20', '"time":"21') : text);
      });
    });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const { log } = emptyCopy();
    const trouble: string[] = [];
    expect(await audit(log, snapshot, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, onTrouble: (message: string) => { trouble.push(message); } })).toEqual({ ok: true });
    expect({ lies, trouble: trouble.length }).toEqual({ lies: 2, trouble: 2 });
    await new Promise((resolve) => { server.close(resolve); });
  });

  it('waits for a ledger that is away, until it is told to stop', async () => {
    const snapshot = await fetched();
    const stop = new AbortController();
    const { log } = emptyCopy();
    const running = audit(log, snapshot, { url: 'http://127.0.0.1:9', signal: stop.signal, onTrouble: () => stop.abort(new Error('enough')) });
    await expect(running).rejects.toThrow();
    expect(log.size).toBe(0);
  });

  /** The same ledger key on another history, as long as the one with the snapshot. */
  async function serveOther(): Promise<ServedLedger> {
    const other = await serveLedger({ dir: temporaryFolder(), signer: grid.signer, tickAfterMs: 60_000 });
    await other.log.submit([grid.genesis, ...Array.from({ length: ENTRIES - 1 }, (_, i) => grid.principal(`other${i}`))]);
    return other;
  }
});

describe('pacedStateDigest', () => {
  it('is stateDigest, with pauses', async () => {
    const world = new World();
    world.activate();
    for (let i = 0; i < 100; i++) world.person('person', `p${i}`);
    let pauses = 0;
    const pause = (): Promise<void> => { pauses += 1; return Promise.resolve(); };
    expect(await pacedStateDigest(world.state, pause)).toBe(stateDigest(world.state));
    expect(pauses).toBeGreaterThan(2);
    expect(await pacedStateDigest(emptyState(), pause)).toBe(stateDigest(emptyState()));
  });
});
