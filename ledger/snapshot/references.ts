import type { ContractId, DeploymentId } from '../../contract/contract.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import { endOf } from '../state/lifecycle.ts';
import type { LedgerState } from '../state/machine.ts';

/**
 * Says the first thing that a state speaks of and does not have, or counts wrongly. The state machine relies on these:
 * on another state it would throw, or never come to an end.
 */
export function danglingReference(state: LedgerState): string | undefined {
  if (!state.grid || state.size < 1) return 'a state after entries has a grid';
  if (Object.keys(state.principals).length !== state.principalCount) return 'the principals are not as many as it counts';
  return danglingPrincipal(state) ?? danglingContract(state) ?? danglingDeployment(state) ?? wrongEnd(state);
}

function danglingPrincipal(state: LedgerState): string | undefined {
  const named = [...keysOf(state.nodes), ...keysOf(state.organisations), ...Object.values(state.keyOwners)];
  const missing = named.find((id) => !state.principals[id]);
  return missing && `principal ${missing} is not there`;
}

function danglingContract(state: LedgerState): string | undefined {
  const nodeMissing = ({ node }: { node: PrincipalId }): boolean => !state.nodes[node];
  const ended = keysOf(state.live).find((id) => !isOpen(state, id));
  if (ended) return `contract ${ended} is live, and not one that could end`;
  for (const id of keysOf(state.contracts)) {
    const { header, reserved } = state.contracts[id]!;
    if (isOpen(state, id) !== (state.live[id] === true)) return `contract ${id} is open and not live`;
    if (header.assignments.some(nodeMissing) || reserved.some(nodeMissing)) return `contract ${id} is placed on a node that is not there`;
    if (state.contracts[id]!.status === 'active' && state.deployments[header.deployment]?.contract !== id) return `contract ${id} is active, and its deployment runs another`;
  }
  const first = Object.values(state.firstOf).find((id) => !state.contracts[id]);
  return first && `contract ${first} is the first of a deployment, and not there`;
}

function danglingDeployment(state: LedgerState): string | undefined {
  for (const id of keysOf<DeploymentId>(state.deployments)) {
    const { contract, holdings, updates } = state.deployments[id]!;
    if (state.contracts[contract]?.header.deployment !== id) return `deployment ${id} is of a contract that is not its own`;
    if (Object.values(holdings).some(({ node }) => !state.nodes[node])) return `deployment ${id} is held by a node that is not there`;
    const update = updates.find((each) => state.contracts[each]?.status !== 'proposed' || state.contracts[each].header.deployment !== id);
    if (update) return `contract ${update} is no update of deployment ${id}`;
  }
  return undefined;
}

/** Expiry goes on until the next end lies in the future: one that no contract has would keep it going for ever. */
function wrongEnd(state: LedgerState): string | undefined {
  const ends = keysOf(state.live).map((id) => endOf(state.contracts[id]!)).sort();
  return (ends[0] ?? '') === state.nextEnd ? undefined : 'the next end is not that of a live contract';
}

function isOpen(state: LedgerState, id: ContractId): boolean {
  const status = state.contracts[id]?.status;
  return status === 'proposed' || status === 'active';
}

function keysOf<K extends string>(record: Readonly<Record<K, unknown>>): K[] {
  return Object.keys(record) as K[];
}
