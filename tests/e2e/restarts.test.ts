import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { readContract } from '../../bot/tools/contracts.ts';
import { stateDir } from '../../cli/state-dir.ts';
import { type ContractId, contractId } from '../../contract/contract.ts';
import { sealEnvelope } from '../../contract/envelope.ts';
import type { Identity } from '../../bot/context.ts';
import { envelopeDigest } from '../../ledger/leaf.ts';
import { verifyLedger } from '../../ledger/verify.ts';
import { type Archive, eventually, type Grid, ROOT, startGrid, tailsOnFailure } from './grid.fixture.ts';
import { openParties, type Parties, reservationMistakes, ROLES } from './parties.fixture.ts';
import { killTree, untilEnded } from './processes.ts';
import { randomOf } from './random.ts';
import { s3Of } from './s3.fixture.ts';

/** Item 5: every process of the grid is killed at random moments, again and again; what was acknowledged stands. */

const ROUNDS = Number(process.env['THREEBOT_ROUNDS'] ?? (process.env['CI'] === 'true' ? 20 : 3));
const SEED = Number(process.env['THREEBOT_SEED'] ?? 1);
const COMMAND = path.join(ROOT, 'bin', '3bot');
const GRID = path.join(import.meta.dirname, 'grids', 'small.yaml');
/** Longest time from the grid being ready to its end. */
const WORK_MS = 4000;
/** Longest time that a start is let run before it is killed. */
const START_MS = 4000;
/** Longest time that the grid is away. */
const OUTAGE_MS = 8000;
const ROUND_MS = 180_000;
/** Objects of earlier rounds that one round reads again; the end reads all. */
const SAMPLE = 12;

const base = mkdtempSync(path.join(tmpdir(), '3bot-restarts-'));
const folder = path.join(base, 'state');
/** When things end, the same for the same seed; and what is written, drawn by loops whose order is the machine's. */
const moments = randomOf(SEED);
const random = randomOf(SEED + 1);
let grid: Grid | undefined;
let archive: Archive;

/** What somebody was told has happened, and what was begun without an answer. */
const told = {
  entries: new Map<string, number>(),
  objects: new Map<string, string>(),
  asked: new Set<string>(['kept']),
  answered: new Map<string, { deployment: string; contract: string }>(),
  cancelled: new Set<ContractId>(),
  proposed: new Set<ContractId>(),
};

beforeAll(async () => {
  console.log(`restarts: seed ${SEED}, ${ROUNDS} rounds`);
  grid = await startGrid({ state: folder, grid: GRID });
  archive = await grid.ask(sentence('kept'));
  await grid.kill();
}, 240_000);
afterAll(async () => {
  await grid?.kill();
  rmSync(stateDir(folder).run, { recursive: true, force: true });
  rmSync(base, { recursive: true, force: true });
}, 60_000);
// Hooks run last first: the tails are read before a round that failed is cleared away for the next one.
afterEach(() => grid?.kill());
tailsOnFailure(() => grid);

function sentence(name: string): string {
  return `give me an archive of 1 GB in CH, 2 + 1 shards, called ${name}`;
}

it.each(Array.from({ length: ROUNDS }, (_, i) => i + 1))('round %i', async (round) => {
  const started = performance.now();
  if (round % 2 === 0) await cutStart(moments.below(START_MS));
  // Now and then the power is away for longer than the leases (4 s) run.
  if (round % 4 === 3) await sleep(moments.below(OUTAGE_MS));
  await expectSoundStore();
  grid = await startGrid({ state: folder, grid: GRID });
  const ready = performance.now();
  const parties = await openParties(grid);
  await expectAllToldStands(parties, SAMPLE);
  const checked = performance.now();
  await cancelAnswered(parties);
  const lifetime = moments.below(WORK_MS);
  const stopped = new AbortController();
  const work = [putObjects(round, stopped.signal), propose(parties, round, stopped.signal), askOnce(`extra-${told.answered.size}`, stopped.signal)];
  // Every second time the end comes only after something was acknowledged, however slow this machine is today.
  const objects = told.objects.size;
  if (round % 2 === 1) await eventually('an object to be stored', 60_000, async () => (told.objects.size > objects ? true : undefined));
  await sleep(lifetime);
  const dying = grid.kill();
  stopped.abort();
  await Promise.all([dying, ...work]);
  await parties.close();
  console.log(`round ${round}: ready after ${ms(ready - started)}, checked in ${ms(checked - ready)}, killed ${ms(lifetime)} later; ${told.entries.size} entries, ${told.objects.size} objects, ${told.answered.size} asks acknowledged`);
}, ROUND_MS);

it('at the end everything acknowledged is there, and abandoned proposals have given back what they reserved', async () => {
  await expectSoundStore();
  grid = await startGrid({ state: folder, grid: GRID });
  const parties = await openParties(grid);
  await expectAllToldStands(parties, Infinity);
  const { follower } = parties.bot;
  await follower.waitFor((s) => (Object.values(s.contracts).every((c) => c.status !== 'proposed') ? true : undefined), { timeoutMs: 60_000 });
  for (const id of told.proposed) expect(follower.state().contracts[id]?.status).toBe('lapsed');
  expect(reservationMistakes(follower.state())).toEqual([]);
  expect(told.objects.size).toBeGreaterThan(0);
  expect(told.entries.size).toBeGreaterThan(0);
  const { exitCode, json } = await grid.cli('ledger', 'verify');
  expect(exitCode, JSON.stringify(json)).toBe(0);
  await parties.close();
}, ROUND_MS);

const ms = (n: number): string => `${(n / 1000).toFixed(1)} s`;

/** A start that does not get far: killed somewhere between the first process and the ready line. */
async function cutStart(afterMs: number): Promise<void> {
  const up = spawn(COMMAND, ['up', '--json', '--state', folder, '--grid', GRID], { cwd: ROOT, stdio: 'ignore' });
  await sleep(afterMs);
  if (up.pid !== undefined) await untilEnded(killTree(up.pid), 10_000);
}

/** The store as the kill left it, before anything repairs it: whole, and as long as was acknowledged. */
async function expectSoundStore(): Promise<void> {
  const verified = await verifyLedger(path.join(folder, 'ledger'));
  expect(verified).toMatchObject({ ok: true });
  if (verified.ok) expect(verified.size).toBeGreaterThan(Math.max(-1, ...told.entries.values()));
}

async function expectAllToldStands(parties: Parties, objects: number): Promise<void> {
  const { follower } = parties.bot;
  const state = follower.state();
  const digests = [...follower.entries(0, follower.size())].map((leaf) => envelopeDigest(leaf.envelope));
  for (const [digest, seq] of told.entries) expect(digests[seq]).toBe(digest);
  expect(new Set(digests).size).toBe(digests.length);
  expect(reservationMistakes(state)).toEqual([]);

  const byName = new Map<string, string[]>();
  for (const [id, { header, status }] of Object.entries(state.contracts)) {
    if (status !== 'active') continue;
    const read = await readContract(parties.bot, id as ContractId);
    if (!read.ok) throw new Error(read.message);
    const name = typeof read.body.parameters['name'] === 'string' ? read.body.parameters['name'] : '';
    byName.set(name, [...(byName.get(name) ?? []), header.deployment]);
  }
  // Nothing runs that nobody asked for, and nothing twice.
  for (const [name, deployments] of byName) {
    expect(told.asked).toContain(name);
    expect(deployments, `${name} runs more than once`).toHaveLength(1);
  }
  expect(byName.get('kept')).toEqual([archive.deployment]);
  for (const [name, { deployment, contract }] of told.answered) {
    if (told.cancelled.has(contract as ContractId)) expect(state.contracts[contract as ContractId]?.status).toBe('cancelled');
    else expect(byName.get(name)).toEqual([deployment]);
  }
  expectNoFolderTwice();

  const s3 = s3Of(archive, parties.ca);
  const all = [...told.objects];
  const chosen = all.length <= objects ? all : Array.from({ length: objects }, () => all[random.below(all.length)]!);
  for (const [key, digest] of chosen) {
    const got = await eventually(`object ${key} to be readable`, 60_000, async () => {
      const { status, body } = await s3('GET', key);
      // An acknowledged object is never said to be absent, not even while the archive is not whole again.
      if (status === 404) return 'absent';
      return status === 200 ? createHash('sha256').update(body).digest('hex') : undefined;
    });
    expect(got, key).toBe(digest);
  }
}

/** On the disks of all nodes, each workload at each epoch has at most one place. */
function expectNoFolderTwice(): void {
  const seen = new Map<string, string>();
  for (const label of readdirSync(path.join(folder, 'nodes'))) {
    const data = path.join(folder, 'nodes', label, 'data');
    for (const deployment of existsSync(data) ? readdirSync(data) : []) {
      for (const workload of readdirSync(path.join(data, deployment))) {
        const key = `${deployment}/${workload}`;
        expect(seen.get(key), `${key} lies on ${label} too`).toBeUndefined();
        seen.set(key, label);
      }
    }
  }
}

/** Extra archives are ended again, one round later, so that the machine does not fill up; the end is acknowledged too. */
async function cancelAnswered(parties: Parties): Promise<void> {
  for (const { contract } of told.answered.values()) {
    const id = contract as ContractId;
    if (told.cancelled.has(id)) continue;
    await parties.cancel(id);
    told.cancelled.add(id);
  }
}

async function putObjects(round: number, signal: AbortSignal): Promise<void> {
  const s3 = s3Of(archive, path.join(folder, 'gateways', 'gateway-zurich', 'ca', 'ca.pem'));
  for (let n = 0; !signal.aborted; n++) {
    const body = random.bytes(1 + random.below(300_000));
    const key = `round-${round}/object-${n}`;
    const reply = await s3('PUT', key, body).catch(() => undefined);
    if (reply?.status === 200) told.objects.set(key, createHash('sha256').update(body).digest('hex'));
    await sleep(50);
  }
}

/** Proposals that nobody signs to the end; every answer of the ledger is written down. */
async function propose(parties: Parties, round: number, signal: AbortSignal): Promise<void> {
  const { bot, grid: id, stakeholders } = parties;
  const send = async (kind: string, as: Identity, payload: object): Promise<boolean> => {
    const envelope = sealEnvelope(kind, { grid: id, by: as.id, ...payload }, as.signer);
    const [answer] = await parties.post(envelope).catch(() => []);
    if (answer?.ok) told.entries.set(envelopeDigest(envelope), answer.seq);
    return answer?.ok === true;
  };
  for (let n = 0; !signal.aborted && n < 3; n++) {
    const { header } = parties.plan({ capacity: '1000000000', countries: ['CH'], data_shards: 2, parity_shards: 1, name: `open-${round}-${n}` });
    const contract = contractId(header);
    if (await send('contract.proposed', bot.requester, { header })) told.proposed.add(contract);
    for (const role of ROLES.slice(0, random.below(3))) {
      await send('contract.approved', stakeholders[role], { contract, role, explanation: contract, statement: 'reviewed', signBefore: header.validity.signBefore });
    }
    await sleep(300);
  }
}

/** The same sentence until it is answered once: what an impatient person does after each crash. Killed with the grid. */
function askOnce(name: string, signal: AbortSignal): Promise<void> {
  told.asked.add(name);
  const child = spawn(COMMAND, ['ask', sentence(name), '--yes', '--json', '--state', folder], { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'], signal, killSignal: 'SIGKILL' });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text; });
  return new Promise((resolve) => {
    child.once('error', () => undefined);
    child.once('close', (code) => {
      const answer = code === 0 ? (JSON.parse(out) as Archive) : undefined;
      if (answer) told.answered.set(name, { deployment: answer.deployment, contract: answer.contract });
      resolve();
    });
  });
}
