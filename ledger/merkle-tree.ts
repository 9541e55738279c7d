import { EMPTY_ROOT, type Hash, HASH_BYTES } from './merkle.ts';
import { nativeNodeHash as nodeHash } from './native.ts';

/** Every hash of every perfect subtree, packed by level (64 bytes a leaf), so that any root and any proof costs O(log^2 n). */
export class MerkleTree {
  #levels: HashColumn[] = [];

  get size(): number {
    return this.#levels[0]?.length ?? 0;
  }

  append(leaf: Hash): void {
    let hash = leaf;
    for (let level = 0; ; level++) {
      const column = (this.#levels[level] ??= new HashColumn());
      column.push(hash);
      if (column.length % 2 === 1) return;
      hash = nodeHash(column.at(column.length - 2), column.at(column.length - 1));
    }
  }

  leaf(index: number): Hash {
    return this.#range(index, index + 1);
  }

  /** Root of the first `size` leaves. @throws RangeError beyond the tree. */
  root(size: number = this.size): Hash {
    this.#assertSize(size);
    return size === 0 ? EMPTY_ROOT : this.#range(0, size);
  }

  /** Audit path of the leaf at `index` in the tree of `size` leaves (RFC 6962 2.1.1). @throws RangeError beyond the tree. */
  inclusionProof(index: number, size: number): Hash[] {
    this.#assertSize(size);
    if (!Number.isSafeInteger(index) || index < 0 || index >= size) throw new RangeError(`leaf ${index} is not in a tree of ${size}`);
    const proof: Hash[] = [];
    let from = 0;
    let to = size;
    while (to - from > 1) {
      const middle = from + split(to - from);
      if (index < middle) {
        proof.push(this.#range(middle, to));
        to = middle;
      } else {
        proof.push(this.#range(from, middle));
        from = middle;
      }
    }
    return proof.reverse();
  }

  /** Proof that the tree of `from` leaves is a prefix of the tree of `to` (RFC 6962 2.1.2). @throws RangeError unless 0 < from <= to <= size. */
  consistencyProof(from: number, to: number): Hash[] {
    this.#assertSize(to);
    if (!Number.isSafeInteger(from) || from < 1 || from > to) throw new RangeError(`no consistency proof from ${from} to ${to}`);
    const proof: Hash[] = [];
    let start = 0;
    let end = to;
    while (from !== end) {
      const middle = start + split(end - start);
      if (from <= middle) {
        proof.push(this.#range(middle, end));
        end = middle;
      } else {
        proof.push(this.#range(start, middle));
        start = middle;
      }
    }
    // The older root itself is left out: whoever checks the proof holds it.
    if (start !== 0) proof.push(this.#range(start, end));
    return proof.reverse();
  }

  #range(from: number, to: number): Hash {
    const count = to - from;
    const level = Math.log2(count);
    if (Number.isInteger(level) && from % count === 0) return this.#levels[level]!.at(from / count);
    const middle = from + split(count);
    return nodeHash(this.#range(from, middle), this.#range(middle, to));
  }

  #assertSize(size: number): void {
    if (!Number.isSafeInteger(size) || size < 0 || size > this.size) throw new RangeError(`size ${size} is beyond the tree of ${this.size}`);
  }
}

/** Largest power of two below `count` (> 1). */
function split(count: number): number {
  return 2 ** Math.ceil(Math.log2(count) - 1);
}

class HashColumn {
  #bytes = new Uint8Array(16 * HASH_BYTES);
  length = 0;

  push(hash: Hash): void {
    const offset = this.length * HASH_BYTES;
    if (offset === this.#bytes.length) {
      const grown = new Uint8Array(this.#bytes.length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(hash, offset);
    this.length += 1;
  }

  at(index: number): Hash {
    if (index < 0 || index >= this.length) throw new RangeError(`no hash ${index} among ${this.length}`);
    return this.#bytes.slice(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  }
}
