import { FrameType, encodeFrame, frameBody, frameDst, frameSession, frameSource, frameSrc, frameType, lowerTtl } from './frame.ts';
import { nodeIdBytes, nodeIdFromBytes } from './identity.ts';
import type { Identity } from './identity.ts';
import type { Link } from './link.ts';

/** Links kept to one neighbour; the oldest makes room, because who comes again usually lost the old one. */
const MAX_LINKS_PER_PEER = 4;
const MAX_LINKS = 1_024;
/** What a relay queues from one neighbour to another; an honest session has 2 MiB under way, so nobody honest gets here. */
export const MAX_RELAYED_PER_PAIR = 8 * 1024 * 1024;
/** What a relay queues to one neighbour in all. */
export const MAX_RELAYED_PER_LINK = 64 * 1024 * 1024;

export interface RouterEvents {
  /** A frame for this node. Its source is the neighbour itself, or what a relay says: only the session's keys prove it. */
  deliver(link: Link, source: string, frame: Buffer): void;
  refused(event: string, facts: Record<string, unknown>): void;
}

/** Links by neighbour, and the way of a frame: to us, one relay further, or back as `unreachable`. */
export class Router {
  readonly #identity: Identity;
  readonly #relay: boolean;
  readonly #events: RouterEvents;
  readonly #own: Buffer;
  readonly #links = new Map<string, Set<Link>>();
  readonly #queued = new WeakMap<Link, { total: number; bySource: Map<string, number> }>();
  #count = 0;

  constructor(options: { identity: Identity; relay: boolean; events: RouterEvents }) {
    this.#identity = options.identity;
    this.#relay = options.relay;
    this.#events = options.events;
    const own = nodeIdBytes(options.identity.id);
    if (own === undefined) throw new TypeError('id is not a node id');
    this.#own = own;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes in an open link; false when this node has no room for it. */
  add(link: Link): boolean {
    const set = this.#links.get(link.peer.id) ?? new Set();
    if (this.#count >= MAX_LINKS && set.size === 0) return false;
    this.#links.set(link.peer.id, set.add(link));
    this.#count += 1;
    if (set.size > MAX_LINKS_PER_PEER) {
      const [oldest] = set;
      oldest?.close('replaced by a newer link');
    }
    return true;
  }

  remove(link: Link): void {
    for (const [id, set] of this.#links) {
      if (!set.delete(link)) continue;
      this.#count -= 1;
      if (set.size === 0) this.#links.delete(id);
    }
  }

  /** The quickest open link to a neighbour. */
  linkTo(id: string): Link | undefined {
    let best: Link | undefined;
    for (const link of this.#links.get(id) ?? []) {
      if (link.open && (best === undefined || link.rttMs < best.rttMs)) best = link;
    }
    return best;
  }

  peers(): string[] {
    return [...this.#links.keys()];
  }

  links(): Link[] {
    return [...this.#links.values()].flatMap((set) => [...set]);
  }

  receive(link: Link, frame: Buffer): void {
    const direct = frameSrc(frame).equals(link.peerBytes);
    if (frameDst(frame).equals(this.#own)) {
      if (!direct && !this.#isRelay(link.peer.id)) return this.#violation(link, 'frame in the name of another node');
      return this.#events.deliver(link, frameSource(frame), frame);
    }
    // Only a neighbour's own frames are carried on: a relay never feeds a relay, so there is no loop and no false source.
    if (!direct) return this.#violation(link, 'frame from another node to another node');
    this.#forward(link, frame);
  }

  /** Tells the sender of `frame` that it got nowhere. Never answers an `unreachable` with another one. */
  reject(link: Link, frame: Buffer): void {
    const type = frameType(frame);
    if (type === undefined || type === FrameType.unreachable) return;
    const header = { type: FrameType.unreachable, dst: frameSrc(frame), src: this.#own, session: frameSession(frame) };
    link.send(encodeFrame(header, Buffer.of(type)));
  }

  #forward(from: Link, frame: Buffer): void {
    const to = this.#relay ? this.linkTo(nodeIdFromBytes(frameDst(frame))) : undefined;
    if (to === undefined || !lowerTtl(frame)) return this.reject(from, frame);
    // A queue that is full breaks the session that overfilled it, whose ends then know. Pausing the incoming socket instead
    // would let one destination that does not read stop everybody else's traffic, and make healthy links look dead.
    const source = from.peer.id;
    const queue = this.#queued.get(to) ?? { total: 0, bySource: new Map<string, number>() };
    this.#queued.set(to, queue);
    const mine = queue.bySource.get(source) ?? 0;
    if (mine + frame.length > MAX_RELAYED_PER_PAIR || queue.total + frame.length > MAX_RELAYED_PER_LINK) {
      this.#events.refused('relay.overflow', { from: source, to: to.peer.id, queued: queue.total });
      return this.reject(from, frame);
    }
    const { length } = frame;
    const carried = detached(frame);
    queue.total += length;
    queue.bySource.set(source, mine + length);
    to.send(carried, () => {
      queue.total -= length;
      const left = (queue.bySource.get(source) ?? 0) - length;
      if (left > 0) queue.bySource.set(source, left);
      else queue.bySource.delete(source);
    });
  }

  #isRelay(id: string): boolean {
    return this.#identity.directory.relays().some((relay) => relay.id === id);
  }

  #violation(link: Link, reason: string): void {
    this.#events.refused('link.violation', { peer: link.peer.id, reason });
    link.close(reason);
  }
}

/**
 * A short frame is a slice of what the socket read at once. Queued as it is, it would keep all of that in memory,
 * and a sender could make 8 MiB of queue hold gigabytes.
 */
function detached(frame: Buffer): Buffer {
  return frame.buffer.byteLength > 2 * frame.length ? Buffer.from(frame) : frame;
}

/** The type of frame that an `unreachable` is about. */
export function rejectedType(frame: Buffer): number | undefined {
  return frameBody(frame)[0];
}
