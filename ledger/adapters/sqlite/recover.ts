import type { VerifySignature } from '../../../contract/envelope.ts';
import type { DidKey } from '../../../contract/principal.ts';
import { openCheckpoint, originOf } from '../../checkpoint.ts';
import { envelopeDigest } from '../../leaf.ts';
import { equalHash, leafHash } from '../../merkle.ts';
import { MerkleTree } from '../../merkle-tree.ts';
import type { Refusal } from '../../ports.ts';
import { replayLeaf } from '../../replay.ts';
import { emptyState, type LedgerState } from '../../state/machine.ts';
import { readHead } from './head.ts';
import { digestKey, type EntryStore } from './store.ts';

export interface RecoverOptions {
  readonly store: EntryStore;
  readonly headFile: string;
  /** Judges checkpoints. */
  readonly verify: VerifySignature;
  /** Judges the envelopes; a server trusts those that it checked before it stored them. */
  readonly verifyEntry: VerifySignature;
  /** The key that the log must belong to; any when absent. */
  readonly key?: DidKey;
}

interface Memory { readonly state: LedgerState; readonly tree: MerkleTree }
export type Recovered = ({ readonly ok: true; readonly note: string | undefined } & Memory) | Damage;
export type Damage = Refusal & { readonly seq?: number };

/** Rebuilds state and tree from the rows, and holds them against the stored checkpoint and the head file; names the first bad entry. */
export function recover(options: RecoverOptions): Recovered {
  const { store } = options;
  // Before the rows: a running server writes the head last, so this head can only be older than what is read next.
  const head = readHead(options.headFile);
  if (!head.ok) return damage('head_damaged', head.message);
  const memory: Memory = { state: emptyState(), tree: new MerkleTree() };
  for (const row of store.rows()) {
    const seq = memory.tree.size;
    if (row.seq !== seq) return damage('entry_missing', `entry ${seq} is missing, the next one is ${row.seq}`, seq);
    const hash = leafHash(row.leaf);
    if (!equalHash(hash, row.leaf_hash)) return damage('leaf_hash_mismatch', `entry ${seq} does not have its stored hash`, seq);
    const replayed = replayLeaf(memory.state, row.leaf, seq, options.verifyEntry);
    if (!replayed.ok) return { ...replayed, seq };
    if (!equalHash(digestKey(envelopeDigest(replayed.leaf.envelope)), row.envelope_digest)) return damage('envelope_digest_mismatch', `entry ${seq} does not have its stored envelope digest`, seq);
    memory.tree.append(hash);
  }
  const note = store.note();
  const { size } = memory.tree;
  if (note === undefined && size > 0) return damage('checkpoint_missing', `there are ${size} entries and no checkpoint`);
  return checkNote('the stored checkpoint', note, (covered) => covered === size, memory, options)
    ?? checkNote('the head file', head.note, (covered) => covered <= size, memory, options)
    ?? { ok: true, note, ...memory };
}

function checkNote(what: string, note: string | undefined, fits: (size: number) => boolean, memory: Memory, options: RecoverOptions): Damage | undefined {
  if (note === undefined) return undefined;
  const { grid } = memory.state;
  if (!grid) return damage('entry_missing', `${what} exists, entry 0 does not`, 0);
  const { ledger } = grid.payload;
  if (options.key && ledger !== options.key) return damage('ledger_key_mismatch', `this log belongs to ledger ${ledger}, the key given is ${options.key}`);
  const opened = openCheckpoint(note, { origin: originOf(grid.digest), key: ledger, verify: options.verify });
  if (!opened.ok) return damage(opened.code, `${what}: ${opened.message}`);
  const { size, root } = opened.checkpoint;
  if (!fits(size)) return damage('entry_missing', `${what} covers ${size} entries, there are ${memory.tree.size}`, memory.tree.size);
  if (!equalHash(root, memory.tree.root(size))) return damage('root_mismatch', `${what} has another root over ${size} entries`);
  return undefined;
}

export function damage(code: string, message: string, seq?: number): Damage {
  return seq === undefined ? { ok: false, code, message } : { ok: false, code, message, seq };
}
