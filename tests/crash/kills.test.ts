import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { payloadTypeOf } from '../../contract/envelope.ts';
import { openFollower } from '../../ledger/follower.ts';
import { removeTemporaryFolders, temporaryFolder } from '../../ledger/grid.fixture.ts';
import { verifyLedger } from '../../ledger/verify.ts';
import { randomOf } from '../e2e/random.ts';
import { type Acknowledged, readNotebook } from './acknowledgements.ts';
import { LedgerProgram } from './ledger.fixture.ts';
import { rememberingVerifier, StoredLog } from './promises.ts';
import { Connection, type Sent, Writer } from './writer.ts';

const KILLS = Number(process.env['LEDGER_KILLS'] ?? (process.env['CI'] === 'true' ? 20 : 5));
const SEED = Number(process.env['THREEBOT_SEED'] ?? 20_261_120);
const WRITERS = 8;
/** Longest life of a ledger after it is ready, in ms. */
const LIFE_MS = 150;
/** Every third ledger is killed while it starts: longest life from its fork on. */
const STARTING_MS = 500;
/** What is sent again after each restart. */
const REPEATED = 20;

let program: LedgerProgram;
beforeAll(async () => { program = await LedgerProgram.build(); }, 60_000);
afterAll(async () => {
  await program.close();
  removeTemporaryFolders();
});

describe('a ledger that is killed', () => {
  it(`keeps every promise over ${KILLS} kill -9 under ${WRITERS} writers`, { timeout: 60_000 + KILLS * 15_000 }, async () => {
    const random = randomOf(SEED);
    const verify = rememberingVerifier();
    const { grid } = program;
    const folder = temporaryFolder();
    const dir = path.join(folder, 'ledger');
    mkdirSync(dir);
    let running = program.start({ dir, tickAfterMs: 1000 });
    const url = await running.ready;
    const port = Number(new URL(url).port);
    const connection = new Connection(url);
    await connection.submit(program.beginning);
    const follower = await openFollower({ url, dir: path.join(folder, 'copy'), pin: { grid: grid.grid } });

    const sent: Sent = new Map();
    const notebooks = Array.from({ length: WRITERS }, (_, i) => path.join(folder, `writer-${i}`));
    const writers = notebooks.map((notebook, i) => new Writer({ url, entry: () => program.entry(), notebook, random: randomOf(SEED + 1 + i), sent, atOnce: 5 }));
    let stopped = false;
    const writing = Promise.all(writers.map((writer) => writer.write(() => stopped)));
    // A refusal ends the run at once, not at its end.
    const trouble = new Promise<never>((_, reject) => { writing.catch(reject); });
    trouble.catch(() => undefined);
    const acknowledged = (): number => writers.reduce((sum, writer) => sum + writer.acknowledged, 0);

    let whileStarting = 0;
    let repeated = 0;
    for (let round = 0; round < KILLS; round++) {
      const starting = round % 3 === 2;
      if (starting) {
        await Promise.race([sleep(random.below(STARTING_MS)), trouble]);
        whileStarting += 1;
      } else {
        await running.ready;
        const before = acknowledged();
        while (acknowledged() === before) await Promise.race([sleep(1), trouble]);
        await Promise.race([sleep(random.below(LIFE_MS)), trouble]);
      }
      expect(await running.kill()).toBe('SIGKILL');
      const promised = notebooks.flatMap(readNotebook);
      const verdict = await verifyLedger(dir, { verify });
      expect(verdict).toMatchObject({ ok: true });
      const log = new StoredLog(dir);
      expectKept(log, promised);
      running = program.start({ dir, port, tickAfterMs: 1000 });
      if (starting) continue;
      await running.ready;
      repeated += await repeat(connection, promised.filter((promise) => 'digest' in promise), sent, random);
    }
    await running.ready;
    stopped = true;
    await Promise.race([writing, trouble]);
    for (const writer of writers) writer.close();

    const promised = notebooks.flatMap(readNotebook);
    const note = (await connection.call('GET', '/v1/checkpoint')).text;
    await follower.caughtUp({ timeoutMs: 20_000 });
    expect(await running.kill('SIGTERM')).toBe(0);
    const verdict = await verifyLedger(dir, { verify });
    const log = new StoredLog(dir);
    expect(verdict).toMatchObject({ ok: true, size: log.size, root: log.root() });
    expectKept(log, [...promised, { note }]);

    // The follower lived through it all, was fooled by nothing, and stands on the same log.
    const status = follower.status();
    expect(status.stopped).toBeUndefined();
    expect(follower.root()).toBe(log.root(follower.size()));
    expect(follower.size()).toBeGreaterThan(Math.max(...promised.map((promise) => ('seq' in promise ? promise.seq : 0))));
    if (status.lastCheckpoint !== undefined) expectKept(log, [{ note: status.lastCheckpoint }]);
    await follower.close();
    connection.close();

    // Nothing is there twice, and nothing that nobody sent.
    const digests = log.entries.map(({ digest }) => digest);
    expect(new Set(digests).size).toBe(digests.length);
    const strangers = log.entries.filter(({ digest, kind }, seq) => seq >= program.beginning.length && kind !== payloadTypeOf('tick') && !sent.has(digest));
    expect(strangers).toEqual([]);
    const duplicates = writers.reduce((sum, writer) => sum + writer.duplicates, 0);
    process.stderr.write(`crash: seed ${SEED}, ${KILLS} kills (${whileStarting} while starting), ${acknowledged()} entries acknowledged to ${WRITERS} writers, ${duplicates} of them on a second asking, ${repeated} repeated, log of ${log.size}\n`);
    expect(acknowledged()).toBeGreaterThan(KILLS * WRITERS);
    expect(repeated).toBeGreaterThan(0);
  });

  function expectKept(log: StoredLog, promised: readonly Acknowledged[]): void {
    const { grid } = program;
    const broken = promised.flatMap((promise) => {
      if ('note' in promise) return log.contradictionOf(promise.note, { grid: grid.grid, key: grid.signer.key, verify: noteVerifier }) ?? [];
      const { digest, seq, time } = promise;
      const stored = log.entries[seq];
      return stored?.digest === digest && stored.time === time ? [] : [`${digest} was acknowledged at ${seq} (${time}), there stands ${stored?.digest ?? 'nothing'} (${stored?.time ?? ''})`];
    });
    expect(broken).toEqual([]);
  }

  const noteVerifier = rememberingVerifier();

  /** The same envelope again gets the same place and time. */
  async function repeat(connection: Connection, promised: readonly Acknowledged[], sent: Sent, random: ReturnType<typeof randomOf>): Promise<number> {
    const chosen = Array.from({ length: Math.min(REPEATED, promised.length) }, () => promised[random.below(promised.length)]!);
    const expected = chosen.flatMap((promise) => ('digest' in promise ? [promise] : []));
    const { results } = await connection.submit(expected.map(({ digest }) => sent.get(digest)!));
    expect(results).toMatchObject(expected.map(({ seq, time }) => ({ ok: true, seq, time, duplicate: true })));
    return results.length;
  }
});
