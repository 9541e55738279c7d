import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newSigner, removeTemporaryFolders, temporaryFolder } from '../../ledger/grid.fixture.ts';
import { verifyLedger } from '../../ledger/verify.ts';
import { type LedgerProcess, LedgerProgram } from '../crash/ledger.fixture.ts';
import { Connection } from '../crash/writer.ts';
import { randomOf } from '../e2e/random.ts';
import { Hostile } from './inputs.ts';
import { exchange, hostileBytes, NEVER_ENDING, Slow, unfit } from './raw-http.ts';
import { garbageOver } from './raw-socket.ts';
import { unclear } from './refusals.ts';
import { sampleWorld } from './samples.ts';

const SEED = Number(process.env['THREEBOT_SEED'] ?? 20_261_120);
const ENVELOPES = Number(process.env['HOSTILE_ENVELOPES'] ?? (process.env['CI'] === 'true' ? 37_000 : 9_000));
const REQUESTS = Number(process.env['HOSTILE_REQUESTS'] ?? (process.env['CI'] === 'true' ? 2700 : 700));
const FRAMES = Number(process.env['HOSTILE_FRAMES'] ?? (process.env['CI'] === 'true' ? 300 : 100));
const CONNECTIONS = 4;
const MAX_BATCH = 64;
const RAW_AT_ONCE = 24;
const SOCKETS_AT_ONCE = 12;
const SLOW_CLIENTS = 120;
const MAX_BODY = 3 * 1024 * 1024;
/** What the process may take more after all this than after a first part of it, in bytes. */
const MAX_GROWTH = 96 * 1024 * 1024;
/** Far longer than the ledger is ever quiet here: no tick of its own moves the log. */
const NEVER_MS = 3_600_000;

let program: LedgerProgram;
let running: LedgerProcess;
let dir: string;
let url: string;
let port: number;
let before: { size: number; root: string; stateDigest: string };
let warm = 0;
beforeAll(async () => {
  program = await LedgerProgram.build();
  dir = path.join(temporaryFolder(), 'ledger');
  mkdirSync(dir);
  running = program.start({ dir, tickAfterMs: NEVER_MS });
  url = await running.ready;
  port = Number(new URL(url).port);
  const connection = new Connection(url);
  const { results } = await connection.submit([...program.beginning, program.entry()]);
  expect(results.map(({ ok }) => ok)).toEqual([true, true, true]);
  connection.close();
  before = await condition();
}, 60_000);
afterAll(async () => {
  await program?.close();
  removeTemporaryFolders();
});

async function condition(): Promise<typeof before> {
  const verified = await verifyLedger(dir);
  if (!verified.ok) throw new Error(verified.message);
  return { size: verified.size, root: verified.root, stateDigest: verified.stateDigest };
}

/** Resident memory of the ledger's process, in bytes; undefined where there is no /proc. */
function memoryOf({ pid }: LedgerProcess): number | undefined {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  } catch {
    return undefined;
  }
}

describe('a ledger among hostile clients', () => {
  it(`refuses ${ENVELOPES} hostile envelopes clearly`, { timeout: 300_000 }, async () => {
    const { samples } = sampleWorld();
    // On this grid, so that only the signature is wrong; by strangers, so that nothing can be valid after all.
    const here = samples.map(({ kind, payload }) => ({ kind, payload: { ...payload, ...('grid' in payload && { grid: program.grid.grid }) }, signer: newSigner() }));
    const hostile = new Hostile({ random: randomOf(SEED), samples: here, stranger: newSigner() });
    const random = randomOf(SEED + 1);
    const codes = new Map<string, number>();
    const troubles: string[] = [];
    let sent = 0;
    const send = async (): Promise<void> => {
      const connection = new Connection(url);
      while (sent < ENVELOPES && troubles.length < 10) {
        const batch: string[] = [];
        for (let n = 1 + random.below(MAX_BATCH), bytes = 0; n > 0 && bytes < MAX_BODY / 2; n--) {
          const text = JSON.stringify(hostile.next());
          const length = Buffer.byteLength(text);
          // What no body can hold is refused before it is read: see the raw requests.
          if (length > MAX_BODY / 2) continue;
          batch.push(text);
          bytes += length;
        }
        if (batch.length === 0) continue;
        if (warm === 0 && sent > ENVELOPES / 3) warm = memoryOf(running) ?? 0;
        sent += batch.length;
        const { status, text } = await connection.call('POST', '/v1/entries', `{"envelopes":[${batch.join(',')}]}`);
        const reply = JSON.parse(text) as { ok: boolean; results?: unknown[] };
        if (status !== 200 || reply.results?.length !== batch.length) {
          troubles.push(`answered ${status}: ${text.slice(0, 300)}`);
          continue;
        }
        for (const [i, answer] of reply.results.entries()) {
          const why = unclear(answer);
          if (why !== undefined) troubles.push(`${why} <- ${batch[i]!.slice(0, 500)}`);
          else codes.set((answer as { code: string }).code, (codes.get((answer as { code: string }).code) ?? 0) + 1);
        }
      }
      connection.close();
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, send));
    process.stderr.write(`hostile envelopes over HTTP: seed ${SEED}, ${sent} sent; ${[...codes].map(([code, n]) => `${code} ${n}`).join(', ')}\n`);
    expect(troubles).toEqual([]);
    expect(sent).toBeGreaterThanOrEqual(ENVELOPES);
    expect(codes.size).toBeGreaterThan(5);
  });

  it(`answers ${REQUESTS} hostile requests with a refusal or not at all, while ${SLOW_CLIENTS} never end theirs`, { timeout: 300_000 }, async () => {
    const slow = Array.from({ length: SLOW_CLIENTS }, (_, i) => new Slow(port, ...NEVER_ENDING[i % NEVER_ENDING.length]!, 100));
    const random = randomOf(SEED + 2);
    const troubles: string[] = [];
    let sent = 0;
    let answered = 0;
    const send = async (): Promise<void> => {
      while (sent < REQUESTS && troubles.length < 10) {
        sent += 1;
        const bytes = hostileBytes(random);
        const answer = await exchange(port, bytes);
        if (answer.length > 0) answered += 1;
        const why = unfit(answer);
        if (why !== undefined) troubles.push(`${why} <- ${bytes.toString('latin1', 0, 300)}`);
      }
    };
    const honest = new Connection(url);
    let heard = 0;
    const listen = async (): Promise<void> => {
      while (sent < REQUESTS && troubles.length < 10) {
        expect((await honest.call('GET', '/v1/grid')).status).toBe(200);
        heard += 1;
      }
    };
    await Promise.all([listen(), ...Array.from({ length: RAW_AT_ONCE }, send)]);
    honest.close();
    for (const each of slow) each.close();
    process.stderr.write(`hostile requests: seed ${SEED}, ${sent} sent, ${answered} answered, ${heard} honest ones heard meanwhile\n`);
    expect(troubles).toEqual([]);
    expect(answered).toBeGreaterThan(REQUESTS / 10);
    expect(heard).toBeGreaterThan(10);
  });

  it(`bears ${FRAMES} sockets of garbage on the feed and on the submissions`, { timeout: 120_000 }, async () => {
    const random = randomOf(SEED + 3);
    const troubles: string[] = [];
    let opened = 0;
    const open = async (): Promise<void> => {
      while (opened < FRAMES) troubles.push(...await garbageOver(new URL(opened++ % 2 === 0 ? '/v1/feed?from=0' : '/v1/submit', url), random));
    };
    await Promise.all(Array.from({ length: SOCKETS_AT_ONCE }, open));
    expect(troubles.slice(0, 10)).toEqual([]);
  });

  it('is as it was before, and hears who is honest', { timeout: 60_000 }, async () => {
    const grown = (memoryOf(running) ?? 0) - warm;
    const taken = memoryOf(running) ?? 0;
    expect(await condition()).toEqual(before);
    expect(running.errors).toBe('');
    const connection = new Connection(url);
    const { results } = await connection.submit([program.entry()]);
    expect(results).toMatchObject([{ ok: true, seq: before.size }]);
    connection.close();
    process.stderr.write(`memory of the ledger: ${(taken / 2 ** 20).toFixed(0)} MiB, ${(grown / 2 ** 20).toFixed(0)} MiB more than after a third of the envelopes\n`);
    if (taken > 0) expect(grown).toBeLessThan(MAX_GROWTH);
    expect(await running.kill('SIGTERM')).toBe(0);
  });
});
