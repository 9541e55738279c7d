import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Envelope, openEnvelope, sealEnvelope } from '../../contract/envelope.ts';
import { verifySignature } from '../../signer/verify.ts';
import { openSqliteLog } from '../adapters/sqlite/log.ts';
import { newGrid, removeTemporaryFolders, temporaryFolder, type TestGrid } from '../grid.fixture.ts';
import { openFollower } from '../follower.ts';
import type { Log } from '../ports.ts';
import { serveLedger } from '../serve.ts';
import { stateDigest } from '../state/machine.ts';
import { OpenAhead } from './ahead.ts';
import { buildOpener, fragileOpener } from './opener.fixture.ts';
import { type OpenedSubmission, openSubmission } from './open.ts';
import { OpenerCrashedError, OpenerPool } from './pool.ts';
import { FEW, OpeningQueue } from './queue.ts';

const SEED = 20_261_120;
const RUNS = Number(process.env['LEDGER_OPENING_RUNS'] ?? 150);
const here = (envelope: Envelope): OpenedSubmission => openSubmission(envelope, verifySignature);

let entry: URL;
const open: { close(): Promise<void> }[] = [];
function newPool(program: URL = entry, workers = 2): OpenerPool {
  const pool = new OpenerPool({ entry: program, workers });
  open.push(pool);
  return pool;
}
async function newLog(program: URL | undefined, dir = temporaryFolder(), grid = newGrid()): Promise<{ log: Log; grid: typeof grid; dir: string }> {
  const log = await openSqliteLog({ dir, signer: grid.signer, openers: program && { entry: program, workers: 2 } });
  open.push(log);
  return { log, grid, dir };
}
beforeAll(async () => { entry = await buildOpener(); });
afterEach(async () => { for (const each of open.splice(0)) await each.close(); });
afterAll(removeTemporaryFolders);

/** The cheapest of valid entries: signed by the ledger's own key, which is made once. */
function tick({ grid, signer }: TestGrid, beat: number): Envelope {
  return sealEnvelope('tick', { grid, beat }, signer);
}

/** Envelopes that are valid, nearly valid, and not at all. */
function candidates(grid = newGrid()): fc.Arbitrary<Envelope> {
  const good = [grid.genesis, ...Array.from({ length: 8 }, (_, i) => grid.principal(`p${i} é \u{1f600}`)), tick(grid, 1)];
  const payload = fc.oneof(
    fc.json(), fc.constantFrom('', '{}', 'null', '[', '{"a":1,"a":2}', '{"b":1,"a":2}', '{"a":1e2}', '{"a":-0}', '{"__proto__":{"x":1}}', `${'['.repeat(40)}${']'.repeat(40)}`, '"\ud800"', '\ufeff{}'),
  ).map((text) => Buffer.from(text).toString('base64'));
  const sealed = fc.tuple(fc.constantFrom('tick', 'node.alive', 'principal.created', 'no.such', 'contract.proposed'), fc.jsonValue({ maxDepth: 3 })).map(([kind, value]) => sealEnvelope(kind, value, grid.signer));
  const mutated = fc.tuple(fc.constantFrom(...good), fc.constantFrom('payload', 'payloadType', 'keyid', 'sig'), fc.nat(), fc.constantFrom(...'A/=+z1 \n\u00e9')).map(([envelope, field, at, letter]) => {
    const change = (text: string): string => text.slice(0, at % text.length) + letter + text.slice((at % text.length) + 1);
    const [{ keyid, sig }] = envelope.signatures;
    return { ...envelope, ...(field === 'payload' || field === 'payloadType' ? { [field]: change(envelope[field]) } : {}), signatures: [{ keyid: field === 'keyid' ? change(keyid) : keyid, sig: field === 'sig' ? change(sig) : sig }] };
  });
  return fc.oneof(fc.constantFrom(...good), fc.tuple(fc.constantFrom(...good), payload).map(([envelope, text]) => ({ ...envelope, payload: text })), sealed, mutated)
    .map((envelope) => Envelope.safeParse(envelope).data).filter((envelope) => envelope !== undefined);
}

describe('opening envelopes', () => {
  it(`is the same in a thread, here and by the portable code, for ${RUNS} batches of mutated envelopes`, async () => {
    const pool = newPool();
    const seen = new Set<string>();
    await fc.assert(fc.asyncProperty(fc.array(candidates(), { minLength: 1, maxLength: 20 }), async (batch) => {
      const expected = batch.map(here);
      expect(await pool.open(batch)).toStrictEqual(expected);
      for (const [i, result] of expected.entries()) {
        seen.add(result.ok ? 'ok' : result.code);
        const portable = openEnvelope(batch[i], verifySignature);
        // The native decoder words its refusals its own way; what it refuses and what it reads is the same.
        if (result.ok) expect(portable).toMatchObject({ ok: true, payloadDigest: result.opened.payloadDigest, key: result.opened.key });
        else if (result.code !== 'entry_invalid') expect(portable).toMatchObject({ ok: false, code: result.code });
        else expect(portable.ok).toBe(true);
      }
    }), { seed: SEED, numRuns: RUNS });
    expect([...seen].sort()).toEqual(['entry_invalid', 'envelope_invalid', 'ok', 'signature_invalid']);
  });

  it('bounds what the threads are handed', async () => {
    const pool = newPool();
    const some = [newGrid().genesis];
    const rooms = pool.room;
    const answers = Array.from({ length: rooms }, () => pool.open(some));
    expect(pool.room).toBe(0);
    expect(() => pool.open(some)).toThrow(/no room/);
    expect((await Promise.all(answers)).length).toBe(rooms);
    expect(pool.room).toBe(rooms);
    expect(() => new OpenerPool({ entry, workers: 0 })).toThrow(RangeError);
  });

  it('fails what a dead thread had, loudly, and starts another', async () => {
    const warnings: unknown[] = [];
    const listen = (warning: unknown): void => { warnings.push(warning); };
    process.on('warning', listen);
    const pool = newPool(fragileOpener(entry), 1);
    const grid = newGrid();
    const { genesis } = grid;
    const poison = { ...genesis, payloadType: 'application/vnd.3bot.crash.crash.v1+json' };
    const [lost, behind] = await Promise.allSettled([pool.open([poison]), pool.open([genesis])]);
    expect(lost).toMatchObject({ status: 'rejected', reason: expect.any(OpenerCrashedError) as Error });
    expect(behind).toMatchObject({ status: 'fulfilled', value: [{ ok: true }] });
    expect(await pool.open([genesis, grid.principal('after')])).toMatchObject([{ ok: true }, { ok: true }]);
    process.off('warning', listen);
    expect(warnings).toMatchObject([{ code: 'LEDGER_OPENER_CRASHED', message: expect.stringContaining('broken on purpose') as string }]);
  });

  it('ends its threads when closed, and what they had', async () => {
    const pool = newPool();
    const work = pool.open([newGrid().genesis]);
    const failed = expect(work).rejects.toThrow(/closed/);
    await pool.close();
    await failed;
    expect(pool.room).toBe(0);
  });
});

describe('a log with openers', () => {
  it('keeps the order of arrival, whoever opens first, and is the same log as one without', async () => {
    const grid = newGrid();
    // A tick that comes before its turn makes those after it stale: any change of order shows.
    const entries = Array.from({ length: 700 }, (_, i) => (i % 50 === 7 ? { ...grid.genesis, payload: '!!!!' } : tick(grid, i + 1)));
    const now = (): number => Date.parse('2026-11-20T12:00:00.000Z');
    const logs = await Promise.all([entry, undefined].map(async (program) => {
      const log = await openSqliteLog({ dir: temporaryFolder(), signer: grid.signer, now, openers: program && { entry: program, workers: 2 } });
      open.push(log);
      await log.submit([grid.genesis]);
      const sizes = [1, 300, 2, 250, 3, FEW, 140];
      let at = 0;
      const answers = await Promise.all(sizes.map((size) => log.submit(entries.slice(at, at += size))));
      return { results: answers.flat(), root: Buffer.from(log.root()).toString('hex') };
    }));
    expect(logs[0]).toStrictEqual(logs[1]);
    const accepted = logs[0]!.results.flatMap((result) => (result.ok ? [result.seq] : []));
    expect(accepted).toEqual(accepted.map((_, i) => i + 1));
    expect(accepted.length).toBe(686);
  });

  it('answers everything that waits when it is closed', async () => {
    const { log, grid, dir } = await newLog(entry);
    await log.submit([grid.genesis]);
    const answers = log.submit(Array.from({ length: 500 }, (_, i) => tick(grid, i + 1)));
    await new Promise((resolve) => setImmediate(resolve));
    await log.close();
    expect((await answers).every(({ ok }) => ok)).toBe(true);
    const again = await newLog(undefined, dir, grid);
    expect(again.log.size()).toBe(501);
  });

  it('refuses a submission that killed its opener, accepts the ones beside it, and goes on', async () => {
    const { log, grid } = await newLog(fragileOpener(entry));
    await log.submit([grid.genesis]);
    const poison = { ...grid.genesis, payloadType: 'application/vnd.3bot.crash.crash.v1+json' };
    const lost = expect(log.submit(Array.from({ length: 40 }, () => poison))).rejects.toThrow(OpenerCrashedError);
    // A turn later, so that it is in a chunk of its own, behind.
    await new Promise((resolve) => setImmediate(resolve));
    const beside = log.submit([grid.principal('beside')]);
    await lost;
    expect(await beside).toMatchObject([{ ok: true }]);
    const after = await log.submit(Array.from({ length: 60 }, (_, i) => tick(grid, i + 1)));
    expect(after.every(({ ok }) => ok)).toBe(true);
    expect(log.size()).toBe(62);
  });
});

describe('the queue', () => {
  it('opens few here and many by the pool', async () => {
    const pool = newPool();
    let told = 0;
    const queue = new OpeningQueue({ verify: verifySignature, pool, onOpened: () => { told += 1; } });
    const { genesis } = newGrid();
    void queue.push(Array.from({ length: FEW }, () => genesis));
    expect(queue.take(100).length).toBe(FEW);
    expect(pool.inFlight).toBe(0);
    void queue.push(Array.from({ length: FEW + 1 }, () => genesis));
    expect(queue.take(100)).toEqual([]);
    expect(pool.inFlight).toBe(2);
    while (pool.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(told).toBe(2);
    expect(queue.take(2).map(({ judged }) => judged.ok)).toEqual([true, true]);
    expect(queue.take(100).length).toBe(FEW - 1);
    expect(queue.length).toBe(0);
  });
});

describe('a copy that is far behind', () => {
  it('has its envelopes opened ahead, and is the same; also when the threads die', async () => {
    const grid = newGrid();
    const ledger = await serveLedger({ dir: temporaryFolder(), signer: grid.signer, tickAfterMs: 1e9, snapshotEvery: 1e9 });
    open.push(ledger);
    const ticks = Array.from({ length: 4500 }, (_, i) => tick(grid, i + 1));
    for (let at = 0; at < ticks.length; at += 1500) await ledger.log.submit([...(at === 0 ? [grid.genesis] : []), ...ticks.slice(at, at + 1500)]);
    const dying = new URL('data:text/javascript,process.exit(1)');
    for (const program of [entry, dying]) {
      const follower = await openFollower({ url: ledger.url, catchUpMs: 25_000, openers: { entry: program, workers: 2 } });
      open.push(follower);
      expect(follower.size()).toBe(4501);
      expect(follower.root()).toBe(Buffer.from(ledger.log.root()).toString('hex'));
      expect(stateDigest(follower.state())).toBe(stateDigest(ledger.log.state()));
      expect(follower.status()).not.toHaveProperty('stopped');
    }
  });

  it('starts no thread when little is missing', () => {
    const ahead = new OpenAhead({ entry: new URL('data:text/javascript,'), workers: 2 });
    const { genesis } = newGrid();
    const entries = Array.from({ length: 256 }, (_, seq) => ({ seq, time: '', envelope: genesis }));
    expect(ahead.open({ entries, checkpoint: null, size: 3999 })).toBeUndefined();
    expect(ahead.open({ entries: entries.slice(0, 31), checkpoint: null, size: 1e6 })).toBeUndefined();
    expect(ahead.open({ entries: [], checkpoint: null, size: 1e6 })).toBeUndefined();
  });
});
