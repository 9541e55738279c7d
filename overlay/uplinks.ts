import type { Identity } from './identity.ts';
import type { Links } from './links.ts';
import type { Router } from './router.ts';

/** Relays that a node keeps a link to. */
export const MAX_UPLINKS = 8;
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 2_000;

/** Keeps a link to every relay of the directory, and comes back to those that go away. */
export class Uplinks {
  readonly #identity: Identity;
  readonly #links: Links;
  readonly #router: Router;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #dialling = new Set<string>();
  readonly #backoff = new Map<string, number>();
  #closed = false;

  constructor(options: { identity: Identity; links: Links; router: Router }) {
    this.#identity = options.identity;
    this.#links = options.links;
    this.#router = options.router;
  }

  /** Dials every relay that there is no link to; those that failed just now, after their backoff. */
  check(): void {
    for (const relay of this.#wanted()) {
      if (this.#timers.has(relay.id) || this.#dialling.has(relay.id) || this.#router.linkTo(relay.id) !== undefined) continue;
      const wait = this.#backoff.get(relay.id);
      if (wait === undefined) this.#dial(relay.id);
      else this.#timers.set(relay.id, setTimeout(() => this.#dial(relay.id), wait).unref());
    }
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #wanted(): { id: string }[] {
    if (this.#closed) return [];
    const { directory, id } = this.#identity;
    return directory.relays().filter((relay) => relay.id !== id && relay.endpoints.length > 0).slice(0, MAX_UPLINKS);
  }

  #dial(id: string): void {
    this.#timers.delete(id);
    const relay = this.#identity.directory.get(id);
    if (this.#closed || relay === undefined || !this.#wanted().some((wanted) => wanted.id === id)) return;
    this.#dialling.add(id);
    const previous = this.#backoff.get(id);
    this.#links.dial(relay).then(
      () => this.#backoff.set(id, FIRST_BACKOFF_MS),
      () => this.#backoff.set(id, previous === undefined ? FIRST_BACKOFF_MS : Math.min(previous * 2, LAST_BACKOFF_MS)),
    ).finally(() => {
      this.#dialling.delete(id);
      this.check();
    }).catch(() => undefined);
  }
}
