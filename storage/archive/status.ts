import type { View } from './index/view.ts';
import type { SlotSet } from './slots.ts';

export type ArchiveState = 'healthy' | 'degraded' | 'repairing' | 'unavailable';

export interface SlotStatus {
  readonly slot: number;
  readonly epoch: number;
  readonly reachable: boolean;
  readonly synced: boolean;
  readonly repaired: boolean;
  readonly missing: number;
}

/** `bytes` is decimal. */
export interface ArchiveStatus {
  readonly state: ArchiveState;
  readonly reason: string;
  readonly slots: readonly SlotStatus[];
  readonly objects: number;
  readonly bytes: string;
  readonly repair: { readonly missing: number; readonly repaired: number; readonly total: number };
}

export interface StatusInput {
  readonly slots: SlotSet;
  readonly view: View;
  readonly data: number;
  readonly quorum: number;
  readonly leased: boolean;
  /** The index has been read once, and the first bucket is there. */
  readonly opened: boolean;
  readonly repair: ArchiveStatus['repair'];
}

/** What this front end knows now, in the words of its worst news. */
export function describe({ slots, view, data, quorum, leased, opened, repair }: StatusInput): ArchiveStatus {
  const current = slots.current;
  const list = (some: readonly { slot: number }[]): string => some.map((s) => s.slot).join(', ');
  const down = current.filter((s) => !s.up);
  const full = current.filter((s) => s.full);
  const unsynced = current.filter((s) => s.up && !s.synced);
  const unrepaired = current.filter((s) => s.up && (!s.repaired || s.missing > 0));
  const serving = current.filter((s) => s.up && s.synced).length;

  let state: ArchiveState = 'healthy';
  let reason = 'every slot answers and holds all its shards';
  if (!leased) [state, reason] = ['unavailable', 'the lease is over'];
  else if (serving < quorum) [state, reason] = ['unavailable', `${serving} synced slots answer, ${quorum} are needed; no answer from slots ${list(down)}`];
  else if (!opened) [state, reason] = ['unavailable', 'starting: the index has not been read yet'];
  else if (current.length - down.length < data) [state, reason] = ['unavailable', `${current.length - down.length} slots answer, ${data} are needed to read`];
  else if (down.length > 0) [state, reason] = ['degraded', `no answer from slots ${list(down)}`];
  else if (full.length > 0) [state, reason] = ['degraded', `no space left on slots ${list(full)}`];
  else if (unsynced.length > 0) [state, reason] = ['repairing', `copying the index to slots ${list(unsynced)}`];
  else if (unrepaired.length > 0) [state, reason] = ['repairing', `checking and rebuilding shards on slots ${list(unrepaired)}`];

  return {
    state, reason, repair, objects: view.objects, bytes: String(view.bytes),
    slots: current.map((s) => ({ slot: s.slot, epoch: s.epoch, reachable: s.up, synced: s.synced, repaired: s.repaired, missing: s.missing })),
  };
}
