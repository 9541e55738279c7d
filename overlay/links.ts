import type { WebSocket } from 'ws';
import { OverlayError } from './errors.ts';
import type { Identity, PeerInfo } from './identity.ts';
import { Link } from './link.ts';
import type { Router } from './router.ts';
import { connectSocket } from './socket.ts';

/** Connections that have not proven who they are. */
const MAX_PENDING = 256;
/** Addresses tried for one node: a directory entry must not make us connect everywhere. */
const MAX_ENDPOINTS = 4;

export interface LinksEvents {
  frame(link: Link, frame: Buffer): void;
  drained(link: Link): void;
  closed(link: Link, reason: string): void;
  opened(link: Link): void;
}

interface Waiter {
  resolve(link: Link): void;
  reject(error: OverlayError): void;
}

/** Makes links, dialled and accepted, and gives those that prove themselves to the router. */
export class Links {
  readonly #identity: Identity;
  readonly #router: Router;
  readonly #events: LinksEvents;
  readonly #pending = new Set<Link>();
  readonly #waiters = new Map<Link, Waiter>();
  readonly #dialling = new Map<string, Promise<Link>>();

  constructor(options: { identity: Identity; router: Router; events: LinksEvents }) {
    this.#identity = options.identity;
    this.#router = options.router;
    this.#events = options.events;
  }

  /** Takes a connection from outside; beyond MAX_PENDING unproven ones it is dropped. */
  accept(socket: WebSocket): void {
    if (this.#pending.size >= MAX_PENDING) {
      socket.on('error', () => undefined);
      socket.terminate();
      return;
    }
    this.#create(socket);
  }

  /** The link to a node that has endpoints, dialled when there is none; rejects with `unreachable`. */
  dial(peer: PeerInfo): Promise<Link> {
    const present = this.#router.linkTo(peer.id);
    if (present !== undefined) return Promise.resolve(present);
    const under = this.#dialling.get(peer.id);
    if (under !== undefined) return under;
    const attempt = this.#dialAll(peer).finally(() => this.#dialling.delete(peer.id));
    this.#dialling.set(peer.id, attempt);
    return attempt;
  }

  tick(now: number, stalledMs: number): void {
    for (const link of [...this.#pending, ...this.#router.links()]) link.tick(now, stalledMs);
  }

  closeAll(reason: string): void {
    for (const link of [...this.#pending]) link.close(reason);
  }

  async #dialAll(peer: PeerInfo): Promise<Link> {
    const dialled = peer.endpoints.slice(0, MAX_ENDPOINTS).flatMap((endpoint) => {
      const socket = connectSocket(endpoint);
      return socket === undefined ? [] : [this.#create(socket, peer)];
    });
    try {
      return await Promise.any(dialled.map((link) => this.#whenOpen(link)));
    } catch (cause) {
      throw new OverlayError('unreachable', 'none of the addresses of the node leads to it', { cause });
    } finally {
      for (const link of dialled) if (!link.open) link.close('not needed');
    }
  }

  #whenOpen(link: Link): Promise<Link> {
    return new Promise((resolve, reject) => this.#waiters.set(link, { resolve, reject }));
  }

  #create(socket: WebSocket, expected?: PeerInfo): Link {
    const link = new Link({
      socket, identity: this.#identity, ...(expected === undefined ? {} : { expected }),
      events: {
        opened: (opened) => this.#opened(opened),
        frame: (from, frame) => this.#events.frame(from, frame),
        drained: (drained) => this.#events.drained(drained),
        closed: (closed, reason) => this.#closed(closed, reason),
      },
    });
    this.#pending.add(link);
    return link;
  }

  #opened(link: Link): void {
    this.#pending.delete(link);
    if (!this.#router.add(link)) return link.close('too many neighbours');
    this.#events.opened(link);
    this.#waiters.get(link)?.resolve(link);
    this.#waiters.delete(link);
  }

  #closed(link: Link, reason: string): void {
    this.#pending.delete(link);
    this.#router.remove(link);
    this.#waiters.get(link)?.reject(new OverlayError('unreachable', `link: ${reason}`));
    this.#waiters.delete(link);
    this.#events.closed(link, reason);
  }
}
