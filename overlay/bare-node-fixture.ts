import { nodeIdBytes, nodeIdFromBytes } from './identity.ts';
import type { Identity } from './identity.ts';
import { frameDst } from './frame.ts';
import { digestOf } from './grid-fixture.ts';
import type { TestGrid } from './grid-fixture.ts';
import { Link } from './link.ts';
import { Links } from './links.ts';
import { Router } from './router.ts';
import { Sessions } from './sessions.ts';
import { listenForSockets } from './socket.ts';
import type { Listener } from './socket.ts';
import type { WebSocket } from 'ws';
import type { OverlayStream } from './stream.ts';
import { generateDhKey } from './x25519.ts';

/** A registered node that does with frames whatever a test wants: a lying relay, a flooding peer. It has no ticker. */
export class BareNode {
  readonly id: string;
  readonly own: Buffer;
  readonly identity: Identity;
  readonly router: Router;
  readonly links: Links;
  readonly sessions: Sessions;
  readonly streams: OverlayStream[] = [];
  /** Gets every frame that comes in; by default they go the usual way. */
  onFrame: (link: Link, frame: Buffer) => void;
  #listener: Listener | undefined;

  constructor(name: string, grid: TestGrid) {
    this.id = digestOf(name);
    const own = nodeIdBytes(this.id);
    if (own === undefined) throw new Error('no id');
    this.own = own;
    this.identity = { id: this.id, grid: grid.grid, staticKey: generateDhKey(), directory: grid.directory };
    grid.peers.set(this.id, { id: this.id, overlayKey: Buffer.from(this.identity.staticKey.publicKey).toString('base64url'), endpoints: [] });
    this.router = new Router({
      identity: this.identity, relay: false,
      events: { deliver: (link, source, frame) => this.sessions.deliver(link, source, frame), refused: () => undefined },
    });
    this.sessions = new Sessions({
      identity: this.identity, own, router: this.router, log: () => undefined,
      acceptor: { allows: () => true, accepted: (stream) => this.streams.push(stream) },
    });
    this.onFrame = (link, frame) => this.router.receive(link, frame);
    this.links = new Links({
      identity: this.identity, router: this.router,
      events: {
        opened: () => undefined,
        frame: (link, frame) => this.onFrame(link, frame),
        drained: (link) => this.sessions.linkDrained(link),
        closed: (link, reason) => this.sessions.linkClosed(link, reason),
      },
    });
  }

  async listen(grid: TestGrid): Promise<void> {
    this.#listener = await listenForSockets({ host: '127.0.0.1', port: 0 }, (socket) => this.links.accept(socket));
    const peer = grid.peers.get(this.id);
    if (peer !== undefined) peer.endpoints = [this.#listener.endpoint];
  }

  /** Forwards like a relay, but sends on what `lie` makes of each frame. */
  relayWith(lie: (frame: Buffer) => Buffer[]): void {
    this.onFrame = (_link, frame) => {
      for (const each of lie(frame)) this.router.linkTo(nodeIdFromBytes(frameDst(frame)))?.send(each);
    };
  }

  async close(): Promise<void> {
    this.sessions.close();
    this.links.closeAll('test over');
    for (const link of this.router.links()) link.close('test over');
    await this.#listener?.close();
  }
}

/** A link over a socket that the test keeps in its hands. */
export function openLink(node: BareNode, options: { socket: WebSocket; to: string }): Promise<Link> {
  const expected = node.identity.directory.get(options.to);
  if (expected === undefined) throw new Error('unknown node');
  return new Promise((resolve, reject) => {
    const ignore = (): void => undefined;
    const link = new Link({
      socket: options.socket, identity: node.identity, expected,
      events: { opened: resolve, frame: (from, frame) => node.onFrame(from, frame), drained: ignore, closed: (_link, reason) => reject(new Error(reason)) },
    });
    void link;
  });
}
