import type { Digest } from '../../contract/digest.ts';
import type { Entry } from '../../contract/entry.ts';
import type { DidKey } from '../../contract/principal.ts';
import type { EntryContext } from './context.ts';
import { applyAccepted } from './acceptance.ts';
import { applyBlueprint, applyDeprecated, applyYanked } from './blueprints.ts';
import { applyApproved, applyCancelled, applyRejected, applyWithdrawn } from './decisions.ts';
import { applyMoved, applyReported, applySealed } from './deployments.ts';
import { expireUntil } from './expiry.ts';
import { applyRecovered, applyRevoked, applyRotated, bindKey, checkSpeaker } from './keys.ts';
import { applyAlive, applyAttested, applyOffer, applyRegistered } from './nodes.ts';
import { bridgeOutage } from './outage.ts';
import { applyOrganisation, applyOrganisationApproved } from './organisations.ts';
import { applyPrincipal, applyTransfer } from './principals.ts';
import { applyProposed } from './proposals.ts';
import { type Applied, APPLIED, refuse } from './refusal.ts';
import type { LedgerState } from './state.ts';

export { emptyState, stateDigest, type LedgerState } from './state.ts';
export type { Applied } from './refusal.ts';

/** An entry whose envelope was opened: form and signature are checked, whether the key may speak is not. */
export interface OpenedEntry {
  readonly entry: Entry;
  readonly payloadDigest: Digest;
  readonly key: DidKey;
}

/**
 * Applies one entry at the log's time. Deterministic: no clock, no randomness. Mutates the state only when the answer
 * is ok; a refused entry leaves it as it was, since it never enters the log.
 */
export function applyEntry(state: LedgerState, opened: OpenedEntry, time: string): Applied {
  if (time < state.time) return refuse('time_backwards', `time ${time} lies before ${state.time}`);
  const context = { payloadDigest: opened.payloadDigest, key: opened.key, time };
  // Who may not speak is refused before anything is worked out for them.
  const heard = hear(state, opened.entry, context);
  if (!heard.ok) return heard;
  const undo = [bridgeOutage(state, opened.entry, time), expireUntil(state, time)];
  const applied = dispatch(state, opened.entry, context);
  if (!applied.ok) {
    for (const step of undo) step();
    return applied;
  }
  state.time = time;
  state.size += 1;
  return applied;
}

function hear(state: LedgerState, entry: Entry, context: EntryContext): Applied {
  if (entry.kind === 'grid.created') return APPLIED;
  if (!state.grid) return refuse('grid_missing', 'the log does not begin with grid.created');
  if (entry.payload.grid !== state.grid.digest) {
    return refuse('grid_mismatch', `signed for grid ${entry.payload.grid}, this is grid ${state.grid.digest}`, 'sign it again for this grid');
  }
  if (entry.kind === 'tick') return context.key === state.grid.payload.ledger ? APPLIED : refuse('not_permitted', 'only the ledger ticks');
  return entry.kind === 'principal.created' ? APPLIED : checkSpeaker(state, entry.payload.by, context.key);
}

function dispatch(state: LedgerState, entry: Entry, context: EntryContext): Applied {
  if (entry.kind === 'grid.created') return createGrid(state, entry.payload, context);
  if (entry.kind === 'tick') {
    if (entry.payload.beat <= state.tick) return refuse('stale_revision', `tick ${entry.payload.beat} is not after ${state.tick}`);
    state.tick = entry.payload.beat;
    return APPLIED;
  }
  if (entry.kind === 'principal.created') return applyPrincipal(state, entry.payload, context);
  const applied = applySaid(state, entry, context);
  if (applied.ok) bindKey(state, entry.payload.by, context.key);
  return applied;
}

function applySaid(state: LedgerState, entry: Exclude<Entry, { kind: 'grid.created' | 'tick' | 'principal.created' }>, context: EntryContext): Applied {
  switch (entry.kind) {
    case 'principal.rotated': return applyRotated(state, entry.payload, context);
    case 'principal.revoked': return applyRevoked(state, entry.payload);
    case 'principal.recovered': return applyRecovered(state, entry.payload, context);
    case 'organisation.approved': return applyOrganisationApproved(state, entry.payload, context);
    case 'deployment.accepted': return applyAccepted(state, entry.payload, context);
    case 'organisation.changed': return applyOrganisation(state, entry.payload, context);
    case 'node.registered': return applyRegistered(state, entry.payload);
    case 'node.offer': return applyOffer(state, entry.payload);
    case 'node.alive': return applyAlive(state, entry.payload, context);
    case 'location.attested': return applyAttested(state, entry.payload);
    case 'blueprint.published': return applyBlueprint(state, entry.payload);
    case 'blueprint.deprecated': return applyDeprecated(state, entry.payload);
    case 'blueprint.yanked': return applyYanked(state, entry.payload);
    case 'contract.proposed': return applyProposed(state, entry.payload, context);
    case 'contract.approved': return applyApproved(state, entry.payload, context);
    case 'contract.rejected': return applyRejected(state, entry.payload, context);
    case 'contract.withdrawn': return applyWithdrawn(state, entry.payload);
    case 'contract.cancelled': return applyCancelled(state, entry.payload, context);
    case 'secret.sealed': return applySealed(state, entry.payload);
    case 'assignment.moved': return applyMoved(state, entry.payload, context);
    case 'deployment.reported': return applyReported(state, entry.payload, context);
    case 'credit.transferred': return applyTransfer(state, entry.payload);
  }
}

function createGrid(state: LedgerState, payload: Extract<Entry, { kind: 'grid.created' }>['payload'], context: EntryContext): Applied {
  if (state.grid) return refuse('grid_exists', 'a log has one grid.created, its first entry');
  if (context.key !== payload.ledger) return refuse('key_mismatch', 'grid.created is signed with the ledger key that it names');
  state.grid = { digest: context.payloadDigest, payload };
  return APPLIED;
}
