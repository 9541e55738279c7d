import { digestOf } from '../../contract/digest.ts';
import type { Payload } from '../../contract/entry.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import type { EntryContext } from './context.ts';
import { bindKey, checkGuardians } from './keys.ts';
import { type Applied, APPLIED, refuse } from './refusal.ts';
import type { LedgerState } from './state.ts';

/** Most principals one grid's state keeps. */
const MAX_PRINCIPALS = 1_000_000;

export function applyPrincipal(state: LedgerState, payload: Payload<'principal.created'>, context: EntryContext): Applied {
  const id = context.payloadDigest;
  const { keys, recovery } = payload;
  if (keys[0] !== context.key) return refuse('key_mismatch', 'a principal is created with the first of the keys that it names');
  if (state.principals[id]) return refuse('principal_exists', `principal ${id} exists`);
  if (state.principalCount >= MAX_PRINCIPALS) return refuse('too_many', `a grid keeps at most ${MAX_PRINCIPALS} principals`);
  if (new Set(keys).size !== keys.length) return refuse('key_taken', 'a key is named twice');
  const taken = keys.find((key) => state.keyOwners[key] !== undefined);
  if (taken) return refuse('key_taken', `${taken} belongs to another principal`);
  const guarded = checkGuardians(state, id, recovery);
  if (!guarded.ok) return guarded;
  state.principalCount += 1;
  state.principals[id] = {
    kind: payload.kind, name: payload.name, inception: context.key, keys: Object.fromEntries(keys.map((key) => [key, { since: state.size }])),
    revision: 0, recovery: recovery ?? null, recoveries: 0, recovering: {}, wards: {},
  };
  bindKey(state, id, context.key);
  return APPLIED;
}

/** Whether the grid names this principal: by the key that it began with, so that it may change its keys later. */
export function isNamed(state: LedgerState, as: 'authors' | 'attestors' | 'issuers' | 'organisations', by: PrincipalId): boolean {
  const principal = state.principals[by];
  return principal !== undefined && state.grid?.payload[as].includes(principal.inception) === true;
}

export function applyTransfer(state: LedgerState, payload: Payload<'credit.transferred'>): Applied {
  const id = digestOf([payload.by, payload.nonce]);
  if (state.transfers[id]) return refuse('transfer_repeated', 'this transfer was made already');
  if (!state.principals[payload.to]) return refuse('principal_unknown', `no principal ${payload.to} on this grid`);
  const amount = BigInt(payload.amount);
  if (!isNamed(state, 'issuers', payload.by)) {
    const balance = BigInt(state.balances[payload.by] ?? '0');
    if (balance < amount) return refuse('no_credit', `balance ${balance}, transfer ${amount}`);
    state.balances[payload.by] = (balance - amount).toString();
  }
  state.balances[payload.to] = (BigInt(state.balances[payload.to] ?? '0') + amount).toString();
  state.transfers[id] = true;
  return APPLIED;
}
