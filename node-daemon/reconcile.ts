import { type Digest, digestOf } from '../contract/digest.ts';
import type { Workload } from '../contract/workload.ts';
import type { HeldWorkload, Slot } from './holdings.ts';

/** What this node should run: a holding that was verified, and whether all it needs is there. */
export interface Desired {
  /** Service name: deployment, workload and epoch. */
  readonly key: string;
  readonly held: HeldWorkload;
  readonly workload: Workload;
  /** Engine that the contract pins, for workloads that run on one. */
  readonly engine?: Digest;
  /** For an archive: where its shards lie now. */
  readonly slots: readonly Slot[];
  /** Why it cannot start yet (a secret is missing); absent when it can. */
  readonly waitingFor?: string;
}

/** What runs on this node, as its driver sees it. */
export interface Actual {
  readonly key: string;
  /** The slots the workload was told last. */
  readonly slots: readonly Slot[];
  /** What it was started as. */
  readonly desired: Pick<Desired, 'workload' | 'engine'>;
}

export type Step =
  | { readonly type: 'stop'; readonly key: string }
  | { readonly type: 'start'; readonly desired: Desired }
  | { readonly type: 'update-slots'; readonly key: string; readonly slots: readonly Slot[] };

export interface Situation {
  readonly desired: readonly Desired[];
  readonly actual: readonly Actual[];
  /** The lease runs, so the desired set is the ledger's last word. */
  readonly leaseHeld: boolean;
}

/**
 * What to do, as data. What is not desired stops first, lease or not: it must never run beside its successor. Nothing
 * starts without a lease: until the first renewal of this process the ledger may have given the work to another node.
 */
export function reconcile({ desired, actual, leaseHeld }: Situation): Step[] {
  const wanted = new Map(desired.map((d) => [d.key, d]));
  const running = new Map(actual.map((a) => [a.key, a]));
  const stops: Step[] = [...running.keys()].filter((key) => !wanted.has(key)).map((key) => ({ type: 'stop', key }));
  if (!leaseHeld) return stops;
  const others = [...wanted.values()].flatMap((d): Step[] => {
    const now = running.get(d.key);
    if (!now) return d.waitingFor === undefined ? [{ type: 'start', desired: d }] : [];
    // An update was signed: it goes on as what is signed now, with the data that it has.
    if (specOf(now.desired) !== specOf(d)) return [{ type: 'stop', key: d.key }, ...(d.waitingFor === undefined ? [{ type: 'start' as const, desired: d }] : [])];
    return sameSlots(now.slots, d.slots) ? [] : [{ type: 'update-slots', key: d.key, slots: d.slots }];
  });
  return [...stops, ...others];
}

function specOf({ workload, engine }: Pick<Desired, 'workload' | 'engine'>): string {
  return digestOf({ workload, engine: engine ?? null });
}

function sameSlots(a: readonly Slot[], b: readonly Slot[]): boolean {
  return a.length === b.length && a.every((slot, i) => slot.slot === b[i]?.slot && slot.epoch === b[i].epoch && slot.address === b[i].address);
}
