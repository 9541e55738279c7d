import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openEnvelope } from '../contract/envelope.ts';
import { DidKey } from '../contract/principal.ts';
import { countSets, Hex, readVectors, Verdict } from '../contract/vectors/vectors.fixture.ts';
import { verifySignature } from '../signer/verify.ts';
import { openCheckpoint } from './checkpoint.ts';
import { Frontier, leafHash, verifyConsistency, verifyInclusion } from './merkle.ts';
import { MerkleTree } from './merkle-tree.ts';
import { NATIVE } from './native.ts';

const name = z.string();
const proof = z.array(Hex);
// As text: a hash may be a Uint8Array or a Buffer.
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('merkle.json', () => {
  const cases = readVectors('merkle.json', z.union([
    z.strictObject({ name, of: z.literal('root'), leaves: z.array(Hex), root: Hex, expect: z.literal('accept') }),
    z.strictObject({ name, of: z.literal('root'), counted: z.number(), root: Hex, expect: z.literal('accept') }),
    z.strictObject({ name, of: z.literal('inclusion'), index: z.number(), size: z.number(), leafHash: Hex, root: Hex, proof, expect: Verdict }),
    z.strictObject({ name, of: z.literal('consistency'), from: z.number(), to: z.number(), fromRoot: Hex, toRoot: Hex, proof, expect: Verdict }),
  ]));

  it('has the sets that it names, and cases to accept as well as to refuse', () => {
    expect(countSets(cases)).toMatchObject({ 'certificate-transparency': 9, 'transparency-dev': 196 });
    expect(countSets(cases)['3bot']).toBeGreaterThanOrEqual(180);
    for (const of of ['inclusion', 'consistency']) {
      for (const verdict of ['accept', 'refuse']) expect(cases.filter((c) => c.of === of && c.expect === verdict).length, `${of} ${verdict}`).toBeGreaterThan(30);
    }
  });

  it.each(cases)('$name', (c) => {
    if (c.of === 'root') {
      const leaves = 'leaves' in c ? c.leaves : Array.from({ length: c.counted }, (_, i) => Uint8Array.of(i >>> 24, i >>> 16, i >>> 8, i));
      const [tree, frontier] = [new MerkleTree(), new Frontier()];
      for (const hash of leaves.map(leafHash)) {
        tree.append(hash);
        frontier.append(hash);
      }
      expect(hexOf(tree.root())).toBe(hexOf(c.root));
      expect(hexOf(frontier.root())).toBe(hexOf(c.root));
    } else if (c.of === 'inclusion') {
      expect(verifyInclusion({ ...c, leaf: c.leafHash })).toBe(c.expect === 'accept');
    } else {
      expect(verifyConsistency(c)).toBe(c.expect === 'accept');
    }
  });

  it('has the very proofs that the tree makes', () => {
    const tree = new MerkleTree();
    for (let i = 0; i < 1000; i++) tree.append(leafHash(Uint8Array.of(i >>> 24, i >>> 16, i >>> 8, i)));
    let made = 0;
    for (const c of cases) {
      if (!c.name.startsWith('3bot/counted')) continue;
      if (c.of === 'inclusion') expect(tree.inclusionProof(c.index, c.size).map(hexOf), c.name).toEqual(c.proof.map(hexOf));
      else if (c.of === 'consistency') expect(tree.consistencyProof(c.from, c.to).map(hexOf), c.name).toEqual(c.proof.map(hexOf));
      made += 1;
    }
    expect(made).toBeGreaterThan(35);
  });
});

describe('checkpoints.json', () => {
  const named = { name, note: z.string(), origin: z.string(), key: DidKey };
  const cases = readVectors('checkpoints.json', z.discriminatedUnion('expect', [
    z.strictObject({ ...named, expect: z.literal('accept'), size: z.number(), root: Hex }),
    z.strictObject({ ...named, expect: z.literal('refuse') }),
  ]));

  it('has cases to accept as well as to refuse', () => {
    expect(cases.filter((c) => c.expect === 'accept')).toHaveLength(6);
    expect(cases.length).toBeGreaterThan(40);
  });

  it.each(cases)('$name', (c) => {
    const opened = openCheckpoint(c.note, { origin: c.origin, key: c.key, verify: verifySignature });
    if (c.expect === 'accept') expect(opened).toEqual({ ok: true, checkpoint: { size: c.size, root: c.root } });
    else expect(opened).toMatchObject({ ok: false, code: 'checkpoint_invalid' });
  });
});

describe('envelopes.json, with the ledger’s own codec', () => {
  const cases = readVectors('envelopes.json', z.looseObject({ name, envelope: z.unknown(), expect: z.enum(['accept', 'envelope_invalid', 'signature_invalid']) }));

  it.each(cases)('$name', ({ envelope, expect: verdict }) => {
    const opened = openEnvelope(envelope, verifySignature, NATIVE);
    expect(opened.ok ? 'accept' : opened.code).toBe(verdict);
    if (opened.ok) expect(opened).toEqual(openEnvelope(envelope, verifySignature));
  });
});
