import type { Constraints } from './contract.ts';
import { digestOf } from './digest.ts';
import type { Location, Rates } from './entry.ts';
import type { PrincipalId } from './principal.ts';
import { addResources, fits, type Resources, subtractResources } from './units.ts';
import { type Engine, engineOf, type WorkloadType } from './workload.ts';

/** A node as placement sees it: planner, state machine and every daemon build it from the same ledger state. */
export interface Candidate {
  readonly node: PrincipalId;
  readonly location: Location;
  readonly capabilities: readonly WorkloadType[];
  readonly engines: readonly Engine[];
  readonly free: Resources;
  readonly rates: Rates;
}

/** A workload that wants a node. */
export interface Placeable {
  readonly workload: string;
  readonly type: WorkloadType;
  readonly group: string;
  readonly resources: Resources;
}

export interface Placed extends Placeable {
  readonly node: PrincipalId;
}

export interface PlacementRequest {
  /** Seeds the tie-break, so that two deployments do not crowd the same nodes. */
  readonly deployment: string;
  readonly constraints: Constraints;
  readonly engines: readonly Engine[];
  readonly workloads: readonly Placeable[];
  /** Workloads of this deployment that already lie somewhere. */
  readonly placed: readonly Placed[];
  readonly candidates: readonly Candidate[];
}

export type Placement =
  | { readonly ok: true; readonly assignments: readonly Placed[] }
  | { readonly ok: false; readonly workload: string; readonly group: string; readonly type: WorkloadType; readonly need: Resources; /** Nodes of the right kind and place, free or not. */ readonly inPlace: number; /** Of those, with room and not holding the group already. */ readonly withRoom: number };

/** True when the constraints let a workload lie at this location. */
export function allowedAt(constraints: Constraints, location: Location): boolean {
  return (constraints.countries.length === 0 || constraints.countries.includes(location.country)) && (constraints.cities.length === 0 || constraints.cities.includes(location.city));
}

/**
 * The one placement rule. Deterministic: each workload in the order given goes to the eligible node that has, in this
 * order, the fewest workloads of the deployment, the fewest of the group in its city, the lowest rate for disk, and
 * the lowest digest of (deployment, workload, node). Distinct nodes within a group, always.
 */
export function place(request: PlacementRequest): Placement {
  const free = new Map(request.candidates.map((c) => [c.node, c.free]));
  const placed: Placed[] = [...request.placed];
  const assignments: Placed[] = [];
  const cityOf = new Map(request.candidates.map((c) => [c.node, `${c.location.country}/${c.location.city}`]));
  for (const workload of request.workloads) {
    const inPlace = request.candidates.filter((c) => eligible(c, workload, request));
    const taken = new Set(placed.filter((p) => p.group === workload.group).map((p) => p.node));
    const open = inPlace.filter((c) => !taken.has(c.node) && fits(workload.resources, free.get(c.node) ?? c.free));
    const score = (c: Candidate): readonly [number, number, bigint, string] => [
      placed.filter((p) => p.node === c.node).length,
      placed.filter((p) => p.group === workload.group && cityOf.get(p.node) === cityOf.get(c.node)).length,
      BigInt(c.rates.terabyte),
      digestOf([request.deployment, workload.workload, c.node]),
    ];
    const best = open.map((c) => ({ c, s: score(c) })).sort((a, b) => compareScores(a.s, b.s))[0]?.c;
    if (!best) return { ok: false, workload: workload.workload, group: workload.group, type: workload.type, need: workload.resources, inPlace: inPlace.length, withRoom: open.length };
    free.set(best.node, subtractResources(free.get(best.node) ?? best.free, workload.resources));
    const assignment = { workload: workload.workload, type: workload.type, group: workload.group, resources: workload.resources, node: best.node };
    placed.push(assignment);
    assignments.push(assignment);
  }
  return { ok: true, assignments };
}

function eligible(c: Candidate, w: Placeable, request: PlacementRequest): boolean {
  const engine = engineOf(w.type);
  const pinned = engine && request.engines.find((e) => e.name === engine)?.digest;
  if (engine && (!pinned || !c.engines.some((e) => e.name === engine && e.digest === pinned))) return false;
  return c.capabilities.includes(w.type) && allowedAt(request.constraints, c.location);
}

function compareScores(a: readonly [number, number, bigint, string], b: readonly [number, number, bigint, string]): number {
  for (let i = 0; i < 4; i++) {
    const x = a[i]!, y = b[i]!;
    if (x < y) return -1;
    if (x > y) return 1;
  }
  return 0;
}

/** What a node still has when these assignments are taken out of its capacity. */
export function freeCapacity(capacity: Resources, reserved: readonly Resources[]): Resources {
  return subtractResources(capacity, reserved.reduce(addResources, { disk: '0', memory: '0', cpu: '0' }));
}
