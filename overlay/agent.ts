import type { Duplex } from 'node:stream';
import { allows, isServiceName } from './access.ts';
import { startDeadline } from './deadline.ts';
import { OverlayError } from './errors.ts';
import { nodeIdBytes } from './identity.ts';
import type { Directory, Identity, PeerInfo } from './identity.ts';
import { Links } from './links.ts';
import { loopbackPair } from './loopback.ts';
import type { Multiplexer, StreamAcceptor } from './multiplexer.ts';
import { Paths } from './paths.ts';
import { raceStaggered } from './race.ts';
import { Router } from './router.ts';
import { Sessions } from './sessions.ts';
import { listenForSockets } from './socket.ts';
import type { Listener } from './socket.ts';
import { Uplinks } from './uplinks.ts';
import { DH_LENGTH } from './x25519.ts';

const DIAL_MS = 5_000;
const CONNECT_MS = 5_000;
const TICK_MS = 500;
/** A session that says nothing for this long after it was asked for a stream is suspected, and a new one is tried beside it. */
const SUSPECT_MS = 1_000;
const CLOSE_GRACE_MS = 300;
const DIAL_ROUNDS = 3;
/** Events a second that reach the log: strangers cause them, and must not fill a disk. */
const MAX_EVENTS_PER_SECOND = 50;

export interface AgentEvent {
  level: 'info' | 'warn';
  event: string;
  [fact: string]: unknown;
}

export interface AgentOptions {
  /** NodeId of this node. */
  id: string;
  /** X25519 public key, 32 bytes. */
  publicKey: Uint8Array;
  /** Diffie-Hellman with this node's static private key, which stays with whoever gives this function. */
  dh(peer: Uint8Array): Uint8Array;
  /** Digest of `grid.created`. */
  grid: string;
  directory: Directory;
  /** Absent: dials out only. */
  listen?: { host: string; port: number };
  /** Forwards frames between its neighbours. */
  relay: boolean;
  /** Asked for each stream, and again on `refresh`; anything but true denies. */
  access(from: string, service: string): boolean;
  log?(event: AgentEvent): void;
}

export type StreamHandler = (stream: Duplex, info: { from: string; service: string }) => void;

/** The overlay of one node. */
export interface Agent {
  /** Starts to listen, if it is to, and to keep links to the relays. */
  start(): Promise<{ endpoint?: string }>;
  /** A stream to a service; rejects with OverlayError `unreachable`, `refused`, `timeout` (default 5000 ms) or `closed`. */
  dial(target: { node: string; service: string }, options?: { signal?: AbortSignal; timeoutMs?: number }): Promise<Duplex>;
  /** Sets who takes the streams that the access rule lets in; without a handler all are refused. */
  handle(handler: StreamHandler): void;
  neighbours(): { id: string; kind: 'direct' | 'relay'; rttMs: number }[];
  status(): { links: number; sessions: number; streams: number };
  /** To be called when the directory or the access rule changed: drops what they no longer back, dials new relays. */
  refresh(): void;
  close(): Promise<void>;
}

export function createAgent(options: AgentOptions): Agent {
  return new OverlayAgent(options);
}

class OverlayAgent implements Agent, StreamAcceptor {
  readonly #options: AgentOptions;
  readonly #identity: Identity;
  readonly #router: Router;
  readonly #sessions: Sessions;
  readonly #links: Links;
  readonly #uplinks: Uplinks;
  readonly #paths: Paths;
  readonly #connecting = new Map<string, Promise<Multiplexer>>();
  readonly #local = new Set<Duplex>();
  readonly #end = new AbortController();
  #handler: StreamHandler | undefined;
  #listener: Listener | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #started = false;
  #lastTick = 0;
  #events = { second: 0, count: 0 };

  constructor(options: AgentOptions) {
    const own = nodeIdBytes(options.id);
    if (own === undefined) throw new TypeError('id is not a node id');
    if (options.publicKey.length !== DH_LENGTH) throw new TypeError('publicKey must have 32 bytes');
    this.#options = options;
    const identity: Identity = {
      id: options.id, grid: options.grid, directory: options.directory,
      staticKey: { publicKey: options.publicKey, dh: (peer) => options.dh(peer) },
    };
    this.#identity = identity;
    const warn = (event: string, facts: Record<string, unknown>): void => this.#log('warn', event, facts);
    const router = new Router({
      identity, relay: options.relay,
      events: { deliver: (link, source, frame) => this.#sessions.deliver(link, source, frame), refused: warn },
    });
    this.#router = router;
    this.#sessions = new Sessions({ identity, own, router, acceptor: this, log: (event, facts) => this.#log('info', event, facts) });
    const sessions = this.#sessions;
    const links = new Links({
      identity, router,
      events: {
        opened: (link) => this.#log('info', 'link.opened', { peer: link.peer.id }),
        frame: (link, frame) => router.receive(link, frame),
        drained: (link) => sessions.linkDrained(link),
        closed: (link, reason) => {
          this.#log('info', 'link.closed', { reason });
          sessions.linkClosed(link, reason);
          this.#uplinks.check();
        },
      },
    });
    this.#links = links;
    this.#uplinks = new Uplinks({ identity, links, router });
    this.#paths = new Paths({ identity, links, router, sessions });
  }

  async start(): Promise<{ endpoint?: string }> {
    if (this.#end.signal.aborted || this.#started) throw new Error('the overlay was started or closed before');
    this.#started = true;
    if (this.#options.listen !== undefined) this.#listener = await listenForSockets(this.#options.listen, (socket) => this.#links.accept(socket));
    if (this.#end.signal.aborted) {
      await this.#listener?.close();
      throw new OverlayError('closed', 'the overlay was closed');
    }
    this.#lastTick = performance.now();
    this.#ticker = setInterval(() => this.#tick(), TICK_MS).unref();
    this.#uplinks.check();
    return this.#listener === undefined ? {} : { endpoint: this.#listener.endpoint };
  }

  async dial(target: { node: string; service: string }, options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<Duplex> {
    this.#requireOpen();
    if (!isServiceName(target.service)) throw new OverlayError('refused', 'not a service name');
    if (target.node === this.#options.id) return this.#dialSelf(target.service);
    const deadline = startDeadline(options.timeoutMs ?? DIAL_MS, options.signal);
    try {
      return await this.#open(target, deadline.signal);
    } catch (error) {
      this.#requireOpen();
      if (deadline.expired) throw new OverlayError('timeout', 'the service did not answer in time', { cause: error });
      if (options.signal?.aborted === true) throw new OverlayError('closed', 'the dial was given up', { cause: options.signal.reason });
      if (error instanceof OverlayError) throw error;
      throw new OverlayError('unreachable', 'the node cannot be reached', { cause: error });
    } finally {
      deadline.dispose();
    }
  }

  handle(handler: StreamHandler): void {
    this.#handler = handler;
  }

  neighbours(): { id: string; kind: 'direct' | 'relay'; rttMs: number }[] {
    const relays = new Set(this.#identity.directory.relays().map((relay) => relay.id));
    return this.#router.peers().map((id) => ({
      id, kind: relays.has(id) ? 'relay' as const : 'direct' as const, rttMs: this.#router.linkTo(id)?.rttMs ?? Number.POSITIVE_INFINITY,
    }));
  }

  status(): { links: number; sessions: number; streams: number } {
    const sessions = this.#sessions.all();
    return { links: this.#router.count, sessions: sessions.length, streams: sessions.reduce((sum, each) => sum + each.count, this.#local.size) };
  }

  refresh(): void {
    const known = (id: string, key: Uint8Array): boolean => this.#identity.directory.get(id)?.overlayKey === Buffer.from(key).toString('base64url');
    for (const link of this.#router.links()) {
      if (this.#identity.directory.get(link.peer.id)?.overlayKey !== link.peer.overlayKey) link.close('the node is no longer registered with this key');
    }
    this.#sessions.review(known);
    this.#uplinks.check();
  }

  async close(): Promise<void> {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    clearInterval(this.#ticker);
    this.#uplinks.close();
    this.#sessions.close();
    for (const stream of this.#local) stream.destroy(new OverlayError('closed', 'the overlay was closed'));
    this.#links.closeAll('the overlay was closed');
    await Promise.all(this.#router.links().map((link) => link.shutdown(CLOSE_GRACE_MS)));
    await this.#listener?.close();
  }

  allows(from: string, service: string): boolean {
    if (this.#handler !== undefined && allows((who, what) => this.#options.access(who, what), from, service)) return true;
    this.#log('warn', 'stream.refused', { from, service });
    return false;
  }

  accepted(stream: Duplex, info: { from: string; service: string }): void {
    try {
      this.#handler?.(stream, info);
    } catch (error) {
      this.#log('warn', 'handler.failed', { service: info.service, message: error instanceof Error ? error.message : 'unknown' });
      stream.destroy(new OverlayError('closed', 'the handler failed'));
    }
  }

  /** Opens a stream on the session there is or on a new one; starts over when the path dies meanwhile. */
  async #open(target: { node: string; service: string }, signal: AbortSignal): Promise<Duplex> {
    for (let round = 1; ; round += 1) {
      const peer = this.#identity.directory.get(target.node);
      if (peer === undefined) throw new OverlayError('unreachable', 'the node is not in the directory');
      try {
        return await this.#openOnce(peer, target.service, signal);
      } catch (error) {
        const pathDied = error instanceof OverlayError && error.code === 'closed';
        if (!pathDied || round >= DIAL_ROUNDS || signal.aborted || this.#end.signal.aborted) throw error;
      }
    }
  }

  #openOnce(peer: PeerInfo, service: string, signal: AbortSignal): Promise<Duplex> {
    const fresh = async (aborted: AbortSignal): Promise<Duplex> => (await this.#connect(peer, aborted)).open(service, aborted);
    const present = this.#sessions.usable(peer.id);
    if (present === undefined) return fresh(signal);
    const asked = performance.now();
    let answer: Promise<Duplex> | undefined;
    const first = (aborted: AbortSignal): Promise<Duplex> => (answer = present.open(service, aborted));
    const second = (aborted: AbortSignal): Promise<Duplex> => {
      const alive = !present.session.closed && present.session.lastHeard > asked;
      return alive && answer !== undefined ? answer : fresh(aborted);
    };
    return raceStaggered<Duplex>([first, second], { staggerMs: SUSPECT_MS, signal, discard: (late) => late.destroy() });
  }

  /** A new session, made once for all who ask for it at the same time, so no single asker can abort it for the others. */
  async #connect(peer: PeerInfo, signal: AbortSignal): Promise<Multiplexer> {
    let connecting = this.#connecting.get(peer.id);
    if (connecting === undefined) {
      const deadline = startDeadline(CONNECT_MS, this.#end.signal);
      connecting = this.#paths.connect(peer, deadline.signal).finally(() => {
        deadline.dispose();
        this.#connecting.delete(peer.id);
      });
      this.#connecting.set(peer.id, connecting);
    }
    return untilAborted(connecting, signal);
  }

  #dialSelf(service: string): Duplex {
    const from = this.#options.id;
    if (!this.allows(from, service)) throw new OverlayError('refused', 'the node refuses this service');
    const [ours, theirs] = loopbackPair();
    for (const stream of [ours, theirs]) {
      this.#local.add(stream);
      stream.once('close', () => this.#local.delete(stream));
    }
    this.accepted(theirs, { from, service });
    return ours;
  }

  #requireOpen(): void {
    if (this.#end.signal.aborted) throw new OverlayError('closed', 'the overlay was closed');
  }

  #tick(): void {
    const now = performance.now();
    // Silence counts only while we could have heard: after SIGSTOP or a blocked event loop nobody else is to blame.
    const late = Math.max(0, now - this.#lastTick - TICK_MS);
    const stalledMs = late > TICK_MS ? late : 0;
    this.#lastTick = now;
    this.#links.tick(now, stalledMs);
    this.#sessions.tick(now, stalledMs);
  }

  #log(level: 'info' | 'warn', event: string, facts: Record<string, unknown>): void {
    const second = Math.floor(performance.now() / 1_000);
    if (this.#events.second !== second) this.#events = { second, count: 0 };
    this.#events.count += 1;
    if (this.#events.count <= MAX_EVENTS_PER_SECOND) this.#options.log?.({ ...facts, level, event });
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new OverlayError('unreachable', 'given up before there was a path'));
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort)).catch(() => undefined);
  });
}
