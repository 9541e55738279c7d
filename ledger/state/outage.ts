import type { Entry } from '../../contract/entry.ts';
import type { LedgerState, NodeRecord } from './state.ts';

/** A ledger that runs says something at least every half lease (see the ticker); this much more is its own silence. */
const SILENCE_OF_LEASE = 0.75;
/** How long the holders have to come back after the ledger did, in ms: machines that lost power together start slowly. */
const RETURN_MS = 60_000;

/**
 * An outage of the ledger takes no lease: nobody could renew meanwhile. Whoever held one at the last entry before
 * `time` gets a whole one again, and time to start: otherwise the first node that is back after a power cut would move
 * the work of all others, more shards at once than their parity can bear. The ledger says that it was away (a tick with
 * `resumed`), or has been silent for longer than it ever is. Harmless to fencing: a node serves by its own renewals
 * only, and while it holds the lease nobody else is given its work. Returns the way back, for an entry that is refused.
 */
export function bridgeOutage(state: LedgerState, entry: Entry, time: string): () => void {
  if (!state.grid) return () => undefined;
  const leaseMs = state.grid.payload.leaseSeconds * 1000;
  const now = Date.parse(time);
  const resumed = entry.kind === 'tick' && entry.payload.resumed === true;
  if (!resumed && now - Date.parse(state.time) <= leaseMs * SILENCE_OF_LEASE) return () => undefined;
  const until = new Date(now + Math.max(leaseMs, RETURN_MS)).toISOString();
  const before: [NodeRecord, string][] = [];
  for (const node of Object.values(state.nodes)) {
    if (node.leaseUntil === null || node.leaseUntil <= state.time || node.leaseUntil >= until) continue;
    before.push([node, node.leaseUntil]);
    node.leaseUntil = until;
  }
  return () => { for (const [node, leaseUntil] of before) node.leaseUntil = leaseUntil; };
}
