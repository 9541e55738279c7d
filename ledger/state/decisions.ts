import type { ContractId } from '../../contract/contract.ts';
import type { Payload } from '../../contract/entry.ts';
import { type Policy, voters } from '../../contract/policy.ts';
import { evaluatePolicies } from '../../contract/quorum.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import type { EntryContext } from './context.ts';
import { activateContract, endContract } from './lifecycle.ts';
import { type Applied, APPLIED, type Refused, refuse } from './refusal.ts';
import type { CastVote, ContractRecord, LedgerState } from './state.ts';
import { policiesOf } from './views.ts';

/** A contract on which somebody may decide, and the policies that count the decision. */
interface Open { readonly ok: true; readonly contract: ContractRecord; readonly policies: readonly Policy[] }

export function applyApproved(state: LedgerState, payload: Payload<'contract.approved'>, { time, key }: EntryContext): Applied {
  const { by, contract: id, role, explanation, statement, signBefore } = payload;
  const open = openFor(state, id, { by, role, status: 'proposed' });
  if (!open.ok) return open;
  const { contract, policies } = open;
  if (signBefore !== contract.header.validity.signBefore) return refuse('contract_invalid', 'the approval names another signBefore than the contract');
  if (signBefore <= time) return refuse('contract_expired', `the contract was to be signed before ${signBefore}`, 'plan again');
  const voted = checkFirst(policies, contract.votes, by, role);
  if (!voted.ok) return voted;
  contract.votes.push({ principal: by, role, decision: 'approve', note: statement, key, explanation });
  if (evaluatePolicies(policies, contract.votes).met) activateContract(state, id, contract);
  return APPLIED;
}

export function applyRejected(state: LedgerState, { by, contract: id, role, reason }: Payload<'contract.rejected'>, { key }: EntryContext): Applied {
  const open = openFor(state, id, { by, role, status: 'proposed' });
  if (!open.ok) return open;
  const { contract, policies } = open;
  const voted = checkFirst(policies, contract.votes, by, role);
  if (!voted.ok) return voted;
  contract.votes.push({ principal: by, role, decision: 'reject', note: reason, key });
  if (!evaluatePolicies(policies, contract.votes).possible) endContract(state, id, 'rejected');
  return APPLIED;
}

export function applyWithdrawn(state: LedgerState, { by, contract: id }: Payload<'contract.withdrawn'>): Applied {
  const contract = state.contracts[id];
  if (!contract) return refuse('contract_unknown', `no contract ${id}`);
  if (contract.header.requester !== by) return refuse('not_permitted', 'only the requester withdraws a proposal');
  if (contract.status !== 'proposed') return refuse('contract_not_open', `the contract is ${contract.status}`);
  endContract(state, id, 'withdrawn');
  return APPLIED;
}

/** Ending what runs takes the quorum of its own policy, as starting it did. */
export function applyCancelled(state: LedgerState, { by, contract: id, role }: Payload<'contract.cancelled'>, { key }: EntryContext): Applied {
  const open = openFor(state, id, { by, role, status: 'active' });
  if (!open.ok) return open;
  const { contract } = open;
  const policies = [contract.header.policy];
  const voted = checkFirst(policies, contract.cancellations, by, role);
  if (!voted.ok) return voted;
  contract.cancellations.push({ principal: by, role, decision: 'approve', note: '', key });
  if (evaluatePolicies(policies, contract.cancellations).met) endContract(state, id, 'cancelled');
  return APPLIED;
}

function openFor(state: LedgerState, id: ContractId, { by, role, status }: { by: PrincipalId; role: string; status: 'proposed' | 'active' }): Open | Refused {
  const contract = state.contracts[id];
  if (!contract) return refuse('contract_unknown', `no contract ${id} on this grid`);
  const policies = status === 'active' ? [contract.header.policy] : policiesOf(state, contract.header);
  if (!policies.some((policy) => asks(policy, by, role))) return refuse('not_permitted', `${state.principals[by]?.name ?? by} is not asked to decide as ${role}`);
  if (contract.status === 'lapsed') return refuse('contract_expired', `the contract was to be signed before ${contract.header.validity.signBefore}`, 'plan again');
  if (contract.status !== status) return refuse('contract_not_open', `the contract is ${contract.status}`);
  return { ok: true, contract, policies };
}

/** One decision a principal in each policy: nobody decides twice, and nobody takes back what is written. */
function checkFirst(policies: readonly Policy[], votes: readonly CastVote[], by: PrincipalId, role: string): Applied {
  const repeated = policies.some((policy) => asks(policy, by, role) && votes.some((v) => v.principal === by && asks(policy, by, v.role)));
  return repeated ? refuse('already_voted', 'this principal has decided already') : APPLIED;
}

function asks(policy: Policy, by: PrincipalId, role: string): boolean {
  return voters(policy).some((v) => v.principal === by && v.role === role);
}
