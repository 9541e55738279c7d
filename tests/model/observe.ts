import { canonicalize } from '../../contract/canonical.ts';
import type { PolicyTemplate } from '../../contract/policy-template.ts';
import { speaksFor } from '../../ledger/state/keys.ts';
import type { CastVote, LedgerState } from '../../ledger/state/state.ts';
import type { Facts, Signed } from './facts.ts';

/** Everything that can be seen of a grid, each under a name of its own. */
type Sight = Map<string, string>;

/** Where the reference and the state machine see different things; undefined when they agree. */
export function difference(facts: Facts, state: LedgerState): string | undefined {
  const expected = sightOfFacts(facts);
  const seen = sightOfState(state);
  const names = [...expected.keys(), ...[...seen.keys()].filter((name) => !expected.has(name))];
  const differing = names.filter((name) => expected.get(name) !== seen.get(name));
  return differing.length === 0 ? undefined : differing.map((name) => `${name}: the reference says ${expected.get(name) ?? 'nothing'}, the state ${seen.get(name) ?? 'nothing'}`).join('\n');
}

function sightOfFacts(facts: Facts): Sight {
  const sight: Sight = new Map([['size', String(facts.size)], ['time', facts.time], ['tick', String(facts.tick)]]);
  for (const [id, who] of facts.people) {
    sight.set(`keys of ${id}`, facts.keysOf(id).sort().join());
    sight.set(`recovery of ${id}`, `${who.revision} ${who.rounds} ${[...who.words.keys()].sort().join()} by ${who.recovery?.k ?? 0} of ${who.recovery?.guardians.join() ?? ''}`);
    sight.set(`balance of ${id}`, facts.balanceOf(id).toString());
  }
  for (const [id, { payload, pending }] of facts.rosters) {
    sight.set(`roster of ${id}`, rosterOf(payload));
    if (pending) sight.set(`pending of ${id}`, `${pending.change} ${ofVotes(pending.votes)}`);
  }
  for (const [id, machine] of facts.machines) {
    sight.set(`node ${id}`, `${machine.leaseUntil} ${machine.beat} ${machine.offer?.revision ?? 0} ${machine.attested?.city ?? ''}`);
    sight.set(`reserved on ${id}`, facts.reservedOn(id).join());
  }
  for (const [ref, { by, organisation }] of facts.blueprints) sight.set(`blueprint ${ref}`, `${by} ${organisation ?? ''} deprecated ${facts.deprecated.get(ref) ?? ''} yanked ${facts.yanked.get(ref) ?? ''}`);
  for (const deal of facts.deals.values()) {
    const status = facts.statusOf(deal);
    sight.set(`contract ${deal.id}`, `${status} ${facts.escrowOf(deal)} votes ${ofVotes(deal.votes)} cancelled by ${ofVotes(deal.cancels)}`);
  }
  for (const [id, run] of facts.runs) {
    sight.set(`deployment ${id}`, [run.deal, ...[...run.holds].map(([name, { node, epoch }]) => `${name} on ${node} @${epoch}`).sort(), 'unrestored', ...[...run.unrestored].sort()].join(' '));
    sight.set(`reports of ${id}`, [...run.reports].map(([name, r]) => `${name} ${r.epoch} ${r.revision} ${r.phase}`).sort().join());
    sight.set(`secrets of ${id}`, [...run.secrets].map(([name, to]) => `${name} ${[...to.keys()].sort().join()}`).sort().join('; '));
    sight.set(`acceptance of ${id}`, run.acceptance ? `${run.acceptance.execution} ${run.acceptance.met} ${ofVotes(run.acceptance.votes)}` : '');
  }
  for (const [name, owner] of facts.nameOwners()) sight.set(`name ${name}`, owner);
  return sight;
}

function sightOfState(state: LedgerState): Sight {
  const sight: Sight = new Map([['size', String(state.size)], ['time', state.time], ['tick', String(state.tick)]]);
  for (const [id, who] of entries(state.principals)) {
    sight.set(`keys of ${id}`, entries(who.keys).map(([key]) => key).filter((key) => speaksFor(state, id, key)).sort().join());
    sight.set(`recovery of ${id}`, `${who.revision} ${who.recoveries} ${Object.keys(who.recovering).sort().join()} by ${who.recovery?.k ?? 0} of ${who.recovery?.guardians.join() ?? ''}`);
    sight.set(`balance of ${id}`, state.balances[id] ?? '0');
  }
  for (const [id, { revision, roles, governance, pending }] of entries(state.organisations)) {
    sight.set(`roster of ${id}`, rosterOf({ revision, roles, governance }));
    if (pending) sight.set(`pending of ${id}`, `${pending.change} ${ofCast(pending.votes)}`);
  }
  for (const [id, node] of entries(state.nodes)) {
    sight.set(`node ${id}`, `${node.leaseUntil ?? ''} ${node.beat} ${node.offer?.revision ?? 0} ${node.attested?.city ?? ''}`);
    sight.set(`reserved on ${id}`, [node.reserved.disk, node.reserved.memory, node.reserved.cpu].join());
  }
  for (const [ref, { author, organisation, deprecated, yanked }] of entries(state.blueprints)) sight.set(`blueprint ${ref}`, `${author} ${organisation ?? ''} deprecated ${deprecated ? `${deprecated.reason} ${deprecated.instead ?? ''}` : ''} yanked ${yanked?.reason ?? ''}`);
  for (const [id, record] of entries(state.contracts)) sight.set(`contract ${id}`, `${record.status} ${record.escrow} votes ${ofCast(record.votes)} cancelled by ${ofCast(record.cancellations)}`);
  for (const [id, run] of entries(state.deployments)) {
    sight.set(`deployment ${id}`, [run.contract, ...entries(run.holdings).map(([name, { node, epoch }]) => `${name} on ${node} @${epoch}`).sort(), 'unrestored', ...Object.keys(run.unrestored).sort()].join(' '));
    sight.set(`reports of ${id}`, entries(run.reports).map(([name, r]) => `${name} ${r.epoch} ${r.revision} ${r.phase}`).sort().join());
    sight.set(`secrets of ${id}`, entries(run.secrets).map(([name, to]) => `${name} ${Object.keys(to).sort().join()}`).sort().join('; '));
    sight.set(`acceptance of ${id}`, run.acceptance ? `${run.acceptance.execution} ${run.acceptance.met} ${ofCast(run.acceptance.votes)}` : '');
  }
  for (const [name, owner] of entries(state.names)) sight.set(`name ${name}`, owner);
  return sight;
}

function rosterOf({ revision, roles, governance }: { revision: number; roles: Readonly<Record<string, readonly string[]>>; governance?: PolicyTemplate | undefined }): string {
  return canonicalize([revision, roles, governance ?? null]);
}

function ofVotes(votes: readonly Signed[]): string {
  return votes.map(({ by, role, yes, key }) => `${by} ${role} ${yes ? 'approve' : 'reject'} ${key}`).join();
}

function ofCast(votes: readonly CastVote[]): string {
  return votes.map(({ principal, role, decision, key }) => `${principal} ${role} ${decision} ${key}`).join();
}

/** Object.entries that keeps what the keys are. */
export function entries<K extends string, V>(record: Readonly<Record<K, V>>): [K, V][];
export function entries(record: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(record);
}

