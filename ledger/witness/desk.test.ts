import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { verifySignature } from '../../signer/verify.ts';
import { originOf, parseNote, parseSignatureLine, signCheckpoint } from '../checkpoint.ts';
import { verifyEvidence } from '../evidence.ts';
import { newGrid, newSigner, removeTemporaryFolders, temporaryFolder, type TestGrid } from '../grid.fixture.ts';
import { leafHash } from '../merkle.ts';
import { MerkleTree } from '../merkle-tree.ts';
import { openCosignature } from './cosignature.ts';
import { WitnessDesk } from './desk.ts';
import { WitnessMemory } from './memory.ts';
import { formatRequest } from './request.ts';
import { startWitness, type WitnessServer } from './server.ts';

const closing: { close(): Promise<void> | void }[] = [];
afterEach(async () => { for (const each of closing.splice(0).reverse()) await each.close(); });
afterAll(removeTemporaryFolders);

interface Scene { readonly grid: TestGrid; readonly dir: string; readonly server: WitnessServer; readonly memory: WitnessMemory; readonly witness: { name: string; key: TestGrid['signer']['key'] }; readonly forks: string[] }

async function serve(grid = newGrid(), dir = temporaryFolder(), signer = newSigner()): Promise<Scene> {
  const memory = new WitnessMemory(dir);
  closing.push(memory);
  const forks: string[] = [];
  const desk = new WitnessDesk({ name: 'w/1', signer, logs: [{ origin: originOf(grid.grid), key: grid.signer.key }], memory, verify: verifySignature, onFork: (file) => forks.push(file) });
  const server = await startWitness(desk);
  closing.push(server);
  return { grid, dir, server, memory, witness: { name: 'w/1', key: signer.key }, forks };
}

/** A log that is `common` entries as all are, then as the label says. */
function treeOf(size: number, label = '', common = 0): MerkleTree {
  const tree = new MerkleTree();
  for (let i = 0; i < size; i++) tree.append(leafHash(Buffer.from(i < common ? `${i}` : `${i}${label}`)));
  return tree;
}

function noteOf(grid: TestGrid, tree: MerkleTree, size = tree.size, signer = grid.signer): string {
  return signCheckpoint({ size, root: tree.root(size) }, originOf(grid.grid), signer);
}

async function add({ server }: Scene, body: string): Promise<{ status: number; type: string | null; text: string }> {
  const response = await fetch(`${server.url}/add-checkpoint`, { method: 'POST', body });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

function extend(grid: TestGrid, tree: MerkleTree, old: number, size = tree.size): string {
  return formatRequest({ old, proof: old > 0 && old < size ? tree.consistencyProof(old, size) : [], note: noteOf(grid, tree, size) });
}

describe('a witness', () => {
  it('cosigns a log that grows, and says what it has seen to those who do not know', async () => {
    const scene = await serve();
    const { grid, witness } = scene;
    const tree = treeOf(20);
    for (const [old, size] of [[0, 3], [3, 3], [3, 8], [8, 20], [20, 20]] as const) {
      const { status, text } = await add(scene, extend(grid, tree, old, size));
      expect(status).toBe(200);
      const signature = parseSignatureLine(text.slice(0, -1));
      expect(openCosignature(parseNote(noteOf(grid, tree, size))!.text, signature!, { witness, verify: verifySignature })).toBeGreaterThan(1_700_000_000);
    }
    for (const [old, size] of [[0, 20], [3, 20], [8, 9], [0, 5]] as const) expect(await add(scene, extend(grid, tree, old, size))).toMatchObject({ status: 409, type: 'text/x.tlog.size', text: '20\n' });
    expect(scene.forks).toEqual([]);
  });

  it('answers as the protocol says to what it must not cosign', async () => {
    const scene = await serve();
    const { grid, server } = scene;
    const tree = treeOf(9);
    expect((await add(scene, extend(grid, tree, 0, 4))).status).toBe(200);
    const stranger = newGrid();
    const cases: [string, number][] = [
      ['', 400], ['old x\n\n', 400], [extend(grid, tree, 0, 4).replace('old 0', 'old 00'), 400], [`old 4\nnot base64\n\n${noteOf(grid, tree)}`, 400], [`old 4\n${'A'.repeat(43)}=\n`.repeat(70), 400],
      [extend(stranger, tree, 0), 404],
      [formatRequest({ old: 4, proof: tree.consistencyProof(4, 9), note: noteOf(grid, tree, 9, newSigner()) }), 403],
      [formatRequest({ old: 9, proof: [], note: noteOf(grid, tree, 4) }), 400],
      [formatRequest({ old: 4, proof: [], note: noteOf(grid, tree) }), 422],
      [formatRequest({ old: 4, proof: tree.consistencyProof(3, 9), note: noteOf(grid, tree) }), 422],
      [`${extend(grid, tree, 4)}${'x'.repeat(30_000)}`, 413],
    ];
    for (const [body, status] of cases) expect((await add(scene, body)).status, body.slice(0, 60)).toBe(status);
    expect((await fetch(`${server.url}/`)).status).toBe(404);
    expect((await fetch(`${server.url}/add-checkpoint`)).status).toBe(405);
    // A request with a proof that leads nowhere shows no fork: anybody can make one.
    expect(scene.forks).toEqual([]);
    expect((await add(scene, extend(grid, tree, 4))).status).toBe(200);
  });

  it.each([
    ['at the same size', 6, 6, 409],
    ['at a greater size', 6, 9, 422],
  ] as const)('keeps the proof of a fork %s, and cosigns nothing of that log any more', async (_, size, forked, status) => {
    const scene = await serve();
    const { grid, dir } = scene;
    expect((await add(scene, extend(grid, treeOf(size, 'a', 3), 0))).status).toBe(200);
    expect((await add(scene, extend(grid, treeOf(forked, 'b', 3), size))).status).toBe(status);
    expect(scene.forks).toHaveLength(1);
    const evidence: unknown = JSON.parse(readFileSync(scene.forks[0]!, 'utf8'));
    expect(verifyEvidence(evidence, { verify: verifySignature, grid: grid.grid, key: grid.signer.key })).toMatchObject({ ok: true, kind: 'fork', testimony: false, keyOfGrid: false });
    expect((await add(scene, extend(grid, treeOf(12, 'a', 3), size))).status).toBe(403);
    await scene.server.close();
    scene.memory.close();
    const again = await serve(grid, dir);
    expect((await add(again, extend(grid, treeOf(12, 'a', 3), size))).status).toBe(403);
  });

  it('remembers over restarts, one process a folder, and refuses to start with a damaged memory', async () => {
    const scene = await serve();
    const { grid, dir } = scene;
    const tree = treeOf(9);
    expect((await add(scene, extend(grid, tree, 0, 5))).status).toBe(200);
    expect(() => new WitnessMemory(dir)).toThrow(/another process/);
    await scene.server.close();
    scene.memory.close();
    const again = await serve(grid, dir);
    expect(await add(again, extend(grid, tree, 0, 9))).toMatchObject({ status: 409, text: '5\n' });
    expect((await add(again, extend(grid, tree, 5, 9))).status).toBe(200);
    await again.server.close();
    again.memory.close();
    const file = readdirSync(dir).find((name) => name.startsWith('seen-'))!;
    for (const damaged of ['', '{}', readFileSync(path.join(dir, file), 'utf8').slice(0, -9)]) {
      writeFileSync(path.join(dir, file), damaged);
      await expect(serve(grid, dir)).rejects.toThrow(/damaged/);
      await closing.pop()?.close();
    }
  });

  it('cosigns no note that it could not read again, nor keep as evidence: extension lines, or too long', async () => {
    const scene = await serve();
    const { grid, dir } = scene;
    const [tree, origin] = [treeOf(4), originOf(grid.grid)];
    const [line] = noteOf(grid, tree).split('\n').slice(-2);
    const padded = (lines: number, width: number): string => {
      const text = `${origin}\n4\n${Buffer.from(tree.root()).toString('base64')}\n${`${'x'.repeat(width)}\n`.repeat(lines)}`;
      const signature = Buffer.concat([parseSignatureLine(line!)!.keyId, grid.signer.sign(Buffer.from(text))]);
      return `${text}\n\u2014 ${origin} ${signature.toString('base64')}\n`;
    };
    // As it is made here, it is what the ledger itself signs.
    expect(padded(0, 0)).toBe(noteOf(grid, tree));
    for (const [lines, width] of [[8, 128], [1, 1]] as const) expect((await add(scene, formatRequest({ old: 0, proof: [], note: padded(lines, width) }))).status).toBe(403);
    expect(() => scene.memory.remember(origin, padded(8, 128))).toThrow(RangeError);
    await scene.server.close();
    scene.memory.close();
    const again = await serve(grid, dir);
    expect((await add(again, extend(grid, tree, 0))).status).toBe(200);
  });

  it('is silent only for the log whose memory is damaged', () => {
    const [harmed, sound, dir] = [newGrid(), newGrid(), temporaryFolder()];
    const open = (memory: WitnessMemory, damaged: string[]) => new WitnessDesk({ name: 'w/1', signer: newSigner(), memory, verify: verifySignature, logs: [harmed, sound].map(({ grid, signer }) => ({ origin: originOf(grid), key: signer.key })), onDamaged: (origin) => damaged.push(origin) });
    const tree = treeOf(5);
    const first = new WitnessMemory(dir);
    const desk = open(first, []);
    for (const grid of [harmed, sound]) expect(desk.addCheckpoint(extend(grid, tree, 0, 3)).status).toBe(200);
    // The one whose origin it says, and one that is not signed by the log.
    for (const [i, damage] of [() => '{', (text: string) => text.replace(/[A-Za-z0-9+/]{8}==?\\n/, (part) => part.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')))].entries()) {
      const file = readdirSync(dir).map((name) => path.join(dir, name)).find((name) => name.includes('seen-') && readFileSync(name, 'utf8').includes(originOf(harmed.grid)))!;
      const kept = readFileSync(file, 'utf8');
      expect(damage(kept)).not.toBe(kept);
      writeFileSync(file, damage(kept));
      const damaged: string[] = [];
      const again = open(first, damaged);
      writeFileSync(file, kept);
      expect(damaged).toEqual([originOf(harmed.grid)]);
      expect(again.addCheckpoint(extend(harmed, tree, 3)).status).toBe(403);
      expect(again.addCheckpoint(extend(sound, tree, 3 + i, 4 + i)).status).toBe(200);
    }
    first.close();
  });

  it('never cosigns two logs of which one does not begin with the other, whatever it is asked in whatever order', async () => {
    const grid = newGrid();
    const trees = [treeOf(12), treeOf(12, 'b', 5), treeOf(12, 'c', 8)];
    const step = fc.record({ tree: fc.nat(2), old: fc.nat(12), size: fc.integer({ min: 1, max: 12 }) });
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const memory = new WitnessMemory(temporaryFolder());
      const desk = new WitnessDesk({ name: 'w/1', signer: newSigner(), logs: [{ origin: originOf(grid.grid), key: grid.signer.key }], memory, verify: verifySignature });
      const cosigned: { tree: number; size: number }[] = [];
      for (const { tree, old, size } of steps) {
        const proof = old > 0 && old < size ? trees[tree]!.consistencyProof(old, size) : [];
        if (desk.addCheckpoint(formatRequest({ old, proof, note: noteOf(grid, trees[tree]!, size) })).status === 200) cosigned.push({ tree, size });
      }
      memory.close();
      for (const [i, a] of cosigned.entries()) {
        for (const b of cosigned.slice(i)) {
          expect(b.size).toBeGreaterThanOrEqual(a.size);
          expect(Buffer.from(trees[b.tree]!.root(a.size)).equals(Buffer.from(trees[a.tree]!.root(a.size)))).toBe(true);
        }
      }
    }), { seed: 5, numRuns: 60 });
  });
});
