import type { PrincipalId } from '../../contract/principal.ts';
import { addResources, type Resources, subtractResources } from '../../contract/units.ts';
import type { LedgerState } from './state.ts';

/** Adds to (+1) or takes from (-1) what is reserved on a node. */
export function reserve(state: LedgerState, node: PrincipalId, resources: Resources, sign: 1 | -1): void {
  const record = state.nodes[node];
  if (!record) throw new Error(`no node ${node}`);
  record.reserved = sign === 1 ? addResources(record.reserved, resources) : subtractResources(record.reserved, resources);
}

/** Several at once. Returns the way back. */
export function reserveAll(state: LedgerState, parts: readonly { readonly node: PrincipalId; readonly resources: Resources }[], sign: 1 | -1): () => void {
  const before = new Map<PrincipalId, Resources>();
  for (const { node, resources } of parts) {
    const record = state.nodes[node];
    if (record && !before.has(node)) before.set(node, record.reserved);
    reserve(state, node, resources, sign);
  }
  return () => {
    for (const [node, reserved] of before) {
      const record = state.nodes[node];
      if (record) record.reserved = reserved;
    }
  };
}
