import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keystorePaths } from '../../cli/up/grid-keys.ts';
import { stateDir } from '../../cli/state-dir.ts';
import { sealEnvelope } from '../../contract/envelope.ts';
import { openKeystore } from '../../signer/keystore.ts';
import { type Clients, need, setUpClients } from './clients.fixture.ts';
import { type Archive, eventually, type Grid, type NodeRow, startGrid, tailsOnFailure, type WorkloadRow } from './grid.fixture.ts';
import { Loop } from './loop.fixture.ts';
import { killNow, type ProcessId, treeOf, untilEnded } from './processes.ts';

/**
 * Machines die while a client writes and reads. What was acknowledged is there and right at all times, writes go on
 * within 10 s, and the archive repairs itself onto other Swiss nodes, so that as many may die again.
 */

const SEED = process.env['THREEBOT_SEED'] ?? 'failures-1';
/** How often as many nodes die as the archive can lose. */
const ROUNDS = Number(process.env['THREEBOT_ROUNDS'] ?? (process.env['CI'] === 'true' ? 2 : 1));
const WRITES_AGAIN_MS = 10_000;
const CHILDREN_END_MS = 2000;
/** Leases of 6 s have to lapse and data to be copied; bounds against hanging, not promises. */
const REPAIRED_MS = 240_000;
const ROUND_MS = 600_000;
const WARM_UP = 30;

let grid: Grid;
let archive: Archive;
let clients: Clients | undefined;
let loop: Loop | undefined;
/** Labels of nodes that are switched off. */
const dead = new Set<string>();
/** What a node held when it was switched off last. */
const lost = new Map<string, WorkloadRow[]>();
/** Moves that `contract verify` has recomputed so far. */
let moves = 0;

tailsOnFailure(() => grid);

beforeAll(async () => {
  console.log(`seed ${SEED} (THREEBOT_SEED), ${ROUNDS} rounds (THREEBOT_ROUNDS)`);
  grid = await startGrid();
  archive = await grid.ask('give me an archive of 1 PB in CH');
  clients = setUpClients(archive, grid.ready.ca);
}, 170_000);

afterAll(async () => {
  await loop?.stop();
  clients?.clean();
  await grid?.stop();
}, 150_000);

/** A number below `limit`, the same for the same seed and name. */
function draw(name: string, limit: number): number {
  return createHash('sha256').update(`${SEED} ${name}`).digest().readUInt32BE() % limit;
}

function holders(rows: readonly WorkloadRow[], type: string): string[] {
  return [...new Set(rows.filter((w) => w.type === type).map((w) => w.label))].sort();
}

/** As many holders as may be lost. Odd rounds take a front end, a shard and a relay; even rounds nothing but shards, one on a relay. */
function chooseVictims(round: number, rows: readonly WorkloadRow[], nodes: readonly NodeRow[]): string[] {
  const relays = nodes.filter((n) => n.status?.overlay.endpoint !== undefined).map((n) => n.label);
  const [fronts, stores] = [holders(rows, 'archive'), holders(rows, 'zdb')];
  const from = round % 2 === 1 ? [...new Set([...fronts, ...stores])].sort() : stores;
  const among = round % 2 === 1 ? [fronts, stores, relays] : [relays];
  const pairs = from.flatMap((a, i) => from.slice(i + 1).map((b) => [a, b])).filter((pair) => among.every((kind) => pair.some((label) => kind.includes(label))));
  const victims = pairs[draw(`round ${round}`, pairs.length)];
  if (archive.shards.parity !== 2 || !victims) throw new Error('no such pair of victims');
  return victims;
}

async function switchOff(labels: readonly string[]): Promise<{ at: number; killed: ProcessId[] }> {
  const [rows, held] = await Promise.all([grid.nodes(), grid.workloads(archive.contract)]);
  for (const label of labels) lost.set(label, held.filter((w) => w.label === label));
  const trees = labels.flatMap((label) => treeOf(rows.find((n) => n.label === label && n.alive)?.pid ?? -1));
  if (trees.length < labels.length) throw new Error(`not all of ${labels.join(', ')} run`);
  const at = Date.now();
  for (const member of trees) killNow(member);
  for (const label of labels) dead.add(label);
  return { at, killed: trees };
}

async function switchOn(labels: readonly string[]): Promise<void> {
  for (const label of labels) {
    grid.restartNode(label);
    dead.delete(label);
  }
  await eventually(`${labels.join(', ')} have a lease again`, 60_000, async () => {
    const rows = await grid.nodes();
    return labels.every((label) => rows.some((n) => n.label === label && n.alive && leaseOf(n) > 0)) ? true : undefined;
  });
}

/** What is left of a node's lease, if the process that runs now said so. */
function leaseOf({ pid, status }: NodeRow): number {
  return status && pid !== undefined && Date.parse(status.at) > startOf(pid) ? status.lease : 0;
}

function startOf(pid: number): number {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.ctimeMs ?? Infinity;
}

/** Whether a row of the status tells of what these nodes held: a front end of the slots that are gone, or itself of its own end. */
function tellsOf(labels: readonly string[], { workload, phase, reason }: WorkloadRow): boolean {
  const gone = labels.flatMap((label) => lost.get(label) ?? []).map((w) => w.workload);
  const slots = gone.flatMap((name) => /^zdb-(\d+)$/.exec(name)?.[1] ?? []);
  if (phase === 'running' || reason === '') return false;
  return slots.length === 0 ? gone.includes(workload) : slots.some((slot) => new RegExp(`slots [\\d, ]*\\b${slot}\\b`).test(reason));
}

async function repaired(): Promise<WorkloadRow[]> {
  let rows: WorkloadRow[] = [];
  const isWhole = (w: WorkloadRow): boolean => w.phase === 'running' && !dead.has(w.label);
  try {
    return await eventually('every workload runs on a live node', REPAIRED_MS, async () => {
      rows = await grid.workloads(archive.contract);
      return rows.every(isWhole) ? rows : undefined;
    });
  } catch (error) {
    const left = rows.filter((w) => !isWhole(w)).map((w) => `${w.workload}@${w.epoch} on ${w.label}: ${w.phase}, ${w.reason}`);
    throw new Error(`not repaired: ${left.join('; ')}`, { cause: error });
  }
}

/** Everything that was acknowledged until now is there and right, and reads never gave anything else. */
async function expectNothingLost(when: string): Promise<void> {
  const verdict = await account().verify();
  console.log(`${when}: ${verdict.objects} objects right after ${account().wrote.length} writes and ${account().reads} reads; ${account().failed.length} writes given up`);
  expect(verdict.faults, when).toEqual([]);
  expect(account().faults, when).toEqual([]);
}

function account(): Loop {
  if (!loop) throw new Error('the client was not started');
  return loop;
}

it('a client writes and reads', async (context) => {
  if (!clients) throw new Error('no archive');
  loop = new Loop(clients, { python: need(context, 'python3'), seed: SEED });
  await eventually(`${WARM_UP} writes`, 60_000, async () => (account().wrote.length >= WARM_UP ? true : undefined));
  expect(account().failed).toEqual([]);
}, 90_000);

for (let round = 1; round <= ROUNDS; round++) {
  // Machines of earlier rounds come back, so that there are enough for any number of rounds.
  let earlier: string[] = [];

  it(`round ${round}: ${round % 2 === 1 ? 'one node dies, then another, a front end and a relay among them' : 'two nodes with shards die at once'}`, async (context) => {
    if (!loop) return context.skip('for want of a client: apt-get install python3-boto3');
    earlier = [...dead];
    const victims = chooseVictims(round, await grid.workloads(archive.contract), await grid.nodes());
    console.log(`round ${round}: kill -9 of ${victims.join(' and ')}`);
    for (const together of round % 2 === 1 ? victims.map((v) => [v]) : [victims]) {
      const { at, killed } = await switchOff(together);
      const ms = await account().untilWritten(at, WRITES_AGAIN_MS * 6);
      console.log(`round ${round}: ${together.join(' and ')} (${killed.length} processes) died; the first new write was acknowledged after ${ms} ms`);
      expect(ms).toBeLessThan(WRITES_AGAIN_MS);
      const said = await eventually('the status says what is degraded', 60_000, async () => (await grid.workloads(archive.contract)).find((w) => tellsOf(together, w)));
      console.log(`round ${round}: after ${Date.now() - at} ms ${said.workload} on ${said.label} says ${said.phase}: ${said.reason}`);
      await sleep(Math.max(0, at + WRITES_AGAIN_MS - Date.now()));
      const slowest = Math.max(...account().wrote.filter((e) => (e.end ?? 0) * 1000 > at).map((e) => (e.end ?? 0) - (e.start ?? 0)));
      console.log(`round ${round}: the slowest write since then took ${slowest.toFixed(1)} s`);
      expect(account().failed.filter((e) => (e.start ?? 0) * 1000 > at + WRITES_AGAIN_MS)).toEqual([]);
    }
    await expectNothingLost(`round ${round}, while degraded`);
  }, ROUND_MS);

  it(`round ${round}: the archive repairs itself onto other Swiss nodes`, async (context) => {
    if (!loop) return context.skip('for want of a client: apt-get install python3-boto3');
    const started = performance.now();
    const rows = await repaired();
    console.log(`round ${round}: repaired ${((performance.now() - started) / 1000).toFixed(1)} s later`);
    const places = rows.filter((w) => w.type !== 'gateway-name');
    expect(places.map((w) => w.country)).toEqual(places.map(() => 'CH'));
    expect(places.filter((w) => dead.has(w.label))).toEqual([]);
    expect(new Set(rows.filter((w) => w.type === 'zdb').map((w) => w.node)).size).toBe(archive.shards.data + archive.shards.parity);
    const verified = await grid.cli<{ ok: boolean; moves: number }>('contract', 'verify', archive.contract);
    expect(verified.json).toMatchObject({ ok: true, recompiled: true });
    expect(verified.json.moves).toBeGreaterThan(moves);
    moves = verified.json.moves;
    await expectNothingLost(`round ${round}, repaired`);
    if (round >= 2) await switchOn(earlier);
  }, ROUND_MS);
}

/** The one node of those that a seeded draw gives. */
function chooseOne(name: string, labels: readonly string[]): string {
  const label = labels[draw(name, labels.length)];
  if (label === undefined) throw new Error(`nobody to choose for ${name}`);
  return label;
}

async function daemonOf(label: string): Promise<{ daemon: ProcessId; children: ProcessId[] }> {
  const row = (await grid.nodes()).find((n) => n.label === label && n.alive);
  const [daemon, ...children] = treeOf(row?.pid ?? -1);
  if (!daemon) throw new Error(`${label} does not run`);
  return { daemon, children };
}

/** Sees for a while that a node runs nothing but what the ledger gives it now. */
async function expectOnlyWhatItHolds(label: string, { withinMs, forMs }: { withinMs: number; forMs: number }): Promise<void> {
  const surplus = async (): Promise<string[]> => {
    const [held, row] = await Promise.all([grid.workloads(archive.contract), grid.nodes().then((all) => all.find((n) => n.label === label))]);
    const mine = held.filter((w) => w.label === label).map((w) => `${w.workload}@${w.epoch}`);
    const { children } = await daemonOf(label);
    const running = (row?.status?.workloads ?? []).filter((w) => children.some((c) => c.pid === w.pid)).map((w) => `${w.workload}@${w.epoch}`);
    return [...running.filter((w) => !mine.includes(w)), ...(children.length > mine.length ? [`${children.length} processes`] : [])];
  };
  await eventually(`${label} has stopped what it lost`, withinMs, async () => ((await surplus()).length === 0 ? true : undefined));
  for (const until = performance.now() + forMs; performance.now() < until; await sleep(200)) expect(await surplus()).toEqual([]);
}

it('a node that comes back after its lease finds itself fenced', async (context) => {
  if (!loop) return context.skip('for want of a client: apt-get install python3-boto3');
  const label = chooseOne('fenced', [...dead].sort());
  const old = lost.get(label) ?? [];
  console.log(`${label} comes back; it held ${old.map((w) => `${w.workload}@${w.epoch}`).join(', ')}`);
  expect(old.length).toBeGreaterThan(0);
  await switchOn([label]);
  await expectOnlyWhatItHolds(label, { withinMs: 1, forMs: 4000 });

  const party = keystorePaths(stateDir(grid.state), `node-${label}`);
  const signer = await (await openKeystore(party)).signing('node');
  const gridId = ((await (await fetch(`${grid.ready.ledger}/v1/grid`)).json()) as { grid: string }).grid;
  const now = await grid.workloads(archive.contract);
  for (const { workload, epoch, node } of old) {
    const current = now.find((w) => w.workload === workload);
    expect(current?.epoch).toBeGreaterThan(epoch);
    const report = sealEnvelope('deployment.reported', { grid: gridId, by: node, deployment: archive.deployment, workload, epoch, revision: Number.MAX_SAFE_INTEGER, phase: 'running', reason: 'still here' }, signer);
    const answer = await fetch(`${grid.ready.ledger}/v1/entries`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ envelopes: [report] }) });
    expect(await answer.json()).toMatchObject({ results: [{ ok: false, code: 'node_fenced' }] });
  }

  const front = now.find((w) => w.type === 'archive' && !dead.has(w.label));
  const store = now.find((w) => w.type === 'zdb' && w.epoch > 1);
  if (!front || !store) throw new Error('no front end, or no shard that has moved');
  const socket = await dialSocketOf(front);
  expect(await connect(socket, `${store.workload}@${store.epoch}`)).toBe(200);
  expect(await connect(socket, `${store.workload}@${store.epoch - 1}`)).toBe(410);
  expect(await connect(socket, `${front.workload}@${front.epoch}`)).toBe(403);
}, ROUND_MS);

/** The socket through which a front end dials its shards (node-daemon/drivers/grounds.ts). */
async function dialSocketOf({ label, workload, epoch }: WorkloadRow): Promise<string> {
  const { runDir } = JSON.parse(await readFile(path.join(grid.state, 'nodes', label, 'config.json'), 'utf8')) as { runDir: string };
  return path.join(runDir, `${createHash('sha256').update(`${archive.deployment}/${workload}@${epoch}`).digest('hex').slice(0, 20)}.d`);
}

function connect(socketPath: string, target: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const dialling = request({ socketPath, method: 'CONNECT', path: target, timeout: 10_000 });
    dialling.once('connect', (answer, socket) => {
      socket.destroy();
      resolve(answer.statusCode);
    });
    dialling.once('timeout', () => dialling.destroy(new Error(`no answer for ${target}`)));
    dialling.once('error', reject);
    dialling.end();
  });
}

it('what a killed daemon ran ends within 2 s', async (context) => {
  if (!loop) return context.skip('for want of a client: apt-get install python3-boto3');
  const rows = await repaired();
  const label = chooseOne('daemon', holders(rows, 'archive'));
  const { daemon, children } = await daemonOf(label);
  console.log(`kill -9 of the daemon of ${label} alone, with ${children.length} children`);
  expect(children.length).toBeGreaterThan(0);
  killNow(daemon);
  const ms = await untilEnded(children, CHILDREN_END_MS * 10);
  console.log(`its children ended after ${Math.round(ms)} ms`);
  expect(ms).toBeLessThan(CHILDREN_END_MS);
  await switchOn([label]);
  await repaired();
  await expectNothingLost('after a daemon died and came back');
}, ROUND_MS);

it('a node that was frozen beyond its lease stops what it lost', async (context) => {
  if (!loop) return context.skip('for want of a client: apt-get install python3-boto3');
  const label = chooseOne('frozen', holders(await repaired(), 'zdb'));
  const { daemon, children } = await daemonOf(label);
  const frozen = [daemon, ...children];
  console.log(`${label} freezes with ${children.length} children`);
  const at = Date.now();
  try {
    for (const { pid } of frozen) process.kill(pid, 'SIGSTOP');
    console.log(`the first new write was acknowledged after ${await account().untilWritten(at, 120_000)} ms`);
    await eventually('its work has moved', REPAIRED_MS, async () => ((await grid.workloads(archive.contract)).some((w) => w.label === label) ? undefined : true));
  } finally {
    for (const { pid } of frozen) process.kill(pid, 'SIGCONT');
  }
  await expectOnlyWhatItHolds(label, { withinMs: 20_000, forMs: 2000 });
  await repaired();
  await expectNothingLost('after a node was frozen');
}, ROUND_MS);
