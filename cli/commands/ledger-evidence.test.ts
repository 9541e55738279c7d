import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { originOf, signCheckpoint } from '../../ledger/checkpoint.ts';
import { encodeHashes, type Evidence, EVIDENCE_FORMAT } from '../../ledger/evidence.ts';
import { openFollower } from '../../ledger/follower.ts';
import { newGrid } from '../../ledger/grid.fixture.ts';
import { type Leaf, leafBytes } from '../../ledger/leaf.ts';
import { leafHash } from '../../ledger/merkle.ts';
import { MerkleTree } from '../../ledger/merkle-tree.ts';
import { serveLedger } from '../../ledger/serve.ts';
import { MACHINE_VERSION } from '../../ledger/snapshot/statement.ts';
import { formatRequest } from '../../ledger/witness/request.ts';
import { ledgerEvidence } from './ledger-evidence.ts';
import { openWitness } from './ledger-witness.ts';

const dir = mkdtempSync(path.join(os.tmpdir(), '3bot-evidence-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const grid = newGrid();
const origin = originOf(grid.grid);
const treeOf = (...leaves: Uint8Array[]): MerkleTree => {
  const tree = new MerkleTree();
  for (const leaf of leaves) tree.append(leafHash(leaf));
  return tree;
};

function fileOf(evidence: unknown): string {
  const file = path.join(dir, `${Math.random().toString(36).slice(2)}.json`);
  writeFileSync(file, typeof evidence === 'string' ? evidence : JSON.stringify(evidence));
  return file;
}

/** The same size signed twice. */
function forkOf(signer = grid.signer): Evidence {
  const [one, two] = [treeOf(Buffer.from('a')), treeOf(Buffer.from('b'))];
  const note = (tree: MerkleTree): string => signCheckpoint({ size: 1, root: tree.root() }, origin, signer);
  return { format: EVIDENCE_FORMAT, origin, key: grid.signer.key, genesis: grid.genesis, message: 'two', kind: 'fork', older: note(one), newer: note(two), olderRoot: encodeHashes([two.root()])[0] ?? '', proof: [] };
}

describe('3bot ledger evidence', () => {
  it('says what is proven, against whom, and whether the key is the grid\'s', async () => {
    expect((await ledgerEvidence(fileOf(forkOf()), { grid: grid.grid })).text).toMatch(/^proven {2}did:key:\S+ signed two different logs of 1 entries\nlog {5}3bot\/[0-9a-f]{64}\nkey .*first entry names/);
    const unnamed = fileOf({ ...forkOf(), genesis: null });
    expect((await ledgerEvidence(unnamed, {})).text).toMatch(/does not show that it is the grid's/);
    expect((await ledgerEvidence(unnamed, { grid: grid.grid, key: grid.signer.key })).text).toMatch(/which is the one that you gave/);
    await expect(ledgerEvidence(unnamed, { grid: grid.grid })).rejects.toMatchObject({ code: 'key_unproven', hint: expect.stringContaining('--key') as string });
  });

  it.each([
    ['what is not there', 'evidence_missing', () => path.join(dir, 'absent'), {}],
    ['what is not JSON', 'evidence_invalid', () => fileOf('{'), {}],
    ['what is not evidence', 'evidence_invalid', () => fileOf({ ...forkOf(), more: 1 }), {}],
    ['another grid', 'grid_mismatch', () => fileOf(forkOf()), { grid: newGrid().grid }],
    ['another key than the one expected', 'key_mismatch', () => fileOf(forkOf()), { key: newGrid().signer.key }],
    ['what is no key', 'bad_request', () => fileOf(forkOf()), { key: 'x' }],
    ['another key than the grid names', 'grid_mismatch', () => fileOf({ ...forkOf(), key: newGrid().signer.key }), {}],
    ['notes that somebody else signed', 'proves_nothing', () => fileOf(forkOf(newGrid().signer)), {}],
    ['one note twice', 'proves_nothing', () => { const fork = forkOf(); return fileOf({ ...fork, newer: fork.kind === 'fork' ? fork.older : '' }); }, {}],
  ] as const)('refuses %s', async (_, code, file, flags) => {
    await expect(ledgerEvidence(file(), flags)).rejects.toMatchObject({ code });
  });

  it('takes the entries before from any copy of the log when the file does not hold them', async () => {
    const ledger = await serveLedger({ dir: path.join(dir, 'ledger'), signer: grid.signer, tickAfterMs: 1e9 });
    await ledger.log.submit([grid.genesis, grid.principal('a'), grid.principal('b')]);
    const copy = path.join(dir, 'copy');
    const follower = await openFollower({ url: ledger.url, dir: copy });
    const before = [...follower.entries(0, 3)];
    await follower.close();
    await ledger.close();
    // The ledger goes on with an entry that it has already: signed, and refused by the rules.
    const leaf: Leaf = { seq: 3, time: new Date(Date.now() + 1000).toISOString(), envelope: before[1]!.envelope };
    const tree = treeOf(...[...before, leaf].map(leafBytes));
    const evidence: Evidence = {
      format: EVIDENCE_FORMAT, origin, key: grid.signer.key, genesis: grid.genesis, message: 'twice', kind: 'entry_invalid',
      note: signCheckpoint({ size: 4, root: tree.root() }, origin, grid.signer), index: 3, leaf, proof: encodeHashes(tree.inclusionProof(3, 4)), prefix: null, prefixProof: encodeHashes(tree.consistencyProof(3, 4)), machine: MACHINE_VERSION,
    };
    const file = fileOf(evidence);
    await expect(ledgerEvidence(file, {})).rejects.toMatchObject({ code: 'needs_log' });
    await expect(ledgerEvidence(file, { log: dir })).rejects.toMatchObject({ code: 'log_missing' });
    for (const log of [copy, path.join(dir, 'ledger')]) expect((await ledgerEvidence(file, { log })).json).toMatchObject({ ok: true, kind: 'entry_invalid', testimony: false });
    // An entry that the rules accept there is no proof.
    const fine: Leaf = { ...leaf, envelope: grid.principal('c') };
    const other = treeOf(...[...before, fine].map(leafBytes));
    await expect(ledgerEvidence(fileOf({ ...evidence, leaf: fine, note: signCheckpoint({ size: 4, root: other.root() }, origin, grid.signer), proof: encodeHashes(other.inclusionProof(3, 4)), prefixProof: encodeHashes(other.consistencyProof(3, 4)) }), { log: copy })).rejects.toMatchObject({ code: 'proves_nothing' });
  });
});

describe('3bot ledger witness', () => {
  it('opens with a key of its own that stays, and leaves a proof that the other command accepts', async () => {
    const flags = { key: 'witness', name: 'w/1', origin, ledgerKey: grid.signer.key, dir: path.join(dir, 'witness'), port: 0 };
    const forks: string[] = [];
    const witness = await openWitness(flags, (file) => forks.push(file));
    await expect(openWitness(flags, () => undefined)).rejects.toThrow(/another process/);
    const fork = forkOf();
    if (fork.kind !== 'fork') throw new Error('no fork');
    const add = async (old: number, note: string): Promise<number> => (await fetch(`${witness.url}/add-checkpoint`, { method: 'POST', body: formatRequest({ old, proof: [], note }) })).status;
    expect([await add(0, fork.older), await add(1, fork.newer), await add(1, fork.older)]).toEqual([200, 409, 403]);
    expect((await ledgerEvidence(forks[0] ?? '', { grid: grid.grid, key: grid.signer.key })).text).toMatch(/^proven/);
    await witness.close();
    const again = await openWitness(flags, () => undefined);
    expect([again.key, again.verifierKey]).toEqual([witness.key, witness.verifierKey]);
    await again.close();
    await expect(openWitness({ ...flags, ledgerKey: 'did:key:x' }, () => undefined)).rejects.toMatchObject({ code: 'bad_request' });
    await expect(openWitness({ ...flags, name: 'a b' }, () => undefined)).rejects.toMatchObject({ code: 'bad_request' });
  });
});
