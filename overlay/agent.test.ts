import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { TestGrid, closed, digestOf, echo, exchange, readAll, until } from './grid-fixture.ts';
import { generateDhKey } from './x25519.ts';

const service = `${digestOf('deployment')}/zdb-0@1`;
let grid: TestGrid;
beforeEach(() => {
  grid = new TestGrid();
});
afterEach(() => grid.close());

describe('direct', () => {
  it('carries bytes both ways and tells the handler who came and for what', async () => {
    const a = await grid.node('a');
    const b = await grid.node('b', { listen: true });
    const seen: unknown[] = [];
    b.agent.handle((stream, info) => {
      seen.push(info);
      stream.pipe(stream);
    });
    const bytes = randomBytes(3_000_000);
    const answer = await exchange(await a.agent.dial({ node: b.id, service }), bytes);
    expect(answer.equals(bytes)).toBe(true);
    expect(seen).toEqual([{ from: a.id, service }]);
    expect(a.agent.neighbours()).toEqual([{ id: b.id, kind: 'direct', rttMs: expect.any(Number) as number }]);
  });

  it('a node that only dials out is reached over the link it made', async () => {
    const a = await grid.node('a');
    const b = await grid.node('b', { listen: true });
    echo(a);
    echo(b);
    await exchange(await a.agent.dial({ node: b.id, service }), Buffer.from('first'));
    expect((await exchange(await b.agent.dial({ node: a.id, service }), Buffer.from('back'))).toString()).toBe('back');
    expect(b.agent.status().links).toBe(1);
  });

  it('a node dials itself without a network, under the same access rule', async () => {
    const a = await grid.node('a', { access: (_from, asked) => asked === service });
    echo(a);
    const bytes = randomBytes(500_000);
    expect((await exchange(await a.agent.dial({ node: a.id, service }), bytes)).equals(bytes)).toBe(true);
    await expect(a.agent.dial({ node: a.id, service: 'other' })).rejects.toMatchObject({ code: 'refused' });
    await until(() => a.agent.status().streams === 0);
  });

  it('half-close: after end() on one side the other one still writes', async () => {
    const a = await grid.node('a');
    const b = await grid.node('b', { listen: true });
    b.agent.handle((stream) => {
      void readAll(stream).then(async (request) => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        stream.write(`got ${request.toString()}`);
        setTimeout(() => stream.end(', bye'), 50);
      });
    });
    const stream = await a.agent.dial({ node: b.id, service });
    stream.end('question');
    expect((await readAll(stream)).toString()).toBe('got question, bye');
    await closed(stream);
    await until(() => b.agent.status().streams === 0);
  });

  it('destroy on one side resets the other one, whose process survives without an error listener', async () => {
    const a = await grid.node('a');
    const b = await grid.node('b', { listen: true });
    const served: Duplex[] = [];
    b.agent.handle((stream) => served.push(stream));
    const stream = await a.agent.dial({ node: b.id, service });
    stream.destroy();
    const other = served[0];
    if (other === undefined) throw new Error('no stream');
    await closed(other);
    expect(other.errored).toMatchObject({ code: 'closed' });
    expect(a.agent.status().streams + b.agent.status().streams).toBe(0);
  });

  it('1000 streams at a time, twice, leave nothing behind', async () => {
    const a = await grid.node('a');
    const b = await grid.node('b', { listen: true });
    echo(b);
    for (let round = 0; round < 2; round += 1) {
      const streams = await Promise.all(Array.from({ length: 1_000 }, () => a.agent.dial({ node: b.id, service })));
      expect(a.agent.status()).toEqual({ links: 1, sessions: 1, streams: 1_000 });
      const answers = await Promise.all(streams.map((stream, index) => exchange(stream, Buffer.from(`stream ${String(index)}`))));
      answers.forEach((answer, index) => expect(answer.toString()).toBe(`stream ${String(index)}`));
      await until(() => a.agent.status().streams + b.agent.status().streams === 0);
    }
    expect(a.agent.status()).toEqual({ links: 1, sessions: 1, streams: 0 });
  });

  it('more streams than a session takes go through a second session', async () => {
    const a = await grid.node('a');
    const b = await grid.node('b', { listen: true });
    b.agent.handle(() => undefined);
    for (let index = 0; index < 1_030; index += 1) await a.agent.dial({ node: b.id, service });
    expect(a.agent.status()).toEqual({ links: 1, sessions: 2, streams: 1_030 });
  });
});

describe('refusals', () => {
  it('denies by default: a service the rule does not name, a rule that throws, no handler', async () => {
    const a = await grid.node('a');
    const picky = await grid.node('b', { listen: true, access: (from, asked) => from === a.id && asked === service });
    const broken = await grid.node('c', { listen: true, access: () => { throw new Error('bug'); } });
    const mute = await grid.node('d', { listen: true });
    echo(picky);
    echo(broken);
    expect((await exchange(await a.agent.dial({ node: picky.id, service }), Buffer.from('yes'))).toString()).toBe('yes');
    for (const node of [picky, broken, mute]) {
      await expect(a.agent.dial({ node: node.id, service: 'other' })).rejects.toMatchObject({ code: 'refused' });
    }
    await expect(a.agent.dial({ node: broken.id, service })).rejects.toMatchObject({ code: 'refused' });
    await expect(a.agent.dial({ node: mute.id, service })).rejects.toMatchObject({ code: 'refused' });
    await expect(a.agent.dial({ node: picky.id, service: 'with space' })).rejects.toMatchObject({ code: 'refused' });
  });

  it('access taken away ends the open stream on refresh', async () => {
    let allowed = true;
    const a = await grid.node('a');
    const b = await grid.node('b', { listen: true, access: () => allowed });
    echo(b);
    const stream = await a.agent.dial({ node: b.id, service });
    allowed = false;
    b.agent.refresh();
    await closed(stream);
    expect(stream.errored).toMatchObject({ code: 'closed' });
  });

  it('a stranger, a node with another key than the registered one, and another grid get no link', async () => {
    const b = await grid.node('b', { listen: true });
    echo(b);
    const stranger = await grid.node('stranger', { stranger: true });
    const elsewhere = await grid.node('elsewhere', { grid: digestOf('another grid') });
    const victim = await grid.node('victim');
    const impostor = await grid.node('impostor', { stranger: true, id: victim.id });
    for (const node of [stranger, elsewhere, impostor]) {
      await expect(node.agent.dial({ node: b.id, service })).rejects.toMatchObject({ code: 'unreachable' });
    }
    expect(b.agent.status()).toEqual({ links: 0, sessions: 0, streams: 0 });
    expect(b.events.filter((event) => event.event === 'link.opened')).toEqual([]);
    // Two of the three hold keys of nobody; the third one's handshake fails before its key can be read.
    expect(b.events.filter((event) => event.reason === 'unknown node').length).toBeGreaterThanOrEqual(2);
    expect(b.events.filter((event) => event.reason === 'handshake failed').length).toBeGreaterThanOrEqual(1);
  });

  it('a dialled node that does not hold the registered key is not talked to', async () => {
    const a = await grid.node('a');
    const b = await grid.node('b', { listen: true });
    echo(b);
    const peer = grid.peers.get(b.id);
    if (peer === undefined) throw new Error('missing');
    peer.overlayKey = Buffer.from(generateDhKey().publicKey).toString('base64url');
    await expect(a.agent.dial({ node: b.id, service }, { timeoutMs: 4_000 })).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('a node that leaves the directory loses its links and streams on refresh', async () => {
    const a = await grid.node('a');
    const b = await grid.node('b', { listen: true });
    echo(b);
    const stream = await a.agent.dial({ node: b.id, service });
    grid.peers.delete(a.id);
    b.agent.refresh();
    await closed(stream);
    expect(b.agent.status()).toEqual({ links: 0, sessions: 0, streams: 0 });
  });

  it('unknown nodes and silent ones reject with their code, and an aborted dial ends at once', async () => {
    const a = await grid.node('a');
    await expect(a.agent.dial({ node: digestOf('nobody'), service })).rejects.toMatchObject({ code: 'unreachable' });
    const { createServer } = await import('node:net');
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const id = digestOf('silent');
    grid.peers.set(id, { id, overlayKey: Buffer.from(generateDhKey().publicKey).toString('base64url'), endpoints: [`ws://127.0.0.1:${String(address.port)}`] });
    await expect(a.agent.dial({ node: id, service }, { timeoutMs: 200 })).rejects.toMatchObject({ code: 'timeout' });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    const started = performance.now();
    await expect(a.agent.dial({ node: id, service }, { signal: controller.signal })).rejects.toMatchObject({ code: 'closed' });
    expect(performance.now() - started).toBeLessThan(500);
    silent.close();
    await a.agent.close();
    await expect(a.agent.dial({ node: id, service })).rejects.toMatchObject({ code: 'closed' });
  });
});
