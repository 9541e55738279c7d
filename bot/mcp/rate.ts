export interface Rate {
  /** Requests at once. */
  readonly burst: number;
  readonly perSecond: number;
}

/** Requests of each connection: so many at once, so many a second. A connection that is gone is forgotten. */
export class RateLimit {
  readonly #rate: Rate;
  readonly #buckets = new WeakMap<object, { left: number; at: number }>();
  readonly #now: () => number;

  constructor(rate: Rate, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#now = now;
  }

  take(connection: object): boolean {
    const now = this.#now();
    const bucket = this.#buckets.get(connection) ?? { left: this.#rate.burst, at: now };
    const left = Math.min(this.#rate.burst, bucket.left + ((now - bucket.at) / 1000) * this.#rate.perSecond);
    this.#buckets.set(connection, { left: left < 1 ? left : left - 1, at: now });
    return left >= 1;
  }
}
