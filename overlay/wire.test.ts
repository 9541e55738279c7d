import { connect } from 'node:net';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { BareNode, openLink } from './bare-node-fixture.ts';
import { MAX_FRAME, FrameType, encodeFrame } from './frame.ts';
import { TestGrid, echo, until } from './grid-fixture.ts';
import type { TestNode } from './grid-fixture.ts';
import { connectSocket } from './socket.ts';

let grid: TestGrid;
let b: TestNode;
let endpoint: string;
beforeEach(async () => {
  grid = new TestGrid();
  b = await grid.node('b', { listen: true });
  echo(b);
  endpoint = grid.peers.get(b.id)?.endpoints[0] ?? '';
});
afterEach(() => grid.close());

async function socket(): Promise<WebSocket> {
  const made = connectSocket(endpoint);
  if (made === undefined) throw new Error('no socket');
  made.on('error', () => undefined);
  await once(made, 'open');
  return made;
}

const gone = (made: WebSocket): Promise<unknown> => (made.readyState === WebSocket.CLOSED ? Promise.resolve() : once(made, 'close'));
const reasons = (): unknown[] => b.events.filter((event) => event.event === 'link.closed').map((event) => event.reason);

describe('what a stranger can send', () => {
  it.each([
    ['noise', randomBytes(96), 'handshake failed'],
    ['an empty message', Buffer.alloc(0), 'handshake failed'],
    ['a long first message', Buffer.alloc(257), 'handshake message too long'],
    ['text', 'hello', 'not a binary message'],
  ])('%s ends the connection', async (_name, data, reason) => {
    const made = await socket();
    made.send(data);
    await gone(made);
    expect(reasons()).toEqual([reason]);
    expect(b.agent.status().links).toBe(0);
  });

  it('a message above the limit is cut off before it is buffered', async () => {
    const made = await socket();
    made.send(Buffer.alloc(MAX_FRAME + 1));
    await gone(made);
    expect(reasons()).toEqual(['Max payload size exceeded']);
  });

  it('a WebSocket ping is not answered but ends the connection', async () => {
    const made = await socket();
    made.ping();
    await gone(made);
    expect(reasons()).toEqual(['unexpected WebSocket ping']);
  });

  it('connections that prove nothing are limited, and neighbours still get in afterwards', async () => {
    const made = await Promise.all(Array.from({ length: 260 }, () => socket()));
    await until(() => made.filter((each) => each.readyState === WebSocket.CLOSED).length === 4);
    for (const each of made) each.terminate();
    await until(() => reasons().length === 256 || reasons().length === 50); // the log is limited as well
    const a = await grid.node('a');
    (await a.agent.dial({ node: b.id, service: 'x' })).destroy();
  });

  it('a browser and a plain HTTP request get nothing', async () => {
    const browser = new WebSocket(endpoint, { origin: 'http://evil.example' });
    const [error] = (await once(browser, 'error')) as [Error];
    expect(error.message).toMatch(/401/);
    const response = await fetch(endpoint.replace('ws:', 'http:'));
    expect(response.status).toBe(426);
    const raw = connect(Number(new URL(endpoint).port), '127.0.0.1');
    raw.on('error', () => undefined);
    raw.write('nonsense\r\n\r\n');
    raw.resume();
    await once(raw, 'close');
  });

  it('a recorded first message of a neighbour, sent again, opens no link and takes no route', async () => {
    const recorder = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(recorder, 'listening');
    const address = recorder.address();
    if (typeof address === 'string' || address === null) throw new Error('no port');
    const peer = grid.peers.get(b.id);
    if (peer === undefined) throw new Error('missing');
    peer.endpoints = [`ws://127.0.0.1:${String(address.port)}`];
    const a = await grid.node('a');
    const recorded = new Promise<Buffer>((resolve) => recorder.once('connection', (incoming) => incoming.once('message', (data) => resolve(data as Buffer))));
    const dialled = a.agent.dial({ node: b.id, service: 'x' }, { timeoutMs: 300 });
    dialled.catch(() => undefined);
    const made = await socket();
    made.send(await recorded);
    const [answer] = (await once(made, 'message')) as [Buffer];
    expect(answer).toHaveLength(48);
    expect(b.agent.status().links).toBe(0);
    expect(b.agent.neighbours()).toEqual([]);
    await expect(dialled).rejects.toMatchObject({ code: 'timeout' });
    made.terminate();
    recorder.close();
    for (const each of recorder.clients) each.terminate();
  });
});

describe('what can be done to an open link', () => {
  it.each(['forged', 'replayed', 'malformed', 'tampered'])('a %s frame closes it', async (lie) => {
    const rogue = new BareNode('rogue', grid);
    const made = connectSocket(endpoint);
    if (made === undefined) throw new Error('no socket');
    const link = await openLink(rogue, { socket: made, to: b.id });
    await until(() => b.agent.status().links === 1);
    const frame = encodeFrame({ type: FrameType.init, dst: link.peerBytes, src: rogue.own, session: Buffer.alloc(8) }, Buffer.alloc(96));
    if (lie === 'replayed') {
      link.send(frame);
      made.send(frame);
    } else if (lie === 'forged') made.send(frame);
    else if (lie === 'malformed') made.send(Buffer.alloc(20));
    else {
      const send = made.send.bind(made);
      made.send = ((data: Buffer, options: object, written: () => void) => {
        if (data.length > 120) data.writeUInt8(data.readUInt8(120) ^ 1, 120);
        send(data, options, written);
      }) as typeof made.send;
      link.send(frame);
    }
    await gone(made);
    expect(reasons()).toEqual([lie === 'malformed' ? 'malformed frame' : 'frame is not authentic']);
    await until(() => b.agent.status().links === 0);
    await rogue.close();
  });

  it('a neighbour that goes silent is dropped within 4.5 s', async () => {
    const rogue = new BareNode('rogue', grid);
    const made = connectSocket(endpoint);
    if (made === undefined) throw new Error('no socket');
    await openLink(rogue, { socket: made, to: b.id });
    await until(() => b.agent.status().links === 1);
    made.pause();
    await until(() => b.agent.status().links === 0, 4_500);
    expect(reasons()).toEqual(['neighbour went silent']);
    made.terminate();
    await rogue.close();
  }, 10_000);
});
