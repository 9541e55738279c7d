import { type ChildProcess, fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DeploymentId } from '../contract/contract.ts';
import type { PrincipalId } from '../contract/principal.ts';
import { CREDENTIALS, REGION } from '../storage/archive/cluster.fixture.ts';
import { s3 } from '../storage/archive/s3-client.fixture.ts';
import { type DaemonConfig } from './config.ts';
import { openTestGateway, type TestGateway } from './gateway.fixture.ts';
import { archiveWorkloads, bundlePrograms, TestGrid } from './grid.fixture.ts';

const NODES = 7;
const LEASE_SECONDS = 5;

interface Node { readonly config: DaemonConfig; readonly child: ChildProcess; readonly id: PrincipalId }

/** Pids of the children of a process, from the kernel. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').map(Number).filter((n) => n > 0);
}
/** Inodes of the TCP sockets (IPv4 and IPv6) that listen in this network namespace. */
function listeningInodes(): Set<string> {
  const LISTEN = '0A';
  return new Set(['tcp', 'tcp6'].flatMap((file) => readFileSync(`/proc/net/${file}`, 'utf8').split('\n').slice(1)).map((line) => line.trim().split(/\s+/)).flatMap((fields) => (fields[3] === LISTEN && fields[9] ? [fields[9]] : [])));
}
function listenersOf(pid: number): number {
  const inodes = listeningInodes();
  const held = readdirSync(`/proc/${pid}/fd`).map((fd) => { try { return readlinkSync(`/proc/${pid}/fd/${fd}`); } catch { return ''; } });
  return held.filter((target) => inodes.has(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '')).length;
}
const isRunning = (pid: number): boolean => existsSync(`/proc/${pid}/exe`);

async function until(condition: () => boolean | Promise<boolean>, what: string, ms = 15_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await sleep(50);
  }
}

describe('seven node daemons on a real ledger', () => {
  let programs: string;
  let grid: TestGrid;
  let gateway: TestGateway;
  let nodes: Node[] = [];
  let deployment: DeploymentId;
  const object = randomBytes(3_000_000);
  const digest = createHash('sha256').update(object).digest('hex');

  async function start(config: DaemonConfig): Promise<Node> {
    await mkdir(config.state, { recursive: true });
    const file = `${config.state}.config.json`;
    await writeFile(file, JSON.stringify(config));
    const child = fork(path.join(programs, 'node-daemon.mjs'), ['--config', file], { execArgv: [], stdio: ['ignore', 'ignore', process.env['NODE_DAEMON_LOGS'] ? 'inherit' : 'ignore', 'ipc'] });
    const id = await new Promise<PrincipalId>((resolve, reject) => {
      child.once('message', (message: { type: string; id: PrincipalId; message?: string }) => (message.type === 'ready' ? resolve(message.id) : reject(new Error(message.message))));
      child.once('exit', (code) => reject(new Error(`the daemon ended with ${code}`)));
    });
    return { config, child, id };
  }
  const holderOf = (workload: string): PrincipalId | undefined => grid.follower.state().deployments[deployment]?.holdings[workload]?.node;
  const nodeOf = (workload: string): Node => {
    const node = nodes.find((n) => n.id === holderOf(workload));
    if (!node) throw new Error(`no holder of ${workload}`);
    return node;
  };
  const phases = (): Record<string, string> => Object.fromEntries(Object.entries(grid.follower.state().deployments[deployment]?.reports ?? {}).map(([name, { phase }]) => [name, phase]));

  beforeAll(async () => {
    programs = await bundlePrograms({ 'node-daemon': 'node-daemon/main.ts', zdb: 'storage/zdb/main.ts', archive: 'storage/archive/main.ts' });
    grid = await TestGrid.open({ leaseSeconds: LEASE_SECONDS });
    const engines = { zdb: path.join(programs, 'zdb.mjs'), archive: path.join(programs, 'archive.mjs') };
    // Two relays; the others accept no connection at all.
    nodes = await Promise.all(Array.from({ length: NODES }, (_, i) => start(grid.config(engines, { listen: i < 2, relay: i < 2 }))));
    gateway = await openTestGateway(grid);
    for (const { id, config } of nodes) await grid.attest(id, config.offer.location);
    await grid.follower.waitFor((s) => (Object.values(s.nodes).filter((n) => n.leaseUntil && n.attested).length === NODES + 1 ? true : undefined), { timeoutMs: 10_000 });
  }, 60_000);
  afterAll(async () => {
    for (const { child } of nodes) child.kill('SIGKILL');
    await gateway?.close();
    await grid?.close();
    await rm(programs, { recursive: true, force: true });
  });

  it('runs a signed archive: an object goes in by one front end and out by the other', async () => {
    const contract = await grid.propose(archiveWorkloads({ dataShards: 2, parityShards: 1, frontEnds: 2, name: 'files', region: REGION }));
    deployment = contract.deployment;
    await sleep(300);
    expect(nodes.flatMap(({ child }) => childrenOf(child.pid ?? 0))).toEqual([]);
    await grid.approve(contract);
    await grid.sealSecrets(deployment, CREDENTIALS);
    await until(() => Object.values(phases()).filter((p) => p === 'running').length === 5, 'all running');

    const [a, b] = [await gateway.open(deployment, 'archive-0'), await gateway.open(deployment, 'archive-1')];
    await until(async () => (await s3(a, '/-/health').catch(() => undefined))?.status === 200, 'healthy');
    expect((await s3(a, '/archive/one', { method: 'PUT', body: object })).status).toBe(200);
    const got = await s3(b, '/archive/one');
    expect(got.status).toBe(200);
    expect(createHash('sha256').update(got.body).digest('hex')).toBe(digest);
  }, 30_000);

  it('has no TCP listener but the overlay links of the relays', () => {
    const daemons = nodes.map(({ child }) => child.pid ?? 0);
    expect(daemons.map(listenersOf)).toEqual([1, 1, 0, 0, 0, 0, 0]);
    expect(daemons.flatMap(childrenOf).map(listenersOf)).toEqual([0, 0, 0, 0, 0]);
  });

  it('ends a child that runs from a changed file and starts the measured one again', async () => {
    const { config, child } = nodeOf('zdb-1');
    const [pid] = childrenOf(child.pid ?? 0);
    const copies = path.join(config.state, 'engines');
    const name = `zdb-${grid.follower.state().nodes[holderOf('zdb-1') as PrincipalId]?.offer?.engines.find((e) => e.name === 'zdb')?.digest.slice('sha256:'.length)}.mjs`;
    const before = await readFile(path.join(copies, name));
    await rm(path.join(copies, name));
    await writeFile(path.join(copies, name), Buffer.concat([before, Buffer.from('\n// changed')]));
    await until(() => pid !== undefined && !isRunning(pid), 'the child is ended', 12_000);
    await until(async () => childrenOf(child.pid ?? 0).length > 0 && (await readFile(path.join(copies, name))).equals(before), 'started again');
    await until(() => phases()['zdb-1'] === 'running', 'running again');
  }, 40_000);

  it('kill -9 of a daemon ends its children; its work moves when the lease lapses, and the archive repairs itself', async () => {
    const victim = nodeOf('zdb-0');
    const lost = Object.entries(grid.follower.state().deployments[deployment]?.holdings ?? {}).filter(([, h]) => h.node === victim.id).map(([name]) => name);
    const children = childrenOf(victim.child.pid ?? 0);
    expect(children.length).toBe(lost.length);
    victim.child.kill('SIGKILL');
    await until(() => children.every((pid) => !isRunning(pid)), 'the children end', 2000);

    await until(() => lost.every((name) => holderOf(name) !== victim.id), 'moved', (LEASE_SECONDS + 5) * 1000);
    await until(() => Object.values(phases()).length === 5 && Object.values(phases()).every((p) => p === 'running'), `repaired: ${JSON.stringify(phases())}`, 30_000);
    expect(grid.follower.state().deployments[deployment]?.holdings['zdb-0']?.epoch).toBe(2);

    // The shard is really back: another node's loss leaves enough to read.
    const other = nodeOf('zdb-2');
    const front = ['archive-0', 'archive-1'].find((name) => holderOf(name) !== other.id) ?? '';
    other.child.kill('SIGKILL');
    const socket = await gateway.open(deployment, front);
    await until(async () => {
      const got = await s3(socket, '/archive/one').catch(() => undefined);
      return got?.status === 200 && createHash('sha256').update(got.body).digest('hex') === digest;
    }, 'readable');
    nodes = nodes.filter((n) => n !== victim && n !== other);

    // Whoever comes back after its lease finds its work gone and starts nothing of it.
    const back = await start(victim.config);
    nodes.push(back);
    expect(back.id).toBe(victim.id);
    await until(async () => (JSON.parse(await readFile(path.join(victim.config.state, 'status.json'), 'utf8')) as { lease: number }).lease > 0, 'leased again');
    const held = Object.values(grid.follower.state().deployments[deployment]?.holdings ?? {}).filter((h) => h.node === victim.id).length;
    await until(() => childrenOf(back.child.pid ?? 0).length === held, 'only what it holds');
  }, 90_000);
});
