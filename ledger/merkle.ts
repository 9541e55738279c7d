import { sha256 } from '@noble/hashes/sha2.js';

/** Merkle tree hashing and proof verification of RFC 6962 section 2.1 (proof algorithms as worded in RFC 9162 section 2.1). */

/** A 32-byte SHA-256 value. */
export type Hash = Uint8Array;

export const HASH_BYTES = 32;
const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

/** Root of the tree without leaves: the hash of nothing. */
export const EMPTY_ROOT: Hash = sha256(new Uint8Array(0));

/** No proof in a tree of up to 2^53 leaves has more hashes; a longer one is hostile. */
export const MAX_PROOF = 106;

/** Hash of a leaf's bytes; the prefix keeps a leaf from passing as an inner node. */
export function leafHash(leaf: Uint8Array): Hash {
  const prefixed = new Uint8Array(leaf.length + 1);
  prefixed[0] = LEAF_PREFIX;
  prefixed.set(leaf, 1);
  return sha256(prefixed);
}

export function nodeHash(left: Hash, right: Hash): Hash {
  const prefixed = new Uint8Array(1 + left.length + right.length);
  prefixed[0] = NODE_PREFIX;
  prefixed.set(left, 1);
  prefixed.set(right, 1 + left.length);
  return sha256(prefixed);
}

export function equalHash(a: Hash, b: Hash): boolean {
  return a.length === HASH_BYTES && b.length === HASH_BYTES && a.every((byte, i) => byte === b[i]);
}

/** The roots of the perfect subtrees that a log consists of, left to right: all that is needed to append and to know the root. */
export class Frontier {
  #size = 0;
  #peaks: Hash[] = [];

  get size(): number {
    return this.#size;
  }

  /** Appends the hash of a leaf; O(log n), amortised O(1). */
  append(leaf: Hash): void {
    let hash = leaf;
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) hash = nodeHash(this.#peaks.pop()!, hash);
    this.#peaks.push(hash);
    this.#size += 1;
  }

  root(): Hash {
    const [last, ...others] = [...this.#peaks].reverse();
    return last === undefined ? EMPTY_ROOT : others.reduce((right, left) => nodeHash(left, right), last);
  }

  /** Hashes of the perfect subtrees, left to right: one for each bit of the size. */
  get peaks(): readonly Hash[] {
    return this.#peaks;
  }

  /** The frontier of a log of `size` leaves with these subtrees; undefined when their number does not fit the size. */
  static of(size: number, peaks: readonly Hash[]): Frontier | undefined {
    if (!isCount(size) || !areHashes(peaks, [])) return undefined;
    let bits = 0;
    for (let rest = size; rest > 0; rest = half(rest)) bits += rest % 2;
    if (bits !== peaks.length) return undefined;
    const frontier = new Frontier();
    frontier.#size = size;
    frontier.#peaks = [...peaks];
    return frontier;
  }

  clone(): Frontier {
    const copy = new Frontier();
    copy.#size = this.#size;
    copy.#peaks = [...this.#peaks];
    return copy;
  }
}

/** True when the proof shows that the leaf hash stands at `index` in the tree of `size` leaves with this root (RFC 9162 2.1.3.2). */
export function verifyInclusion(of: { index: number; size: number; leaf: Hash; root: Hash; proof: readonly Hash[] }): boolean {
  const { index, size, leaf, root, proof } = of;
  if (!isCount(index) || !isCount(size) || index >= size || !areHashes([leaf, root], proof)) return false;
  let node = index;
  let last = size - 1;
  let hash = leaf;
  for (const step of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(step, hash);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = half(last);
      }
    } else {
      hash = nodeHash(hash, step);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 && equalHash(hash, root);
}

/** True when the proof shows that the tree of `from` leaves is a prefix of the tree of `to` leaves (RFC 9162 2.1.4.2); nothing is proven from an empty tree. */
export function verifyConsistency(of: { from: number; to: number; fromRoot: Hash; toRoot: Hash; proof: readonly Hash[] }): boolean {
  const { from, to, fromRoot, toRoot, proof } = of;
  if (!isCount(from) || !isCount(to) || from === 0 || from > to || !areHashes([fromRoot, toRoot], proof)) return false;
  if (from === to) return proof.length === 0 && equalHash(fromRoot, toRoot);
  const roots = consistencyRoots({ from, to, proof, perfect: fromRoot });
  return roots !== undefined && equalHash(roots.older, fromRoot) && equalHash(roots.newer, toRoot);
}

/**
 * The two roots that a consistency proof is one of, whatever was expected; undefined when it has not the form of one.
 * The proof leaves out the older root when that tree is perfect (its size a power of two): hand it in as `perfect`.
 */
export function consistencyRoots(of: { from: number; to: number; proof: readonly Hash[]; perfect?: Hash }): { older: Hash; newer: Hash } | undefined {
  const { from, to, proof, perfect } = of;
  if (!isCount(from) || !isCount(to) || from === 0 || from >= to || !areHashes([], proof)) return undefined;
  if (isPowerOfTwo(from) && perfect === undefined) return undefined;
  const path = isPowerOfTwo(from) && perfect ? [perfect, ...proof] : proof;
  const [first, ...steps] = path;
  if (first === undefined || steps.length === 0) return undefined;
  let node = from - 1;
  let last = to - 1;
  while (node % 2 === 1) {
    node = half(node);
    last = half(last);
  }
  let older = first;
  let newer = first;
  for (const step of steps) {
    if (last === 0) return undefined;
    if (node % 2 === 1 || node === last) {
      older = nodeHash(step, older);
      newer = nodeHash(step, newer);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = half(last);
      }
    } else {
      newer = nodeHash(newer, step);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 ? { older, newer } : undefined;
}

function areHashes(known: readonly Hash[], proof: readonly Hash[]): boolean {
  return proof.length <= MAX_PROOF && [...known, ...proof].every((hash) => hash.length === HASH_BYTES);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Sizes go beyond 32 bits, so no bit operators. */
function half(value: number): number {
  return Math.floor(value / 2);
}

function isPowerOfTwo(value: number): boolean {
  let rest = value;
  while (rest > 1 && rest % 2 === 0) rest /= 2;
  return rest === 1;
}
