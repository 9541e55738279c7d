import type { Assignment, ContractId, Header } from '../../contract/contract.ts';
import type { Candidate, Placed } from '../../contract/placement.ts';
import { fits, type Resources, subtractResources } from '../../contract/units.ts';
import type { Workload } from '../../contract/workload.ts';
import type { LedgerState } from '../../ledger/state/state.ts';
import { currentAssignments } from '../../ledger/state/views.ts';

/** What an update begins from: the version in force, and where its workloads lie now. */
export interface Base {
  readonly id: ContractId;
  readonly header: Header;
  readonly assignments: readonly Assignment[];
}

/** The contract that an update would supersede; undefined when it is not in force. */
export function baseOf(state: LedgerState, id: ContractId): Base | undefined {
  const header = state.contracts[id]?.header;
  const deployment = header && state.deployments[header.deployment];
  if (!header || deployment?.contract !== id || state.contracts[id]?.status !== 'active') return undefined;
  return { id, header, assignments: currentAssignments(state, deployment) };
}

/** What stays where it lies, and the market as it is without what that takes more. */
export interface Kept { readonly placed: readonly Placed[]; readonly market: readonly Candidate[] }

/** Keeps each workload of the base that the update still has; answers the one whose node cannot give what it takes more. */
export function keepInPlace(base: Base, workloads: readonly Workload[], market: readonly Candidate[]): { ok: true; kept: Kept } | { ok: false; workload: Workload; more: Resources } {
  const free = new Map(market.map((c) => [c.node, c.free]));
  const placed: Placed[] = [];
  for (const workload of workloads) {
    const before = base.assignments.find((a) => a.workload === workload.name && a.type === workload.type && a.group === workload.group);
    if (!before) continue;
    const more = subtractResources(workload.resources, before.resources);
    const left = free.get(before.node);
    if (!left || !fits(more, left)) return { ok: false, workload, more };
    free.set(before.node, subtractResources(left, more));
    placed.push({ workload: workload.name, type: workload.type, group: workload.group, node: before.node, resources: workload.resources });
  }
  return { ok: true, kept: { placed, market: market.map((c) => ({ ...c, free: free.get(c.node) ?? c.free })) } };
}
