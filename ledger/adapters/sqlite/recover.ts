import type { Digest } from '../../../contract/digest.ts';
import type { VerifySignature } from '../../../contract/envelope.ts';
import type { DidKey } from '../../../contract/principal.ts';
import { openCheckpoint, originOf } from '../../checkpoint.ts';
import { envelopeDigest } from '../../leaf.ts';
import { equalHash } from '../../merkle.ts';
import { MerkleTree } from '../../merkle-tree.ts';
import { nativeLeafHash, sha256Digest } from '../../native.ts';
import type { Refusal } from '../../ports.ts';
import { replayLeaf } from '../../replay.ts';
import { SnapshotFiles } from '../../snapshot/files.ts';
import { type LoadedSnapshot, loadNewest } from '../../snapshot/load.ts';
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
  /** The ledger's folder, when its own newest snapshot may stand for a replay of the entries before it. */
  readonly snapshotsOf?: string;
  /** Called with the state after each entry; what it finds ends the recovery. */
  readonly examine?: (state: LedgerState) => Damage | undefined;
}

interface Memory { readonly state: LedgerState; readonly tree: MerkleTree }
export type Recovered = ({ readonly ok: true; readonly note: string | undefined } & Memory) | Damage;
export type Damage = Refusal & { readonly seq?: number };

/**
 * Rebuilds state and tree from the rows, and holds them against the stored checkpoint and the head file; names the first
 * bad entry. Entries before an own snapshot are hashed, not replayed; any doubt about it, and everything is replayed.
 */
export function recover(options: RecoverOptions): Recovered {
  const { store } = options;
  // Before the rows: a running server writes the head last, so this head can only be older than what is read next.
  const head = readHead(options.headFile);
  if (!head.ok) return damage('head_damaged', head.message);
  const snapshot = options.snapshotsOf === undefined ? undefined : loadNewest(new SnapshotFiles(options.snapshotsOf), { verify: options.verify, atMost: store.count() });
  const resumed = snapshot && rebuild(options, head.note, snapshot);
  return resumed?.ok ? resumed : rebuild(options, head.note, undefined);
}

function rebuild(options: RecoverOptions, head: string | undefined, snapshot: LoadedSnapshot | undefined): Recovered {
  const { store } = options;
  const memory: Memory = { state: snapshot?.state ?? emptyState(), tree: new MerkleTree() };
  const replayFrom = snapshot?.statement.size ?? 0;
  for (const row of store.rows()) {
    const seq = memory.tree.size;
    if (row.seq !== seq) return damage('entry_missing', `entry ${seq} is missing, the next one is ${row.seq}`, seq);
    if (snapshot && seq === replayFrom && !equalHash(memory.tree.root(), snapshot.root)) return damage('snapshot_mismatch', `the entries before ${seq} do not have the root of the snapshot`, seq);
    const hash = nativeLeafHash(row.leaf);
    if (!equalHash(hash, row.leaf_hash)) return damage('leaf_hash_mismatch', `entry ${seq} does not have its stored hash`, seq);
    const digest = seq < replayFrom ? digestOfEnvelopeIn(row.leaf) : replayed(memory.state, row.leaf, seq, options);
    if (typeof digest !== 'string') return digest;
    if (!equalHash(digestKey(digest), row.envelope_digest)) return damage('envelope_digest_mismatch', `entry ${seq} does not have its stored envelope digest`, seq);
    memory.tree.append(hash);
  }
  const note = store.note();
  const { size } = memory.tree;
  if (note === undefined && size > 0) return damage('checkpoint_missing', `there are ${size} entries and no checkpoint`);
  if (snapshot && !equalHash(memory.tree.root(replayFrom), snapshot.root)) return damage('snapshot_mismatch', 'the entries do not have the root of the snapshot');
  return checkNote('the stored checkpoint', note, (covered) => covered === size, memory, options)
    ?? checkNote('the head file', head, (covered) => covered <= size, memory, options)
    ?? { ok: true, note, ...memory };
}

/** Applies the entry; its envelope's digest, or what is wrong with it. */
function replayed(state: LedgerState, leaf: Uint8Array, seq: number, { verifyEntry, examine }: RecoverOptions): Digest | Damage {
  const done = replayLeaf(state, leaf, seq, verifyEntry);
  if (!done.ok) return { ...done, seq };
  return examine?.(state) ?? envelopeDigest(done.leaf.envelope);
}

/** A leaf is canonical: `{"envelope":…,"seq":…,"time":…}`. Not parsed, since the root says that it is as it was. */
function digestOfEnvelopeIn(leaf: Uint8Array): Digest {
  const bytes = Buffer.from(leaf.buffer, leaf.byteOffset, leaf.byteLength);
  return sha256Digest(bytes.subarray('{"envelope":'.length, bytes.lastIndexOf(',"seq":')));
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
