import type { Entry } from '../../contract/entry.ts';
import type { Header } from '../../contract/contract.ts';
import type { DidKey, PrincipalId } from '../../contract/principal.ts';
import type { Resources } from '../../contract/units.ts';
import type { CastVote, ContractStatus, LedgerState } from '../../ledger/state/state.ts';
import { type Amounts, amountsOf, more, plus, within } from './facts.ts';
import { entries } from './observe.ts';
import { isMet } from './ways.ts';

/** What may follow a status. */
const ARROWS: Readonly<Record<ContractStatus, readonly ContractStatus[]>> = {
  proposed: ['active', 'rejected', 'withdrawn', 'lapsed', 'overtaken'],
  active: ['cancelled', 'expired', 'superseded'],
  rejected: [], withdrawn: [], lapsed: [], overtaken: [], cancelled: [], expired: [], superseded: [],
};
const ZERO: Amounts = [0n, 0n, 0n];

/** What must hold of the state after every entry, whatever the reference thinks: it is read from the state alone, and from what the state was. */
export class Invariants {
  #issued: bigint;
  readonly #statuses = new Map<string, ContractStatus>();
  readonly #votes = new Map<string, number>();
  readonly #epochs = new Map<string, number>();
  #reserved = new Map<PrincipalId, Amounts>();
  #owners = new Map<DidKey, PrincipalId>();

  constructor(state: LedgerState) {
    this.#issued = moneyIn(state);
    this.#remember(state);
  }

  /** After `entry` was accepted. Answers what is broken. */
  check(state: LedgerState, entry: Entry): string[] {
    const broken = [...this.#checkContracts(state), ...this.#checkNodes(state), ...this.#checkMoney(state, entry), ...checkNames(state), ...checkDeadlines(state), ...this.#checkHoldings(state), ...this.#checkKeys(state)];
    this.#remember(state);
    return broken;
  }

  #checkContracts(state: LedgerState): string[] {
    return entries(state.contracts).flatMap(([id, { header, status, votes, cancellations }]) => {
      const before = this.#statuses.get(id);
      const broken: string[] = [];
      // A contract may be proposed and end by its own time within one step of the log, never be in force at once.
      if (before === undefined ? status !== 'proposed' : before !== status && !ARROWS[before].includes(status)) broken.push(`${id} went from ${before ?? 'nothing'} to ${status}`);
      if (status === 'active' || status === 'superseded' || status === 'cancelled' || status === 'expired') {
        const base = header.supersedes && state.contracts[header.supersedes];
        for (const policy of [header.policy, ...(base ? [base.header.policy] : [])]) if (!isMet(policy, ballotsOf(votes))) broken.push(`${id} is ${status} without its quorum`);
      }
      if (status === 'cancelled' && !isMet(header.policy, ballotsOf(cancellations))) broken.push(`${id} is cancelled without its quorum`);
      // The entry just accepted has number size - 1.
      for (const vote of [...votes.slice(this.#votes.get(`${id} votes`) ?? 0), ...cancellations.slice(this.#votes.get(`${id} cancellations`) ?? 0)]) {
        if (!spoke(state, vote, state.size - 1)) broken.push(`${id} counts a vote by ${vote.key}, which did not speak for ${vote.principal} then`);
      }
      return broken;
    });
  }

  #checkNodes(state: LedgerState): string[] {
    const held = new Map<PrincipalId, Amounts>();
    const add = (node: PrincipalId, amounts: Amounts): void => { held.set(node, plus(held.get(node) ?? ZERO, amounts)); };
    for (const { header, status } of Object.values(state.contracts)) {
      const before = new Map(baseHeader(state, header)?.assignments.map((a) => [a.workload, a.resources] as [string, Resources]));
      const holdings = state.deployments[header.deployment]?.holdings;
      for (const a of header.assignments) {
        if (status === 'active') add(holdings?.[a.workload]?.node ?? a.node, amountsOf(a.resources));
        if (status === 'proposed') add(a.node, more(a.resources, before.get(a.workload)));
      }
    }
    return entries(state.nodes).flatMap(([id, { reserved, offer }]) => {
      const now = amountsOf(reserved);
      const expected = held.get(id) ?? ZERO;
      const grew = !within(now, this.#reserved.get(id) ?? ZERO);
      return [
        ...(now.every((n, i) => n === expected[i]) ? [] : [`${now.join()} is reserved on ${id}, its contracts hold ${expected.join()}`]),
        ...(grew && now.some((n, i) => n > (this.#reserved.get(id) ?? ZERO)[i]! && n > (offer ? amountsOf(offer.capacity)[i]! : 0n)) ? [`${now.join()} is reserved on ${id}, more than it has`] : []),
      ];
    });
  }

  #checkMoney(state: LedgerState, entry: Entry): string[] {
    const { grid } = state;
    if (entry.kind === 'credit.transferred' && grid?.payload.issuers.includes(state.principals[entry.payload.by]!.inception)) this.#issued += BigInt(entry.payload.amount);
    const there = moneyIn(state);
    const debts = entries(state.balances).filter(([, balance]) => balance.startsWith('-')).map(([id, balance]) => `${id} has ${balance}`);
    return [...(there === this.#issued ? [] : [`${this.#issued} was issued, ${there} is there`]), ...debts];
  }

  #checkHoldings(state: LedgerState): string[] {
    return entries(state.deployments).flatMap(([id, { contract, holdings }]) => {
      const record = state.contracts[contract];
      const places = record?.header.assignments.map((a) => `${a.group} on ${holdings[a.workload]?.node ?? 'no node'}`) ?? [];
      const broken = new Set(places).size === places.length ? [] : [`${id} has two of a group on one node: ${places.join()}`];
      if (Object.keys(holdings).sort().join() !== record?.header.assignments.map((a) => a.workload).sort().join()) broken.push(`${id} holds other workloads than its contract says`);
      for (const [workload, { epoch, node }] of entries(holdings)) {
        const before = this.#epochs.get(`${id} ${workload}`) ?? 0;
        if (epoch < before || (epoch === before && !this.#epochs.has(`${id} ${workload} ${node}`))) broken.push(`${workload} of ${id} went from epoch ${before} to ${epoch}`);
      }
      return broken;
    });
  }

  /** One key is one principal's: who used it first, and nobody else ever signs with it. */
  #checkKeys(state: LedgerState): string[] {
    const signed = [...Object.values(state.contracts).flatMap((c) => [...c.votes, ...c.cancellations]), ...Object.values(state.deployments).flatMap((d) => d.acceptance?.votes ?? []), ...Object.values(state.organisations).flatMap((o) => o.pending?.votes ?? [])];
    return [
      ...[...this.#owners].filter(([key, owner]) => state.keyOwners[key] !== owner).map(([key]) => `${key} changed hands`),
      ...signed.filter(({ key, principal }) => state.keyOwners[key] !== principal).map(({ key, principal }) => `${key} signed for ${principal}, whose it is not`),
      ...entries(state.principals).flatMap(([id, { keys }]) => (Object.values(keys).filter((k) => k.until === undefined).length > 8 ? [`${id} has too many keys`] : [])),
    ];
  }

  #remember(state: LedgerState): void {
    this.#owners = new Map(entries(state.keyOwners));
    this.#reserved = new Map(entries(state.nodes).map(([id, { reserved }]) => [id, amountsOf(reserved)]));
    for (const [id, { status, votes, cancellations }] of entries(state.contracts)) {
      this.#statuses.set(id, status);
      this.#votes.set(`${id} votes`, votes.length).set(`${id} cancellations`, cancellations.length);
    }
    for (const [id, { holdings }] of entries(state.deployments)) {
      for (const [workload, { epoch, node }] of entries(holdings)) this.#epochs.set(`${id} ${workload}`, epoch).set(`${id} ${workload} ${node}`, epoch);
    }
  }
}

function moneyIn(state: LedgerState): bigint {
  return [...Object.values(state.balances), ...Object.values(state.contracts).map((c) => c.escrow)].reduce((sum, amount) => sum + BigInt(amount), 0n);
}

function checkNames(state: LedgerState): string[] {
  const live = Object.values(state.contracts).filter((c) => c.status === 'active' || c.status === 'proposed');
  return [
    ...live.flatMap(({ header }) => header.names.filter((name) => state.names[name] !== header.deployment).map((name) => `${header.deployment} says ${name}, which belongs to ${state.names[name] ?? 'nobody'}`)),
    ...entries(state.names).filter(([name, owner]) => !live.some(({ header }) => header.deployment === owner && header.names.includes(name))).map(([name]) => `${name} is kept for nobody`),
  ];
}

function checkDeadlines(state: LedgerState): string[] {
  const ends = entries(state.contracts).flatMap(([id, { header, status }]) => (status === 'proposed' ? [{ id, end: header.validity.signBefore }] : status === 'active' ? [{ id, end: header.validity.notAfter }] : []));
  const first = ends.map(({ end }) => end).sort()[0] ?? '';
  return [
    ...(state.nextEnd === first ? [] : [`the next end is ${first}, the state says ${state.nextEnd}`]),
    ...(first !== '' && first <= state.time ? [`something that ended at ${first} is live at ${state.time}`] : []),
    ...(Object.keys(state.live).sort().join() === ends.map(({ id }) => id).sort().join() ? [] : ['what is live is not what is proposed or active']),
  ];
}

/** Read from the records alone: the key stood for that principal in that entry, and belongs to it. */
function spoke(state: LedgerState, { principal, key }: CastVote, entry: number): boolean {
  const record = state.principals[principal]?.keys[key];
  return record !== undefined && record.since <= entry && (record.until === undefined || entry < record.until) && state.keyOwners[key] === principal;
}

function ballotsOf(votes: readonly CastVote[]): { by: PrincipalId; role: string; yes: boolean }[] {
  return votes.map(({ principal, role, decision }) => ({ by: principal, role, yes: decision === 'approve' }));
}

function baseHeader(state: LedgerState, header: Header): Header | undefined {
  return header.supersedes && state.contracts[header.supersedes]?.header;
}
