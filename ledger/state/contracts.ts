import { type Assignment, contractId, deploymentId, type Header } from '../../contract/contract.ts';
import { digestOf } from '../../contract/digest.ts';
import type { Payload } from '../../contract/entry.ts';
import { allowedAt, type Candidate } from '../../contract/placement.ts';
import { evaluatePolicy, resolvePolicy, voters } from '../../contract/policy.ts';
import { priceOf } from '../../contract/price.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import { fits, formatMoney, subtractResources } from '../../contract/units.ts';
import { engineOf } from '../../contract/workload.ts';
import { endContract, reserve } from './expiry.ts';
import type { EntryContext } from './context.ts';
import { type Applied, APPLIED, refuse } from './refusal.ts';
import type { ContractRecord, LedgerState } from './state.ts';
import { candidates } from './views.ts';

/** Proposals one requester may have open: each holds capacity that others cannot have meanwhile. */
const MAX_OPEN_PROPOSALS = 16;
const MAX_TERM_MS = 3653 * 86_400_000;

export function applyProposed(state: LedgerState, { by, header }: Payload<'contract.proposed'>, context: EntryContext): Applied {
  const id = contractId(header);
  for (const check of [checkIdentity(state, by, header, context), checkBlueprintAndPolicy(state, header), checkPlacement(state, header, context.time), checkMeans(state, header)]) {
    if (!check.ok) return check;
  }
  for (const a of header.assignments) reserve(state, a.node, a.resources, 1);
  for (const name of header.names) state.names[name] = header.deployment;
  state.balances[by] = (BigInt(state.balances[by] ?? '0') - BigInt(header.price.month)).toString();
  state.contracts[id] = { header, status: 'proposed', votes: [], cancellations: [], escrow: header.price.month };
  state.live[id] = true;
  return APPLIED;
}

function checkIdentity(state: LedgerState, by: PrincipalId, header: Header, { time }: EntryContext): Applied {
  const { grid, derivation, validity, version } = header;
  if (grid !== state.grid?.digest) return refuse('grid_mismatch', `the contract is for grid ${grid}`);
  if (header.requester !== by) return refuse('not_permitted', 'a contract is proposed by its requester');
  if (header.deployment !== deploymentId({ grid, requester: by, nonce: derivation.nonce })) return refuse('contract_invalid', 'the deployment id does not follow from grid, requester and nonce');
  if (version !== 1) return refuse('contract_invalid', 'updates of a deployment are not accepted yet', 'propose a new deployment');
  if (state.deployments[header.deployment] || Object.values(state.contracts).some((c) => c.header.deployment === header.deployment)) {
    return refuse('contract_exists', `deployment ${header.deployment} was proposed already`, 'plan again for a new deployment');
  }
  if (validity.signBefore <= time) return refuse('contract_expired', `the contract was to be signed before ${validity.signBefore}; it is ${time}`, 'plan again');
  const latest = new Date(Date.parse(time) + (state.grid.payload.proposalSeconds + 60) * 1000).toISOString();
  if (validity.signBefore > latest) return refuse('contract_invalid', `signBefore ${validity.signBefore} is later than this grid allows (${latest})`);
  if (Date.parse(validity.notAfter) - Date.parse(validity.signBefore) > MAX_TERM_MS) return refuse('contract_invalid', 'a contract ends within ten years');
  if (validity.notAfter <= validity.signBefore) return refuse('contract_invalid', 'notAfter must lie after signBefore');
  if (derivation.ledger.size > state.size) return refuse('contract_invalid', `derived from ledger size ${derivation.ledger.size}, the log has ${state.size}`);
  const open = Object.keys(state.live).filter((k) => { const c = state.contracts[k as keyof typeof state.contracts]; return c?.status === 'proposed' && c.header.requester === by; });
  if (open.length >= MAX_OPEN_PROPOSALS) return refuse('too_many', `${open.length} proposals of this requester are open`, 'withdraw one, or let it lapse');
  return APPLIED;
}

function checkBlueprintAndPolicy(state: LedgerState, header: Header): Applied {
  const { name, version, digest } = header.blueprint;
  const blueprint = state.blueprints[`${name}@${version}`];
  if (!blueprint || blueprint.digest !== digest) return refuse('blueprint_unknown', `blueprint ${name}@${version} with digest ${digest} is not published on this grid`);
  const roles = state.organisations[header.organisation]?.roles;
  if (!roles || !Object.values(roles).flat().includes(header.requester)) return refuse('not_permitted', 'the requester is not a member of the organisation that the contract names');
  const resolved = resolvePolicy(blueprint.policy, roles);
  if (!resolved.ok) return refuse('policy_mismatch', `the organisation has nobody for: ${resolved.missingRoles.join(', ')}`);
  if (digestOf(resolved.policy) !== digestOf(header.policy)) return refuse('policy_mismatch', 'the contract does not ask the signers that its blueprint and organisation demand');
  return APPLIED;
}

function checkPlacement(state: LedgerState, header: Header, time: string): Applied {
  const market = new Map(candidates(state, time).map((c) => [c.node, c]));
  const free = new Map([...market].map(([id, c]) => [id, c.free]));
  const groups = new Set<string>();
  const names = new Set<string>();
  for (const a of header.assignments) {
    const candidate = market.get(a.node);
    if (!candidate) return refuse('node_not_alive', `${labelOf(state, a.node)} has no running lease`, 'plan again');
    const misfit = checkAssignment(header, a, candidate);
    if (!misfit.ok) return misfit;
    if (names.has(a.workload)) return refuse('placement_invalid', `workload ${a.workload} is assigned twice`);
    if (groups.has(`${a.group}/${a.node}`)) return refuse('placement_invalid', `${labelOf(state, a.node)} is assigned two workloads of group ${a.group}`);
    names.add(a.workload);
    groups.add(`${a.group}/${a.node}`);
    const left = free.get(a.node) ?? candidate.free;
    if (!fits(a.resources, left)) return refuse('no_capacity', `${labelOf(state, a.node)} has no room left for ${a.workload}`, 'plan again: somebody else took it');
    free.set(a.node, subtractResources(left, a.resources));
  }
  return APPLIED;
}

function checkAssignment(header: Header, a: Assignment, c: Candidate): Applied {
  if (!allowedAt(header.constraints, c.location)) return refuse('location_not_allowed', `${a.workload} would lie in ${c.location.city}, ${c.location.country}`);
  if (!c.capabilities.includes(a.type)) return refuse('placement_invalid', `the node of ${a.workload} does not run ${a.type}`);
  const engine = engineOf(a.type);
  const pinned = engine && header.engines.find((e) => e.name === engine)?.digest;
  if (engine && !c.engines.some((e) => e.name === engine && e.digest === pinned)) return refuse('placement_invalid', `the node of ${a.workload} does not offer the pinned ${engine} engine`);
  return APPLIED;
}

function checkMeans(state: LedgerState, header: Header): Applied {
  const currency = state.grid?.payload.currency ?? '';
  const price = priceOf(header.assignments, (node) => state.nodes[node]?.offer?.rates, currency);
  if (price.month !== header.price.month || price.currency !== header.price.currency) return refuse('price_mismatch', `the contract says ${header.price.month}, the nodes' rates make ${price.month}`, 'plan again');
  const balance = BigInt(state.balances[header.requester] ?? '0');
  if (balance < BigInt(price.month)) {
    return refuse('no_credit', `a month costs ${formatMoney(BigInt(price.month), currency)}, the requester has ${formatMoney(balance, currency)}`);
  }
  const taken = header.names.find((name) => state.names[name] !== undefined);
  if (taken) return refuse('name_taken', `the name ${taken} is taken`, 'choose another name');
  return APPLIED;
}

export function applyApproved(state: LedgerState, payload: Payload<'contract.approved'>, { time }: EntryContext): Applied {
  const { by, contract: id, role, statement, signBefore } = payload;
  const contract = state.contracts[id];
  const voter = checkVoter(state, contract, by, role, id);
  if (!voter.ok || !contract) return voter;
  if (contract.status === 'lapsed') return refuse('contract_expired', `the contract was to be signed before ${contract.header.validity.signBefore}`, 'plan again');
  if (contract.status !== 'proposed') return refuse('contract_not_open', `the contract is ${contract.status}`);
  if (signBefore !== contract.header.validity.signBefore) return refuse('contract_invalid', 'the approval names another signBefore than the contract');
  if (signBefore <= time) return refuse('contract_expired', `the contract was to be signed before ${signBefore}`, 'plan again');
  if (contract.votes.some((v) => v.principal === by)) return refuse('already_voted', 'this principal has decided already');
  contract.votes.push({ principal: by, role, decision: 'approve', note: statement });
  if (evaluatePolicy(contract.header.policy, contract.votes).met) activate(state, id, contract);
  return APPLIED;
}

export function applyRejected(state: LedgerState, { by, contract: id, role, reason }: Payload<'contract.rejected'>): Applied {
  const contract = state.contracts[id];
  const voter = checkVoter(state, contract, by, role, id);
  if (!voter.ok || !contract) return voter;
  if (contract.status !== 'proposed') return refuse('contract_not_open', `the contract is ${contract.status}`);
  if (contract.votes.some((v) => v.principal === by)) return refuse('already_voted', 'this principal has decided already');
  contract.votes.push({ principal: by, role, decision: 'reject', note: reason });
  if (!evaluatePolicy(contract.header.policy, contract.votes).possible) endContract(state, id, 'rejected');
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

/** Ending what runs takes the same quorum as starting it. */
export function applyCancelled(state: LedgerState, { by, contract: id, role }: Payload<'contract.cancelled'>): Applied {
  const contract = state.contracts[id];
  const voter = checkVoter(state, contract, by, role, id);
  if (!voter.ok || !contract) return voter;
  if (contract.status !== 'active') return refuse('contract_not_open', `the contract is ${contract.status}`);
  if (contract.cancellations.some((v) => v.principal === by)) return refuse('already_voted', 'this principal has decided already');
  contract.cancellations.push({ principal: by, role, decision: 'approve' });
  if (evaluatePolicy(contract.header.policy, contract.cancellations).met) endContract(state, id, 'cancelled');
  return APPLIED;
}

function checkVoter(state: LedgerState, contract: ContractRecord | undefined, by: PrincipalId, role: string, id: string): Applied {
  if (!contract) return refuse('contract_unknown', `no contract ${id} on this grid`);
  if (!voters(contract.header.policy).some((v) => v.principal === by && v.role === role)) {
    return refuse('not_permitted', `${state.principals[by]?.name ?? by} is not asked to decide as ${role}`);
  }
  return APPLIED;
}

function activate(state: LedgerState, id: ReturnType<typeof contractId>, contract: ContractRecord): void {
  const { header } = contract;
  contract.status = 'active';
  state.deployments[header.deployment] = {
    contract: id,
    holdings: Object.fromEntries(header.assignments.map((a) => [a.workload, { node: a.node, epoch: 1 }])),
    reports: {},
    unrestored: {},
    secrets: {},
  };
}

function labelOf(state: LedgerState, node: PrincipalId): string {
  return state.nodes[node]?.offer?.label ?? node;
}
