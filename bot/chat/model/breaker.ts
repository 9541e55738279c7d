export interface BreakerOptions {
  /** How long a model that failed is left alone, in ms. */
  readonly restMs: number;
  /** Monotonic clock, in ms. */
  readonly now?: () => number;
}

/** Keeps a dead model from costing every turn its timeout: after a failure nobody asks it for a while, then one turn tries. */
export class Breaker {
  readonly #restMs: number;
  readonly #now: () => number;
  #until = 0;

  constructor({ restMs, now = () => performance.now() }: BreakerOptions) {
    this.#restMs = restMs;
    this.#now = now;
  }

  /** Whether the model may be asked now. Who is let through after a failure is alone: the others wait until it is known to work. */
  enter(): boolean {
    if (this.#until === 0) return true;
    if (this.#now() < this.#until) return false;
    this.#until = this.#now() + this.#restMs;
    return true;
  }

  failed(): void { this.#until = this.#now() + this.#restMs; }

  worked(): void { this.#until = 0; }
}
