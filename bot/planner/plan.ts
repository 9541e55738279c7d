import { type Body, bodyBytes, type Constraints, contractId, type ContractId, deploymentId, type Header } from '../../contract/contract.ts';
import { digestBytes, digestOf, type Digest } from '../../contract/digest.ts';
import { allowedAt, type Candidate, place, type Placed, type Placement } from '../../contract/placement.ts';
import { resolvePolicy } from '../../contract/policy-template.ts';
import { priceOf } from '../../contract/price.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import { formatBytes, formatMoney } from '../../contract/units.ts';
import { boundsOf, type Engine, type EngineName, engineOf, type Workload } from '../../contract/workload.ts';
import { compileBlueprint } from '../../knowledge/compile.ts';
import type { LedgerState } from '../../ledger/state/state.ts';
import { candidates, isMember } from '../../ledger/state/views.ts';
import { largestThatFits } from './alternatives.ts';
import { type Base, baseOf, keepInPlace } from './base.ts';
import type { Parameters, PlanInput } from './input.ts';
import { freeName } from './names.ts';
import { explainNotOffered } from './offered.ts';

/** Named in every contract: another planner version may compile the same words to other bytes. */
export const PLANNER = '3bot-planner/1';
const MONTH_MS = 30 * 86_400_000;

export interface Plan { readonly ok: true; readonly contract: ContractId; readonly header: Header; readonly body: Body }
/** Its own code, or the compiler's. */
export interface PlanRefusal { readonly ok: false; readonly code: string; readonly message: string; readonly hint: string }
export type PlanRefusalCode =
  | 'no_organisation' | 'not_in_force' | 'place_fixed' | 'layout_fixed' | 'policy_unmet' | 'blueprint_unpublished' | 'no_nodes_in_place' | 'no_capacity' | 'no_engine' | 'not_offered' | 'over_budget' | 'grid_not_ready';

/** Snapshot in, contract out: the same input gives the same bytes, which is how `contract verify` checks one. */
export function planContract(input: PlanInput): Plan | PlanRefusal {
  const { state, requester, nonce, blueprint } = input;
  if (!state.grid) return refuse('grid_not_ready', 'the ledger is empty', 'start a grid with `3bot up`');
  const { blueprint: name, version } = blueprint.parsed;
  const published = state.blueprints[`${name}@${version}`];
  if (published?.digest !== blueprint.digest) return refuse('blueprint_unpublished', `blueprint ${name}@${version} is not published on this grid with this content`, 'have a trusted author publish it');
  const { policy: written, acceptance: toAccept } = blueprint.parsed;
  if (digestOf([published.policy, published.acceptance ?? null]) !== digestOf([written, toAccept ?? null])) return refuse('blueprint_unpublished', `blueprint ${name}@${version} asks other signers on the ledger than it says itself`, 'have its author publish what it says, as a higher version');
  const base = input.supersedes && baseOf(state, input.supersedes);
  if (input.supersedes && !base) return refuse('not_in_force', `contract ${input.supersedes} is not in force, so that there is nothing to update`, 'see `3bot contract list`');
  const organisation = base ? base.header.organisation : organisationOf(state, requester);
  const roles = organisation && state.organisations[organisation]?.roles;
  if (!roles) return refuse('no_organisation', 'the requester belongs to no organisation, so nobody can be asked to sign', 'let an organisation name the requester in its roster');
  const policy = resolvePolicy(published.policy, roles, requester);
  const acceptance = published.acceptance && resolvePolicy(published.acceptance, roles, requester);
  for (const asked of [policy, acceptance]) if (asked?.ok === false) return refuse('policy_unmet', `too few hold the role ${asked.missingRoles.join(', ')}`, 'have the organisation name somebody');
  if (!policy.ok || acceptance?.ok === false) return refuse('policy_unmet', 'nobody can sign', 'have the organisation name somebody');

  const compiled = compileWithFreeName(input, base || undefined);
  if (!compiled.ok) return { ok: false, code: compiled.code, message: compiled.message, hint: compiled.hint ?? 'change the request' };
  const { parameters, title, constraints } = compiled;
  const workloads = [...compiled.workloads];
  const market = candidates(state);
  // An update is no upgrade: what runs keeps the engine that was signed for it.
  const engines = keepEngines(base ? base.header.engines : [], chooseEngines(workloads, market, constraints));
  const deployment = deploymentId({ grid: state.grid.digest, requester, nonce });
  const fixed = base && whatStaysFixed(base, { workloads, constraints, market });
  if (fixed) return fixed;
  const keep = base ? keepInPlace(base, workloads, market) : undefined;
  if (keep?.ok === false) return refuse('no_capacity', `${keep.workload.name} would take ${formatBytes(BigInt(keep.more.disk))} more disk than its node has free`, 'ask for less, or for a new deployment');
  const placed = keep?.kept.placed ?? [];
  const placement = placeWorkloads({ deployment, constraints, engines, workloads, placed, market: keep?.kept.market ?? market });
  if (!placement.ok) return explainMisfit({ ...input, parameters: Object.fromEntries(Object.entries(parameters).filter(([name]) => Object.hasOwn(input.parameters, name))) }, placement, { constraints, workloads, market });

  const nodeOf = new Map([...placed, ...placement.assignments].map((p) => [p.workload, p.node]));
  const assignments = workloads.flatMap(({ name: workload, type, group, resources }) => { const node = nodeOf.get(workload); return node ? [{ workload, type, group, node, resources }] : []; });
  const price = priceOf(assignments, (node) => state.nodes[node]?.offer?.rates, state.grid.payload.currency);
  const limit = parameters['max_price'];
  if (typeof limit === 'string' && BigInt(price.month) > BigInt(limit)) {
    return refuse('over_budget', `a month costs ${formatMoney(BigInt(price.month), price.currency)}, the request allows ${formatMoney(BigInt(limit), price.currency)}`, 'ask for less, or raise the limit');
  }
  const body: Body = { parameters, workloads };
  const months = typeof parameters['months'] === 'number' ? parameters['months'] : 1;
  const signBefore = Date.parse(state.time) + state.grid.payload.proposalSeconds * 1000;
  const end = new Date(signBefore + months * MONTH_MS).toISOString();
  const header: Header = {
    grid: state.grid.digest,
    deployment,
    version: base ? base.header.version + 1 : 1,
    ...(base && { supersedes: base.id }),
    requester,
    organisation,
    title,
    blueprint: { name, version, digest: blueprint.digest },
    policy: policy.policy,
    ...(acceptance && { acceptance: acceptance.policy }),
    autonomy: blueprint.parsed.autonomy,
    constraints,
    assignments,
    engines,
    bounds: boundsOf(workloads),
    names: namesOf(workloads),
    price,
    validity: { signBefore: new Date(signBefore).toISOString(), // An update never takes away time that was signed for.
      notAfter: base && base.header.validity.notAfter > end ? base.header.validity.notAfter : end },
    derivation: { planner: PLANNER, ledger: input.ledger, time: state.time, nonce },
    bodyDigest: digestBytes(bodyBytes(body)),
  };
  return { ok: true, contract: contractId(header), header, body };
}

/** Where the requester's approvals come from: the first organisation, by id, whose roster names them. */
export function organisationOf(state: LedgerState, principal: PrincipalId): PrincipalId | undefined {
  return (Object.keys(state.organisations) as PrincipalId[]).sort().find((id) => isMember(state.organisations[id]?.roles ?? {}, principal));
}

function compileWithFreeName({ blueprint, parameters, state }: PlanInput, base: Base | undefined): ReturnType<typeof compileBlueprint> {
  const currency = state.grid?.payload.currency;
  const compile = (raw: Parameters): ReturnType<typeof compileBlueprint> => compileBlueprint(blueprint.parsed, raw, currency === undefined ? {} : { currency });
  const first = compile(parameters);
  // A name that was asked for is kept, and refused by the ledger when taken; a default one gives way.
  if (!first.ok || parameters['name'] !== undefined || typeof first.parameters['name'] !== 'string') return first;
  // What counts is what is published: a blueprint may publish another form of the name, or nothing.
  const isTaken = (name: string): boolean => state.names[name] !== undefined && state.names[name] !== base?.header.deployment;
  const wanted = first.parameters['name'];
  const published = namesOf(first.workloads);
  if (!published.some(isTaken)) return first;
  const another = (name: string): boolean => { const made = compile({ ...parameters, name }); return made.ok && namesOf(made.workloads).some(isTaken); };
  return compile({ ...parameters, name: freeName(wanted, published.every((name) => name === wanted) ? isTaken : another) });
}

/** What these workloads publish, in their order. */
function namesOf(workloads: readonly Workload[]): string[] {
  return workloads.flatMap((w) => (w.type === 'gateway-name' ? [w.spec.name] : []));
}

/** An update leaves what it keeps where it lies, and a group that holds parts of one whole as it is laid out. */
function whatStaysFixed(base: Base, { workloads, constraints, market }: { workloads: readonly Workload[]; constraints: Constraints; market: readonly Candidate[] }): PlanRefusal | undefined {
  const kept = base.assignments.filter((a) => workloads.some((w) => w.name === a.workload));
  const abroad = kept.map((a) => ({ a, at: market.find((c) => c.node === a.node)?.location })).find(({ at }) => at && !allowedAt(constraints, at));
  if (abroad?.at) return refuse('place_fixed', `${abroad.a.workload} lies in ${abroad.at.city}, ${abroad.at.country}, and an update moves nothing`, 'ask for a new deployment there, and copy the data');
  const members = (of: readonly { readonly group: string; readonly name: string }[], group: string): string => of.filter((w) => w.group === group).map((w) => w.name).sort().join(' ');
  const before = base.assignments.map((a) => ({ group: a.group, name: a.workload }));
  const changed = base.header.bounds.find(({ group, atMost }) => members(before, group) !== members(workloads, group) || boundsOf(workloads).find((b) => b.group === group)?.atMost !== atMost);
  return changed && refuse('layout_fixed', `what the group ${changed.group} holds together is laid out over exactly its members; an update keeps them`, 'ask for a new deployment, and copy the data');
}

/** The engines of what runs already, and of the rest. */
function keepEngines(before: readonly Engine[], chosen: readonly Engine[]): Engine[] {
  return chosen.map((engine) => before.find((kept) => kept.name === engine.name) ?? engine);
}

/**
 * For each engine the digest that most nodes in place run by now; the lowest of several. A node lists its current one
 * first, and behind it older ones that it keeps for contracts that pin them.
 */
function chooseEngines(workloads: readonly Workload[], market: readonly Candidate[], constraints: Constraints): Engine[] {
  const names = [...new Set(workloads.flatMap((w) => engineOf(w.type) ?? []))].sort();
  return names.flatMap((name: EngineName) => {
    const offers = new Map<Digest, number>();
    for (const c of market) {
      if (!allowedAt(constraints, c.location)) continue;
      const current = c.engines.find((engine) => engine.name === name)?.digest;
      if (current) offers.set(current, (offers.get(current) ?? 0) + 1);
    }
    const best = [...offers].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))[0];
    return best ? [{ name, digest: best[0] }] : [];
  });
}

interface PlaceWorkloads { deployment: string; constraints: Constraints; engines: readonly Engine[]; workloads: readonly Workload[]; placed: readonly Placed[]; market: readonly Candidate[] }

function placeWorkloads({ deployment, constraints, engines, workloads, placed, market }: PlaceWorkloads): Placement {
  const there = new Set(placed.map((p) => p.workload));
  const placeable = workloads.filter((w) => !there.has(w.name)).map((w) => ({ workload: w.name, type: w.type, group: w.group, resources: w.resources }));
  return place({ deployment, constraints, engines, workloads: placeable, placed, candidates: market });
}

/** `input` with canonical parameters: what is searched for among sizes is not what people wrote. */
function explainMisfit(input: PlanInput, misfit: Extract<Placement, { ok: false }>, { constraints, workloads, market }: { constraints: Constraints; workloads: readonly Workload[]; market: readonly Candidate[] }): PlanRefusal {
  // Elsewhere would be no better: said before the place is. A market without nodes is another trouble.
  const lacking = market.length > 0 ? explainNotOffered(input.blueprint.parsed, workloads, market, input.library) : undefined;
  if (lacking) return refuse('not_offered', lacking.message, lacking.hint);
  const where = [...constraints.cities, ...constraints.countries].join(', ') || 'the grid';
  if (!market.some((c) => allowedAt(constraints, c.location))) {
    const offered = [...new Set(market.map((c) => c.location.country))].sort().join(', ');
    return refuse('no_nodes_in_place', `no node of this grid lies in ${where}`, offered ? `there are nodes in ${offered}` : 'no node of this grid is alive: see `3bot doctor`');
  }
  if (misfit.inPlace === 0) {
    const elsewhere = [...new Set(market.filter((c) => c.capabilities.includes(misfit.type) && !allowedAt(constraints, c.location)).map((c) => c.location.country))].sort().join(', ');
    return refuse('no_engine', `no node in ${where} runs ${misfit.type}`, `${elsewhere && `nodes in ${elsewhere} do; `}see \`3bot doctor\` for what the nodes offer`);
  }
  const { disk, memory, cpu } = misfit.need;
  const need = `${misfit.workload} needs ${formatBytes(BigInt(disk))} of disk, ${formatBytes(BigInt(memory))} of memory and ${Number(cpu) / 1000} cores on a node of its own; of ${misfit.inPlace} nodes in ${where}, ${misfit.withRoom} have that free`;
  const currency = input.state.grid?.payload.currency;
  const fits = largestThatFits(input, (parameters) => {
    const compiled = compileBlueprint(input.blueprint.parsed, parameters, currency === undefined ? {} : { currency });
    if (!compiled.ok) return false;
    const engines = chooseEngines(compiled.workloads, market, constraints);
    return placeWorkloads({ deployment: '', constraints, engines, workloads: compiled.workloads, placed: [], market }).ok;
  });
  return refuse('no_capacity', need, fits ? `${fits.parameter} of ${formatBytes(fits.bytes)} would fit in ${where} with the same settings` : 'ask for less, or for more places');
}

function refuse(code: PlanRefusalCode, message: string, hint: string): PlanRefusal {
  return { ok: false, code, message, hint };
}
