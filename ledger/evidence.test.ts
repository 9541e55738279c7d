import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EntrySigner, type Envelope, sealEnvelope } from '../contract/envelope.ts';
import { verifySignature } from '../signer/verify.ts';
import { originOf, signCheckpoint } from './checkpoint.ts';
import { encodeHashes, type Evidence, EVIDENCE_FORMAT, verifyEvidence } from './evidence.ts';
import { newGrid, newSigner } from './grid.fixture.ts';
import { type Leaf, leafBytes } from './leaf.ts';
import { leafHash } from './merkle.ts';
import { MerkleTree } from './merkle-tree.ts';
import { MACHINE_VERSION } from './snapshot/statement.ts';

const grid = newGrid();
const origin = originOf(grid.grid);
const head = { format: EVIDENCE_FORMAT, origin, key: grid.signer.key, genesis: grid.genesis, message: '' } as const;
const options = { verify: verifySignature, grid: grid.grid };
const SIZE = 24;

/** A log of real entries; from `fork` on it is another one. */
function historyOf(fork = SIZE): { leaves: Leaf[]; tree: MerkleTree; note: (size: number) => string } {
  const leaves = common.slice(0, fork);
  while (leaves.length < SIZE) leaves.push({ seq: leaves.length, time: timeOf(leaves.length), envelope: grid.principal(`other ${leaves.length}`) });
  const tree = new MerkleTree();
  for (const leaf of leaves) tree.append(leafHash(leafBytes(leaf)));
  return { leaves, tree, note: (size) => signCheckpoint({ size, root: tree.root(size) }, origin, grid.signer) };
}

const timeOf = (seq: number): string => new Date(Date.parse('2026-11-20T10:00:00Z') + seq * 1000).toISOString();
const common: Leaf[] = [grid.genesis, ...Array.from({ length: SIZE - 1 }, (_, i) => grid.principal(`p${i}`))].map((envelope, seq) => ({ seq, time: timeOf(seq), envelope }));
const honest = historyOf();
const text = (hash: Uint8Array): string => encodeHashes([hash])[0] ?? '';

describe('evidence', () => {
  it('shows a fork at any size against any other, with what the one who was told both can compute', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: SIZE - 1 }), fc.integer({ min: 1, max: SIZE }), fc.integer({ min: 1, max: SIZE }), fc.boolean(), (fork, a, b, swapped) => {
      const [older, newer] = a <= b ? [a, b] : [b, a];
      const [first, second] = swapped ? [historyOf(fork), honest] : [honest, historyOf(fork)];
      const evidence: Evidence = { ...head, kind: 'fork', older: first.note(older), newer: second.note(newer), olderRoot: text(second.tree.root(older)), proof: encodeHashes(second.tree.consistencyProof(older, newer)) };
      expect(verifyEvidence(evidence, options)).toMatchObject(older > fork ? { ok: true, kind: 'fork' } : { ok: false, code: 'proves_nothing' });
    }), { seed: 7, numRuns: 40 });
  });

  it('against an honest ledger cannot be made of its own notes, whatever is put around them', () => {
    const hash = fc.oneof(fc.integer({ min: 1, max: SIZE }).map((size) => honest.tree.root(size)), fc.nat(SIZE - 1).map((seq) => honest.tree.leaf(seq)), fc.uint8Array({ minLength: 32, maxLength: 32 }));
    const size = fc.integer({ min: 1, max: SIZE });
    const proof = fc.oneof(
      fc.array(hash, { maxLength: 8 }),
      fc.tuple(size, size).map(([a, b]) => honest.tree.consistencyProof(Math.min(a, b), Math.max(a, b))),
      fc.tuple(size, size).map(([a, b]) => honest.tree.inclusionProof(Math.min(a, b) - 1, Math.max(a, b))),
    );
    fc.assert(fc.property(size, size, hash, proof, (older, newer, olderRoot, steps) => {
      const fork: Evidence = { ...head, kind: 'fork', older: honest.note(older), newer: honest.note(newer), olderRoot: text(olderRoot), proof: encodeHashes(steps) };
      expect(verifyEvidence(fork, options).ok).toBe(false);
    }), { seed: 8, numRuns: 600 });
    fc.assert(fc.property(size, fc.nat(SIZE - 1), fc.nat(SIZE - 1), proof, proof, fc.nat(SIZE), (at, index, other, steps, prefixProof, prefix) => {
      const entry: Evidence = { ...head, kind: 'entry_invalid', note: honest.note(at), index, leaf: honest.leaves[other]!, proof: encodeHashes(steps), prefix: honest.leaves.slice(0, prefix), prefixProof: encodeHashes(prefixProof) };
      expect(verifyEvidence(entry, options).ok).toBe(false);
    }), { seed: 9, numRuns: 200 });
  });

  it('of an entry needs the entries before it as they are under the same root', () => {
    const leaves = [...honest.leaves.slice(0, 5), { ...honest.leaves[5]!, envelope: honest.leaves[2]!.envelope }];
    const tree = new MerkleTree();
    for (const leaf of leaves) tree.append(leafHash(leafBytes(leaf)));
    const evidence: Evidence = { ...head, kind: 'entry_invalid', note: signCheckpoint({ size: 6, root: tree.root() }, origin, grid.signer), index: 5, leaf: leaves[5]!, proof: encodeHashes(tree.inclusionProof(5, 6)), prefix: leaves.slice(0, 5), prefixProof: encodeHashes(tree.consistencyProof(5, 6)), machine: MACHINE_VERSION };
    expect(verifyEvidence(evidence, options)).toMatchObject({ ok: true, testimony: false, machine: MACHINE_VERSION, proves: expect.stringContaining('the rules refuse there') as string });
    expect(verifyEvidence({ ...evidence, prefix: null }, options)).toMatchObject({ code: 'needs_log' });
    expect(verifyEvidence({ ...evidence, prefix: null }, { ...options, log: honest.leaves.map(leafBytes) })).toMatchObject({ ok: true });
    for (const prefix of [leaves.slice(0, 4), [...leaves.slice(0, 4), { ...leaves[4]!, envelope: grid.principal('another') }]]) expect(verifyEvidence({ ...evidence, prefix }, options).ok).toBe(false);
  });

  it('of what rules refuse is judged by those rules only; what signatures show, by whoever reads it', () => {
    const fileOf = (envelope: Envelope, machine?: number): Evidence => {
      const leaf: Leaf = { seq: 2, time: timeOf(2), envelope };
      const tree = new MerkleTree();
      for (const each of [...honest.leaves.slice(0, 2), leaf]) tree.append(leafHash(leafBytes(each)));
      return { ...head, kind: 'entry_invalid', note: signCheckpoint({ size: 3, root: tree.root() }, origin, grid.signer), index: 2, leaf, proof: encodeHashes(tree.inclusionProof(2, 3)), prefix: honest.leaves.slice(0, 2), prefixProof: encodeHashes(tree.consistencyProof(2, 3)), ...(machine === undefined ? {} : { machine }) };
    };
    const person = newSigner();
    // A kind that this version knows, in a form that it does not: its ledger may be newer.
    const newer = sealEnvelope('principal.created', { grid: grid.grid, kind: 'person', name: 'a', keys: [person.key], nonce: '0'.repeat(32), later: true }, person);
    for (const refused of [newer, honest.leaves[1]!.envelope]) {
      expect(verifyEvidence(fileOf(refused, MACHINE_VERSION), options)).toMatchObject({ ok: true, machine: MACHINE_VERSION });
      for (const machine of [MACHINE_VERSION + 1, undefined]) expect(verifyEvidence(fileOf(refused, machine), options)).toMatchObject({ ok: false, code: 'other_rules', message: expect.stringMatching(/judged by .*rules/) as string });
    }
    const forged = { ...newer, signatures: [{ keyid: newer.signatures[0].keyid, sig: honest.leaves[1]!.envelope.signatures[0].sig }] as Envelope['signatures'] };
    for (const machine of [MACHINE_VERSION + 1, undefined]) {
      const judged = verifyEvidence(fileOf(forged, machine), options);
      expect(judged).toMatchObject({ ok: true, proves: expect.stringContaining('not valid') as string });
      expect(judged).not.toHaveProperty('machine');
    }
  });

  it('that does not show whose key it is about proves nothing of a grid to who does not know the key', () => {
    const mine = newSigner();
    const forkBy = (signer: EntrySigner): Evidence => {
      const note = (byte: number): string => signCheckpoint({ size: 5, root: new Uint8Array(32).fill(byte) }, origin, signer);
      return { ...head, key: signer.key, genesis: null, kind: 'fork', older: note(1), newer: note(2), olderRoot: text(new Uint8Array(32).fill(2)), proof: [] };
    };
    for (const signer of [mine, grid.signer]) expect(verifyEvidence(forkBy(signer), options)).toMatchObject({ ok: false, code: 'key_unproven' });
    expect(verifyEvidence(forkBy(mine), { ...options, key: grid.signer.key })).toMatchObject({ ok: false, code: 'key_mismatch' });
    expect(verifyEvidence(forkBy(grid.signer), { ...options, key: grid.signer.key })).toMatchObject({ ok: true, keyOfGrid: false });
    expect(verifyEvidence(forkBy(mine), { verify: verifySignature })).toMatchObject({ ok: true, keyOfGrid: false, key: mine.key });
  });

  it('of withholding is two signed notes and somebody\'s word', () => {
    const evidence: Evidence = { ...head, kind: 'withholding', promised: honest.note(9), shown: honest.note(4), since: timeOf(0), until: timeOf(60), observations: 5 };
    expect(verifyEvidence(evidence, options)).toMatchObject({ ok: true, testimony: true });
    expect(verifyEvidence({ ...evidence, shown: null }, options)).toMatchObject({ ok: true, testimony: true });
    for (const spoiled of [{ promised: honest.note(4) }, { shown: 'none' }, { promised: signCheckpoint({ size: 9, root: honest.tree.root(9) }, origin, newSigner()) }]) expect(verifyEvidence({ ...evidence, ...spoiled }, options)).toMatchObject({ code: 'proves_nothing' });
  });

  it('is refused whole when anything in it has not its form', () => {
    const evidence: Evidence = { ...head, kind: 'fork', older: honest.note(1), newer: honest.note(2), olderRoot: text(honest.tree.root(1)), proof: [] };
    for (const spoiled of [null, 3, [], {}, { ...evidence, kind: 'other' }, { ...evidence, extra: 1 }, { ...evidence, proof: Array<string>(200).fill(evidence.olderRoot) }, { ...evidence, olderRoot: 'AAAA' }, { ...evidence, format: '2' }, { ...evidence, older: 'x'.repeat(10_000) }, { ...evidence, genesis: {} }]) {
      expect(verifyEvidence(spoiled, options)).toMatchObject({ ok: false, code: 'evidence_invalid' });
    }
    expect(verifyEvidence({ ...evidence, genesis: grid.principal('not first') }, options)).toMatchObject({ ok: false, code: 'evidence_invalid' });
  });
});
