import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { canonicalBytes } from '../../../contract/canonical.ts';
import { digestOf } from '../../../contract/digest.ts';
import { type EntrySigner, sealEnvelope } from '../../../contract/envelope.ts';
import { newGrid, newSigner, removeTemporaryFolders, temporaryFolder } from '../../grid.fixture.ts';
import { parseLeaf } from '../../leaf.ts';
import { describeLog } from '../../log.conformance.ts';
import type { Log } from '../../ports.ts';
import { stateDigest } from '../../state/machine.ts';
import { verifyLedger } from '../../verify.ts';
import { openSqliteLog } from '../sqlite/log.ts';
import { startTestChain, type TestChain } from './chain.fixture.ts';
import { CURSOR_FILE } from './cursor.ts';
import { openSubstrateLog, MAX_QUEUE, type SubstrateLog, type SubstrateLogOptions } from './log.ts';
import { MAX_REMARK } from './remarks.ts';
import { MAX_BATCH } from './sender.ts';
import { openStranger } from './stranger.fixture.ts';

/** Generous: every block is executed by WebAssembly in this process, on a machine that may be busy. */
const TIMEOUT_MS = 180_000;

let chain: TestChain;
const open: Log[] = [];

beforeAll(async () => { chain = await startTestChain(); }, TIMEOUT_MS);
afterAll(async () => {
  await chain.close();
  removeTemporaryFolders();
}, TIMEOUT_MS);

async function openLog({ funds, ...options }: Omit<SubstrateLogOptions, 'url'> & { funds?: bigint }): Promise<SubstrateLog> {
  await chain.fund((options.payer ?? options.signer).key, funds);
  const log = await openSubstrateLog({ from: 'head', ...options, url: chain.url });
  open.push(log);
  return log;
}

async function until(what: string, test: () => boolean): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS / 2;
  while (!test()) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const fingerprint = (log: Log) => ({ size: log.size(), root: Buffer.from(log.root()).toString('hex'), state: stateDigest(log.state()) });

describeLog('the log on a Substrate chain (a real runtime in this process)', {
  maxQueue: MAX_QUEUE,
  maxBatch: MAX_BATCH,
  timeoutMs: TIMEOUT_MS,
  // Every case is one of strangers' entries only.
  open: async ({ dir, signer }) => openLog({ dir, signer, budget: { strangers: 64 * 1024 * 1024 } }),
});

describe('the log on a Substrate chain (a real runtime in this process)', { timeout: TIMEOUT_MS }, () => {
  afterEach(async () => { for (const log of open.splice(0)) await log.close(); }, TIMEOUT_MS);

  it('has one order for two writers with accounts of their own, and one place for an envelope that both send', async () => {
    const grid = newGrid();
    const first = await openLog({ dir: temporaryFolder(), signer: grid.signer });
    await first.submit([grid.genesis]);
    const second = await openLog({ dir: temporaryFolder(), signer: grid.signer, payer: newSigner(), from: first.chain.from });
    expect(second.size()).toBe(1);
    const both = grid.principal('sent by both');
    const [mine, theirs] = await Promise.all([first.submit([grid.principal('a'), both]), second.submit([both, grid.principal('b')])]);
    const places = [mine[1], theirs[0]];
    expect(new Set(places.map((result) => result?.ok && result.seq)).size).toBe(1);
    expect(places.filter((result) => result?.ok && result.duplicate)).toHaveLength(1);
    await until('both have all', () => first.size() === 4 && second.size() === 4);
    expect(fingerprint(first)).toEqual(fingerprint(second));
  });

  it('goes on when another writer used the nonce of the same account', async () => {
    const grid = newGrid();
    const [first, second] = [await openLog({ dir: temporaryFolder(), signer: grid.signer }), await openLog({ dir: temporaryFolder(), signer: grid.signer })];
    await first.submit([grid.genesis]);
    await until('the second has the grid', () => second.size() === 1);
    const answers = await Promise.all(Array.from({ length: 3 }, (_, i) => Promise.all([first, second].map((log, n) => log.submit([grid.principal(`${i} of ${n}`)])))));
    expect(answers.flat(2).every((result) => result.ok)).toBe(true);
    await until('both have all', () => first.size() === 7 && second.size() === 7);
    expect(fingerprint(first)).toEqual(fingerprint(second));
  });

  it('reaches the root and the state of a SQLite log that takes the same entries at the same times', async () => {
    const grid = newGrid();
    const log = await openLog({ dir: temporaryFolder(), signer: grid.signer });
    await log.submit([grid.genesis]);
    await log.submit(['a', 'b'].map((name) => grid.principal(name)));
    let clock = 0;
    const local = await openSqliteLog({ dir: temporaryFolder(), signer: grid.signer, now: () => clock });
    open.push(local);
    for (const leaf of log.read(0, { entries: 100, bytes: 1e9 }).map(parseLeaf)) {
      clock = Date.parse(leaf.time);
      expect(await local.submit([leaf.envelope])).toMatchObject([{ ok: true, seq: leaf.seq, time: leaf.time }]);
    }
    expect(fingerprint(local)).toEqual(fingerprint(log));
    expect(local.checkpoint()).toBe(log.checkpoint());
  });

  it('skips what strangers remark, whatever it is, and takes an envelope from any hand', async () => {
    const grid = newGrid();
    const dir = temporaryFolder();
    const log = await openLog({ dir, signer: grid.signer });
    await log.submit([grid.genesis]);
    const payer = newSigner();
    await chain.fund(payer.key);
    const stranger = await openStranger(chain.url, payer);
    try {
      const good = canonicalBytes(grid.principal('brought by a stranger'));
      const forged = { ...grid.principal('forged'), signatures: [{ keyid: newSigner().key, sig: Buffer.alloc(64, 7).toString('base64') }] };
      const hostile = [
        new Uint8Array(0), Buffer.from('{"payload":'), Buffer.from([...Buffer.from('{"payload":"'), 0xff, 0xfe, 0x22, 0x7d]), Buffer.from('{"payload":"x","payload":"y"}'),
        Buffer.from(`{"payload":${'['.repeat(5_000)}`), Buffer.from(JSON.stringify(grid.principal('not canonical'), null, 1)), Buffer.alloc(MAX_REMARK + 1, '{"payload":'),
        canonicalBytes(forged), canonicalBytes(newGrid().principal('another grid')), canonicalBytes(newGrid().genesis), canonicalBytes(grid.genesis),
      ];
      // One extrinsic each way: a batch of remarks, then envelopes where they do not count, then one alone.
      await stranger.remarkAll(hostile);
      await stranger.remarkNested(canonicalBytes(grid.principal('in a batch that may fail in part')));
      await stranger.remarkThenFail(canonicalBytes(grid.principal('in a batch that failed')));
      await stranger.remark(good);
      await until('the stranger was heard', () => log.size() === 2);
    } finally {
      await stranger.close();
    }
    expect(Object.values(log.state().principals).map(({ name }) => name)).toEqual(['brought by a stranger']);
    expect(await log.submit([grid.principal('after')])).toMatchObject([{ ok: true, seq: 2 }]);
    await log.close();
    expect(await verifyLedger(dir)).toMatchObject({ ok: true, size: 3 });
  });

  it('refuses with the amount and the address when the account cannot pay, and goes on when it can', async () => {
    const grid = newGrid();
    const log = await openLog({ dir: temporaryFolder(), signer: grid.signer, funds: 5_000_000n });
    const { address } = await log.chain.account();
    expect(await log.submit([grid.genesis])).toEqual([{
      ok: false, code: 'no_funds',
      message: expect.stringMatching(new RegExp(`^account ${address} on .* has 0\\.000005 \\w+, of which it may spend .*; these 1 entries cost 0\\.\\d+ \\w+$`)) as string,
      hint: expect.stringMatching(new RegExp(`^send at least 0\\.\\d+ \\w+ to ${address}$`)) as string,
    }]);
    expect(await log.submit([newGrid().genesis])).toMatchObject([{ code: 'not_this_ledger' }]);
    await chain.fund(grid.signer.key);
    // The log asks at the last finalized block.
    await chain.build();
    await until('the money is seen', () => log.size() === 0);
    expect(await log.submit([grid.genesis])).toMatchObject([{ ok: true, seq: 0 }]);
  });

  it('never pays for what the state machine refuses already', async () => {
    const grid = newGrid();
    const log = await openLog({ dir: temporaryFolder(), signer: grid.signer });
    await log.submit([grid.genesis]);
    const before = (await log.chain.account()).free;
    expect(await log.submit([null, newGrid().principal('x'), newGrid(grid.signer).genesis, grid.genesis])).toMatchObject([{ ok: false }, { ok: false }, { ok: false }, { ok: true, duplicate: true }]);
    expect((await log.chain.account()).free).toBe(before);
  });

  it('pays for strangers only so much a day, for a node once it was attested, and says so to the others', async () => {
    const grid = newGrid();
    const log = await openLog({ dir: temporaryFolder(), signer: grid.signer, budget: { strangers: 4_000 } });
    await log.submit([grid.genesis]);
    const newPrincipal = (kind: string, signer: EntrySigner) => {
      const payload = { grid: grid.grid, kind, name: kind, keys: [signer.key], nonce: randomBytes(16).toString('hex') };
      const id = digestOf(payload);
      const say = (what: string, more: object) => sealEnvelope(what, { grid: grid.grid, by: id, ...more }, signer);
      return { id, say, created: sealEnvelope('principal.created', payload, signer) };
    };
    const [attestor, node] = [newPrincipal('organisation', grid.signer), newPrincipal('node', newSigner())];
    const registered = node.say('node.registered', { overlayKey: 'A'.repeat(43), sealingKey: `age1${'q'.repeat(58)}` });
    expect(await log.submit([node.created, registered, node.say('node.alive', { beat: 1 })])).toMatchObject([{ ok: true }, { ok: true }, { ok: true }]);
    const crowd = await log.submit(Array.from({ length: 20 }, (_, i) => grid.principal(`stranger ${i}`)));
    const { length } = crowd.filter((result) => result.ok);
    expect(length).toBeLessThan(8);
    expect(crowd.slice(length).every((result) => !result.ok && result.code === 'fee_budget')).toBe(true);
    const before = (await log.chain.account()).free;
    expect(await log.submit([node.say('node.alive', { beat: 2 }), grid.principal('late')])).toMatchObject([{ code: 'fee_budget' }, { code: 'fee_budget' }]);
    expect((await log.chain.account()).free).toBe(before);
    // Whom the grid names is heard, and who is known then is heard as well.
    const attested = attestor.say('location.attested', { node: node.id, location: { country: 'CH', city: 'Zug' } });
    expect(await log.submit([attestor.created, attested, node.say('node.alive', { beat: 2 })])).toMatchObject([{ ok: true }, { ok: true }, { ok: true }]);
    expect(await log.submit([node.say('node.alive', { beat: 3 })])).toMatchObject([{ ok: true }]);
  });

  it('signs nothing when the runtime is described with other calls than at first, and goes on reading', async () => {
    const grid = newGrid();
    const dir = temporaryFolder();
    const log = await openLog({ dir, signer: grid.signer });
    await log.submit([grid.genesis]);
    await log.close();
    const file = path.join(dir, CURSOR_FILE);
    const cursor = JSON.parse(readFileSync(file, 'utf8')) as { calls: { batchAll: string; remark: string } };
    expect(cursor.calls).toEqual({ batchAll: expect.stringMatching(/^[0-9a-f]{4}$/) as string, remark: expect.stringMatching(/^00[0-9a-f]{2}$/) as string });
    writeFileSync(file, JSON.stringify({ ...cursor, calls: { ...cursor.calls, remark: '0a03' } }));
    const again = await openLog({ dir, signer: grid.signer });
    const before = (await again.chain.account()).free;
    expect(await again.submit([grid.principal('a')])).toMatchObject([{ ok: false, code: 'chain_calls_changed', hint: expect.stringMatching(/nothing was signed/) as string }]);
    expect((await again.chain.account()).free).toBe(before);
    const other = await openLog({ dir: temporaryFolder(), signer: grid.signer, payer: newSigner(), from: log.chain.from });
    await other.submit([grid.principal('b')]);
    await until('the other writer is heard', () => again.size() === 2);
  });

  it('goes on from its cursor, and refuses a chain or a folder that is not its own', async () => {
    const grid = newGrid();
    const dir = temporaryFolder();
    const log = await openLog({ dir, signer: grid.signer });
    await log.submit([grid.genesis, grid.principal('a')]);
    await log.close();
    const file = path.join(dir, CURSOR_FILE);
    const kept = readFileSync(file, 'utf8');
    const cursor = JSON.parse(kept) as { genesis: string; before: { hash: string }; after: { hash: string; number: number; size: number } };
    const reopened = (changed: object): Promise<SubstrateLog> => {
      writeFileSync(file, JSON.stringify({ ...cursor, ...changed }));
      return openLog({ dir, signer: grid.signer });
    };
    const wrong = `0x${'12'.repeat(32)}`;
    await expect(reopened({ genesis: wrong })).rejects.toMatchObject({ code: 'chain_mismatch', message: expect.stringContaining('first block') as string });
    await expect(reopened({ after: { ...cursor.after, hash: wrong } })).rejects.toMatchObject({ code: 'chain_mismatch', message: expect.stringContaining('is not on the finalized chain') as string });
    await expect(reopened({ after: { ...cursor.after, number: 1_000_000 } })).rejects.toMatchObject({ code: 'chain_mismatch' });
    await expect(reopened({ after: { ...cursor.after, size: 7 } })).rejects.toMatchObject({ code: 'store_damaged' });
    writeFileSync(file, '{');
    await expect(openLog({ dir, signer: grid.signer })).rejects.toMatchObject({ code: 'store_damaged' });
    // The database knows what it is: without the file, nobody goes on with it here.
    rmSync(file);
    await expect(openSqliteLog({ dir, signer: grid.signer })).rejects.toMatchObject({ code: 'chain_mismatch' });
    await expect(openLog({ dir, signer: grid.signer })).rejects.toMatchObject({ code: 'chain_mismatch' });
    writeFileSync(file, kept);
    const again = await openLog({ dir, signer: grid.signer });
    expect([again.size(), again.chain.from]).toEqual([2, log.chain.from]);
    const local = temporaryFolder();
    const sqlite = await openSqliteLog({ dir: local, signer: grid.signer });
    await sqlite.submit([grid.genesis]);
    await sqlite.close();
    await expect(openLog({ dir: local, signer: grid.signer })).rejects.toMatchObject({ code: 'chain_mismatch', message: expect.stringContaining('come from no chain') as string });
    await expect(openSubstrateLog({ dir: temporaryFolder(), signer: grid.signer, url: 'ws://127.0.0.1:9' })).rejects.toMatchObject({ code: 'chain_unreachable' });
    await expect(openLog({ dir: temporaryFolder(), signer: grid.signer, from: 1_000_000 })).rejects.toMatchObject({ code: 'chain_mismatch' });
  });

  it('whose folder was lost is the same again, read from the chain', async () => {
    const grid = newGrid();
    const log = await openLog({ dir: temporaryFolder(), signer: grid.signer });
    await log.submit([grid.genesis, grid.principal('a'), grid.principal('b')]);
    const again = await openLog({ dir: temporaryFolder(), signer: grid.signer, from: log.chain.from });
    expect(fingerprint(again)).toEqual(fingerprint(log));
  });
});

