import { rm } from 'node:fs/promises';
import type { KnownHolding, NodeStore } from './store.ts';

/** Data of a holding that moved is kept this long after this process first saw it: its successor has it all or rebuilds it. */
export const KEEP_MOVED_MS = 10 * 60 * 1000;
/** Data of a contract that has ended is nobody's copy: its owner may still want it back. */
export const KEEP_ENDED_MS = 14 * 24 * 60 * 60 * 1000;

/** Where a holding went; undefined while that is not certain, or it is still here. */
export type Loss = 'moved' | 'ended' | undefined;

export interface AbandonedOptions {
  readonly store: NodeStore;
  readonly folderOf: (known: KnownHolding) => string;
  /** Defined only while the ledger's last word is known (the lease runs) and it gives this holding to someone else or nobody. */
  readonly lossOf: (known: KnownHolding) => Loss;
  readonly isRunning: (key: string) => boolean;
}

/**
 * Deletes the data of work that this node lost. The time is counted by this process on its monotonic clock and starts
 * anew whenever it is unsure, so a wrong clock, a restart or a silent ledger only ever keeps data longer.
 */
export class AbandonedData {
  readonly #o: AbandonedOptions;
  readonly #since = new Map<string, { loss: Loss; at: number }>();

  constructor(options: AbandonedOptions) {
    this.#o = options;
  }

  /** @param now milliseconds on a monotonic clock. Returns the keys whose data was deleted. */
  async sweep(now: number = performance.now()): Promise<string[]> {
    const deleted: string[] = [];
    for (const known of this.#o.store.known()) {
      const loss = this.#o.lossOf(known);
      if (!loss || this.#o.isRunning(known.key)) {
        this.#since.delete(known.key);
        continue;
      }
      const before = this.#since.get(known.key);
      const since = before?.loss === loss ? before : { loss, at: now };
      this.#since.set(known.key, since);
      if (now - since.at < (loss === 'moved' ? KEEP_MOVED_MS : KEEP_ENDED_MS)) continue;
      await rm(this.#o.folderOf(known), { recursive: true, force: true });
      this.#o.store.forget(known.key);
      this.#since.delete(known.key);
      deleted.push(known.key);
    }
    return deleted;
  }
}
