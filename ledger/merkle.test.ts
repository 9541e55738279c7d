import { existsSync, readFileSync } from 'node:fs';
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

const vectorsFile = new URL('../../shared/vectors/rfc6962-merkle.json', import.meta.url);
const haveVectors = existsSync(vectorsFile);

describe.skipIf(!haveVectors)(`transparency-dev/merkle vectors${haveVectors ? '' : ' (for want of ../shared/vectors beside the checkout)'}`, () => {
  interface Common { proof: string[] | null; wantErr: boolean }
  type Inclusion = Common & { leafIdx: number; treeSize: number; root: string; leafHash: string };
  type Consistency = Common & { size1: number; size2: number; root1: string; root2: string };
  const vectors = haveVectors ? JSON.parse(readFileSync(vectorsFile, 'utf8')) as { inclusion: Record<string, Inclusion>; consistency: Record<string, Consistency> } : { inclusion: {}, consistency: {} };
  const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));

  it('judges every inclusion proof alike', () => {
    const cases = Object.entries(vectors.inclusion);
    expect(cases.length).toBeGreaterThan(50);
    for (const [name, v] of cases) {
      const verdict = verifyInclusion({ index: v.leafIdx, size: v.treeSize, leaf: bytes(v.leafHash), root: bytes(v.root), proof: (v.proof ?? []).map(bytes) });
      expect(verdict, name).toBe(!v.wantErr);
    }
  });

  it('judges every consistency proof alike', () => {
    const cases = Object.entries(vectors.consistency);
    expect(cases.length).toBeGreaterThan(50);
    for (const [name, v] of cases) {
      const verdict = verifyConsistency({ from: v.size1, to: v.size2, fromRoot: bytes(v.root1), toRoot: bytes(v.root2), proof: (v.proof ?? []).map(bytes) });
      // One vector calls two texts of 12 bytes roots; here a root is 32 bytes.
      const areRoots = [v.root1, v.root2].every((root) => bytes(root).length === 32);
      expect(verdict, name).toBe(!v.wantErr && areRoots);
    }
  });
});
