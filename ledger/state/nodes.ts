import type { Payload } from '../../contract/entry.ts';
import { NO_RESOURCES } from '../../contract/units.ts';
import type { EntryContext } from './context.ts';
import { isNamed } from './principals.ts';
import { type Applied, APPLIED, refuse } from './refusal.ts';
import type { LedgerState } from './state.ts';

export function applyRegistered(state: LedgerState, payload: Payload<'node.registered'>): Applied {
  const kind = state.principals[payload.by]?.kind;
  if (kind !== 'node' && kind !== 'gateway') return refuse('not_permitted', 'only a node or a gateway registers overlay and sealing keys');
  if (state.nodes[payload.by]) return refuse('principal_exists', `node ${payload.by} is registered`);
  // One overlay key is one node: a second claim would let a node answer for another.
  if (state.overlayKeys[payload.overlayKey] !== undefined) return refuse('not_permitted', 'another node has this overlay key');
  state.overlayKeys[payload.overlayKey] = payload.by;
  state.nodes[payload.by] = { overlayKey: payload.overlayKey, sealingKey: payload.sealingKey, offer: null, attested: null, beat: 0, leaseUntil: null, reserved: NO_RESOURCES };
  return APPLIED;
}

export function applyOffer(state: LedgerState, payload: Payload<'node.offer'>): Applied {
  const node = state.nodes[payload.by];
  if (!node) return refuse('node_unknown', `${payload.by} has not registered as a node`);
  if (payload.revision <= (node.offer?.revision ?? 0)) return refuse('stale_revision', `offer ${payload.revision} is not after ${node.offer?.revision ?? 0}`);
  node.offer = payload;
  return APPLIED;
}

export function applyAlive(state: LedgerState, payload: Payload<'node.alive'>, context: EntryContext): Applied {
  const node = state.nodes[payload.by];
  if (!node || !state.grid) return refuse('node_unknown', `${payload.by} has not registered as a node`);
  if (payload.beat <= node.beat) return refuse('stale_revision', `beat ${payload.beat} is not after ${node.beat}`);
  node.beat = payload.beat;
  node.leaseUntil = new Date(Date.parse(context.time) + state.grid.payload.leaseSeconds * 1000).toISOString();
  return APPLIED;
}

export function applyAttested(state: LedgerState, payload: Payload<'location.attested'>): Applied {
  if (!isNamed(state, 'attestors', payload.by)) return refuse('not_permitted', 'only an attestor named in grid.created attests locations');
  const node = state.nodes[payload.node];
  if (!node) return refuse('node_unknown', `no node ${payload.node}`);
  node.attested = payload.location;
  return APPLIED;
}
