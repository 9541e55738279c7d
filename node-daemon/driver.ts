import type { Digest } from '../contract/digest.ts';
import type { Payload } from '../contract/entry.ts';
import type { Actual, Desired } from './reconcile.ts';
import type { Slot } from './holdings.ts';

export type Phase = Payload<'deployment.reported'>['phase'];

/** How a workload is, as its driver sees it. */
export interface Condition {
  readonly phase: Phase;
  readonly reason: string;
  /** Digest of the engine file that was measured before the process was started. */
  readonly measured?: Digest;
  readonly pid?: number;
  /** Of an archive: the stores, `<workload>@<epoch>`, that hold all of their shards. */
  readonly complete?: readonly string[];
}

/** One running workload. */
export interface Running extends Actual {
  readonly desired: Desired;
  /** Unix socket of its service; undefined while it does not listen. */
  readonly socket: string | undefined;
  condition(): Condition;
  /** Milliseconds that it may go on serving; 0 fences it at once. */
  lease(validForMs: number): void;
  updateSlots(slots: readonly Slot[]): void;
  /** Looks whether what runs is what was started; deviations are ended and started again from the measured file. */
  inspect(): Promise<void>;
  /** Ends it and everything it opened. */
  stop(): Promise<void>;
}

/** Runs workloads of one type. */
export interface Driver {
  start(desired: Desired): Promise<Running>;
}
