import type { PrincipalId } from '../contract/principal.ts';
import type { LedgerState } from './state/machine.ts';
import { isAlive } from './state/views.ts';

/** A node as the overlay needs it. `endpoints` is empty for a node that only dials out. */
export interface DirectoryPeer {
  readonly id: string;
  /** X25519, base64url. */
  readonly overlayKey: string;
  readonly endpoints: string[];
}

/** Who is on the grid, straight from the ledger: nobody else can join the overlay. */
export interface Directory {
  get(id: string): DirectoryPeer | undefined;
  byKey(overlayKey: string): DirectoryPeer | undefined;
  /** Nodes that forward for others, those with a running lease first. */
  relays(): DirectoryPeer[];
}

/** Reads the directory from a ledger state that may grow at any time. */
export function directoryOf(state: () => LedgerState): Directory {
  // A registered overlay key never changes and is unique (node.registered), so what was indexed stays true.
  const idByKey = new Map<string, PrincipalId>();
  let indexedSize = -1;
  const get = (id: string): DirectoryPeer | undefined => {
    const { nodes } = state();
    const node = Object.hasOwn(nodes, id) ? nodes[id as PrincipalId] : undefined;
    return node && { id, overlayKey: node.overlayKey, endpoints: [...(node.offer?.endpoints ?? [])] };
  };
  return {
    get,
    byKey: (overlayKey) => {
      const { nodes, size } = state();
      // A stranger's key costs one pass over the nodes for each growth of the log, not one for each attempt.
      if (!idByKey.has(overlayKey) && size !== indexedSize) {
        for (const [id, node] of Object.entries(nodes)) idByKey.set(node.overlayKey, id as PrincipalId);
        indexedSize = size;
      }
      const id = idByKey.get(overlayKey);
      return id && get(id);
    },
    relays: () => {
      const { nodes, time } = state();
      const relays = Object.entries(nodes).filter(([, node]) => node.offer?.relay === true && node.offer.endpoints.length > 0);
      const running = relays.filter(([, node]) => isAlive(node, time));
      const lapsed = relays.filter(([, node]) => !isAlive(node, time));
      return [...running, ...lapsed].flatMap(([id]) => get(id) ?? []);
    },
  };
}
