import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PrincipalId } from '../contract/principal.ts';
import type { Report } from '../ledger/state/state.ts';
import { archiveWorkloads, joinTestNodes, TestGrid, type TestNode } from './grid.fixture.ts';
import { type HeldWorkload, holdingsOf } from './holdings.ts';
import { publicReason, Reporter } from './report.ts';

describe('Reporter', () => {
  let grid: TestGrid;
  let node: TestNode;
  let held: HeldWorkload;
  let leave: () => Promise<void>;
  const said = (): Report | undefined => grid.follower.state().deployments[held.deployment]?.reports[held.workload];
  const heard = (phase: Report['phase'], timeoutMs = 5000): Promise<Report> => grid.follower.waitFor(() => (said()?.phase === phase ? said() : undefined), { timeoutMs });
  const open = (): Reporter => new Reporter({ id: node.id, grid: grid.grid, follower: grid.follower, signer: node.signer, sealing: node.sealing, leaseHeld: () => true, log: () => undefined });

  beforeAll(async () => {
    grid = await TestGrid.open({ leaseSeconds: 60 });
    const joined = await joinTestNodes(grid, 1);
    leave = joined.leave;
    node = joined.nodes[0] as TestNode;
    const contract = await grid.propose(archiveWorkloads({ dataShards: 1, parityShards: 0, frontEnds: 0 }));
    await grid.approve(contract);
    held = holdingsOf(grid.follower.state(), node.id)[0] as HeldWorkload;
  });
  afterAll(async () => {
    await leave();
    await grid.close();
  });

  it('keeps names of local files to itself', () => {
    expect(publicReason("EACCES: permission denied, mkdir '/home/me/x y'")).not.toContain('/home');
    expect(publicReason('a\u3164b\u001bc')).toBe('a b c');
    expect(publicReason('cannot listen: /tmp/a.s, busy')).toBe('cannot listen: (path), busy');
    expect(publicReason('sha256:ab/zdb-0@1 is 3/4 done')).toBe('sha256:ab/zdb-0@1 is 3/4 done');
  });

  it('says a quick start once, as running, and then nothing until something changes', async () => {
    const reporter = open();
    reporter.observe([{ held, phase: 'starting', reason: '' }]);
    reporter.observe([{ held, phase: 'running', reason: '' }]);
    expect(await heard('running')).toMatchObject({ revision: 1 });
    const size = grid.follower.size();
    for (let i = 0; i < 5; i++) reporter.observe([{ held, phase: 'running', reason: '' }]);
    await reporter.flush();
    await sleep(700);
    expect(grid.follower.size()).toBe(size);
    reporter.close();
  });

  it('of a flapping workload says the latest, at its interval', async () => {
    const reporter = open();
    reporter.observe([{ held, phase: 'degraded', reason: 'slot 1' }]);
    await heard('degraded');
    const revision = said()?.revision ?? 0;
    const size = grid.follower.size();
    for (let i = 0; i < 20; i++) {
      reporter.observe([{ held, phase: i % 2 ? 'repairing' : 'failed', reason: `flap ${i}` }]);
      await reporter.flush();
    }
    expect(grid.follower.size()).toBe(size);
    expect(await heard('repairing')).toMatchObject({ revision: revision + 1, reason: 'flap 19' });
    reporter.close();
  });

  it('continues the count of an earlier process, and says nothing of work that it does not hold', async () => {
    const before = said()?.revision ?? 0;
    const reporter = open();
    const size = grid.follower.size();
    reporter.observe([{ held: { ...held, epoch: 2 }, phase: 'failed', reason: 'not mine' }]);
    await reporter.flush();
    expect(grid.follower.size()).toBe(size);
    reporter.observe([{ held, phase: 'running', reason: 'x'.repeat(900) }]);
    const report = await heard('running');
    expect(report.revision).toBe(before + 1);
    expect(report.reason).toHaveLength(500);
    expect(report.node).toBe(node.id satisfies PrincipalId);
    reporter.close();
  });
});
