import { type Assignment, type ContractId, contractId, deploymentId, type Header } from '../../contract/contract.ts';
import { digestOf } from '../../contract/digest.ts';
import type { Payload } from '../../contract/entry.ts';
import { allowedAt, type Candidate } from '../../contract/placement.ts';
import { resolvePolicy } from '../../contract/policy-template.ts';
import { priceOf } from '../../contract/price.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import { fits, formatMoney, type Resources, subtractResources } from '../../contract/units.ts';
import { engineOf } from '../../contract/workload.ts';
import { checkUsable } from './blueprints.ts';
import { reserveAll } from './capacity.ts';
import type { EntryContext } from './context.ts';
import { openContract } from './lifecycle.ts';
import { type Applied, APPLIED, type Refused, refuse } from './refusal.ts';
import type { ContractRecord, LedgerState } from './state.ts';
import { candidateOf, currentAssignments, isMember } from './views.ts';

/** Proposals one requester may have open: each holds capacity that others cannot have meanwhile. */
const MAX_OPEN_PROPOSALS = 16;
const MAX_TERM_MS = 3653 * 86_400_000;

/** What a contract would replace: the version in force, and where its workloads lie now. */
interface Base { readonly id: ContractId; readonly record: ContractRecord; readonly assignments: readonly Assignment[] }

/** Something that an applier needs, or why it refuses. */
type Found<T> = { readonly ok: true; readonly value: T } | Refused;

export function applyProposed(state: LedgerState, { by, header }: Payload<'contract.proposed'>, context: EntryContext): Applied {
  const id = contractId(header);
  const base = findBase(state, header, id);
  if (!base.ok) return base;
  for (const check of [checkIdentity(state, by, header, context), checkBlueprintAndPolicy(state, header)]) if (!check.ok) return check;
  const placed = checkPlacement(state, header, base.value, context.time);
  if (!placed.ok) return placed;
  const means = checkMeans(state, header, base.value);
  if (!means.ok) return means;
  const reserved = placed.value;
  reserveAll(state, reserved, 1);
  for (const name of header.names) state.names[name] = header.deployment;
  const escrow = means.value;
  state.balances[by] = (BigInt(state.balances[by] ?? '0') - escrow).toString();
  openContract(state, id, { header, key: context.key, status: 'proposed', votes: [], cancellations: [], escrow: escrow.toString(), reserved });
  return APPLIED;
}

/** The first version replaces nothing; a later one exactly the version in force. */
function findBase(state: LedgerState, header: Header, id: ContractId): Found<Base | undefined> {
  const { version, supersedes, deployment } = header;
  if (state.contracts[id]) return refuse('contract_exists', `contract ${id} was proposed already`, 'plan again');
  if (version === 1) {
    if (supersedes !== undefined) return refuse('contract_invalid', 'the first version of a deployment supersedes nothing');
    return state.firstOf[deployment] === undefined ? { ok: true, value: undefined } : refuse('contract_exists', `deployment ${deployment} was proposed already`, 'plan again for a new deployment');
  }
  const running = state.deployments[deployment];
  const record = running && state.contracts[running.contract];
  if (!running || record?.status !== 'active') return refuse('contract_not_open', `deployment ${deployment} does not run, so that there is nothing to update`, 'plan a new deployment');
  if (supersedes !== running.contract || version !== record.header.version + 1) {
    return refuse('base_changed', `deployment ${deployment} runs version ${record.header.version} (${running.contract}); this would replace ${supersedes ?? 'nothing'} as version ${version}`);
  }
  if (header.requester !== record.header.requester || header.organisation !== record.header.organisation || header.blueprint.name !== record.header.blueprint.name) {
    return refuse('contract_invalid', 'an update keeps requester, organisation and blueprint', 'plan a new deployment');
  }
  return { ok: true, value: { id: running.contract, record, assignments: currentAssignments(state, running) } };
}

function checkIdentity(state: LedgerState, by: PrincipalId, header: Header, { time }: EntryContext): Applied {
  const { grid, derivation, validity } = header;
  if (grid !== state.grid?.digest) return refuse('grid_mismatch', `the contract is for grid ${grid}`);
  if (header.requester !== by) return refuse('not_permitted', 'a contract is proposed by its requester');
  if (header.deployment !== deploymentId({ grid, requester: by, nonce: derivation.nonce })) return refuse('contract_invalid', 'the deployment id does not follow from grid, requester and nonce');
  if (validity.signBefore <= time) return refuse('contract_expired', `the contract was to be signed before ${validity.signBefore}; it is ${time}`, 'plan again');
  const latest = new Date(Date.parse(time) + (state.grid.payload.proposalSeconds + 60) * 1000).toISOString();
  if (validity.signBefore > latest) return refuse('contract_invalid', `signBefore ${validity.signBefore} is later than this grid allows (${latest})`);
  if (Date.parse(validity.notAfter) - Date.parse(validity.signBefore) > MAX_TERM_MS) return refuse('contract_invalid', 'a contract ends within ten years');
  if (validity.notAfter <= validity.signBefore) return refuse('contract_invalid', 'notAfter must lie after signBefore');
  if (derivation.ledger.size > state.size) return refuse('contract_invalid', `derived from ledger size ${derivation.ledger.size}, the log has ${state.size}`);
  const open = (Object.keys(state.live) as ContractId[]).filter((k) => { const c = state.contracts[k]; return c?.status === 'proposed' && c.header.requester === by; });
  if (open.length >= MAX_OPEN_PROPOSALS) return refuse('too_many', `${open.length} proposals of this requester are open`, 'withdraw one, or let it lapse');
  return APPLIED;
}

function checkBlueprintAndPolicy(state: LedgerState, header: Header): Applied {
  const { name, version, digest } = header.blueprint;
  const blueprint = state.blueprints[`${name}@${version}`];
  if (!blueprint || blueprint.digest !== digest) return refuse('blueprint_unknown', `blueprint ${name}@${version} with digest ${digest} is not published on this grid`);
  const usable = checkUsable(state, `${name}@${version}`, header.organisation);
  if (!usable.ok) return usable;
  const roles = state.organisations[header.organisation]?.roles;
  if (!roles || !isMember(roles, header.requester)) return refuse('not_permitted', 'the requester is not a member of the organisation that the contract names');
  for (const [what, template, written] of [['sign', blueprint.policy, header.policy], ['accept', blueprint.acceptance, header.acceptance]] as const) {
    const resolved = template && resolvePolicy(template, roles, header.requester);
    if (resolved?.ok === false) return refuse('policy_mismatch', `the organisation has too few for: ${resolved.missingRoles.join(', ')}`);
    if (digestOf(resolved?.policy ?? null) !== digestOf(written ?? null)) return refuse('policy_mismatch', `the contract does not ask those to ${what} whom its blueprint and organisation demand`);
  }
  return APPLIED;
}

/** Where everything lies, and what that takes besides what the deployment has already. */
function checkPlacement(state: LedgerState, header: Header, base: Base | undefined, time: string): Found<ContractRecord['reserved']> {
  const free = new Map<PrincipalId, Resources>();
  const kept = new Map(base?.assignments.map((a) => [a.workload, a]));
  const groups = new Set<string>();
  const names = new Set<string>();
  const reserved: ContractRecord['reserved'] = [];
  for (const a of header.assignments) {
    const before = kept.get(a.workload);
    if (before && (before.node !== a.node || before.type !== a.type || before.group !== a.group)) return refuse('placement_invalid', `an update leaves ${a.workload} where it is: on ${labelOf(state, before.node)}`);
    const candidate = candidateOf(state, a.node, time);
    if (!candidate) return refuse('node_not_alive', `${labelOf(state, a.node)} has no running lease`, 'plan again');
    const misfit = checkAssignment(header, a, candidate);
    if (!misfit.ok) return misfit;
    if (names.has(a.workload)) return refuse('placement_invalid', `workload ${a.workload} is assigned twice`);
    if (groups.has(`${a.group}/${a.node}`)) return refuse('placement_invalid', `${labelOf(state, a.node)} is assigned two workloads of group ${a.group}`);
    names.add(a.workload);
    groups.add(`${a.group}/${a.node}`);
    const more = before ? subtractResources(a.resources, before.resources) : a.resources;
    const left = free.get(a.node) ?? candidate.free;
    if (!fits(more, left)) return refuse('no_capacity', `${labelOf(state, a.node)} has no room left for ${a.workload}`, 'plan again: somebody else took it');
    free.set(a.node, subtractResources(left, more));
    if (!isNothing(more)) reserved.push({ node: a.node, resources: more });
  }
  const changed = base?.record.header.bounds.find(({ group, atMost }) => membersOf(base.assignments, group) !== membersOf(header.assignments, group) || header.bounds.find((b) => b.group === group)?.atMost !== atMost);
  if (changed) return refuse('placement_invalid', `what the group ${changed.group} holds together is laid out over exactly its members; an update keeps them`, 'plan a new deployment, and copy the data');
  return { ok: true, value: reserved };
}

function checkAssignment(header: Header, a: Assignment, c: Candidate): Applied {
  if (!allowedAt(header.constraints, c.location)) return refuse('location_not_allowed', `${a.workload} would lie in ${c.location.city}, ${c.location.country}`);
  if (!c.capabilities.includes(a.type)) return refuse('placement_invalid', `the node of ${a.workload} does not run ${a.type}`);
  const engine = engineOf(a.type);
  const pinned = engine && header.engines.find((e) => e.name === engine)?.digest;
  if (engine && !c.engines.some((e) => e.name === engine && e.digest === pinned)) return refuse('placement_invalid', `the node of ${a.workload} does not offer the pinned ${engine} engine`);
  return APPLIED;
}

/** Price and names; answers what is to be paid in: a month of what this costs more than what it replaces. */
function checkMeans(state: LedgerState, header: Header, base: Base | undefined): Found<bigint> {
  const currency = state.grid?.payload.currency ?? '';
  const price = priceOf(header.assignments, (node) => state.nodes[node]?.offer?.rates, currency);
  if (price.month !== header.price.month || price.currency !== header.price.currency) return refuse('price_mismatch', `the contract says ${header.price.month}, the nodes' rates make ${price.month}`, 'plan again');
  const more = BigInt(price.month) - BigInt(base?.record.escrow ?? '0');
  const escrow = more > 0n ? more : 0n;
  const balance = BigInt(state.balances[header.requester] ?? '0');
  if (balance < escrow) return refuse('no_credit', `a month costs ${formatMoney(escrow, currency)}${base ? ' more' : ''}, the requester has ${formatMoney(balance, currency)}`);
  const taken = header.names.find((name) => state.names[name] !== undefined && !(base && state.names[name] === header.deployment));
  if (taken) return refuse('name_taken', `the name ${taken} is taken`, 'choose another name');
  return { ok: true, value: escrow };
}

function membersOf(assignments: readonly Assignment[], group: string): string {
  return assignments.filter((a) => a.group === group).map((a) => a.workload).sort().join(' ');
}

function isNothing({ disk, memory, cpu }: Resources): boolean {
  return disk === '0' && memory === '0' && cpu === '0';
}

function labelOf(state: LedgerState, node: PrincipalId): string {
  return state.nodes[node]?.offer?.label ?? node;
}
