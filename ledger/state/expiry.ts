import { addResources, subtractResources } from '../../contract/units.ts';
import type { ContractId, Header } from '../../contract/contract.ts';
import type { ContractRecord, ContractStatus, LedgerState } from './state.ts';
import { currentAssignments } from './views.ts';

/**
 * Ends what time has ended: proposals not signed in time, contracts past their last day. Returns the way back, for an
 * entry that is refused. Ends depend on deadlines only, never on when they were noticed, so the result is the same
 * however often this is called on the way.
 */
export function expireUntil(state: LedgerState, time: string): () => void {
  const undo: (() => void)[] = [];
  for (const id of Object.keys(state.live) as ContractId[]) {
    const contract = state.contracts[id];
    if (!contract) continue;
    const { signBefore, notAfter } = contract.header.validity;
    const ended: ContractStatus | undefined = contract.status === 'proposed' && signBefore <= time ? 'lapsed' : contract.status === 'active' && notAfter <= time ? 'expired' : undefined;
    if (ended) undo.push(endContract(state, id, ended));
  }
  return () => { for (const step of undo.reverse()) step(); };
}

/** Ends a live contract: gives back capacity and names, and the escrow of what never ran. Returns the way back. */
export function endContract(state: LedgerState, id: ContractId, status: ContractStatus): () => void {
  const contract = state.contracts[id];
  if (!contract) throw new Error(`no contract ${id}`);
  const before = { status: contract.status, escrow: contract.escrow, balance: state.balances[contract.header.requester] };
  const { header } = contract;
  const held = heldResources(state, contract);
  for (const { node, resources } of held) reserve(state, node, resources, -1);
  const names = header.names.filter((name) => state.names[name] === header.deployment);
  for (const name of names) delete state.names[name];
  if (contract.status === 'proposed') {
    state.balances[header.requester] = (BigInt(before.balance ?? '0') + BigInt(contract.escrow)).toString();
    contract.escrow = '0';
  }
  contract.status = status;
  delete state.live[id];
  return () => {
    contract.status = before.status;
    contract.escrow = before.escrow;
    if (before.balance === undefined) delete state.balances[header.requester];
    else state.balances[header.requester] = before.balance;
    for (const name of names) state.names[name] = header.deployment;
    for (const { node, resources } of held) reserve(state, node, resources, 1);
    state.live[id] = true;
  };
}

/** Adds to (+1) or takes from (-1) what is reserved on a node. */
export function reserve(state: LedgerState, node: Header['requester'], resources: Header['assignments'][number]['resources'], sign: 1 | -1): void {
  const record = state.nodes[node];
  if (!record) throw new Error(`no node ${node}`);
  record.reserved = sign === 1 ? addResources(record.reserved, resources) : subtractResources(record.reserved, resources);
}

function heldResources(state: LedgerState, contract: ContractRecord): Header['assignments'] {
  const deployment = state.deployments[contract.header.deployment];
  return contract.status === 'active' && deployment ? currentAssignments(state, deployment) : contract.header.assignments;
}
