import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serviceName } from '../contract/contract.ts';
import type { Body } from '../contract/contract.ts';
import type { PrincipalId } from '../contract/principal.ts';
import type { LedgerState } from '../ledger/state/machine.ts';
import { loopbackPair } from '../overlay/loopback.ts';
import { dialThrough } from '../storage/archive/dial.ts';
import { openDialProxy, resolveTarget } from './dial-proxy.ts';
import { archiveWorkloads, joinTestNodes, TestGrid } from './grid.fixture.ts';
import { type HeldWorkload, keyOf } from './holdings.ts';
import type { Desired } from './reconcile.ts';
import { mayDial, parseService, type ServiceRules, Services } from './services.ts';

describe('who may dial what', () => {
  let grid: TestGrid;
  let leave: () => Promise<void>;
  let state: LedgerState;
  let header: Awaited<ReturnType<TestGrid['propose']>>;
  let dir: string;
  const workloads = archiveWorkloads({ dataShards: 2, parityShards: 1, frontEnds: 1 });
  const body: Body = { parameters: {}, workloads };
  const holder = (workload: string): PrincipalId => state.deployments[header.deployment]?.holdings[workload]?.node as PrincipalId;
  const service = (workload: string, epoch = 1): string => serviceName({ deployment: header.deployment, workload, epoch });
  const rules = (id: PrincipalId, change: Partial<ServiceRules> = {}): ServiceRules => ({ id, state: () => state, bodyOf: () => body, leaseHeld: () => true, socketOf: () => undefined, ...change });

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), '3s-'));
    grid = await TestGrid.open({ leaseSeconds: 60 });
    ({ leave } = await joinTestNodes(grid, 4));
    header = await grid.propose(workloads);
    await grid.approve(header);
    state = grid.follower.state();
  });
  afterAll(async () => {
    await leave();
    await grid.close();
    await rm(dir, { recursive: true, force: true });
  });

  it('lets the archive dial its shards, and nobody else anything', () => {
    const front = holder('archive-0');
    const shard = holder('zdb-0');
    expect(mayDial(rules(shard), front, service('zdb-0'))).toBe(true);
    // Another shard's holder, a stranger, and the requester are nobody here.
    const bystander = ['zdb-1', 'zdb-2'].map(holder).find((id) => id !== front) as PrincipalId;
    for (const from of [bystander, grid.requester.id, header.id]) expect(mayDial(rules(shard), from, service('zdb-0'))).toBe(false);
    expect(mayDial(rules(front), shard, service('archive-0'))).toBe(false);
  });

  it.each<[string, () => boolean]>([
    ['a later epoch', () => mayDial(rules(holder('zdb-0')), holder('archive-0'), service('zdb-0', 2))],
    ['a workload that lies elsewhere', () => mayDial(rules(holder('zdb-1')), holder('archive-0'), service('zdb-0'))],
    ['anything without a lease', () => mayDial(rules(holder('zdb-0'), { leaseHeld: () => false }), holder('archive-0'), service('zdb-0'))],
    ['anything whose body was not verified', () => mayDial(rules(holder('zdb-0'), { bodyOf: () => undefined }), holder('archive-0'), service('zdb-0'))],
    ['another deployment', () => mayDial(rules(holder('zdb-0')), holder('archive-0'), `sha256:${'1'.repeat(64)}/zdb-0@1`)],
    ['a prototype\'s property', () => mayDial(rules(holder('zdb-0')), holder('archive-0'), service('constructor'))],
    ['an ended contract', () => {
      const ended = structuredClone(state);
      for (const contract of Object.values(ended.contracts)) contract.status = 'cancelled';
      return mayDial(rules(holder('zdb-0'), { state: () => ended }), holder('archive-0'), service('zdb-0'));
    }],
    ['a front end that moved away', () => {
      const moved = structuredClone(state);
      const holding = moved.deployments[header.deployment]?.holdings['archive-0'];
      if (holding) holding.node = holder('zdb-0');
      const from = holder('archive-0');
      return holder('zdb-0') !== from && mayDial(rules(holder('zdb-0'), { state: () => moved }), from, service('zdb-0'));
    }],
  ])('denies %s', (_what, run) => {
    expect(run()).toBe(false);
  });

  it('parses service names and nothing like them', () => {
    expect(parseService(service('zdb-0', 3))).toEqual({ deployment: header.deployment, workload: 'zdb-0', epoch: 3 });
    for (const bad of ['', 'zdb-0@1', `${service('zdb-0')}x`, service('zdb-0').replace('@1', '@01'), service('zdb-0').replace('@1', '@1000001'), ` ${service('zdb-0')}`, `${service('zdb-0')}\n`]) expect(parseService(bad)).toBeUndefined();
    fc.assert(fc.property(fc.string(), (text) => parseService(text) === undefined), { seed: 5, numRuns: 300 });
  });

  const desired = (): Desired => {
    const workload = workloads.find((w) => w.name === 'archive-0');
    if (!workload) throw new Error('no archive');
    const held: HeldWorkload = { deployment: header.deployment, contract: header.id, workload: 'archive-0', type: 'archive', epoch: 1 };
    return { key: keyOf(held), held, workload, slots: [] };
  };

  it.each([
    ['archive-0@1', 403], ['unknown@1', 403], ['zdb-0@2', 410], ['zdb-0', 404], ['zdb-0@0', 404], ['/zdb-0@1', 404], ['zdb-0@1 ', 404],
  ])('the dial socket refuses %s with %i', (authority, status) => {
    expect(resolveTarget({ desired: desired(), state: () => state, leaseHeld: () => true }, authority)).toMatchObject({ ok: false, status });
  });

  it('the dial socket refuses everything without a lease', () => {
    expect(resolveTarget({ desired: desired(), state: () => state, leaseHeld: () => false }, 'zdb-0@1')).toMatchObject({ status: 503 });
  });

  it('carries bytes from the dial socket to the service and back, half ends included', async () => {
    const service0 = path.join(dir, 'z.s');
    const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
      const hash = createHash('sha256');
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => hash.update(chunk));
      socket.on('end', () => socket.end(hash.digest('hex')));
    });
    await new Promise<void>((resolve) => server.listen(service0, resolve));
    const services = new Services(rules(holder('zdb-0'), { socketOf: (name) => (name === service('zdb-0') ? service0 : undefined) }));
    const dialled: { node: string; service: string }[] = [];
    const proxy = await openDialProxy({
      desired: desired(), socket: path.join(dir, 'd.s'), state: () => state, leaseHeld: () => true,
      dial: async (target) => {
        dialled.push({ node: target.node, service: target.service });
        const [near, far] = loopbackPair();
        services.accept(far, target.service);
        return near;
      },
    });
    const dial = dialThrough(path.join(dir, 'd.s'));
    const never = new AbortController().signal;
    const stream: Duplex = await dial('zdb-0@1', never);
    expect(dialled).toEqual([{ node: holder('zdb-0'), service: service('zdb-0') }]);
    const sent = randomBytes(5_000_000);
    stream.end(sent);
    const answer: Buffer[] = [];
    for await (const chunk of stream as AsyncIterable<Buffer>) answer.push(chunk);
    expect(Buffer.concat(answer).toString()).toBe(createHash('sha256').update(sent).digest('hex'));

    await expect(dial('archive-0@1', never)).rejects.toThrow('403');
    await expect(dial('zdb-0@7', never)).rejects.toThrow('410');
    // A service that does not run: the stream ends, nothing hangs.
    const dead = await dial('zdb-1@1', never);
    await new Promise<void>((resolve) => { dead.once('close', () => resolve()); dead.on('error', () => undefined); dead.resume(); });
    // A cut ends what is open.
    const open = await dial('zdb-0@1', never);
    open.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => open.once('close', () => resolve()));
    open.resume();
    await new Promise((resolve) => setTimeout(resolve, 50));
    services.cut();
    await closed;
    await proxy.close();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
});
