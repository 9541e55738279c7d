const NANOSECONDS = 1_000_000n;
/** No lease is longer than this, whatever a message says. */
export const MAX_LEASE_MS = 24 * 60 * 60 * 1000;

export interface Lease {
  readonly validForMs: number;
  /**
   * `process.hrtime.bigint()` of the daemon when it computed `validForMs`, as decimal string; one clock for all
   * processes of a machine. With it, a lease that waited in the pipe of a stopped process is not longer for that.
   */
  readonly issuedAt?: string | undefined;
}

/**
 * Says whether the process may still act for its workload. It counts on the monotonic clock, and on the wall
 * clock too, since the monotonic one stands still while a machine is suspended; the earlier end counts.
 */
export class Fence {
  private monotonicEnd = 0n;
  private wallEnd = 0;

  /** Takes a lease; the newest replaces the one before it, also with an earlier end. */
  renew(lease: Lease): void {
    const validForMs = Math.min(Math.max(Math.floor(lease.validForMs), 0), MAX_LEASE_MS);
    const now = process.hrtime.bigint();
    const issued = lease.issuedAt === undefined ? now : BigInt(lease.issuedAt);
    const start = issued < now ? issued : now;
    this.monotonicEnd = start + BigInt(validForMs) * NANOSECONDS;
    this.wallEnd = Date.now() + validForMs - Number((now - start) / NANOSECONDS);
  }

  /** True before the first lease and after the end of the last one. */
  get ended(): boolean {
    return process.hrtime.bigint() >= this.monotonicEnd || Date.now() >= this.wallEnd;
  }
}
