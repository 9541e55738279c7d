import type { ChunkStore } from './chunks.ts';
import type { Garbage } from './garbage.ts';
import { deleteSuperseded } from './index/cleaner.ts';
import type { Register } from './index/register.ts';
import type { IndexSync } from './index/sync.ts';
import { sweep } from './repair.ts';
import type { SlotSet } from './slots.ts';

/** Times in milliseconds. */
export interface Intervals {
  /** How often an idle front end looks at its slots. */
  readonly heartbeat: number;
  readonly fill: number;
  readonly clean: number;
  readonly collect: number;
  /** Between full passes when nothing is known to be missing, and when something is and cannot be mended yet. */
  readonly sweep: number;
  readonly sweepAgain: number;
  /** After a slot came back or was replaced. */
  readonly sweepSoon: number;
  readonly orphans: number;
}

export const INTERVALS: Intervals = {
  heartbeat: 1_000, fill: 10_000, clean: 5_000, collect: 10_000, sweep: 600_000, sweepAgain: 60_000, sweepSoon: 2_000, orphans: 3_600_000,
};

export interface MaintenanceOptions {
  readonly slots: SlotSet;
  readonly register: Register;
  readonly sync: IndexSync;
  readonly chunks: ChunkStore;
  readonly garbage: Garbage;
  readonly intervals: Intervals;
  readonly allowed: () => boolean;
  readonly onProgress: () => void;
}

/** What no request waits for: noticing dead slots, bringing back replaced ones, repair, and deleting what is unused. */
export class Maintenance {
  private readonly options: MaintenanceOptions;
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly running = new Set<Promise<unknown>>();
  private readonly stop = new AbortController();
  private sweepAt: number;
  private readonly wasUp = new Map<number, boolean>();
  totals = { missing: 0, repaired: 0, total: 0 };

  constructor(options: MaintenanceOptions) {
    this.options = options;
    const { slots, register, garbage, intervals } = options;
    // What a slot missed while no front end watched is unknown: the first pass comes at once.
    this.sweepAt = performance.now();
    this.every(intervals.heartbeat, () => register.catchUp());
    this.every(intervals.heartbeat / 2, () => this.syncSlots());
    this.every(intervals.heartbeat / 2, () => this.sweepWhenDue());
    this.every(intervals.fill, () => this.fillSlots());
    this.every(intervals.clean, () => deleteSuperseded(register, slots));
    this.every(intervals.collect, () => garbage.collect());
    this.every(intervals.orphans, async () => {
      await garbage.sweepParts(Date.now());
      for (const slot of slots.current) if (slot.up) await garbage.sweepOrphans(slot, Date.now(), this.stop.signal);
    });
    slots.onReplaced(() => { this.sweepWithin(intervals.sweepSoon); });
    slots.onChange(() => {
      for (const slot of slots.current) {
        if (slot.up && this.wasUp.get(slot.slot) === false) this.sweepWithin(intervals.sweepSoon);
        this.wasUp.set(slot.slot, slot.up);
      }
    });
  }

  /** Something is missing: a pass comes soon when every slot answers, and after a while otherwise. */
  readonly needed = (): void => {
    const { slots, intervals } = this.options;
    this.sweepWithin(slots.current.every((slot) => slot.up) ? intervals.sweepSoon : intervals.sweepAgain);
  };

  /** Resolves when what was under way has ended. */
  async close(): Promise<void> {
    this.stop.abort();
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all(this.running);
  }

  private sweepWithin(ms: number): void { this.sweepAt = Math.min(this.sweepAt, performance.now() + ms); }

  /** Runs a task periodically, never twice at once; a failure is tried again at the next tick. */
  private every(ms: number, task: () => Promise<unknown>): void {
    let busy = false;
    const timer = setInterval(() => {
      if (busy || !this.options.allowed()) return;
      busy = true;
      const run: Promise<unknown> = task().catch(() => undefined).finally(() => { busy = false; this.running.delete(run); });
      this.running.add(run);
    }, ms);
    timer.unref();
    this.timers.push(timer);
  }

  private async syncSlots(): Promise<void> {
    const { slots, sync } = this.options;
    await Promise.allSettled(slots.current.filter((slot) => slot.up && !slot.synced).map((slot) => sync.sync(slot)));
  }

  private async fillSlots(): Promise<void> {
    const { slots, sync } = this.options;
    await Promise.allSettled(slots.current.filter((slot) => slot.up && slot.synced).map((slot) => sync.fill(slot)));
  }

  private async sweepWhenDue(): Promise<void> {
    const { slots, register, chunks, intervals, onProgress } = this.options;
    if (performance.now() < this.sweepAt) return;
    this.sweepAt = performance.now() + intervals.sweepAgain;
    await register.catchUp();
    const result = await sweep({ view: register.view, slots, chunks, signal: this.stop.signal, onProgress });
    this.totals = { missing: result.missing - result.repaired, repaired: this.totals.repaired + result.repaired, total: result.chunks };
    const clean = result.complete && slots.current.every((slot) => slot.repaired);
    if (clean) this.sweepAt = performance.now() + intervals.sweep * (0.75 + Math.random() / 2);
    else if (result.complete) this.sweepWithin(intervals.sweepSoon);
    onProgress();
  }
}
