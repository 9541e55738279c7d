import type { Digest } from '../contract/digest.ts';
import type { Envelope, VerifySignature } from '../contract/envelope.ts';
import type { LeafCache } from './adapters/sqlite/cache.ts';
import { type Checkpoint, originOf } from './checkpoint.ts';
import { encodeHashes, type Evidence, EVIDENCE_FORMAT, MAX_PREFIX_BYTES, verifyEvidence } from './evidence.ts';
import { ALREADY_VERIFIED, type Leaf, openEntry, parseLeaf } from './leaf.ts';
import type { Hash } from './merkle.ts';
import type { MerkleTree } from './merkle-tree.ts';
import type { Roots } from './roots.ts';
import type { SnapshotOffer } from './snapshot/statement.ts';

/** A note that the ledger signed, and what it says. */
export interface Trusted { readonly note: string; readonly checkpoint: Checkpoint }

/** Two notes of which only a proof can say whether both can be true. */
export interface Suspicion { readonly trusted: Trusted; readonly offered: Trusted }

/** See Shortfall: what was signed, what was shown, and for how long. */
export interface WithheldFacts {
  readonly promised: string;
  /** Null when what was shown was never signed: an empty log. */
  readonly shown: string | null;
  readonly since: string;
  readonly until: string;
  readonly observations: number;
}

interface EntryAt {
  readonly index: number;
  /** The note over the copy and the entries offered with it. */
  readonly note: string;
  /** Entries of the copy, which come before those offered. */
  readonly size: number;
  readonly entries: readonly Leaf[];
  /** The offered entries' canonical bytes. */
  readonly bytes: readonly Uint8Array[];
  /** The version of the rules that refuse it; undefined when none is needed to see that it is false. */
  readonly machine: number | undefined;
}

/** Writes down, from a verified copy, what convicts its ledger, so that strangers can check it. */
export class Prosecution {
  readonly #cache: LeafCache;
  readonly #roots: Roots;
  readonly #verify: VerifySignature;
  readonly #genesis: Envelope | undefined;

  /** `genesis`: the grid's first entry, for a copy that does not begin with it. */
  constructor({ cache, roots, verify, genesis }: { cache: LeafCache; roots: Roots; verify: VerifySignature; genesis?: Envelope | undefined }) {
    this.#cache = cache;
    this.#roots = roots;
    this.#verify = verify;
    this.#genesis = genesis;
  }

  /** A note over no more entries than the trusted one, with another root than the copy has there. */
  fork(offered: Trusted, trusted: Trusted): Evidence {
    const { size } = offered.checkpoint;
    return this.#fork(offered, trusted, this.#roots.tree(trusted.checkpoint.size), `the ledger signed two logs that differ within the first ${size} entries`);
  }

  /**
   * Two notes over two logs: `offered` over the first `size` entries of this copy and `more`, `other` over what the copy
   * has by now, which somebody else put there.
   */
  contradiction(offered: Trusted, { size, more }: { size: number; more: readonly Uint8Array[] }, other: Trusted): Evidence {
    const message = `the ledger signed two logs, of ${offered.checkpoint.size} and of ${other.checkpoint.size} entries, and showed each to another process with this copy`;
    return offered.checkpoint.size <= other.checkpoint.size
      ? this.#fork(offered, other, this.#roots.tree(other.checkpoint.size), message)
      : this.#fork(other, offered, this.#roots.tree(size, more), message);
  }

  /** A note over more entries than the copy has; undefined when the ledger's proof does not convict it. */
  rewritten({ trusted, offered }: Suspicion, { olderRoot, proof }: { olderRoot: Hash; proof: readonly Hash[] }): Evidence | undefined {
    const message = `the log of ${offered.checkpoint.size} entries that the ledger signed does not begin with the ${trusted.checkpoint.size} that it signed before: history was rewritten`;
    const evidence = this.#write({ kind: 'fork', older: trusted.note, newer: offered.note, ...rootOf(olderRoot), proof: encodeHashes(proof) }, message);
    return verifyEvidence(evidence, { verify: this.#verify }).ok ? evidence : undefined;
  }

  /** An entry under a signed root that may not be in a log. */
  entry({ index, note, size, entries, bytes, machine }: EntryAt, message: string): Evidence {
    const leaf = entries[index - size];
    if (!leaf) throw new Error(`entry ${index} was not offered`);
    const tree = this.#roots.tree(size, bytes);
    const before = [...leavesWithin(concat(this.#cache.leaves(0, size), bytes.slice(0, index - size)), MAX_PREFIX_BYTES)];
    return this.#write({
      kind: 'entry_invalid', note, index, leaf,
      proof: encodeHashes(tree.inclusionProof(index, tree.size)),
      prefix: before.length === index ? before.map(parseLeaf) : null,
      prefixProof: index === 0 ? [] : encodeHashes(tree.consistencyProof(index, tree.size)),
      ...(machine === undefined ? {} : { machine }),
    }, message, entries[0]);
  }

  /** A state that the ledger signed, and that does not follow from the entries before it, which this copy holds. */
  falseSnapshot({ genesis: _, ...offer }: SnapshotOffer, { size, derived }: { size: number; derived: Digest }): Evidence {
    const leaves = [...leavesWithin(this.#cache.leaves(0, size), MAX_PREFIX_BYTES)];
    return this.#write({ kind: 'snapshot_false', ...offer, prefix: leaves.length === size ? leaves.map(parseLeaf) : null }, `the ledger signed a snapshot over ${size} entries whose state is not ${derived}, which follows from them`);
  }

  withholding(facts: WithheldFacts, message: string): Evidence {
    return this.#write({ kind: 'withholding', ...facts }, message);
  }

  /** `tree` is of the newer note's log. */
  #fork(older: Trusted, newer: Trusted, tree: MerkleTree, message: string): Evidence {
    const [from, to] = [older.checkpoint.size, newer.checkpoint.size];
    return this.#write({ kind: 'fork', older: older.note, newer: newer.note, ...rootOf(tree.root(from)), proof: encodeHashes(tree.consistencyProof(from, to)) }, message);
  }

  /** `offered` is the first entry of a log of which there is no copy yet. */
  #write<T extends Facts<Evidence>>(facts: T, message: string, offered?: Leaf): T & Head {
    const genesis = this.#genesis ?? this.#first()?.envelope ?? offered?.envelope ?? null;
    const opened = genesis && openEntry(genesis, ALREADY_VERIFIED);
    if (!opened?.ok || opened.opened.entry.kind !== 'grid.created') throw new Error('a ledger was caught that nothing is known of');
    return { format: EVIDENCE_FORMAT, origin: originOf(opened.opened.payloadDigest), key: opened.opened.entry.payload.ledger, genesis, message, ...facts };
  }

  #first(): Leaf | undefined {
    const [first] = this.#cache.leaves(0, Math.min(1, this.#cache.size()));
    return first && parseLeaf(first);
  }
}

function* concat(...parts: Iterable<Uint8Array>[]): Generator<Uint8Array> {
  for (const part of parts) yield* part;
}

/** Ends before the leaf with which they would be longer, in bytes. */
function* leavesWithin(leaves: Iterable<Uint8Array>, bytes: number): Generator<Uint8Array> {
  let left = bytes;
  for (const leaf of leaves) {
    left -= leaf.length;
    if (left < 0) return;
    yield leaf;
  }
}

type Head = Pick<Evidence, 'format' | 'origin' | 'key' | 'genesis' | 'message'>;
type Facts<E> = E extends Evidence ? Omit<E, keyof Head> : never;

function rootOf(root: Hash): { olderRoot: string } {
  return { olderRoot: encodeHashes([root])[0] ?? '' };
}
