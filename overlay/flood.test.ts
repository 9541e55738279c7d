import type { Duplex } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BareNode, openLink } from './bare-node-fixture.ts';
import { FrameType, encodeFrame, frameType } from './frame.ts';
import { TestGrid, echo, exchange, until } from './grid-fixture.ts';
import type { TestNode } from './grid-fixture.ts';
import { RecordType } from './record.ts';
import { MAX_RELAYED_PER_PAIR } from './router.ts';
import { connectSocket } from './socket.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let grid: TestGrid;
let bare: BareNode[];
beforeEach(() => {
  grid = new TestGrid();
  bare = [];
});
afterEach(async () => {
  await grid.close();
  for (const node of bare) await node.close();
});

function bareNode(name: string): BareNode {
  const node = new BareNode(name, grid);
  bare.push(node);
  return node;
}

describe('a relay under flood', () => {
  it('queues at most 8 MiB from one neighbour to another that does not read, answers the rest with `unreachable`, and serves the others meanwhile', async () => {
    const relay = await grid.node('relay', { listen: true, relay: true });
    const endpoint = grid.peers.get(relay.id)?.endpoints[0] ?? '';
    const flooder = bareNode('flooder');
    const sink = bareNode('sink');
    const socket = connectSocket(endpoint);
    const flooding = connectSocket(endpoint);
    if (socket === undefined || flooding === undefined) throw new Error('no socket');
    const sinkLink = await openLink(sink, { socket, to: relay.id });
    const link = await openLink(flooder, { socket: flooding, to: relay.id });
    await until(() => relay.agent.status().links === 2);
    socket.pause();
    // It reads nothing but goes on to ping, so that it is not taken for dead before the test is over.
    const pinging = setInterval(() => sinkLink.tick(performance.now(), 500), 500);

    const memory = (): number => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers;
    };
    const before = memory();
    let refused = 0;
    flooder.onFrame = (_link, frame) => {
      if (frameType(frame) === FrameType.unreachable) refused += 1;
    };
    const frames = 640; // 40 MiB
    for (let sent = 0; sent < frames; sent += 1) {
      link.send(encodeFrame({ type: FrameType.toResponder, dst: sink.own, src: flooder.own, session: Buffer.alloc(8, 1) }, Buffer.alloc(65_000)));
      if (sent % 16 === 0) await until(() => flooding.bufferedAmount < 1_000_000);
    }
    await until(() => refused > 0 && relay.events.some((event) => event.event === 'relay.overflow'));
    await until(() => flooding.bufferedAmount === 0);
    const overflow = relay.events.filter((event) => event.event === 'relay.overflow').map((event) => Number(event.queued));
    expect(Math.max(...overflow)).toBeLessThanOrEqual(MAX_RELAYED_PER_PAIR);
    expect(refused).toBeGreaterThan(frames / 4);
    await until(() => memory() - before < 12_000_000);

    // Short frames must not keep alive the big reads that they were cut from.
    const second = bareNode('second flooder');
    const secondSocket = connectSocket(endpoint);
    if (secondSocket === undefined) throw new Error('no socket');
    const secondLink = await openLink(second, { socket: secondSocket, to: relay.id });
    let answered = 0;
    second.onFrame = () => (answered += 1);
    const full = memory();
    for (let sent = 0; sent < 400; sent += 1) {
      const header = { type: FrameType.toResponder, src: second.own, session: Buffer.alloc(8, 2) };
      secondLink.send(encodeFrame({ ...header, dst: sink.own }, Buffer.alloc(40)));
      secondLink.send(encodeFrame({ ...header, dst: Buffer.alloc(32, 9) }, Buffer.alloc(50_000)));
      if (sent % 16 === 0) await until(() => secondSocket.bufferedAmount < 1_000_000);
    }
    await until(() => answered === 400);
    await until(() => memory() - full < 2_000_000);
    expect(sinkLink.open && relay.agent.status().links).toBe(3);
    clearInterval(pinging);
    secondSocket.terminate();

    const a = await grid.node('a');
    const b = await grid.node('b');
    echo(b);
    await until(() => a.agent.neighbours().length === 1 && b.agent.neighbours().length === 1);
    const bytes = Buffer.alloc(4_000_000, 3);
    expect((await exchange(await a.agent.dial({ node: b.id, service: 'x' }), bytes)).equals(bytes)).toBe(true);
    socket.terminate();
    flooding.terminate();
  }, 15_000);
});

describe('a peer that breaks the rules of a session', () => {
  let victim: TestNode;
  let rogue: BareNode;
  beforeEach(async () => {
    victim = await grid.node('victim', { listen: true });
    rogue = bareNode('rogue');
  });

  async function session(): ReturnType<BareNode['sessions']['connect']> {
    const peer = grid.peers.get(victim.id);
    if (peer === undefined) throw new Error('missing');
    return rogue.sessions.connect(peer, await rogue.links.dial(peer), new AbortController().signal);
  }

  const ended = (): Promise<void> => until(() => victim.agent.status().sessions === 0);
  const reason = (): unknown => victim.events.filter((event) => event.event === 'session.closed').at(-1)?.reason;

  it('more data than the window: the session ends', async () => {
    victim.agent.handle(() => undefined);
    const streams = await session();
    await streams.open('x', new AbortController().signal);
    for (let sent = 0; sent < 40; sent += 1) streams.session.sendData(1, [Buffer.alloc(65_000)]);
    await ended();
    expect(reason()).toBe('more data than the window allows');
  });

  it('a window full of single bytes is kept in few pieces', async () => {
    const served: Duplex[] = [];
    victim.agent.handle((stream) => served.push(stream));
    const streams = await session();
    await streams.open('x', new AbortController().signal);
    for (let sent = 0; sent < 20_000; sent += 1) streams.session.sendData(1, [Buffer.of(sent % 251)]);
    streams.session.sendControl(RecordType.end, 1);
    // Records keep their order: when this one is answered, all of those have arrived.
    await streams.open('y', new AbortController().signal);
    const pieces: Buffer[] = [];
    served[0]?.on('data', (data: Buffer) => pieces.push(data));
    await until(() => served[0]?.readableEnded === true);
    expect(Buffer.concat(pieces).equals(Buffer.from(Array.from({ length: 20_000 }, (_, index) => index % 251)))).toBe(true);
    expect(pieces.length).toBeLessThan(400);
  });

  it('too much credit, data after the end, an id used twice, or garbage: the session ends', async () => {
    victim.agent.handle((stream) => stream.on('end', () => undefined));
    const faults: [string, (streams: Awaited<ReturnType<typeof session>>) => void][] = [
      ['more credit than a window', ({ session: s }) => s.sendControl(RecordType.credit, 1, Buffer.from('ffffffff', 'hex'))],
      ['more data than the window allows', ({ session: s }) => { s.sendControl(RecordType.end, 1); s.sendData(1, [Buffer.alloc(10)]); }],
      ['stream opened out of order', ({ session: s }) => s.sendControl(RecordType.open, 1, Buffer.from('x'))],
      ['malformed record', ({ session: s }) => s.sendControl(RecordType.credit, 1, Buffer.alloc(3))],
      ['malformed record', ({ session: s }) => s.sendControl(99 as typeof RecordType.ping, 1)],
    ];
    for (const [expected, commit] of faults) {
      const streams = await session();
      await streams.open('x', new AbortController().signal);
      commit(streams);
      await ended();
      expect(reason()).toBe(expected);
    }
  });

  it('sessions without end are refused beyond eight', async () => {
    victim.agent.handle(() => undefined);
    const kept = await Promise.all(Array.from({ length: 8 }, session));
    for (const streams of kept) await streams.open('x', new AbortController().signal);
    await expect(session()).rejects.toMatchObject({ code: 'refused' });
    rogue.sessions.usable(victim.id)?.session.close('make room');
    await until(() => victim.agent.status().sessions === 7);
    await session();
  });

  it('new keys after ten minutes: one record tells, and data flows on under them', async () => {
    victim.agent.handle((stream) => void stream.pipe(stream));
    const streams = await session();
    const stream = await streams.open('x', new AbortController().signal);
    let sealed = 0;
    const { link } = streams.session;
    const send = link.send.bind(link);
    link.send = (frame, written) => {
      sealed += 1;
      send(frame, written);
    };
    // Time jumps for this process as after a stop: silence does not count then, but the age of the keys does.
    const jump = (ms: number): void => streams.session.tick(performance.now() + ms, ms);
    jump(9 * 60_000);
    expect(sealed).toBe(1); // keepalive
    jump(10 * 60_000 + 1_000);
    expect(sealed).toBe(3); // new keys, keepalive
    const bytes = Buffer.alloc(300_000, 9);
    expect((await exchange(stream, bytes)).equals(bytes)).toBe(true);
    expect(victim.agent.status().sessions).toBe(1);
  });
});
