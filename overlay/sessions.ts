import { randomBytes } from 'node:crypto';
import { OverlayError } from './errors.ts';
import { FrameType, SESSION_NUMBER_LENGTH, encodeFrame, frameBody, frameSession, frameType } from './frame.ts';
import { nodeByKey, nodeIdBytes, overlayKeyBytes, prologue } from './identity.ts';
import type { Identity, PeerInfo } from './identity.ts';
import type { Link } from './link.ts';
import { Multiplexer } from './multiplexer.ts';
import type { StreamAcceptor } from './multiplexer.ts';
import { HandshakeState } from './noise.ts';
import type { HandshakeResult } from './noise.ts';
import { rejectedType } from './router.ts';
import type { Router } from './router.ts';
import { Session } from './session.ts';

/** Sessions in one direction between two nodes. */
export const MAX_SESSIONS_PER_PEER = 8;
const MAX_SESSIONS = 4_096;
/** Handshakes over one link that nobody confirmed yet: replays cost no more than this. */
const MAX_UNCONFIRMED_PER_LINK = 256;
/** After this time new streams get a new session, so that keys are not only derived from older ones for ever. */
const RETIRE_AFTER_MS = 60 * 60_000;
const IDLE_MS = 120_000;
const MAX_HANDSHAKE_BYTES = 256;
const NOTHING = Buffer.alloc(0);

interface Attempt {
  peer: PeerInfo;
  link: Link;
  handshake: HandshakeState;
  settle(outcome: HandshakeResult | OverlayError): void;
}

/** All sessions of this node, those it began and those it accepted, and their handshakes. */
export class Sessions {
  readonly #identity: Identity;
  readonly #own: Buffer;
  readonly #router: Router;
  readonly #acceptor: StreamAcceptor;
  readonly #log: (event: string, facts: Record<string, unknown>) => void;
  readonly #attempts = new Map<string, Attempt>();
  readonly #begun = new Map<string, Multiplexer>(); // by number
  readonly #accepted = new Map<string, Multiplexer>(); // by peer and number

  constructor(options: { identity: Identity; own: Buffer; router: Router; acceptor: StreamAcceptor; log: (event: string, facts: Record<string, unknown>) => void }) {
    this.#identity = options.identity;
    this.#own = options.own;
    this.#router = options.router;
    this.#acceptor = options.acceptor;
    this.#log = options.log;
  }

  all(): Multiplexer[] {
    return [...this.#begun.values(), ...this.#accepted.values()];
  }

  /** The session to the node that was heard last and takes another stream, or undefined. */
  usable(peer: string): Multiplexer | undefined {
    const now = performance.now();
    let best: Multiplexer | undefined;
    for (const streams of this.#begun.values()) {
      const { session } = streams;
      if (session.peer !== peer || session.closed || streams.full || now - session.startedAt > RETIRE_AFTER_MS) continue;
      if (best === undefined || session.lastHeard > best.session.lastHeard) best = streams;
    }
    return best;
  }

  /** A new session over this link; rejects with `unreachable` when the path says so or the signal aborts. */
  async connect(peer: PeerInfo, link: Link, signal: AbortSignal): Promise<Multiplexer> {
    const remoteStatic = overlayKeyBytes(peer);
    const peerBytes = nodeIdBytes(peer.id);
    if (remoteStatic === undefined || peerBytes === undefined) throw new OverlayError('unreachable', 'the directory has no usable key for the node');
    if (this.#countOf(this.#begun, peer.id) >= MAX_SESSIONS_PER_PEER) throw new OverlayError('refused', 'too many streams to this node');
    signal.throwIfAborted();
    const number = randomBytes(SESSION_NUMBER_LENGTH);
    const key = number.toString('hex');
    const { grid, staticKey } = this.#identity;
    const handshake = new HandshakeState({
      pattern: 'IK', initiator: true, prologue: prologue('session', { grid, responder: peer.id, number }), staticKey, remoteStatic,
    });
    const abort = (): void => this.#attempts.get(key)?.settle(new OverlayError('unreachable', 'no answer on this path'));
    try {
      const keys = await new Promise<HandshakeResult>((resolve, reject) => {
        const settle = (outcome: HandshakeResult | OverlayError): void => (outcome instanceof OverlayError ? reject(outcome) : resolve(outcome));
        this.#attempts.set(key, { peer, link, handshake, settle });
        signal.addEventListener('abort', abort, { once: true });
        link.send(encodeFrame({ type: FrameType.init, dst: peerBytes, src: this.#own, session: number }, handshake.writeMessage(NOTHING)));
        if (!link.open) abort();
      });
      const session = new Session({ peer: peer.id, own: this.#own, peerBytes, number, initiated: true, link, keys });
      return this.#register(this.#begun, key, session);
    } finally {
      signal.removeEventListener('abort', abort);
      this.#attempts.delete(key);
    }
  }

  /** Takes a frame that the router found to be for this node. */
  deliver(link: Link, source: string, frame: Buffer): void {
    const number = frameSession(frame).toString('hex');
    switch (frameType(frame)) {
      case FrameType.init:
        if (!this.#answer(link, source, frame)) this.#router.reject(link, frame);
        return;
      case FrameType.accept:
        return this.#finishAttempt(link, source, frame);
      case FrameType.toResponder:
        return this.#transport(this.#accepted.get(source + number), link, frame);
      case FrameType.toInitiator:
        return this.#transport(this.#begun.get(number), link, frame);
      case FrameType.unreachable:
        return this.#unreachable(link, source, frame);
      default:
        return link.close('unexpected frame');
    }
  }

  linkDrained(link: Link): void {
    for (const { session } of this.all()) if (session.link === link) session.linkDrained();
  }

  linkClosed(link: Link, reason: string): void {
    for (const attempt of [...this.#attempts.values()]) {
      if (attempt.link === link) attempt.settle(new OverlayError('unreachable', `the link closed: ${reason}`));
    }
    for (const { session } of this.all()) if (session.link === link) session.close(`the link closed: ${reason}`, false);
  }

  tick(now: number, stalledMs: number): void {
    for (const streams of this.all()) {
      streams.session.tick(now, stalledMs);
      if (streams.session.initiated && streams.idleMs(now) > IDLE_MS) streams.session.close('idle');
    }
  }

  /** Drops what the directory and the access rule no longer back. */
  review(stillKnown: (id: string, key: Uint8Array) => boolean): void {
    for (const streams of this.all()) {
      if (!stillKnown(streams.session.peer, streams.session.peerKey)) streams.session.close('the node is no longer registered with this key');
      else streams.review();
    }
  }

  close(): void {
    for (const attempt of [...this.#attempts.values()]) attempt.settle(new OverlayError('closed', 'the overlay was closed'));
    for (const { session } of this.all()) session.close('the overlay was closed');
  }

  /** Answers a first message; false when the sender is refused. */
  #answer(link: Link, source: string, frame: Buffer): boolean {
    const number = frameSession(frame);
    const key = source + number.toString('hex');
    const body = frameBody(frame);
    const refuse = (reason: string): false => {
      this.#log('session.refused', { source, via: link.peer.id, reason });
      return false;
    };
    if (body.length > MAX_HANDSHAKE_BYTES || this.#accepted.has(key)) return refuse('malformed');
    if (!this.#hasRoom(link, source)) return refuse('too many sessions');
    const { grid, id, staticKey, directory } = this.#identity;
    const handshake = new HandshakeState({ pattern: 'IK', initiator: false, prologue: prologue('session', { grid, responder: id, number }), staticKey });
    try {
      handshake.readMessage(body);
    } catch {
      return refuse('handshake failed');
    }
    // The name in the header only routes. Who this is, the key says; it must be the ledger's key for that very name.
    const peer = handshake.remoteStatic === undefined ? undefined : nodeByKey(directory, handshake.remoteStatic);
    const peerBytes = nodeIdBytes(source);
    if (peer?.id !== source || peerBytes === undefined) return refuse('unknown node');
    const answer = handshake.writeMessage(NOTHING);
    const session = new Session({ peer: source, own: this.#own, peerBytes, number: Buffer.from(number), initiated: false, link, keys: handshake.finish() });
    this.#register(this.#accepted, key, session);
    link.send(encodeFrame({ type: FrameType.accept, dst: peerBytes, src: this.#own, session: number }, answer));
    return true;
  }

  #finishAttempt(link: Link, source: string, frame: Buffer): void {
    const attempt = this.#attempts.get(frameSession(frame).toString('hex'));
    if (attempt === undefined || attempt.link !== link || attempt.peer.id !== source) return;
    try {
      if (frameBody(frame).length > MAX_HANDSHAKE_BYTES) throw new RangeError('too long');
      attempt.handshake.readMessage(frameBody(frame));
      attempt.settle(attempt.handshake.finish());
    } catch (cause) {
      attempt.settle(new OverlayError('unreachable', 'the node could not prove who it is', { cause }));
    }
  }

  #transport(streams: Multiplexer | undefined, link: Link, frame: Buffer): void {
    if (streams === undefined) return this.#router.reject(link, frame);
    if (streams.session.link === link) streams.session.receive(frame);
  }

  /** Believed only on the session's own path; there, whoever lies about it could as well drop every frame. */
  #unreachable(link: Link, source: string, frame: Buffer): void {
    const number = frameSession(frame).toString('hex');
    const about = rejectedType(frame);
    const concerns = (peer: string, path: Link): boolean => path === link && (source === peer || source === link.peer.id);
    if (about === FrameType.init) {
      const attempt = this.#attempts.get(number);
      if (attempt !== undefined && concerns(attempt.peer.id, attempt.link)) attempt.settle(new OverlayError('unreachable', 'the path has no way to the node'));
      return;
    }
    const found = about === FrameType.toResponder
      ? [this.#begun.get(number)]
      : [...this.#accepted.values()].filter(({ session }) => session.number === number);
    for (const streams of found) {
      if (streams !== undefined && concerns(streams.session.peer, streams.session.link)) streams.session.close('the path has no way to the node', false);
    }
  }

  #hasRoom(link: Link, source: string): boolean {
    const accepted = [...this.#accepted.values()];
    const unconfirmed = accepted.filter(({ session }) => !session.confirmed && session.link === link).length;
    if (accepted.length >= MAX_SESSIONS || unconfirmed >= MAX_UNCONFIRMED_PER_LINK) return false;
    const same = accepted.filter(({ session }) => session.peer === source && session.confirmed);
    if (same.length < MAX_SESSIONS_PER_PEER) return true;
    // A node that lost its path cannot close its old sessions; those without streams make room.
    const idle = same.find((streams) => streams.count === 0);
    idle?.session.close('replaced by a newer session');
    return idle !== undefined;
  }

  #countOf(table: Map<string, Multiplexer>, peer: string): number {
    return [...table.values()].filter(({ session }) => session.peer === peer).length;
  }

  #register(table: Map<string, Multiplexer>, key: string, session: Session): Multiplexer {
    const streams = new Multiplexer({
      session, acceptor: this.#acceptor,
      closed: (reason) => {
        table.delete(key);
        this.#log('session.closed', { peer: session.peer, reason });
      },
    });
    table.set(key, streams);
    this.#log('session.opened', { peer: session.peer, via: session.link.peer.id });
    return streams;
  }
}
