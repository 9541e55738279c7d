import { digestOf } from '../../contract/digest.ts';
import type { Payload } from '../../contract/entry.ts';
import type { EntryContext } from './context.ts';
import { type Applied, APPLIED, refuse } from './refusal.ts';
import type { LedgerState } from './state.ts';

/** Most principals one grid's state keeps. */
const MAX_PRINCIPALS = 1_000_000;

export function applyPrincipal(state: LedgerState, payload: Payload<'principal.created'>, context: EntryContext): Applied {
  const id = context.payloadDigest;
  if (payload.keys[0] !== context.key) return refuse('key_mismatch', 'a principal is created with the key that it names');
  if (state.principals[id]) return refuse('principal_exists', `principal ${id} exists`);
  if (state.principalCount >= MAX_PRINCIPALS) return refuse('too_many', `a grid keeps at most ${MAX_PRINCIPALS} principals`);
  state.principalCount += 1;
  state.principals[id] = { kind: payload.kind, name: payload.name, key: context.key };
  return APPLIED;
}

export function applyOrganisation(state: LedgerState, payload: Payload<'organisation.changed'>, context: EntryContext): Applied {
  if (state.principals[payload.by]?.kind !== 'organisation') return refuse('not_permitted', 'only an organisation has a roster');
  if (!state.grid?.payload.organisations.includes(context.key)) return refuse('not_permitted', 'the grid does not know this organisation', 'have it named in grid.created');
  const before = state.organisations[payload.by]?.revision ?? 0;
  if (payload.revision <= before) return refuse('stale_revision', `revision ${payload.revision} is not after ${before}`);
  for (const member of Object.values(payload.roles).flat()) {
    if (!state.principals[member]) return refuse('principal_unknown', `the roster names ${member}, which is not on this grid`);
  }
  state.organisations[payload.by] = { revision: payload.revision, roles: payload.roles };
  return APPLIED;
}

export function applyBlueprint(state: LedgerState, payload: Payload<'blueprint.published'>, context: EntryContext): Applied {
  if (!state.grid?.payload.authors.includes(context.key)) {
    return refuse('blueprint_untrusted', `${state.principals[payload.by]?.name ?? payload.by} is not an author that this grid trusts`, 'have an author named in grid.created publish it');
  }
  const ref = `${payload.name}@${payload.version}`;
  if (state.blueprints[ref]) return refuse('blueprint_exists', `${ref} is published; a version never changes`, 'publish it under a higher version');
  state.blueprints[ref] = { author: payload.by, digest: payload.digest, policy: payload.policy };
  return APPLIED;
}

export function applyTransfer(state: LedgerState, payload: Payload<'credit.transferred'>, context: EntryContext): Applied {
  const id = digestOf([payload.by, payload.nonce]);
  if (state.transfers[id]) return refuse('transfer_repeated', 'this transfer was made already');
  if (!state.principals[payload.to]) return refuse('principal_unknown', `no principal ${payload.to} on this grid`);
  const amount = BigInt(payload.amount);
  if (!state.grid?.payload.issuers.includes(context.key)) {
    const balance = BigInt(state.balances[payload.by] ?? '0');
    if (balance < amount) return refuse('no_credit', `balance ${balance}, transfer ${amount}`);
    state.balances[payload.by] = (balance - amount).toString();
  }
  state.balances[payload.to] = (BigInt(state.balances[payload.to] ?? '0') + amount).toString();
  state.transfers[id] = true;
  return APPLIED;
}
