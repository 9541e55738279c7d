import type { FollowerTrouble } from './stop-record.ts';

/** A ledger that ticks lets its time move every half lease; after so many leases without, it holds entries back. */
export const DELAY_LEASES = 3;
/** The log's time may lag this machine's clock by so much before it is told. */
export const CLOCK_LAG_MS = 60_000;
const CLOCK_LAG_LEASES = 4;

export interface FreshnessOptions {
  /** Default DELAY_LEASES leases. */
  readonly delayMs?: number | undefined;
  /** Called when the log begins to be late. */
  readonly onLate: () => void;
}

/**
 * Whether what the feed brings is of now. Measured on the own monotonic clock: the log's time must move, whatever it
 * says. A log whose time moves but lags behind the wall clock is only told of: this machine's clock may be the wrong one.
 */
export class Freshness {
  readonly #options: FreshnessOptions;
  #time = '';
  #movedAt = performance.now();
  #leaseMs = 0;
  #lagMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FreshnessOptions) {
    this.#options = options;
  }

  /** To be told of the log's time after each frame. */
  heard(time: string, leaseSeconds: number): void {
    this.#leaseMs = leaseSeconds * 1000;
    if (time === this.#time) return;
    this.#time = time;
    this.#movedAt = performance.now();
    this.#lagMs = Date.now() - Date.parse(time);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#options.onLate(), this.#delayMs() + 1).unref();
  }

  /** True when no new log time came for longer than an honest ledger lets pass. */
  late(): boolean {
    return this.#leaseMs > 0 && performance.now() - this.#movedAt > this.#delayMs();
  }

  trouble(): FollowerTrouble | undefined {
    if (this.late()) return { code: 'ledger_delayed', message: `the log's time stands at ${this.#time} for more than ${Math.round(this.#delayMs() / 1000)} s: what is new is held back` };
    const bound = Math.max(CLOCK_LAG_MS, CLOCK_LAG_LEASES * this.#leaseMs);
    if (this.#leaseMs > 0 && this.#lagMs > bound) return { code: 'clock_behind', message: `the log's time came ${Math.round(this.#lagMs / 1000)} s behind this machine's clock` };
    return undefined;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #delayMs(): number {
    return this.#options.delayMs ?? DELAY_LEASES * this.#leaseMs;
  }
}
