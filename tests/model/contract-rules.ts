import { type ContractId, contractId, deploymentId, type Header } from '../../contract/contract.ts';
import { digestOf } from '../../contract/digest.ts';
import type { RefusalCode } from '../../ledger/state/refusal.ts';
import { engineOf } from '../../contract/workload.ts';
import { type Amounts, type Deal, type Facts, more, plus, type Run, within } from './facts.ts';
import type { Rule } from './reference.ts';
import { asks, fill, isMet, isPossible } from './ways.ts';

const MAX_OPEN = 16;
const GRACE_MS = 60_000;
const MAX_TERM_MS = 3653 * 86_400_000;
type Codes = (RefusalCode | false | undefined)[];

export const CONTRACT_RULES: { readonly [K in 'contract.proposed' | 'contract.approved' | 'contract.rejected' | 'contract.withdrawn' | 'contract.cancelled']: Rule<K> } = {
  'contract.proposed': {
    judge: (facts, { by, header }) => {
      const base = header.version > 1 ? runningDeal(facts, header) : undefined;
      return [...judgeVersion(facts, header, base), header.requester !== by && 'not_permitted', ...judgeHeader(facts, header), ...judgeSigners(facts, header), ...judgePlaces(facts, header, base), ...judgeMeans(facts, header, base)];
    },
    accept: (facts, { header }, { key }) => {
      const id = idOf(header);
      const base = header.version > 1 ? runningDeal(facts, header) : undefined;
      facts.deals.set(id, { id, header, paid: owed(facts, header, base), key, votes: [], cancels: [], signed: false });
    },
  },
  'contract.approved': {
    judge: (facts, { by, contract, role, signBefore }) => {
      const deal = facts.deals.get(contract);
      if (!deal) return ['contract_unknown'];
      return [...judgeDecision(facts, deal, by, role), signBefore !== deal.header.validity.signBefore && 'contract_invalid', signBefore <= facts.now && 'contract_expired'];
    },
    accept: (facts, { by, contract, role }, { key, time }) => {
      const deal = facts.deals.get(contract)!;
      deal.votes.push({ by, role, yes: true, key });
      if (facts.policiesOf(deal).every((policy) => isMet(policy, deal.votes))) putIntoForce(facts, deal, time);
    },
  },
  'contract.rejected': {
    judge: (facts, { by, contract, role }) => {
      const deal = facts.deals.get(contract);
      return deal ? judgeDecision(facts, deal, by, role) : ['contract_unknown'];
    },
    accept: (facts, { by, contract, role }, { key, time }) => {
      const deal = facts.deals.get(contract)!;
      deal.votes.push({ by, role, yes: false, key });
      if (!facts.policiesOf(deal).every((policy) => isPossible(policy, deal.votes))) deal.ended = { how: 'rejected', at: time };
    },
  },
  'contract.withdrawn': {
    judge: (facts, { by, contract }) => {
      const deal = facts.deals.get(contract);
      if (!deal) return ['contract_unknown'];
      return [deal.header.requester !== by && 'not_permitted', facts.statusOf(deal) !== 'proposed' && 'contract_not_open'];
    },
    accept: (facts, { contract }, { time }) => { facts.deals.get(contract)!.ended = { how: 'withdrawn', at: time }; },
  },
  'contract.cancelled': {
    judge: (facts, { by, contract, role }) => {
      const deal = facts.deals.get(contract);
      if (!deal) return ['contract_unknown'];
      const status = facts.statusOf(deal);
      return [
        !asks(deal.header.policy, by, role) && !(status !== 'active' && facts.policiesOf(deal).some((p) => asks(p, by, role))) && 'not_permitted',
        status === 'lapsed' ? 'contract_expired' : status !== 'active' && 'contract_not_open', deal.cancels.some((v) => v.by === by) && 'already_voted',
      ];
    },
    accept: (facts, { by, contract, role }, { key, time }) => {
      const deal = facts.deals.get(contract)!;
      deal.cancels.push({ by, role, yes: true, key });
      if (isMet(deal.header.policy, deal.cancels)) deal.ended = { how: 'cancelled', at: time };
    },
  },
};

const ids = new WeakMap<Header, ContractId>();
function idOf(header: Header): ContractId {
  const id = ids.get(header) ?? contractId(header);
  ids.set(header, id);
  return id;
}

/** The contract in force of a deployment. */
export function runningDeal(facts: Facts, { deployment }: Pick<Header, 'deployment'>): Deal | undefined {
  return facts.live('active').find((deal) => deal.header.deployment === deployment);
}

function judgeVersion(facts: Facts, header: Header, base: Deal | undefined): Codes {
  const again = facts.deals.has(idOf(header)) && 'contract_exists';
  if (header.version === 1) return [again, header.supersedes !== undefined && 'contract_invalid', [...facts.deals.values()].some((d) => d.header.deployment === header.deployment) && 'contract_exists'];
  if (!base) return [again, 'contract_not_open'];
  const kept = header.requester === base.header.requester && header.organisation === base.header.organisation && header.blueprint.name === base.header.blueprint.name;
  return [again, (header.supersedes !== base.id || header.version !== base.header.version + 1) && 'base_changed', !kept && 'contract_invalid'];
}

function judgeHeader(facts: Facts, { grid, requester, deployment, derivation, validity: { signBefore, notAfter } }: Header): Codes {
  const latest = Date.parse(facts.now) + (facts.grid?.payload.proposalSeconds ?? 0) * 1000 + GRACE_MS;
  const term = Date.parse(notAfter) - Date.parse(signBefore);
  return [
    grid !== facts.grid?.digest && 'grid_mismatch',
    deployment !== deploymentId({ grid, requester, nonce: derivation.nonce }) && 'contract_invalid',
    signBefore <= facts.now && 'contract_expired',
    (Date.parse(signBefore) > latest || term <= 0 || term > MAX_TERM_MS || derivation.ledger.size > facts.size) && 'contract_invalid',
    facts.live('proposed').filter((d) => d.header.requester === requester).length >= MAX_OPEN && 'too_many',
  ];
}

function judgeSigners(facts: Facts, header: Header): Codes {
  const { name, version, digest } = header.blueprint;
  const blueprint = facts.blueprints.get(`${name}@${version}`);
  const roles = facts.rosters.get(header.organisation)?.payload.roles;
  // Who holds no other role than author asks for nothing.
  const member = roles !== undefined && Object.keys(roles).some((role) => role !== 'author' && roles[role]?.includes(header.requester));
  const usable: Codes = [
    blueprint?.digest !== digest && 'blueprint_unknown', facts.yanked.has(`${name}@${version}`) && 'blueprint_yanked',
    blueprint?.organisation !== undefined && (blueprint.organisation !== header.organisation || !facts.isAuthorOf(header.organisation, blueprint.by)) && 'blueprint_untrusted',
  ];
  if (blueprint?.digest !== digest || !member) return [...usable, !member && 'not_permitted'];
  const same = ([[blueprint.policy, header.policy], [blueprint.acceptance, header.acceptance]] as const).every(([template, written]) => {
    const filled = template && fill(template, roles, header.requester);
    return template === undefined ? written === undefined : filled !== undefined && written !== undefined && digestOf(filled) === digestOf(written);
  });
  return [...usable, !same && 'policy_mismatch'];
}

function judgePlaces(facts: Facts, header: Header, base: Deal | undefined): Codes {
  const { assignments, constraints, engines } = header;
  const holds = base && facts.runs.get(header.deployment)?.holds;
  const market = facts.market();
  const codes: Codes = assignments.flatMap((a, i) => {
    const before = base?.header.assignments.find((b) => b.workload === a.workload);
    const machine = facts.machines.get(a.node);
    const place = machine?.attested;
    const engine = engineOf(a.type);
    const runs = machine?.offer?.capabilities.includes(a.type) && (!engine || engines.some((e) => e.name === engine && machine.offer?.engines.some((o) => o.name === engine && o.digest === e.digest)));
    const others = assignments.slice(0, i);
    return [
      before && (holds?.get(a.workload)?.node !== a.node || before.type !== a.type || before.group !== a.group) && 'placement_invalid',
      !market.includes(a.node) && 'node_not_alive',
      place && ((constraints.countries.length > 0 && !constraints.countries.includes(place.country)) || (constraints.cities.length > 0 && !constraints.cities.includes(place.city))) && 'location_not_allowed',
      (!runs || others.some((o) => o.workload === a.workload || (o.group === a.group && o.node === a.node))) && 'placement_invalid',
    ];
  });
  const wanted = new Map<string, Amounts>();
  for (const a of assignments) {
    const need = more(a.resources, base?.header.assignments.find((b) => b.workload === a.workload)?.resources);
    wanted.set(a.node, plus(wanted.get(a.node) ?? [0n, 0n, 0n], need));
  }
  // Parts of one whole are laid out over exactly these members: neither they nor how many may be missing is an update's to change.
  const membersIn = (of: Header['assignments'], group: string): string => of.filter((a) => a.group === group).map((a) => a.workload).sort().join();
  const relaid = base?.header.bounds.some(({ group, atMost }) => membersIn(base.header.assignments, group) !== membersIn(assignments, group) || !header.bounds.some((b) => b.group === group && b.atMost === atMost));
  return [...codes, assignments.some(({ node }) => !within(wanted.get(node) ?? [0n, 0n, 0n], facts.freeOn(node))) && 'no_capacity', relaid && 'placement_invalid'];
}

/** A month at the rates offered now, each part rounded up. */
export function monthly(facts: Facts, assignments: Header['assignments']): bigint | undefined {
  let sum = 0n;
  for (const { node, resources } of assignments) {
    const rates = facts.machines.get(node)?.offer?.rates;
    if (!rates) return undefined;
    for (const [amount, rate, unit] of [[resources.disk, rates.terabyte, 10n ** 12n], [resources.memory, rates.gibibyte, 2n ** 30n], [resources.cpu, rates.core, 1000n]] as const) {
      const product = BigInt(amount) * BigInt(rate);
      sum += product / unit + (product % unit === 0n ? 0n : 1n);
    }
  }
  return sum;
}

/** What a version costs more than has been paid for the ones that it replaces. */
function owed(facts: Facts, header: Header, base: Deal | undefined): bigint {
  const rest = (monthly(facts, header.assignments) ?? 0n) - (base ? facts.escrowOf(base) : 0n);
  return rest > 0n ? rest : 0n;
}

function judgeMeans(facts: Facts, header: Header, base: Deal | undefined): Codes {
  const owners = facts.nameOwners();
  return [
    (header.price.month !== monthly(facts, header.assignments)?.toString() || header.price.currency !== facts.grid?.payload.currency) && 'price_mismatch',
    facts.balanceOf(header.requester) < owed(facts, header, base) && 'no_credit',
    header.names.some((name) => { const owner = owners.get(name); return owner !== undefined && !(base && owner === header.deployment); }) && 'name_taken',
  ];
}

function judgeDecision(facts: Facts, deal: Deal, by: Deal['header']['requester'], role: string): Codes {
  const status = facts.statusOf(deal);
  const asking = facts.policiesOf(deal).filter((policy) => asks(policy, by, role));
  return [
    asking.length === 0 && 'not_permitted',
    status === 'lapsed' ? 'contract_expired' : status !== 'proposed' && 'contract_not_open',
    asking.some((policy) => deal.votes.some((v) => v.by === by && asks(policy, by, v.role))) && 'already_voted',
  ];
}

/** What the superseded version has and this one has not ends; what both have stays where it is; what is new begins above every earlier epoch of its name. */
export function putIntoForce(facts: Facts, deal: Deal, at: string): void {
  const { header } = deal;
  const base = facts.baseOf(deal);
  if (base) base.ended = { how: 'superseded', at };
  deal.signed = true;
  const run: Run = facts.runs.get(header.deployment) ?? { deal: deal.id, holds: new Map(), epochs: new Map(), reports: new Map(), unrestored: new Set(), secrets: new Map(), acceptance: undefined };
  run.deal = deal.id;
  run.acceptance = undefined;
  const wanted = new Set(header.assignments.map((a) => a.workload));
  for (const workload of [...run.holds.keys()]) {
    if (wanted.has(workload)) continue;
    run.holds.delete(workload);
    run.reports.delete(workload);
    run.unrestored.delete(workload);
  }
  for (const { workload, node } of header.assignments) {
    if (run.holds.has(workload)) continue;
    const epoch = (run.epochs.get(workload) ?? 0) + 1;
    run.holds.set(workload, { node, epoch });
    run.epochs.set(workload, epoch);
  }
  facts.runs.set(header.deployment, run);
}
