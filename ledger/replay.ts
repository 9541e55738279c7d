import type { VerifySignature } from '../contract/envelope.ts';
import { type Leaf, openEntry, parseLeaf } from './leaf.ts';
import type { Refusal } from './ports.ts';
import { applyEntry, type LedgerState } from './state/machine.ts';

export type Replayed = { readonly ok: true; readonly leaf: Leaf } | Refusal;

/**
 * Applies the stored leaf that must stand at `seq`. Whatever is wrong with it is said, never thrown: form, place,
 * signature, time, or an entry that the state machine would not have accepted.
 */
export function replayLeaf(state: LedgerState, bytes: Uint8Array, seq: number, verify: VerifySignature): Replayed {
  let leaf: Leaf;
  try {
    leaf = parseLeaf(bytes);
  } catch (error) {
    return { ok: false, code: 'leaf_invalid', message: `entry ${seq}: ${error instanceof Error ? error.message.slice(0, 500) : 'not a leaf'}` };
  }
  if (leaf.seq !== seq) return { ok: false, code: 'leaf_invalid', message: `entry ${seq} says that it is entry ${leaf.seq}` };
  const opened = openEntry(leaf.envelope, verify);
  if (!opened.ok) return { ok: false, code: opened.code, message: `entry ${seq}: ${opened.message}` };
  const applied = applyEntry(state, opened.opened, leaf.time);
  if (!applied.ok) return { ok: false, code: applied.code, message: `entry ${seq} is in the log, but the state machine refuses it: ${applied.message}` };
  return { ok: true, leaf };
}
