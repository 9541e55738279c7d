import { describe, expect, it } from 'vitest';
import { Frontier, leafHash } from './merkle.ts';
import { MerkleTree } from './merkle-tree.ts';
import { Roots } from './roots.ts';

describe('roots of the past', () => {
  it('are those of the whole tree, near the end and far from it, and cost a bounded number of leaves', () => {
    const leaves = Array.from({ length: 20_000 }, (_, i) => Buffer.from(`leaf ${i}`));
    const hashes = leaves.map(leafHash);
    let read = 0;
    const roots = new Roots(function* (from, to) {
      read = Math.max(read, to - from);
      yield* leaves.slice(from, to);
    });
    const frontier = new Frontier();
    const tree = new MerkleTree();
    for (const hash of hashes) {
      frontier.append(hash);
      tree.append(hash);
      // Frames of some length each; the last are short, as on a live feed.
      if (frontier.size % 250 === 0 || frontier.size > 19_000) roots.passed(frontier.clone());
    }
    for (const size of [1, 2, 249, 250, 8191, 8192, 8193, 8250, 12_345, 16_384, 16_600, 19_000, 19_999, 20_000]) {
      expect(Buffer.from(roots.at(size)).equals(Buffer.from(tree.root(size))), String(size)).toBe(true);
    }
    expect(read).toBeLessThan(8192 + 250);
    read = 0;
    roots.at(19_990);
    expect(read).toBeLessThan(250);
  });
});
