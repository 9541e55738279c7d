import { setTimeout as pause } from 'node:timers/promises';

/** Below what the bot allows one connection (ten at once, two a second after that): a client that is always within it is never cut off. */
const BURST = 8;
const EVERY_MS = 600;

/** Holds back what is said too fast, as lines of a file are. */
export class Pace {
  #allowance = BURST;
  #since = performance.now();

  /** Resolves when the next message may be sent. */
  async turn(): Promise<void> {
    this.#refill();
    if (this.#allowance < 1) {
      await pause((1 - this.#allowance) * EVERY_MS);
      this.#refill();
    }
    this.#allowance -= 1;
  }

  #refill(): void {
    const now = performance.now();
    this.#allowance = Math.min(BURST, this.#allowance + (now - this.#since) / EVERY_MS);
    this.#since = now;
  }
}
