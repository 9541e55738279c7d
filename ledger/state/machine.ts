import type { Digest } from '../../contract/digest.ts';
import type { Entry } from '../../contract/entry.ts';
import type { DidKey, PrincipalId } from '../../contract/principal.ts';
import type { EntryContext } from './context.ts';
import { applyApproved, applyCancelled, applyProposed, applyRejected, applyWithdrawn } from './contracts.ts';
import { applyMoved, applyReported, applySealed } from './deployments.ts';
import { expireUntil } from './expiry.ts';
import { applyAlive, applyAttested, applyOffer, applyRegistered } from './nodes.ts';
import { bridgeOutage } from './outage.ts';
import { applyBlueprint, applyOrganisation, applyPrincipal, applyTransfer } from './principals.ts';
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
  const undo = [bridgeOutage(state, opened.entry, time), expireUntil(state, time)];
  const applied = dispatch(state, opened.entry, { payloadDigest: opened.payloadDigest, key: opened.key, time });
  if (!applied.ok) {
    for (const step of undo) step();
    return applied;
  }
  state.time = time;
  state.size += 1;
  return applied;
}

function dispatch(state: LedgerState, entry: Entry, context: EntryContext): Applied {
  if (entry.kind === 'grid.created') return createGrid(state, entry.payload, context);
  if (!state.grid) return refuse('grid_missing', 'the log does not begin with grid.created');
  if (entry.payload.grid !== state.grid.digest) {
    return refuse('grid_mismatch', `signed for grid ${entry.payload.grid}, this is grid ${state.grid.digest}`, 'sign it again for this grid');
  }
  if (entry.kind === 'tick') {
    if (context.key !== state.grid.payload.ledger) return refuse('not_permitted', 'only the ledger ticks');
    if (entry.payload.beat <= state.tick) return refuse('stale_revision', `tick ${entry.payload.beat} is not after ${state.tick}`);
    state.tick = entry.payload.beat;
    return APPLIED;
  }
  if (entry.kind === 'principal.created') return applyPrincipal(state, entry.payload, context);
  const spoken = mayspeak(state, entry.payload.by, context.key);
  if (!spoken.ok) return spoken;
  switch (entry.kind) {
    case 'organisation.changed': return applyOrganisation(state, entry.payload, context);
    case 'node.registered': return applyRegistered(state, entry.payload);
    case 'node.offer': return applyOffer(state, entry.payload);
    case 'node.alive': return applyAlive(state, entry.payload, context);
    case 'location.attested': return applyAttested(state, entry.payload, context);
    case 'blueprint.published': return applyBlueprint(state, entry.payload, context);
    case 'contract.proposed': return applyProposed(state, entry.payload, context);
    case 'contract.approved': return applyApproved(state, entry.payload, context);
    case 'contract.rejected': return applyRejected(state, entry.payload);
    case 'contract.withdrawn': return applyWithdrawn(state, entry.payload);
    case 'contract.cancelled': return applyCancelled(state, entry.payload);
    case 'secret.sealed': return applySealed(state, entry.payload);
    case 'assignment.moved': return applyMoved(state, entry.payload, context);
    case 'deployment.reported': return applyReported(state, entry.payload, context);
    case 'credit.transferred': return applyTransfer(state, entry.payload, context);
  }
}

function createGrid(state: LedgerState, payload: Extract<Entry, { kind: 'grid.created' }>['payload'], context: EntryContext): Applied {
  if (state.grid) return refuse('grid_exists', 'a log has one grid.created, its first entry');
  if (context.key !== payload.ledger) return refuse('key_mismatch', 'grid.created is signed with the ledger key that it names');
  state.grid = { digest: context.payloadDigest, payload };
  return APPLIED;
}

function mayspeak(state: LedgerState, by: PrincipalId, key: DidKey): Applied {
  const principal = state.principals[by];
  if (!principal) return refuse('principal_unknown', `no principal ${by} on this grid`);
  if (principal.key !== key) return refuse('key_mismatch', `signed by ${key}, which is not a key of ${principal.name} (${by})`, 'sign with the key of the principal that the entry names');
  return APPLIED;
}
