import { Frontier, type Hash, leafHash } from './merkle.ts';
import { MerkleTree } from './merkle-tree.ts';

/** A frontier is kept for good every so many entries, which bounds what a root in the past costs. */
const STRIDE = 8192;
/** And these, of the last frames: acknowledgements are about the end of the log. */
const RECENT = 512;

/** Leaves of the own copy, canonical, in order. */
export type ReadLeaves = (from: number, to: number) => Iterable<Uint8Array>;

/** Roots and proofs over any prefix of a verified copy, without a tree in memory. */
export class Roots {
  readonly #read: ReadLeaves;
  readonly #base: Frontier;
  readonly #strides: Frontier[] = [];
  readonly #recent: Frontier[] = [];

  /** `base`: over the entries that come before the first one of the copy. */
  constructor(read: ReadLeaves, base: Frontier = new Frontier()) {
    this.#read = read;
    this.#base = base;
  }

  /** To be told of each frontier that was verified, in order. The frontier must not change afterwards. */
  passed(frontier: Frontier): void {
    if (frontier.size - (this.#strides.at(-1) ?? this.#base).size >= STRIDE) this.#strides.push(frontier);
    this.#recent.push(frontier);
    if (this.#recent.length > RECENT) this.#recent.shift();
  }

  /** To be told, after all of its own, what the roots of a later part of the same log were told. */
  goOnWith(later: Roots): void {
    for (const frontier of [...later.#strides, ...later.#recent].sort((a, b) => a.size - b.size)) this.passed(frontier);
  }

  /** Root over the first `size` entries of the log; below the base it is not known here. */
  at(size: number): Hash {
    const frontier = this.#before(size).clone();
    for (const leaf of this.#read(frontier.size, size)) frontier.append(leafHash(leaf));
    return frontier.root();
  }

  /** The whole tree over `size` entries and what comes after them: O(n), for a ledger that was caught. Only of a copy that begins at entry 0. */
  tree(size: number, more: readonly Uint8Array[] = []): MerkleTree {
    const tree = new MerkleTree();
    for (const leaf of this.#read(0, size)) tree.append(leafHash(leaf));
    for (const leaf of more) tree.append(leafHash(leaf));
    return tree;
  }

  #before(size: number): Frontier {
    const near = this.#recent.findLast((frontier) => frontier.size <= size) ?? this.#strides.findLast((frontier) => frontier.size <= size);
    return near ?? this.#base;
  }
}
