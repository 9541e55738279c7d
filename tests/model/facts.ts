import { type ContractId, type DeploymentId, type Header } from '../../contract/contract.ts';
import type { Digest } from '../../contract/digest.ts';
import type { Location, Payload, Recovery } from '../../contract/entry.ts';
import type { Policy } from '../../contract/policy.ts';
import type { DidKey, PrincipalId, PrincipalKind } from '../../contract/principal.ts';
import type { Resources } from '../../contract/units.ts';
import type { ContractStatus } from '../../ledger/state/state.ts';
import type { Ballot } from './ways.ts';

/** A ballot and the key that signed it. */
export type Signed = Ballot & { readonly key: DidKey };

export interface Key { readonly key: DidKey; readonly from: number; to?: number; revoked?: true }

export interface Who {
  readonly kind: PrincipalKind;
  readonly first: DidKey;
  readonly keys: Key[];
  revision: number;
  recovery: Recovery | undefined;
  rounds: number;
  words: Map<PrincipalId, { readonly word: string; readonly key: DidKey }>;
}

export interface Machine {
  readonly overlayKey: string;
  offer?: Payload<'node.offer'>;
  attested?: Location;
  beat: number;
  leaseUntil: string;
}

export interface Roster { payload: Payload<'organisation.changed'>; pending?: { readonly change: Digest; readonly payload: Payload<'organisation.changed'>; readonly key: DidKey; votes: Signed[] } }

/** A contract. What time does to it is not written down anywhere: it follows from `now`. */
export interface Deal {
  readonly id: ContractId;
  readonly header: Header;
  readonly paid: bigint;
  /** That signed the proposal. */
  readonly key: DidKey;
  votes: Signed[];
  cancels: Signed[];
  signed: boolean;
  /** Ended by somebody's word, and when. */
  ended?: { readonly how: ContractStatus; readonly at: string };
}

export interface Hold { readonly node: PrincipalId; readonly epoch: number }
/** A deployment that runs, or ran. */
export interface Run {
  deal: ContractId;
  readonly holds: Map<string, Hold>;
  /** Highest epoch that a workload of this name ever had. */
  readonly epochs: Map<string, number>;
  readonly reports: Map<string, { readonly epoch: number; readonly revision: number; readonly phase: string; readonly measured: string | undefined }>;
  readonly unrestored: Set<string>;
  readonly secrets: Map<string, Map<PrincipalId, string>>;
  acceptance: { readonly execution: string; votes: Signed[]; met: boolean } | undefined;
}

export type Amounts = readonly [disk: bigint, memory: bigint, cpu: bigint];
const NOTHING: Amounts = [0n, 0n, 0n];
/** ADR 14: a ledger that says nothing for most of a lease was away; whoever held a lease then has at least another minute. */
const AWAY_OF_LEASE = 0.75;
const RETURN_MS = 60_000;

/**
 * What an observer may say of a grid, from the entries that were accepted, by plain recomputation: nothing is counted up
 * or down, every question is answered from the whole history each time, and time is a question's, not an event.
 */
export class Facts {
  grid: { readonly digest: Digest; readonly payload: Payload<'grid.created'> } | undefined;
  size = 0;
  /** Of the last accepted entry. */
  time = '1970-01-01T00:00:00.000Z';
  /** When the question is asked, and whether the ledger says that it was away until then. */
  now = this.time;
  resumed = false;
  tick = 0;
  readonly people = new Map<PrincipalId, Who>();
  /** Whoever used a key first. */
  readonly owners = new Map<DidKey, PrincipalId>();
  readonly rosters = new Map<PrincipalId, Roster>();
  readonly machines = new Map<PrincipalId, Machine>();
  readonly blueprints = new Map<string, Payload<'blueprint.published'>>();
  /** By `name@version`: what was said last, with the version to use instead; and why it is yanked. */
  readonly deprecated = new Map<string, string>();
  readonly yanked = new Map<string, string>();
  readonly deals = new Map<ContractId, Deal>();
  readonly runs = new Map<DeploymentId, Run>();
  readonly transfers: Payload<'credit.transferred'>[] = [];

  ask(time: string, resumed = false): void {
    this.now = time;
    this.resumed = resumed;
  }

  isNamed(as: 'authors' | 'attestors' | 'issuers' | 'organisations', by: PrincipalId): boolean {
    const first = this.people.get(by)?.first;
    return first !== undefined && this.grid?.payload[as].includes(first) === true;
  }

  /** An organisation's author, as long as its roster says so. */
  isAuthorOf(organisation: PrincipalId, by: PrincipalId): boolean {
    return this.rosters.get(organisation)?.payload.roles['author']?.includes(by) === true;
  }

  /** Keys with which a principal may sign the next entry. */
  keysOf(by: PrincipalId): DidKey[] {
    return (this.people.get(by)?.keys ?? []).filter((k) => k.from <= this.size && k.to === undefined && (this.owners.get(k.key) ?? by) === by).map((k) => k.key);
  }

  baseOf(deal: Pick<Deal, 'header'>): Deal | undefined {
    return deal.header.supersedes && this.deals.get(deal.header.supersedes);
  }

  statusOf(deal: Deal): ContractStatus {
    if (deal.ended) return deal.ended.how;
    const { signBefore, notAfter } = deal.header.validity;
    if (deal.signed) return notAfter <= this.now ? 'expired' : 'active';
    const base = this.baseOf(deal);
    const end = base?.header.validity.notAfter;
    // Whatever comes first ends it; of two deadlines at one instant, the lesser id's.
    if (base?.ended) return signBefore <= base.ended.at ? 'lapsed' : 'overtaken';
    if (base && end !== undefined && end <= this.now && (end < signBefore || (end === signBefore && base.id < deal.id))) return 'overtaken';
    return signBefore <= this.now ? 'lapsed' : 'proposed';
  }

  live(status: 'proposed' | 'active'): Deal[] {
    return [...this.deals.values()].filter((deal) => this.statusOf(deal) === status);
  }

  policiesOf(deal: Pick<Deal, 'header'>): Policy[] {
    const base = this.baseOf(deal);
    return [...(base ? [base.header.policy] : []), deal.header.policy];
  }

  /** What a contract has been paid, and all that it replaced. */
  paidFor(deal: Deal): bigint {
    const base = this.baseOf(deal);
    return deal.paid + (base ? this.paidFor(base) : 0n);
  }

  /** What lies with a contract: of what never ran nothing, since it was given back; of what was replaced nothing, since it went on. */
  escrowOf(deal: Deal): bigint {
    switch (this.statusOf(deal)) {
      case 'proposed': return deal.paid;
      case 'active': case 'cancelled': case 'expired': return this.paidFor(deal);
      default: return 0n;
    }
  }

  balanceOf(by: PrincipalId): bigint {
    let balance = 0n;
    for (const { by: from, to, amount } of this.transfers) {
      if (to === by) balance += BigInt(amount);
      if (from === by && !this.isNamed('issuers', by)) balance -= BigInt(amount);
    }
    for (const deal of this.deals.values()) {
      if (deal.header.requester === by && !['rejected', 'withdrawn', 'lapsed', 'overtaken'].includes(this.statusOf(deal))) balance -= deal.paid;
    }
    return balance;
  }

  /** What live contracts hold on a node: what runs there, and what proposals want besides. */
  reservedOn(node: PrincipalId): Amounts {
    let sum = NOTHING;
    for (const deal of this.deals.values()) {
      const status = this.statusOf(deal);
      if (status !== 'active' && status !== 'proposed') continue;
      const base = this.baseOf(deal);
      for (const a of deal.header.assignments) {
        if (status === 'active' && this.runs.get(deal.header.deployment)?.holds.get(a.workload)?.node === node) sum = plus(sum, amountsOf(a.resources));
        if (status === 'proposed' && a.node === node) sum = plus(sum, more(a.resources, base?.header.assignments.find((b) => b.workload === a.workload)?.resources));
      }
    }
    return sum;
  }

  freeOn(node: PrincipalId): Amounts {
    const capacity = this.machines.get(node)?.offer?.capacity;
    return capacity ? minus(amountsOf(capacity), this.reservedOn(node)) : NOTHING;
  }

  /** A name belongs to the deployment of whichever live contract says it. */
  nameOwners(): Map<string, DeploymentId> {
    return new Map([...this.live('active'), ...this.live('proposed')].flatMap((deal) => deal.header.names.map((name) => [name, deal.header.deployment] as const)));
  }

  leaseOf(node: PrincipalId): string {
    const until = this.machines.get(node)?.leaseUntil ?? '';
    const leaseMs = (this.grid?.payload.leaseSeconds ?? 0) * 1000;
    const away = this.resumed || Date.parse(this.now) - Date.parse(this.time) > leaseMs * AWAY_OF_LEASE;
    if (!away || until <= this.time) return until;
    const bridged = new Date(Date.parse(this.now) + Math.max(leaseMs, RETURN_MS)).toISOString();
    return bridged > until ? bridged : until;
  }

  isAlive(node: PrincipalId): boolean {
    return this.leaseOf(node) > this.now;
  }

  /** Nodes that placement may choose now. */
  market(): PrincipalId[] {
    return [...this.machines].filter(([id, m]) => m.offer && m.attested && this.isAlive(id)).map(([id]) => id);
  }
}

export function amountsOf({ disk, memory, cpu }: Resources): Amounts {
  return [BigInt(disk), BigInt(memory), BigInt(cpu)];
}

export function plus(a: Amounts, b: Amounts): Amounts {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

/** What `need` takes besides what there is already. */
export function more(need: Resources, there: Resources | undefined): Amounts {
  return there ? minus(amountsOf(need), amountsOf(there)) : amountsOf(need);
}

export function within(need: Amounts, have: Amounts): boolean {
  return need.every((n, i) => n <= (have[i] ?? 0n));
}

function minus(a: Amounts, b: Amounts): Amounts {
  const less = (x: bigint, y: bigint): bigint => (x > y ? x - y : 0n);
  return [less(a[0], b[0]), less(a[1], b[1]), less(a[2], b[2])];
}
