import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AgentEvent } from './agent.ts';
import { TestGrid, closed, digestOf, echo, exchange, until } from './grid-fixture.ts';
import { dhKeyFromPrivate } from './x25519.ts';

const service = 'deployment/zdb-0@1';
const folder = mkdtempSync(join(tmpdir(), 'overlay-'));
const program = join(folder, 'relay.cjs');
let grid: TestGrid;
let children: ChildProcess[];

beforeAll(async () => {
  const entry = new URL('relay-process-fixture.ts', import.meta.url).pathname;
  await build({ entryPoints: [entry], outfile: program, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' });
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  grid = new TestGrid();
  children = [];
});
afterEach(async () => {
  await grid.close();
  for (const child of children) child.kill('SIGKILL');
});

async function relayProcess(name: string): Promise<{ id: string; child: ChildProcess }> {
  const id = digestOf(name);
  const secret = randomBytes(32);
  const key = dhKeyFromPrivate(secret);
  const peer = { id, overlayKey: Buffer.from(key.publicKey).toString('base64url'), endpoints: [] as string[] };
  grid.peers.set(id, peer);
  const child = fork(program);
  children.push(child);
  child.send({ start: { id, grid: grid.grid, privateKey: secret.toString('hex'), relays: [...grid.relayIds] }, peers: [...grid.peers.values()] });
  const [endpoint] = (await once(child, 'message')) as [string];
  peer.endpoints = [endpoint];
  grid.relayIds.add(id);
  return { id, child };
}

/** The relay that the last session began through. */
function relayInUse(events: AgentEvent[]): unknown {
  return events.filter((event) => event.event === 'session.opened').at(-1)?.via;
}

function tellRelays(): void {
  for (const child of children.filter((each) => each.connected)) child.send({ peers: [...grid.peers.values()] });
}

describe('through a relay', () => {
  it('two nodes that only dial out reach each other, both ways', async () => {
    await grid.node('relay', { listen: true, relay: true });
    const a = await grid.node('a');
    const b = await grid.node('b');
    echo(a);
    echo(b);
    const bytes = randomBytes(5_000_000);
    expect((await exchange(await a.agent.dial({ node: b.id, service }), bytes)).equals(bytes)).toBe(true);
    expect((await exchange(await b.agent.dial({ node: a.id, service }), bytes)).equals(bytes)).toBe(true);
    expect(a.agent.neighbours().map((each) => each.kind)).toEqual(['relay']);
    expect(a.agent.status().links).toBe(1);
  });

  it('a dial waits for the first relay link of a node that has just started', async () => {
    await grid.node('relay', { listen: true, relay: true });
    const b = await grid.node('b');
    echo(b);
    await until(() => b.agent.neighbours().length === 1);
    const a = await grid.node('a');
    expect(a.agent.neighbours()).toEqual([]);
    expect((await exchange(await a.agent.dial({ node: b.id, service }), Buffer.from('soon'))).toString()).toBe('soon');
  });

  it('a node that no relay has a link with is unreachable, and the dial says so at once', async () => {
    await grid.node('relay', { listen: true, relay: true });
    const a = await grid.node('a');
    const b = await grid.node('b');
    await until(() => a.agent.neighbours().length === 1);
    await b.agent.close();
    const started = performance.now();
    await expect(a.agent.dial({ node: b.id, service })).rejects.toMatchObject({ code: 'unreachable' });
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('kill -9 of the relay in use: streams are reset at once, the next dial goes through the other relay without delay, and a new relay is picked up', async () => {
    const relays = [await relayProcess('relay 1'), await relayProcess('relay 2')];
    const a = await grid.node('a');
    const b = await grid.node('b');
    echo(b);
    tellRelays();
    await until(() => a.agent.neighbours().length === 2 && b.agent.neighbours().length === 2);
    const stream = await a.agent.dial({ node: b.id, service });
    stream.write('x');
    await once(stream, 'data');
    const victim = relays.find((relay) => relay.id === relayInUse(a.events));
    if (victim === undefined) throw new Error('no relay');
    const killed = performance.now();
    victim.child.kill('SIGKILL');
    await closed(stream);
    expect((await exchange(await a.agent.dial({ node: b.id, service }), Buffer.from('again'))).toString()).toBe('again');
    expect(performance.now() - killed).toBeLessThan(2_000);
    expect(stream.errored).toMatchObject({ code: 'closed' });
    expect(relayInUse(a.events)).not.toBe(victim.id);
    await relayProcess('relay 3');
    tellRelays();
    grid.refresh();
    await until(() => a.agent.neighbours().length === 2 && b.agent.neighbours().length === 2);
  });

  it('a relay that is silently gone: a dial does not wait until that is noticed, and its streams are reset soon', async () => {
    const relays = [await relayProcess('relay 1'), await relayProcess('relay 2')];
    const a = await grid.node('a');
    const b = await grid.node('b');
    echo(b);
    tellRelays();
    await until(() => a.agent.neighbours().length === 2 && b.agent.neighbours().length === 2);
    const stream = await a.agent.dial({ node: b.id, service });
    const used = relayInUse(a.events);
    const stopped = performance.now();
    relays.find((relay) => relay.id === used)?.child.kill('SIGSTOP');
    expect((await exchange(await a.agent.dial({ node: b.id, service }), Buffer.from('again'))).toString()).toBe('again');
    expect(performance.now() - stopped).toBeLessThan(3_000);
    await closed(stream);
    expect(performance.now() - stopped).toBeLessThan(7_000);
    expect(stream.errored).toMatchObject({ code: 'closed' });
  }, 15_000);

  it('a relay process ends when its parent goes away', async () => {
    const { child } = await relayProcess('relay 1');
    child.disconnect();
    await once(child, 'exit');
    expect(child.exitCode).toBe(0);
  });
});
