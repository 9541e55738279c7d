import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeploymentId } from '../contract/contract.ts';
import type { PrincipalId } from '../contract/principal.ts';
import { archiveWorkloads, joinTestNodes, TestGrid, type TestNode } from './grid.fixture.ts';
import { turnOf } from './moves.ts';
import { Resealer } from './resealer.ts';
import { missingSecret, openArchiveSecrets, resealsFor } from './secrets.ts';

const CREDENTIALS = { accessKeyId: 'AKTEST', secretAccessKey: 'a-secret-of-the-tests' };

describe('secrets of an archive', () => {
  let grid: TestGrid;
  let nodes: TestNode[];
  let deployment: DeploymentId;
  let leave: () => Promise<void>;
  const workloads = archiveWorkloads({ dataShards: 2, parityShards: 1, frontEnds: 3 });
  const holder = (workload: string): TestNode => {
    const id = grid.follower.state().deployments[deployment]?.holdings[workload]?.node;
    const found = nodes.find((n) => n.id === id);
    if (!found) throw new Error(`nobody holds ${workload}`);
    return found;
  };

  beforeAll(async () => {
    grid = await TestGrid.open({ leaseSeconds: 60 });
    ({ nodes, leave } = await joinTestNodes(grid, 3));
    const contract = await grid.propose(workloads);
    deployment = contract.deployment;
    await grid.approve(contract);
  });
  afterAll(async () => {
    await leave();
    await grid.close();
  });

  it('are missing until they are sealed, then open for their holder only', async () => {
    const [front, back] = [holder('archive-0'), holder('archive-1')];
    const archive = workloads.find((w) => w.name === 'archive-0');
    if (!archive) throw new Error('no archive');
    expect(missingSecret(grid.follower.state(), front.id, deployment, archive)).toBe('data-key');
    await expect(openArchiveSecrets(grid.follower.state(), { node: front.id, deployment, key: front.sealing })).rejects.toThrow('data-key is not sealed');
    await grid.sealSecrets(deployment, CREDENTIALS);
    const state = grid.follower.state();
    expect(missingSecret(state, front.id, deployment, archive)).toBeUndefined();
    const opened = await openArchiveSecrets(state, { node: front.id, deployment, key: front.sealing });
    expect(opened.credentials).toEqual(CREDENTIALS);
    expect(Buffer.from(opened.dataKey, 'base64')).toHaveLength(32);
    await expect(openArchiveSecrets(state, { node: front.id, deployment, key: back.sealing })).rejects.toThrow('does not open');
  });

  it('are sealed again by surviving holders for a new one, in turns, and for nobody else', () => {
    const state = structuredClone(grid.follower.state());
    const [lost, ...survivors] = ['archive-0', 'archive-1', 'archive-2'].map(holder) as [TestNode, TestNode, TestNode];
    const secrets = state.deployments[deployment]?.secrets ?? {};
    for (const sealed of Object.values(secrets)) delete sealed[lost.id];
    const asked = survivors.map((s) => resealsFor(state, s.id, deployment, workloads));
    expect(asked.map((list) => list.map((r) => `${r.secret} ${r.recipient}`))).toEqual([[`data-key ${lost.id}`, `s3-credentials ${lost.id}`], [`data-key ${lost.id}`, `s3-credentials ${lost.id}`]]);
    expect(asked.map((list) => list[0]?.rank).sort()).toEqual([0, 1]);
    expect(resealsFor(state, lost.id, deployment, workloads)).toEqual([]);
    // A holder of no archive asks for nothing and gets nothing.
    expect(resealsFor(state, survivors[0].id, deployment, workloads.filter((w) => w.type === 'zdb'))).toEqual([]);
    const contract = Object.values(state.contracts)[0];
    if (contract) contract.status = 'cancelled';
    expect(resealsFor(state, survivors[0].id, deployment, workloads)).toEqual([]);
  });

  it('reach a new holder through the ledger', async () => {
    const contract = await grid.propose(archiveWorkloads({ dataShards: 2, parityShards: 1, frontEnds: 3 }));
    await grid.approve(contract);
    const giver = grid.follower.state().deployments[contract.deployment]?.holdings['archive-1']?.node;
    const node = nodes.find((n) => n.id === giver);
    const taker = nodes.find((n) => n.id === grid.follower.state().deployments[contract.deployment]?.holdings['archive-0']?.node);
    if (!node || !taker) throw new Error('no holders');
    // The owner reaches the giver only, and goes to sleep.
    await grid.sealSecrets(contract.deployment, CREDENTIALS, (a) => a.node === giver);
    const resealer = new Resealer({ id: node.id, grid: grid.grid, follower: grid.follower, signer: node.signer, sealing: node.sealing, leaseHeld: () => true, log: () => undefined });
    resealer.look(contract.deployment, workloads);
    await grid.follower.waitFor((s) => (s.deployments[contract.deployment]?.secrets['s3-credentials']?.[taker.id] ? true : undefined), { timeoutMs: 5000 });
    await sleep(100);
    resealer.close();
    expect((await openArchiveSecrets(grid.follower.state(), { node: taker.id, deployment: contract.deployment, key: taker.sealing })).credentials).toEqual(CREDENTIALS);
  });

  it('moves are submitted in turns: every node with a lease has another one', () => {
    const state = grid.follower.state();
    const lost = nodes[0]?.id as PrincipalId;
    const turns = nodes.map(({ id }) => turnOf(state, { node: id, deployment, lost, time: state.time }));
    expect([...turns].sort()).toEqual([0, 1, 2]);
  });
});
