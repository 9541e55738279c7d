import { setTimeout as delay } from 'node:timers/promises';
import { startDeadline } from './deadline.ts';
import { OverlayError } from './errors.ts';
import type { Identity, PeerInfo } from './identity.ts';
import type { Link } from './link.ts';
import type { Links } from './links.ts';
import type { Multiplexer } from './multiplexer.ts';
import { raceStaggered } from './race.ts';
import type { Attempt } from './race.ts';
import type { Router } from './router.ts';
import type { Sessions } from './sessions.ts';
import { MAX_UPLINKS } from './uplinks.ts';

/** The next path is tried when the one before has not answered by then. */
const STAGGER_MS = 300;
const PATH_TIMEOUT_MS = 2_000;
/** Nodes come back to a relay 100 ms after they lost it: who is unreachable now may be there the moment after. */
const SECOND_ROUND_MS = 250;
/** A node that has just started waits this long for its first relay before it looks again. */
const NO_RELAY_YET_MS = 50;

/** Finds a way to a node and makes a session on it: directly first, then through the relays, the quickest first. */
export class Paths {
  readonly #identity: Identity;
  readonly #links: Links;
  readonly #router: Router;
  readonly #sessions: Sessions;

  constructor(options: { identity: Identity; links: Links; router: Router; sessions: Sessions }) {
    this.#identity = options.identity;
    this.#links = options.links;
    this.#router = options.router;
    this.#sessions = options.sessions;
  }

  /** Rejects with `unreachable` when no path leads there in two rounds, or none does before the signal aborts. */
  async connect(peer: PeerInfo, signal: AbortSignal): Promise<Multiplexer> {
    try {
      return await this.#round(peer, signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof OverlayError) || error.code !== 'unreachable') throw error;
    }
    await delay(SECOND_ROUND_MS, undefined, { ref: false });
    return this.#round(peer, signal);
  }

  async #round(peer: PeerInfo, signal: AbortSignal): Promise<Multiplexer> {
    for (;;) {
      const attempts = this.#candidates(peer);
      if (attempts.length > 0) {
        return raceStaggered(attempts, { staggerMs: STAGGER_MS, signal, discard: (late) => late.session.close('another path was quicker') });
      }
      if (signal.aborted || this.#relays().length === 0) throw new OverlayError('unreachable', 'the node has no address, and there is no relay');
      await delay(NO_RELAY_YET_MS, undefined, { ref: false });
    }
  }

  #candidates(peer: PeerInfo): Attempt<Multiplexer>[] {
    const over = (link: () => Promise<Link>): Attempt<Multiplexer> => (signal) => this.#over(peer, link, signal);
    const direct = this.#router.linkTo(peer.id) !== undefined || peer.endpoints.length > 0 ? [over(() => this.#links.dial(peer))] : [];
    const relays = this.#relays()
      .flatMap((relay) => (relay.id === peer.id ? [] : (this.#router.linkTo(relay.id) ?? [])))
      .sort((a, b) => a.rttMs - b.rttMs)
      .map((link) => over(() => Promise.resolve(link)));
    return [...direct, ...relays];
  }

  #relays(): PeerInfo[] {
    return this.#identity.directory.relays().filter((relay) => relay.id !== this.#identity.id).slice(0, MAX_UPLINKS);
  }

  async #over(peer: PeerInfo, link: () => Promise<Link>, signal: AbortSignal): Promise<Multiplexer> {
    const deadline = startDeadline(PATH_TIMEOUT_MS, signal);
    try {
      return await this.#sessions.connect(peer, await link(), deadline.signal);
    } finally {
      deadline.dispose();
    }
  }
}
