import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BareNode } from './bare-node-fixture.ts';
import { FRAME_HEADER, FrameType, encodeFrame, frameSrc, frameType } from './frame.ts';
import { TestGrid, closed, echo, exchange, until } from './grid-fixture.ts';
import type { TestNode } from './grid-fixture.ts';

const service = 'deployment/zdb-0@1';
let grid: TestGrid;
let relay: BareNode;
let a: TestNode;
let b: TestNode;

/** A and B dial out only, and their one relay is in the test's hands. */
beforeEach(async () => {
  grid = new TestGrid();
  relay = new BareNode('relay', grid);
  await relay.listen(grid);
  grid.relayIds.add(relay.id);
  relay.relayWith((frame) => [frame]);
  a = await grid.node('a');
  b = await grid.node('b');
  echo(b);
  await until(() => relay.router.count === 2);
});
afterEach(async () => {
  await grid.close();
  await relay.close();
});

const isData = (frame: Buffer): boolean => frameType(frame) === FrameType.toResponder && frame.length > 1_000;

function flip(frame: Buffer, at: number): Buffer {
  const spoiled = Buffer.from(frame);
  spoiled.writeUInt8(spoiled.readUInt8(at) ^ 1, at);
  return spoiled;
}

describe('a relay that lies', () => {
  it('sees only ciphertext: neither data nor service names', async () => {
    const seen: Buffer[] = [];
    relay.relayWith((frame) => {
      seen.push(Buffer.from(frame));
      return [frame];
    });
    const secret = Buffer.from('the plaintext that nobody else may read. '.repeat(5_000));
    expect((await exchange(await a.agent.dial({ node: b.id, service }), secret)).equals(secret)).toBe(true);
    const all = Buffer.concat(seen);
    expect(all.length).toBeGreaterThan(2 * secret.length);
    expect(all.includes('plaintext')).toBe(false);
    expect(all.includes('zdb-0')).toBe(false);
    expect(all.includes(secret.subarray(0, 8))).toBe(false);
  });

  it.each([['body', 500], ['counter', FRAME_HEADER + 7], ['record header', FRAME_HEADER + 8]])('tampered %s: the session ends, nothing spoiled is delivered, and the next dial works', async (_name, at) => {
    let spoil = true;
    relay.relayWith((frame) => {
      if (!spoil || !isData(frame)) return [frame];
      spoil = false;
      return [flip(frame, at)];
    });
    const stream = await a.agent.dial({ node: b.id, service });
    const received: Buffer[] = [];
    stream.on('data', (data: Buffer) => received.push(data));
    stream.write(Buffer.alloc(5_000, 1));
    // A counter that was turned back looks like a replay and is dropped; the frame that follows then shows the gap.
    stream.write(Buffer.alloc(5_000, 2));
    await until(() => !spoil);
    stream.write(Buffer.alloc(5_000, 3));
    await closed(stream);
    expect(stream.errored).toMatchObject({ code: 'closed' });
    expect(received).toEqual([]);
    const bytes = Buffer.alloc(5_000, 2);
    expect((await exchange(await a.agent.dial({ node: b.id, service }), bytes)).equals(bytes)).toBe(true);
  });

  it('replayed frames change nothing', async () => {
    let replayed = 0;
    relay.relayWith((frame) => {
      replayed += 1;
      return [frame, Buffer.from(frame), Buffer.from(frame)];
    });
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
    expect((await exchange(await a.agent.dial({ node: b.id, service }), bytes)).equals(bytes)).toBe(true);
    expect(replayed).toBeGreaterThan(8);
    expect(b.agent.status().sessions).toBe(1);
  });

  it('a replayed first message carries nothing, and means nothing to another node', async () => {
    let first = Buffer.alloc(0);
    relay.relayWith((frame) => {
      if (frameType(frame) === FrameType.init) first = Buffer.from(frame);
      return [frame];
    });
    let served = 0;
    b.agent.handle((stream) => {
      served += 1;
      stream.pipe(stream);
    });
    await exchange(await a.agent.dial({ node: b.id, service }), Buffer.from('x'));
    await a.agent.close();
    await until(() => b.agent.status().sessions === 0);
    const toOther = Buffer.from(first);
    relay.router.linkTo(b.id)?.send(first);
    await until(() => b.agent.status().sessions === 1); // kept for 5 s at most, never confirmed
    const other = await grid.node('other');
    await until(() => relay.router.linkTo(other.id) !== undefined);
    Buffer.from(other.id.slice(7), 'hex').copy(toOther, 18);
    relay.router.linkTo(other.id)?.send(toOther);
    await until(() => other.events.some((event) => event.event === 'session.refused' && event.reason === 'handshake failed'));
    expect(other.agent.status().sessions).toBe(0);
    expect(served).toBe(1);
    expect(b.agent.status().streams).toBe(0);
  });

  it('lost and reordered frames end the session instead of leaving a hole', async () => {
    for (const lie of ['lost', 'reordered'] as const) {
      let held: Buffer | undefined;
      let done = false;
      relay.relayWith((frame) => {
        if (done || !isData(frame)) return [frame];
        if (held === undefined) {
          held = Buffer.from(frame);
          return [];
        }
        done = true;
        return lie === 'lost' ? [frame] : [frame, held];
      });
      const stream = await a.agent.dial({ node: b.id, service });
      const received: Buffer[] = [];
      stream.on('data', (data: Buffer) => received.push(data));
      stream.write(Buffer.alloc(5_000, 1));
      await until(() => held !== undefined);
      stream.write(Buffer.alloc(5_000, 2));
      await closed(stream);
      expect(received).toEqual([]);
    }
  });

  it('cannot pretend that a frame comes from somebody else', async () => {
    const c = await grid.node('c');
    await until(() => relay.router.count === 3);
    relay.relayWith((frame) => {
      if (frameType(frame) === FrameType.init) Buffer.from(c.id.slice(7), 'hex').copy(frameSrc(frame));
      return [frame];
    });
    const asked: string[] = [];
    b.agent.handle((stream, info) => {
      asked.push(info.from);
      stream.end();
    });
    await expect(a.agent.dial({ node: b.id, service }, { timeoutMs: 500 })).rejects.toMatchObject({ code: 'timeout' });
    expect(asked).toEqual([]);
    expect(b.events.some((event) => event.event === 'session.refused' && event.reason === 'unknown node')).toBe(true);
  });

  it('can end what goes through it by saying `unreachable`, and no more than that', async () => {
    const stream = await a.agent.dial({ node: b.id, service });
    relay.relayWith((frame) => {
      const back = encodeFrame({ type: FrameType.unreachable, dst: frameSrc(frame), src: relay.own, session: frame.subarray(82, 90) }, Buffer.of(frameType(frame) ?? 0));
      relay.router.linkTo(a.id)?.send(back);
      return [];
    });
    stream.write('x');
    await closed(stream);
    expect(stream.errored).toMatchObject({ code: 'closed' });
    await expect(a.agent.dial({ node: b.id, service })).rejects.toMatchObject({ code: 'unreachable' });
  });
});

describe('an ordinary neighbour', () => {
  it('loses its link when it speaks in the name of another node or wants a node to relay for a third one', async () => {
    const listener = await grid.node('listener', { listen: true });
    const forged = [{ src: Buffer.from(b.id.slice(7), 'hex'), dst: Buffer.from(listener.id.slice(7), 'hex') }, { src: Buffer.from(b.id.slice(7), 'hex'), dst: Buffer.from(a.id.slice(7), 'hex') }];
    const rogue = new BareNode('rogue', grid);
    const peer = grid.peers.get(listener.id);
    if (peer === undefined) throw new Error('missing');
    for (const { src, dst } of forged) {
      const link = await rogue.links.dial(peer);
      link.send(encodeFrame({ type: FrameType.init, src, dst, session: Buffer.alloc(8) }, Buffer.alloc(96)));
      await until(() => link.closed);
    }
    expect(listener.events.filter((event) => event.event === 'link.violation')).toHaveLength(2);
    await rogue.close();
  });

  it('gets `unreachable` from a node that is no relay', async () => {
    const listener = await grid.node('listener', { listen: true });
    const rogue = new BareNode('rogue', grid);
    const peer = grid.peers.get(listener.id);
    if (peer === undefined) throw new Error('missing');
    const link = await rogue.links.dial(peer);
    const answers: (number | undefined)[] = [];
    rogue.onFrame = (_link, frame) => answers.push(frameType(frame));
    link.send(encodeFrame({ type: FrameType.init, src: rogue.own, dst: Buffer.from(a.id.slice(7), 'hex'), session: Buffer.alloc(8) }, Buffer.alloc(96)));
    await until(() => answers.length > 0);
    expect(answers).toEqual([FrameType.unreachable]);
    await rogue.close();
  });
});
