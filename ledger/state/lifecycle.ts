import type { ContractId } from '../../contract/contract.ts';
import { reserveAll } from './capacity.ts';
import type { ContractRecord, ContractStatus, DeploymentRecord, LedgerState } from './state.ts';
import { currentAssignments } from './views.ts';

/** When a live contract ends by itself. */
export function endOf({ header, status }: ContractRecord): string {
  return status === 'proposed' ? header.validity.signBefore : header.validity.notAfter;
}

/** Enters a proposal; what it holds is reserved by now. */
export function openContract(state: LedgerState, id: ContractId, record: ContractRecord): void {
  state.contracts[id] = record;
  state.live[id] = true;
  const { deployment } = record.header;
  state.firstOf[deployment] ??= id;
  state.deployments[deployment]?.updates.push(id);
  expectEnd(state, endOf(record));
}

/** Puts a signed proposal into force: what it reserved is held from now on, and what it supersedes ends. */
export function activateContract(state: LedgerState, id: ContractId, contract: ContractRecord): void {
  const { header } = contract;
  const before = state.deployments[header.deployment];
  const base = before && state.contracts[before.contract];
  if (before && base) supersede(state, { id, contract, before, base });
  else {
    state.deployments[header.deployment] = {
      contract: id,
      holdings: Object.fromEntries(header.assignments.map((a) => [a.workload, { node: a.node, epoch: 1 }])),
      ended: {}, reports: {}, unrestored: {}, secrets: {}, updates: [], acceptance: null,
    };
  }
  contract.status = 'active';
  contract.reserved = [];
  recount(state);
}

/** Kept workloads stay where they are, at their epoch; what they take becomes what the new version says. */
function supersede(state: LedgerState, { id, contract, before, base }: { id: ContractId; contract: ContractRecord; before: DeploymentRecord; base: ContractRecord }): void {
  const { header } = contract;
  for (const other of before.updates) if (other !== id) endContract(state, other, 'overtaken');
  reserveAll(state, currentAssignments(state, before), -1);
  reserveAll(state, contract.reserved, -1);
  reserveAll(state, header.assignments, 1);
  for (const name of base.header.names) if (!header.names.includes(name) && state.names[name] === header.deployment) delete state.names[name];
  contract.escrow = (BigInt(contract.escrow) + BigInt(base.escrow)).toString();
  base.escrow = '0';
  base.status = 'superseded';
  delete state.live[before.contract];
  const kept = new Set(header.assignments.map((a) => a.workload));
  for (const [workload, { epoch }] of Object.entries(before.holdings)) {
    if (kept.has(workload)) continue;
    before.ended[workload] = epoch;
    delete before.holdings[workload];
    delete before.reports[workload];
    delete before.unrestored[workload];
  }
  for (const a of header.assignments) before.holdings[a.workload] ??= { node: a.node, epoch: (before.ended[a.workload] ?? 0) + 1 };
  Object.assign(before, { contract: id, updates: [], acceptance: null });
}

/**
 * Ends a live contract: gives back capacity and names, the escrow of what never ran, and with what runs the updates
 * that wait for it. Returns the way back.
 */
export function endContract(state: LedgerState, id: ContractId, status: ContractStatus, later = false): () => void {
  const contract = state.contracts[id];
  if (!contract) throw new Error(`no contract ${id}`);
  const { header } = contract;
  const undo: (() => void)[] = [];
  const deployment = state.deployments[header.deployment];
  const proposed = contract.status === 'proposed';
  if (!proposed) for (const update of [...deployment?.updates ?? []]) undo.push(endContract(state, update, 'overtaken', later));
  const before = { status: contract.status, escrow: contract.escrow, reserved: contract.reserved, nextEnd: state.nextEnd, balance: state.balances[header.requester], updates: deployment?.updates };
  undo.push(reserveAll(state, proposed ? contract.reserved : deployment ? currentAssignments(state, deployment) : [], -1));
  const names = header.names.filter((name) => state.names[name] === header.deployment && !othersOf(state, id, deployment).some((other) => other.header.names.includes(name)));
  for (const name of names) delete state.names[name];
  if (proposed) {
    state.balances[header.requester] = (BigInt(before.balance ?? '0') + BigInt(contract.escrow)).toString();
    Object.assign(contract, { escrow: '0', reserved: [] });
    if (deployment) deployment.updates = deployment.updates.filter((other) => other !== id);
  }
  const end = endOf(contract);
  contract.status = status;
  delete state.live[id];
  // Whoever ends many at once counts once, at the end (expireUntil).
  if (end === state.nextEnd && !later) recount(state);
  undo.push(() => {
    Object.assign(contract, { status: before.status, escrow: before.escrow, reserved: before.reserved });
    if (before.balance === undefined) delete state.balances[header.requester];
    else state.balances[header.requester] = before.balance;
    if (deployment && before.updates) deployment.updates = before.updates;
    for (const name of names) state.names[name] = header.deployment;
    state.live[id] = true;
    state.nextEnd = before.nextEnd;
  });
  return () => { for (const step of undo.reverse()) step(); };
}

/** The other live contracts of a deployment: they may list a name that one of them gives up. */
function othersOf(state: LedgerState, id: ContractId, deployment: DeploymentRecord | undefined): ContractRecord[] {
  const ids = deployment ? [deployment.contract, ...deployment.updates] : [];
  return ids.flatMap((other) => { const record = state.contracts[other]; return other !== id && state.live[other] && record ? [record] : []; });
}

function expectEnd(state: LedgerState, end: string): void {
  if (state.nextEnd === '' || end < state.nextEnd) state.nextEnd = end;
}

export function recount(state: LedgerState): void {
  state.nextEnd = '';
  for (const id of Object.keys(state.live) as ContractId[]) {
    const contract = state.contracts[id];
    if (contract) expectEnd(state, endOf(contract));
  }
}
