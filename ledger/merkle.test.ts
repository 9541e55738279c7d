import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMPTY_ROOT, equalHash, Frontier, type Hash, leafHash, nodeHash, verifyConsistency, verifyInclusion } from './merkle.ts';
import { MerkleTree } from './merkle-tree.ts';

const leaves = (count: number): Hash[] => Array.from({ length: count }, (_, i) => leafHash(Uint8Array.of(i & 255, i >> 8)));

/** The definition of RFC 6962 section 2.1, word for word. */
function definition(hashes: readonly Hash[]): Hash {
  if (hashes.length === 0) return EMPTY_ROOT;
  if (hashes.length === 1) return hashes[0]!;
  let k = 1;
  while (k * 2 < hashes.length) k *= 2;
  return nodeHash(definition(hashes.slice(0, k)), definition(hashes.slice(k)));
}

function treeOf(hashes: readonly Hash[]): MerkleTree {
  const tree = new MerkleTree();
  for (const hash of hashes) tree.append(hash);
  return tree;
}

describe('Merkle tree', () => {
  it('has the root of the definition at every size, in both forms', () => {
    const all = leaves(130);
    const tree = treeOf(all);
    const frontier = new Frontier();
    for (let size = 0; size <= all.length; size++) {
      const expected = definition(all.slice(0, size));
      expect(equalHash(tree.root(size), expected)).toBe(true);
      expect(equalHash(frontier.root(), expected)).toBe(true);
      if (size < all.length) frontier.append(all[size]!);
    }
  });

  it('proves every leaf and every prefix, and nothing else', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), fc.nat(), fc.nat(), (count, a, b, c) => {
      const tree = treeOf(leaves(count));
      const size = 1 + (a % count);
      const index = b % size;
      const inclusion = { index, size, leaf: tree.leaf(index), root: tree.root(size), proof: tree.inclusionProof(index, size) };
      expect(verifyInclusion(inclusion)).toBe(true);
      expect(verifyInclusion({ ...inclusion, leaf: leafHash(Uint8Array.of(1, 2, 3)) })).toBe(false);
      expect(verifyInclusion({ ...inclusion, proof: [...inclusion.proof, EMPTY_ROOT] })).toBe(false);
      if (inclusion.proof.length > 0) {
        expect(verifyInclusion({ ...inclusion, proof: spoil(inclusion.proof, c) })).toBe(false);
        expect(verifyInclusion({ ...inclusion, proof: inclusion.proof.slice(1) })).toBe(false);
      }
      const from = 1 + (c % size);
      const consistency = { from, to: size, fromRoot: tree.root(from), toRoot: tree.root(size), proof: tree.consistencyProof(from, size) };
      expect(verifyConsistency(consistency)).toBe(true);
      expect(verifyConsistency({ ...consistency, fromRoot: EMPTY_ROOT })).toBe(false);
      expect(verifyConsistency({ ...consistency, toRoot: EMPTY_ROOT })).toBe(false);
      expect(verifyConsistency({ ...consistency, proof: [...consistency.proof, EMPTY_ROOT] })).toBe(false);
      if (consistency.proof.length > 0) expect(verifyConsistency({ ...consistency, proof: spoil(consistency.proof, b) })).toBe(false);
    }), { seed: 6962, numRuns: 150 });
  });

  it('refuses positions outside the tree', () => {
    const tree = treeOf(leaves(5));
    expect(() => tree.inclusionProof(5, 5)).toThrow(RangeError);
    expect(() => tree.inclusionProof(0, 6)).toThrow(RangeError);
    expect(() => tree.consistencyProof(0, 5)).toThrow(RangeError);
    expect(() => tree.root(1.5)).toThrow(RangeError);
  });
});

function spoil(proof: readonly Hash[], at: number): Hash[] {
  return proof.map((hash, i) => (i === at % proof.length ? hash.map((byte, j) => (j === at % 32 ? byte ^ 1 : byte)) : hash));
}
