import type { ContractId } from '../../contract/contract.ts';
import { digestOf } from '../../contract/digest.ts';
import { MAX_KEYS, type Payload, type Recovery } from '../../contract/entry.ts';
import type { DidKey, PrincipalId } from '../../contract/principal.ts';
import type { EntryContext } from './context.ts';
import { activateContract, endContract } from './lifecycle.ts';
import { type Applied, APPLIED, refuse } from './refusal.ts';
import type { CastVote, LedgerState, Principal } from './state.ts';
import { quorumOf } from './views.ts';

/** Keys that one principal may have had over time, the present ones included. */
const MAX_KEYS_EVER = 256;

/** Whether a key speaks for a principal in entry `at` (the next one when absent). */
export function speaksFor(state: LedgerState, principal: PrincipalId, key: DidKey, at: number = state.size): boolean {
  const record = state.principals[principal]?.keys[key];
  const owner = state.keyOwners[key];
  return record !== undefined && record.since <= at && (record.until === undefined || at < record.until) && (owner === undefined || owner === principal);
}

/** The keys that speak for a principal now. */
export function keysOf(principal: Principal): DidKey[] {
  return (Object.keys(principal.keys) as DidKey[]).filter((key) => principal.keys[key]?.until === undefined);
}

/** Who may sign as `by`; says why not. */
export function checkSpeaker(state: LedgerState, by: PrincipalId, key: DidKey): Applied {
  const principal = state.principals[by];
  if (!principal) return refuse('principal_unknown', `no principal ${by} on this grid`);
  if (speaksFor(state, by, key)) return APPLIED;
  const record = principal.keys[key];
  if (record?.ended) return refuse('key_ended', `${key} was ${record.ended} by entry ${(record.until ?? 1) - 1}; ${principal.name} signs with another key`);
  if (record) return refuse('key_taken', `${key} belongs to another principal`);
  return refuse('key_mismatch', `signed by ${key}, which is not a key of ${principal.name} (${by})`, 'sign with the key of the principal that the entry names');
}

/** A principal uses a key for the first time: from now on it is nobody else's. */
export function bindKey(state: LedgerState, by: PrincipalId, key: DidKey): void {
  state.keyOwners[key] ??= by;
}

export function applyRotated(state: LedgerState, payload: Payload<'principal.rotated'>, context: EntryContext): Applied {
  const { by, revision, add, retire, recovery } = payload;
  const principal = state.principals[by];
  if (!principal) return refuse('principal_unknown', `no principal ${by} on this grid`);
  for (const check of [
    checkRevision(principal, revision),
    retire.every((key) => principal.keys[key]?.until === undefined && principal.keys[key] !== undefined) ? APPLIED : refuse('key_unknown', 'a key that is to be retired is not one of its present keys'),
    new Set(retire).size === retire.length ? APPLIED : refuse('key_unknown', 'a key is named twice'),
    retire.includes(context.key) ? refuse('key_in_use', 'a key does not retire itself', 'sign with a key that stays: that shows that you have it') : APPLIED,
    checkNewKeys(state, principal, add, retire.length),
    recovery && principal.recovery ? refuse('not_permitted', 'only the guardians change the guardians', 'have them say so in principal.recovered') : APPLIED,
    checkGuardians(state, by, recovery),
  ]) if (!check.ok) return check;
  for (const key of retire) endKey(state, principal, key, 'retired');
  for (const key of add) principal.keys[key] = { since: state.size + 1 };
  if (recovery) principal.recovery = recovery;
  principal.revision = revision;
  return APPLIED;
}

export function applyRevoked(state: LedgerState, { by, revision, key }: Payload<'principal.revoked'>): Applied {
  const principal = state.principals[by];
  if (!principal) return refuse('principal_unknown', `no principal ${by} on this grid`);
  const stale = checkRevision(principal, revision);
  if (!stale.ok) return stale;
  const record = principal.keys[key];
  if (!record || record.ended === 'revoked') return refuse('key_unknown', `${key} is not a key of ${principal.name} that could be revoked`);
  endKey(state, principal, key, 'revoked');
  voidDecisions(state, by, new Set([key]));
  principal.revision = revision;
  return APPLIED;
}

/**
 * Threshold recovery: it happens with the guardian whose word completes the quorum; all earlier keys are revoked.
 * Counted in rounds of its own, so that a thief who keeps rotating keys cannot keep the guardians from agreeing.
 */
export function applyRecovered(state: LedgerState, payload: Payload<'principal.recovered'>, context: EntryContext): Applied {
  const { by, principal: id, round, keys, recovery } = payload;
  const principal = state.principals[id];
  if (!principal) return refuse('principal_unknown', `no principal ${id} on this grid`);
  if (!principal.recovery?.guardians.includes(by)) return refuse('not_permitted', `${state.principals[by]?.name ?? by} is not a guardian of ${principal.name}`);
  if (round !== principal.recoveries + 1) return refuse('stale_revision', `${principal.name} was recovered ${principal.recoveries} times; this is for round ${round}`);
  for (const check of [checkRecoveredKeys(state, id, keys), checkGuardians(state, id, recovery)]) if (!check.ok) return check;
  const word = digestOf({ keys, recovery: recovery ?? null });
  principal.recovering[by] = { word, key: context.key };
  const guardian = state.principals[by];
  if (guardian) guardian.wards[id] = true;
  const same = Object.values(principal.recovering).filter((other) => other.word === word);
  if (same.length < principal.recovery.k) return APPLIED;
  const lost = keysOf(principal).filter((key) => !keys.includes(key));
  for (const key of lost) endKey(state, principal, key, 'revoked');
  for (const key of keys) principal.keys[key] ??= { since: state.size + 1 };
  if (recovery) principal.recovery = recovery;
  principal.recoveries = round;
  principal.revision += 1;
  principal.recovering = {};
  voidDecisions(state, id, new Set(lost));
  return APPLIED;
}

/** Guardians are on the grid, and nobody guards themselves. */
export function checkGuardians(state: LedgerState, principal: PrincipalId, recovery: Recovery | undefined): Applied {
  const stranger = recovery?.guardians.find((id) => !state.principals[id]);
  if (stranger) return refuse('principal_unknown', `the guardian ${stranger} is not on this grid`);
  return recovery?.guardians.includes(principal) ? refuse('not_permitted', 'a principal does not guard itself') : APPLIED;
}

function checkRevision(principal: Principal, revision: number): Applied {
  return revision === principal.revision + 1 ? APPLIED : refuse('stale_revision', `the keys of ${principal.name} are at revision ${principal.revision}; this is for ${revision}`);
}

function checkNewKeys(state: LedgerState, principal: Principal, add: readonly DidKey[], leaving: number): Applied {
  if (new Set(add).size !== add.length) return refuse('key_taken', 'a key is named twice');
  const known = add.find((key) => principal.keys[key] !== undefined);
  if (known) return refuse('key_taken', `${principal.name} has or had the key ${known}`, 'make a new key');
  const taken = add.find((key) => state.keyOwners[key] !== undefined);
  if (taken) return refuse('key_taken', `${taken} belongs to another principal`, 'make a new key');
  if (keysOf(principal).length - leaving + add.length > MAX_KEYS) return refuse('too_many', `a principal has at most ${MAX_KEYS} keys at a time`, 'retire one first');
  if (Object.keys(principal.keys).length + add.length > MAX_KEYS_EVER) return refuse('too_many', `a principal has at most ${MAX_KEYS_EVER} keys over time`, 'create a new principal');
  return APPLIED;
}

/**
 * A recovered key may stand among the principal's keys already: whoever has stolen one could else name it first, and so
 * refuse every recovery. Nor does the bound on keys over time hold here, which a thief could exhaust.
 */
function checkRecoveredKeys(state: LedgerState, of: PrincipalId, keys: readonly DidKey[]): Applied {
  if (new Set(keys).size !== keys.length) return refuse('key_taken', 'a key is named twice');
  const ended = keys.find((key) => state.principals[of]?.keys[key]?.until !== undefined);
  if (ended) return refuse('key_ended', `${ended} was ended before, and does not come back`, 'make a new key');
  const taken = keys.find((key) => (state.keyOwners[key] ?? of) !== of);
  return taken ? refuse('key_taken', `${taken} belongs to another principal`, 'make a new key') : APPLIED;
}

function endKey(state: LedgerState, principal: Principal, key: DidKey, how: 'retired' | 'revoked'): void {
  const record = principal.keys[key];
  if (!record) return;
  // A key that was retired before and is now known to be lost keeps the entry from which it was invalid.
  record.until ??= state.size + 1;
  record.ended = how;
}

/**
 * What revoked keys have decided stands where it has had its effect; what is still open is to be decided again, and what
 * they have proposed is withdrawn. Only their own principal's: anybody may have named the same key before it was first
 * used. All keys at once: one after the other, a decision by the second could count when the first is gone.
 */
function voidDecisions(state: LedgerState, of: PrincipalId, keys: ReadonlySet<DidKey>): void {
  // Never used, so nothing was decided with them; this also keeps revocations of unused keys cheap.
  if (![...keys].some((key) => state.keyOwners[key] === of)) return;
  const isVoid = (vote: CastVote): boolean => vote.principal === of && keys.has(vote.key);
  for (const id of (Object.keys(state.live) as ContractId[]).sort()) {
    const contract = state.contracts[id];
    if (!contract || !state.live[id]) continue;
    const deployment = state.deployments[contract.header.deployment];
    if (contract.status === 'active') {
      contract.cancellations = contract.cancellations.filter((vote) => !isVoid(vote));
      if (deployment?.acceptance?.met === false) deployment.acceptance.votes = deployment.acceptance.votes.filter((vote) => !isVoid(vote));
    } else if (contract.header.requester === of && keys.has(contract.key)) endContract(state, id, 'withdrawn');
    else if (contract.votes.some(isVoid)) {
      contract.votes = contract.votes.filter((vote) => !isVoid(vote));
      // Without a rejection that is void now, the others may have been enough.
      if (quorumOf(state, id)?.met) activateContract(state, id, contract);
    }
  }
  for (const [id, organisation] of Object.entries(state.organisations)) {
    if (id === of && organisation.pending && keys.has(organisation.pending.key)) delete organisation.pending;
    if (organisation.pending) organisation.pending.votes = organisation.pending.votes.filter((vote) => !isVoid(vote));
  }
  for (const ward of Object.keys(state.principals[of]?.wards ?? {}) as PrincipalId[]) {
    const recovering = state.principals[ward]?.recovering;
    const word = recovering?.[of];
    if (recovering && word && keys.has(word.key)) delete recovering[of];
  }
}
