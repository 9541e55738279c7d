import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeploymentId } from '../contract/contract.ts';
import { createZdbClient } from '../storage/zdb/index.ts';
import type { DaemonConfig } from './config.ts';
import { type Daemon, runDaemon } from './daemon.ts';
import { archiveWorkloads, bundlePrograms, TestGrid } from './grid.fixture.ts';
import type { NodeStatus } from './status.ts';
import { StateInUse } from './store.ts';

const LEASE_SECONDS = 3;

async function until(condition: () => boolean | Promise<boolean>, what: string, ms = 15_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await sleep(30);
  }
}

describe('a node without its ledger', () => {
  let programs: string;
  let grid: TestGrid;
  let config: DaemonConfig;
  let daemon: Daemon;
  let deployment: DeploymentId;
  const events: string[] = [];
  const stop = new AbortController();
  const start = async (): Promise<Daemon> => runDaemon(config, { signal: stop.signal, log: (_level, event) => events.push(event) });
  const status = async (): Promise<NodeStatus> => JSON.parse(await readFile(path.join(config.state, 'status.json'), 'utf8')) as NodeStatus;

  /** What the store answers through its Unix socket: `served`, or the code of the refusal. */
  const ask = async (): Promise<string> => {
    const socket = (await readdir(config.runDir)).find((f) => f.endsWith('.s'));
    if (!socket) return 'nothing listens';
    const client = createZdbClient(async () => createConnection(path.join(config.runDir, socket)), { namespace: 'data' });
    try {
      await client.get('key');
      return 'served';
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : 'failed';
    } finally {
      client.close();
    }
  };

  beforeAll(async () => {
    programs = await bundlePrograms({ zdb: 'storage/zdb/main.ts' });
    grid = await TestGrid.open({ leaseSeconds: LEASE_SECONDS });
    config = grid.config({ zdb: path.join(programs, 'zdb.mjs') });
    daemon = await start();
    await grid.attest(daemon.id, config.offer.location);
    await grid.follower.waitFor((s) => s.nodes[daemon.id]?.leaseUntil ?? undefined, { timeoutMs: 10_000 });
    const contract = await grid.propose(archiveWorkloads({ dataShards: 1, parityShards: 0, frontEnds: 0 }));
    deployment = contract.deployment;
    await grid.approve(contract);
    await grid.follower.waitFor((s) => (s.deployments[deployment]?.reports['zdb-0']?.phase === 'running' ? true : undefined), { timeoutMs: 15_000 });
  }, 40_000);
  afterAll(async () => {
    stop.abort();
    await daemon.close();
    await grid.close();
    await rm(programs, { recursive: true, force: true });
  });

  it('offers only what it can do here, and says what is missing', async () => {
    expect(grid.follower.state().nodes[daemon.id]?.offer).toMatchObject({ capabilities: ['zdb'], engines: [{ name: 'zdb' }] });
    await until(async () => existsSync(path.join(config.state, 'status.json')) && (await status()).workloads[0]?.phase === 'running', 'status');
    expect(await status()).toMatchObject({ id: daemon.id, missing: [{ name: 'archive' }], workloads: [{ deployment, workload: 'zdb-0', epoch: 1, phase: 'running' }] });
  });

  it('lets no second daemon into its state', async () => {
    await expect(start()).rejects.toBeInstanceOf(StateInUse);
  });

  it('stops serving before its lease ends in the log, and serves again after it renewed, at the same epoch', async () => {
    expect(await ask()).toBe('served');
    await grid.pauseLedger();
    // Nothing asked after the ledger's end of the lease is answered: by then the work may be another node's.
    const leaseUntil = Date.parse(grid.served.log.state().nodes[daemon.id]?.leaseUntil ?? '');
    for (let answer = ''; answer !== 'fenced'; await sleep(30)) {
      const askedAt = Date.now();
      answer = await ask();
      if (answer === 'served') expect(askedAt).toBeLessThan(leaseUntil);
    }
    await until(() => events.includes('lease.ended'), 'the daemon says so');
    await grid.resumeLedger();
    await until(async () => (await ask()) === 'served', 'serves again');
    expect(grid.follower.state().deployments[deployment]?.holdings['zdb-0']?.epoch).toBe(1);
  }, 30_000);

  it('started while the ledger is away, knows who it is, and serves only after it has renewed', async () => {
    await daemon.close();
    expect(await ask()).not.toBe('served');
    await grid.pauseLedger();
    const { id } = daemon;
    daemon = await start();
    expect(daemon.id).toBe(id);
    await sleep(1000);
    expect(await ask()).not.toBe('served');
    expect(await readdir(path.join(config.state, 'data', deployment.slice('sha256:'.length)))).toEqual(['zdb-0@1']);
    await grid.resumeLedger();
    await until(async () => (await ask()) === 'served', 'serves');
  }, 30_000);

  it('goes on running the engine that a contract pins after an update brought another', async () => {
    await daemon.close();
    const engine = path.join(programs, 'zdb.mjs');
    await writeFile(engine, `${await readFile(engine, 'utf8')}\n// the next version\n`);
    daemon = await start();
    await until(async () => (await ask()) === 'served', 'serves');
    const state = grid.follower.state();
    const pinned = Object.values(state.contracts)[0]?.header.engines.find((e) => e.name === 'zdb')?.digest;
    const offered = state.nodes[daemon.id]?.offer?.engines.map((e) => e.digest) ?? [];
    expect(offered).toHaveLength(2);
    expect(offered[1]).toBe(pinned);
    await until(() => grid.follower.state().deployments[deployment]?.reports['zdb-0']?.measured === pinned, 'reports the engine that is pinned');
  }, 30_000);

  it('does not start a store empty whose data is gone', async () => {
    await daemon.close();
    await rm(path.join(config.state, 'data'), { recursive: true });
    daemon = await start();
    await until(() => grid.follower.state().deployments[deployment]?.reports['zdb-0']?.phase === 'failed', 'says so');
    expect(grid.follower.state().deployments[deployment]?.reports['zdb-0']?.reason).toMatch(/data_lost/);
    expect(await ask()).not.toBe('served');
  }, 30_000);
});
