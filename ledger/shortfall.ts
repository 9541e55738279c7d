import type { WithheldFacts } from './prosecution.ts';

/** Looks that a shortfall must be seen in, at least, spread over the bound: one old note replayed is none. */
const MIN_LOOKS = 4;

/**
 * Counts how long a feed goes on showing fewer entries than a note that its ledger signed. Only time in which somebody
 * answered counts, and every entry more begins it anew: a ledger that is away, or catches up, withholds nothing.
 */
export class Shortfall {
  readonly #boundMs: () => number;
  readonly #monotonic: () => number;
  #promised: { note: string; size: number } | undefined;
  #shown: string | null = null;
  #best = -1;
  #heldMs = 0;
  #looks = 0;
  #since = 0;
  #last = 0;

  constructor(boundMs: () => number, monotonic: () => number = () => performance.now()) {
    this.#boundMs = boundMs;
    this.#monotonic = monotonic;
  }

  get promised(): { readonly note: string; readonly size: number } | undefined { return this.#promised; }

  /** A note that the ledger signed, verified. */
  promise(note: string, size: number): void {
    if (size > (this.#promised?.size ?? 0)) this.#promised = { note, size };
  }

  /** What a live feed shows now; the facts once it has been too little for too long. */
  look(size: number, note: string | null): WithheldFacts | undefined {
    const now = this.#monotonic();
    if (!this.#promised || size >= this.#promised.size || size > this.#best) {
      this.#best = !this.#promised || size >= this.#promised.size ? -1 : size;
      this.#shown = note;
      this.#heldMs = 0;
      this.#looks = 0;
      this.#since = Date.now();
      this.#last = now;
      return undefined;
    }
    if (size === this.#best) this.#shown = note;
    const bound = this.#boundMs();
    this.#heldMs += Math.min(now - this.#last, bound / MIN_LOOKS);
    this.#last = now;
    this.#looks += 1;
    if (this.#heldMs < bound) return undefined;
    return { promised: this.#promised.note, shown: this.#shown, since: new Date(this.#since).toISOString(), until: new Date().toISOString(), observations: this.#looks };
  }
}
