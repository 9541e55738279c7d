import { type Entry, type Kind, MAX_KEYS, type Payload, type Recovery } from '../../contract/entry.ts';
import type { Digest } from '../../contract/digest.ts';
import type { DidKey, PrincipalId } from '../../contract/principal.ts';
import type { RefusalCode } from '../../ledger/state/refusal.ts';
import { CONTRACT_RULES, putIntoForce } from './contract-rules.ts';
import { EXECUTION_RULES } from './execution-rules.ts';
import type { Facts, Who } from './facts.ts';
import { asks, fill, isMet } from './ways.ts';

/** An entry that somebody signed, and the log's time at which it is looked at. */
export interface Said { readonly entry: Entry; readonly digest: Digest; readonly key: DidKey; readonly time: string }
/** How an entry is judged and, once it is accepted, what it changes. */
export interface Rule<K extends Kind> {
  /** Every reason against it that can be seen; none when it is to be accepted. */
  judge(facts: Facts, payload: Payload<K>, said: Said): (RefusalCode | false | undefined)[];
  accept(facts: Facts, payload: Payload<K>, said: Said): void;
}

const RULES: { readonly [K in Kind]: Rule<K> } = {
  ...CONTRACT_RULES,
  ...EXECUTION_RULES,
  'grid.created': {
    judge: (facts, { ledger }, { key }) => [facts.grid && 'grid_exists', key !== ledger && 'key_mismatch'],
    accept: (facts, payload, { digest }) => { facts.grid = { digest, payload }; },
  },
  'tick': {
    judge: (facts, { beat }, { key }) => [key !== facts.grid?.payload.ledger && 'not_permitted', beat <= facts.tick && 'stale_revision'],
    accept: (facts, { beat }) => { facts.tick = beat; },
  },
  'principal.created': {
    judge: (facts, { keys, recovery }, { digest, key }) => [keys[0] !== key && 'key_mismatch', facts.people.has(digest) && 'principal_exists', ...judgeKeys(facts, undefined, keys), ...judgeGuardians(facts, digest, recovery)],
    accept: (facts, { kind, keys, recovery }, { digest, key }) => {
      facts.people.set(digest, { kind, first: key, keys: keys.map((k) => ({ key: k, from: facts.size })), revision: 0, recovery, rounds: 0, words: new Map() });
      facts.owners.set(key, digest);
    },
  },
  'principal.rotated': {
    judge: (facts, { by, revision, add, retire, recovery }, { key }) => {
      const who = facts.people.get(by);
      return [
        revision !== (who?.revision ?? 0) + 1 && 'stale_revision',
        !retire.every((k) => who?.keys.some((r) => r.key === k && r.to === undefined)) && 'key_unknown',
        new Set(retire).size !== retire.length && 'key_unknown',
        retire.includes(key) && 'key_in_use',
        ...judgeKeys(facts, who, add, new Set(retire).size),
        recovery && who?.recovery && 'not_permitted',
        ...judgeGuardians(facts, by, recovery),
      ];
    },
    accept: (facts, { by, revision, add, retire, recovery }) => {
      const who = facts.people.get(by)!;
      for (const record of who.keys) if (retire.includes(record.key)) record.to ??= facts.size + 1;
      who.keys.push(...add.map((key) => ({ key, from: facts.size + 1 })));
      who.recovery = recovery ?? who.recovery;
      who.revision = revision;
    },
  },
  'principal.revoked': {
    judge: (facts, { by, revision, key }) => {
      const who = facts.people.get(by);
      return [revision !== (who?.revision ?? 0) + 1 && 'stale_revision', !who?.keys.some((k) => k.key === key && !k.revoked) && 'key_unknown'];
    },
    accept: (facts, { by, revision, key }, { time }) => {
      revoke(facts, by, [key], time);
      facts.people.get(by)!.revision = revision;
    },
  },
  'principal.recovered': {
    judge: (facts, { by, principal, round, keys, recovery }) => {
      const who = facts.people.get(principal);
      if (!who) return ['principal_unknown'];
      return [!who.recovery?.guardians.includes(by) && 'not_permitted', round !== who.rounds + 1 && 'stale_revision', who.keys.some((k) => keys.includes(k.key) && k.to !== undefined) && 'key_ended', (new Set(keys).size !== keys.length || keys.some((k) => (facts.owners.get(k) ?? principal) !== principal)) && 'key_taken', ...judgeGuardians(facts, principal, recovery)];
    },
    accept: (facts, { by, principal, round, keys, recovery }, { key, time }) => {
      const who = facts.people.get(principal)!;
      const word = JSON.stringify([keys, recovery?.k ?? 0, recovery?.guardians ?? []]);
      who.words.set(by, { word, key });
      if ([...who.words.values()].filter((w) => w.word === word).length < (who.recovery?.k ?? Infinity)) return;
      const present = presentKeys(who);
      revoke(facts, principal, present.filter((k) => !keys.includes(k)), time);
      who.keys.push(...keys.filter((k) => !present.includes(k)).map((k) => ({ key: k, from: facts.size + 1 })));
      Object.assign(who, { recovery: recovery ?? who.recovery, rounds: round, revision: who.revision + 1, words: new Map() });
    },
  },
  'organisation.changed': {
    judge: (facts, { by, revision, roles, governance }, { digest }) => {
      const roster = facts.rosters.get(by);
      return [
        (facts.people.get(by)?.kind !== 'organisation' || !facts.isNamed('organisations', by)) && 'not_permitted',
        (revision !== (roster?.payload.revision ?? 0) + 1 || roster?.pending?.change === digest) && 'stale_revision',
        Object.values(roles).flat().some((member) => !facts.people.has(member)) && 'principal_unknown',
        governance && !fill(governance, roles) && 'policy_mismatch',
      ];
    },
    accept: (facts, payload, { digest, key }) => {
      const roster = facts.rosters.get(payload.by);
      if (roster?.payload.governance) roster.pending = { change: digest, payload, key, votes: [] };
      else facts.rosters.set(payload.by, { payload });
    },
  },
  'organisation.approved': {
    judge: (facts, { by, organisation, change, role }) => {
      const { payload, pending } = facts.rosters.get(organisation) ?? {};
      if (!payload?.governance || pending?.change !== change) return ['change_unknown'];
      const governance = fill(payload.governance, payload.roles);
      if (!governance) return ['policy_mismatch'];
      return [!asks(governance, by, role) && 'not_permitted', pending.votes.some((v) => v.by === by) && 'already_voted'];
    },
    accept: (facts, { by, organisation, role }, { key }) => {
      const roster = facts.rosters.get(organisation);
      if (!roster?.pending) return;
      roster.pending.votes.push({ by, role, yes: true, key });
      const governance = fill(roster.payload.governance!, roster.payload.roles);
      if (governance && isMet(governance, roster.pending.votes)) facts.rosters.set(organisation, { payload: roster.pending.payload });
    },
  },
  'node.registered': {
    judge: (facts, { by, overlayKey }) => [
      !['node', 'gateway'].includes(facts.people.get(by)?.kind ?? '') && 'not_permitted', facts.machines.has(by) && 'principal_exists', [...facts.machines.values()].some((m) => m.overlayKey === overlayKey) && 'not_permitted',
    ],
    accept: (facts, { by, overlayKey }) => { facts.machines.set(by, { overlayKey, beat: 0, leaseUntil: '' }); },
  },
  'node.offer': {
    judge: (facts, { by, revision }) => [!facts.machines.has(by) && 'node_unknown', revision <= (facts.machines.get(by)?.offer?.revision ?? 0) && 'stale_revision'],
    accept: (facts, payload) => { facts.machines.get(payload.by)!.offer = payload; },
  },
  'node.alive': {
    judge: (facts, { by, beat }) => [!facts.machines.has(by) && 'node_unknown', beat <= (facts.machines.get(by)?.beat ?? 0) && 'stale_revision'],
    accept: (facts, { by, beat }, { time }) => {
      Object.assign(facts.machines.get(by)!, { beat, leaseUntil: new Date(Date.parse(time) + facts.grid!.payload.leaseSeconds * 1000).toISOString() });
    },
  },
  'location.attested': {
    judge: (facts, { by, node }) => [!facts.isNamed('attestors', by) && 'not_permitted', !facts.machines.has(node) && 'node_unknown'],
    accept: (facts, { node, location }) => { facts.machines.get(node)!.attested = location; },
  },
  'blueprint.published': {
    judge: (facts, { by, name, version, organisation }) => {
      const published = [...facts.blueprints.values()];
      const binding = published.filter((other) => other.name === name && [undefined, organisation].includes(other.organisation));
      const trusted = organisation === undefined ? facts.isNamed('authors', by) : facts.isAuthorOf(organisation, by);
      return [
        !trusted && 'blueprint_untrusted', facts.blueprints.has(`${name}@${version}`) && 'blueprint_exists',
        binding.some((other) => other.by !== by) && 'blueprint_taken', binding.some((other) => rankOf(other.version) >= rankOf(version)) && 'blueprint_version',
        published.filter((other) => other.by === by).length >= 1000 && 'too_many',
      ];
    },
    accept: (facts, payload) => { facts.blueprints.set(`${payload.name}@${payload.version}`, payload); },
  },
  'blueprint.deprecated': {
    judge: (facts, { by, name, version, instead }) => [
      ...judgeVersion(facts, by, `${name}@${version}`),
      instead !== undefined && (instead === version || !facts.blueprints.has(`${name}@${instead}`)) && 'blueprint_unknown', instead !== undefined && facts.yanked.has(`${name}@${instead}`) && 'blueprint_yanked',
    ],
    accept: (facts, { name, version, reason, instead }) => { facts.deprecated.set(`${name}@${version}`, `${reason} ${instead ?? ''}`); },
  },
  'blueprint.yanked': {
    judge: (facts, { by, name, version }) => judgeVersion(facts, by, `${name}@${version}`),
    accept: (facts, { name, version, reason }) => { facts.yanked.set(`${name}@${version}`, reason); },
  },
  'credit.transferred': {
    judge: (facts, { by, to, amount, nonce }) => [
      facts.transfers.some((t) => t.by === by && t.nonce === nonce) && 'transfer_repeated', !facts.people.has(to) && 'principal_unknown', !facts.isNamed('issuers', by) && facts.balanceOf(by) < BigInt(amount) && 'no_credit',
    ],
    accept: (facts, payload) => { facts.transfers.push(payload); },
  },
};

/** The reasons against an entry at its time; empty when the ledger must accept it. Changes nothing. */
export function judge(facts: Facts, said: Said): Set<RefusalCode> {
  const { entry, key, time } = said;
  if (time < facts.time) return new Set(['time_backwards']);
  facts.ask(time, entry.kind === 'tick' && entry.payload.resumed === true);
  if (entry.kind !== 'grid.created') {
    if (!facts.grid) return new Set(['grid_missing']);
    if (entry.payload.grid !== facts.grid.digest) return new Set(['grid_mismatch']);
    if (entry.kind !== 'tick' && entry.kind !== 'principal.created') {
      const against = judgeSpeaker(facts, entry.payload.by, key);
      if (against.length > 0) return new Set(against);
    }
  }
  return new Set(rule(entry).judge(facts, entry.payload, said).filter((code) => code !== false && code !== undefined));
}

/** Writes an accepted entry into the facts. */
export function accept(facts: Facts, said: Said): void {
  const { entry, key, time } = said;
  facts.ask(time, entry.kind === 'tick' && entry.payload.resumed === true);
  for (const [id, machine] of facts.machines) machine.leaseUntil = facts.leaseOf(id);
  rule(entry).accept(facts, entry.payload, said);
  if ('by' in entry.payload && !facts.owners.has(key)) facts.owners.set(key, entry.payload.by);
  facts.size += 1;
  facts.time = time;
  facts.ask(time);
}

/** The rule of an entry's kind; a payload belongs to its kind's rule, which the table's type says and a union cannot. */
function rule<K extends Kind>(entry: { readonly kind: K }): Rule<K> {
  return RULES[entry.kind];
}

function judgeSpeaker(facts: Facts, by: PrincipalId, key: DidKey): RefusalCode[] {
  const who = facts.people.get(by);
  if (!who) return ['principal_unknown'];
  if (facts.keysOf(by).includes(key)) return [];
  const record = who.keys.find((k) => k.key === key);
  if (!record) return ['key_mismatch'];
  return [...(record.to === undefined ? [] : ['key_ended' as const]), ...((facts.owners.get(key) ?? by) === by ? [] : ['key_taken' as const])];
}

/** What only its author may say of a version, as long as it is not yanked. */
function judgeVersion(facts: Facts, by: PrincipalId, ref: string): (RefusalCode | false)[] {
  const published = facts.blueprints.get(ref);
  return [!published && 'blueprint_unknown', published !== undefined && published.by !== by && 'not_permitted', facts.yanked.has(ref) && 'blueprint_yanked'];
}

function rankOf(version: string): number {
  return version.split('.').reduce((rank, part) => rank * 10_000 + Number(part), 0);
}

function presentKeys(who: Who): DidKey[] {
  return who.keys.filter((k) => k.to === undefined).map((k) => k.key);
}

function judgeKeys(facts: Facts, who: Who | undefined, add: readonly DidKey[], leaving = 0): (RefusalCode | false)[] {
  const taken = new Set(add).size !== add.length || add.some((key) => facts.owners.has(key) || who?.keys.some((k) => k.key === key) === true);
  return [taken && 'key_taken', (who ? presentKeys(who).length : 0) - leaving + add.length > MAX_KEYS && 'too_many'];
}

function judgeGuardians(facts: Facts, of: PrincipalId, recovery: Recovery | undefined): (RefusalCode | false)[] {
  const guardians = recovery?.guardians ?? [];
  return [guardians.some((id) => !facts.people.has(id)) && 'principal_unknown', guardians.includes(of) && 'not_permitted'];
}

/** Somebody else may have these keys: what they have decided for this principal, and what has had no effect yet, is void. */
function revoke(facts: Facts, by: PrincipalId, keys: readonly DidKey[], time: string): void {
  for (const record of facts.people.get(by)?.keys ?? []) {
    if (!keys.includes(record.key)) continue;
    record.to ??= facts.size + 1;
    record.revoked = true;
  }
  const stays = (vote: { by: PrincipalId; key: DidKey }): boolean => vote.by !== by || !keys.includes(vote.key);
  for (const deal of facts.live('active')) {
    deal.cancels = deal.cancels.filter(stays);
    const accepted = facts.runs.get(deal.header.deployment)?.acceptance;
    if (accepted && !accepted.met) accepted.votes = accepted.votes.filter(stays);
  }
  for (const [id, roster] of facts.rosters) {
    if (id === by && roster.pending && keys.includes(roster.pending.key)) delete roster.pending;
    if (roster.pending) roster.pending.votes = roster.pending.votes.filter(stays);
  }
  for (const { words } of facts.people.values()) {
    const word = words.get(by);
    if (word && keys.includes(word.key)) words.delete(by);
  }
  // What was proposed with such a key is withdrawn; and what only a rejection kept from its quorum comes into force. In the order of ids: one may overtake the next.
  for (const deal of facts.live('proposed').sort((a, b) => (a.id < b.id ? -1 : 1))) {
    if (facts.statusOf(deal) !== 'proposed') continue;
    if (deal.header.requester === by && keys.includes(deal.key)) deal.ended = { how: 'withdrawn', at: time };
    if (deal.ended || deal.votes.every(stays)) continue;
    deal.votes = deal.votes.filter(stays);
    if (facts.policiesOf(deal).every((policy) => isMet(policy, deal.votes))) putIntoForce(facts, deal, time);
  }
}
