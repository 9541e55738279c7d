/** Both clocks at one moment. */
export interface Reading { readonly monotonic: bigint; readonly wall: number }

/** The earlier of two ends: the monotonic clock stands still while a machine is suspended, the wall clock can be set back. */
export class LeaseClock {
  #monotonicEnd = 0n;
  #wallEnd = 0;

  read(): Reading {
    return { monotonic: process.hrtime.bigint(), wall: Date.now() };
  }

  extend(from: Reading, ms: number): void {
    this.#monotonicEnd = from.monotonic + BigInt(Math.floor(ms)) * 1_000_000n;
    this.#wallEnd = from.wall + Math.floor(ms);
  }

  heldForMs(): number {
    const monotonic = Number((this.#monotonicEnd - process.hrtime.bigint()) / 1_000_000n);
    return Math.max(0, Math.min(monotonic, this.#wallEnd - Date.now()));
  }
}
