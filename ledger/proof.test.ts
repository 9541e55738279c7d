import { base64 } from '@scure/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Envelope } from '../contract/envelope.ts';
import { verifySignature } from '../signer/verify.ts';
import { originOf, signCheckpoint } from './checkpoint.ts';
import { newGrid, newSigner } from './grid.fixture.ts';
import { type Leaf, leafBytes } from './leaf.ts';
import { MerkleTree } from './merkle-tree.ts';
import { leafHash } from './merkle.ts';
import { checkEntryProof, type EntryProof, PROOF_FORMAT } from './proof.ts';

const SEED = 20261120;
const grid = newGrid();
const envelopes: Envelope[] = [grid.genesis, ...Array.from({ length: 12 }, (_, i) => grid.principal(`p${i}`))];
const leaves: Leaf[] = envelopes.map((envelope, seq) => ({ seq, time: `2026-11-20T10:00:${String(seq).padStart(2, '0')}.000Z`, envelope }));
const tree = new MerkleTree();
for (const leaf of leaves) tree.append(leafHash(leafBytes(leaf)));

function proofOf(seq: number, size = leaves.length, signer = grid.signer): EntryProof {
  return {
    format: PROOF_FORMAT, entry: leaves[seq]!, path: tree.inclusionProof(seq, size).map((hash) => base64.encode(hash)),
    checkpoint: signCheckpoint({ size, root: tree.root(size) }, originOf(grid.grid), signer), genesis: grid.genesis,
  };
}

const check = (input: unknown, pin = grid.grid): ReturnType<typeof checkEntryProof> => checkEntryProof(input, { grid: pin, verify: verifySignature });

describe('checkEntryProof', () => {
  it(`accepts every entry in every log that has it (seed ${SEED})`, () => {
    fc.assert(fc.property(fc.nat(12), fc.nat(12), (a, b) => {
      const [seq, size] = [Math.min(a, b), Math.max(a, b) + 1];
      expect(check(JSON.parse(JSON.stringify(proofOf(seq, size))))).toMatchObject({ ok: true, seq, size, time: leaves[seq]!.time, entry: { kind: seq === 0 ? 'grid.created' : 'principal.created' }, key: envelopes[seq]!.signatures[0].keyid });
    }), { seed: SEED, numRuns: 60 });
  });

  it('names what is wrong', () => {
    const proof = proofOf(5);
    const other = newGrid();
    const badSignature = { ...envelopes[5]!, signatures: [{ ...envelopes[5]!.signatures[0], sig: envelopes[6]!.signatures[0].sig }] };
    const forged: Leaf = { ...leaves[5]!, envelope: badSignature as Envelope };
    const forgedTree = new MerkleTree();
    for (const leaf of leaves) forgedTree.append(leafHash(leafBytes(leaf.seq === 5 ? forged : leaf)));
    const cases: [string, unknown, string][] = [
      ['another time', { ...proof, entry: { ...proof.entry, time: '2026-11-20T10:00:06.000Z' } }, 'not_included'],
      ['another place', { ...proof, entry: { ...proof.entry, seq: 6 } }, 'not_included'],
      ['another entry', { ...proof, entry: leaves[6] }, 'not_included'],
      ['a shorter path', { ...proof, path: proof.path.slice(1) }, 'not_included'],
      ['a longer path', { ...proof, path: [...proof.path, proof.path[0]] }, 'not_included'],
      ['a note over another size', { ...proof, checkpoint: proofOf(5, 8).checkpoint }, 'not_included'],
      ['a note by another key', proofOf(5, 13, newSigner()), 'checkpoint_invalid'],
      ['no note', { ...proof, checkpoint: '' }, 'checkpoint_invalid'],
      ['another first entry', { ...proof, genesis: other.genesis }, 'grid_mismatch'],
      ['a first entry that is none', { ...proof, genesis: envelopes[3] }, 'proof_invalid'],
      ['another format', { ...proof, format: '3bot-ledger-proof/2' }, 'proof_invalid'],
      ['more than a proof', { ...proof, more: 1 }, 'proof_invalid'],
      ['nothing', null, 'proof_invalid'],
      ['an entry that nobody signed, in a log that the ledger signed', { ...proof, entry: forged, path: forgedTree.inclusionProof(5, 13).map((hash) => base64.encode(hash)), checkpoint: signCheckpoint({ size: 13, root: forgedTree.root() }, originOf(grid.grid), grid.signer) }, 'entry_invalid'],
    ];
    for (const [what, input, code] of cases) expect(check(input), what).toMatchObject({ ok: false, code, hint: expect.stringMatching(/\S/) as string });
    expect(check(proof, other.grid)).toMatchObject({ ok: false, code: 'grid_mismatch' });
  });
});
