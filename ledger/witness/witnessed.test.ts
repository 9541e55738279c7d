import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { EntrySigner } from '../../contract/envelope.ts';
import { verifySignature } from '../../signer/verify.ts';
import { openCosigned, originOf } from '../checkpoint.ts';
import { verifyEvidence } from '../evidence.ts';
import { type Follower, type FollowerOptions, openFollower } from '../follower.ts';
import { newGrid, newSigner, removeTemporaryFolders, temporaryFolder, type TestGrid } from '../grid.fixture.ts';
import { LyingLog } from '../liar.fixture.ts';
import { Frame } from '../protocol.ts';
import { type ServedLedger, serveLedger } from '../serve.ts';
import { startServer } from '../server.ts';
import { openBlobs } from '../blobs.ts';
import { cosign, cosignersOf, type Witness, witnessId } from './cosignature.ts';
import { CosignedNotes } from './cosigned-notes.ts';
import { WitnessDesk } from './desk.ts';
import { WitnessMemory } from './memory.ts';
import { startWitness } from './server.ts';
import { type WitnessAddress, WitnessSubmitter } from './submitter.ts';

const closing: { close(): Promise<void> | void }[] = [];
afterEach(async () => { for (const each of closing.splice(0).reverse()) await each.close(); });
afterAll(removeTemporaryFolders);

interface RunningWitness { readonly address: WitnessAddress; readonly dir: string; readonly signer: EntrySigner; readonly forks: string[]; stop(): Promise<void> }

async function witnessOf(grid: TestGrid, name: string, { dir = temporaryFolder(), signer = newSigner(), port = 0, now = Date.now }: { dir?: string; signer?: EntrySigner; port?: number; now?: () => number } = {}): Promise<RunningWitness> {
  const memory = new WitnessMemory(dir);
  const forks: string[] = [];
  const desk = new WitnessDesk({ name, signer, logs: [{ origin: originOf(grid.grid), key: grid.signer.key }], memory, verify: verifySignature, now, onFork: (file) => forks.push(file) });
  const server = await startWitness(desk, { port });
  const stop = async (): Promise<void> => {
    await server.close();
    memory.close();
  };
  closing.push({ close: stop });
  return { address: { url: server.url, name, key: signer.key }, dir, signer, forks, stop };
}

async function serve(grid: TestGrid, witnesses: readonly WitnessAddress[], dir = temporaryFolder()): Promise<ServedLedger> {
  const ledger = await serveLedger({ dir, signer: grid.signer, tickAfterMs: 1e9, witnesses });
  closing.push(ledger);
  return ledger;
}

async function follow(options: FollowerOptions): Promise<Follower> {
  const follower = await openFollower({ catchUpMs: 400, ...options });
  closing.push(follower);
  return follower;
}

async function until(test: () => boolean): Promise<void> {
  for (let n = 0; n < 800 && !test(); n++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(test()).toBe(true);
}

const names = (all: readonly { readonly address: Witness }[]) => all.map(({ address: { name, key } }) => ({ name, key }));

/** Has a note of the whole log cosigned at that time, and keeps it without asking whether the time is true. */
function keepCosigned(notes: CosignedNotes, log: LyingLog, { signer, address: { name } }: { signer: EntrySigner; address: { name: string } }, seconds: number, size = log.size()): void {
  const plain = log.checkpoint(size)!;
  notes.add({ size, plain }, { name, key: signer.key }, cosign(plain.slice(0, plain.indexOf('\n\n') + 1), { name, signer, seconds }));
}

describe('a ledger with witnesses', () => {
  it('has every log cosigned by all of them, serves the notes, and has them again after a restart', async () => {
    const grid = newGrid();
    const dir = temporaryFolder();
    const witnesses = [await witnessOf(grid, 'w/1'), await witnessOf(grid, 'w/2'), await witnessOf(grid, 'w/3')];
    const ledger = await serve(grid, witnesses.map(({ address }) => address), dir);
    expect((await fetch(`${ledger.url}/v1/checkpoint/cosigned`)).status).toBe(404);
    await ledger.log.submit([grid.genesis, grid.principal('a')]);
    await until(() => ledger.witnesses().every(({ size }) => size === 2));
    await ledger.log.submit([grid.principal('b')]);
    await until(() => ledger.witnesses().every(({ size }) => size === 3));
    const note = await (await fetch(`${ledger.url}/v1/checkpoint/cosigned?cosigned=3`)).text();
    const opened = openCosigned(note, { origin: originOf(grid.grid), key: grid.signer.key, verify: verifySignature });
    expect(opened).toMatchObject({ ok: true, checkpoint: { size: 3, root: new Uint8Array(ledger.log.root(3)) } });
    if (opened.ok) expect(cosignersOf(opened.parsed, { witnesses: names(witnesses), verify: verifySignature, latest: Date.now() / 1000 }).size).toBe(3);
    for (const query of ['cosigned=4', `cosigned=1&by=${'0'.repeat(8)}`]) expect((await fetch(`${ledger.url}/v1/checkpoint/cosigned?${query}`)).status).toBe(404);
    for (const query of ['cosigned=0', 'cosigned=17', 'cosigned=x', 'by=00000000', 'cosigned=1&by=xyz']) expect((await fetch(`${ledger.url}/v1/checkpoint/cosigned?${query}`)).status).toBe(400);
    await ledger.close();
    for (const witness of witnesses) await witness.stop();
    // The witnesses are away; what they cosigned is in the file. The restart adds an entry of its own (a tick).
    const again = await serve(grid, witnesses.map(({ address }) => address), dir);
    expect(await (await fetch(`${again.url}/v1/checkpoint/cosigned?cosigned=3`)).text()).toBe(note);
    await until(() => again.witnesses().every(({ trouble }) => trouble !== undefined));
    expect(await again.log.submit([grid.principal('c')])).toMatchObject([{ ok: true }]);
  });

  it('does not wait for witnesses: entries are accepted while one hangs, and the others go on', async () => {
    const grid = newGrid();
    const sleeper = await startServerThatHangs();
    const awake = await witnessOf(grid, 'w/1');
    const ledger = await serve(grid, [{ url: sleeper, name: 'w/sleeper', key: newSigner().key }, awake.address]);
    await ledger.log.submit([grid.genesis]);
    await until(() => ledger.witnesses()[1]?.size === 1);
    for (let n = 0; n < 3; n++) await ledger.log.submit([grid.principal(`p${n}`)]);
    await until(() => ledger.witnesses()[1]?.size === 4);
    expect(ledger.witnesses()[0]).toMatchObject({ size: 0 });
  });

  it('keeps no cosignature of a time that clients would not count: one such witness takes nothing from the others', async () => {
    const grid = newGrid();
    let aheadMs = 0;
    const honest = [await witnessOf(grid, 'w/1'), await witnessOf(grid, 'w/2')];
    const liar = await witnessOf(grid, 'w/liar', { now: () => Date.now() + aheadMs });
    const all = [liar, ...honest];
    const ledger = await serve(grid, all.map(({ address }) => address));
    await ledger.log.submit([grid.genesis]);
    await until(() => ledger.witnesses().every(({ size }) => size === 1));
    const follower = await follow({ url: ledger.url, witnesses: { keys: names(all), k: 2 }, catchUpMs: 5000 });
    for (const [name, ms, told] of [['early', 3_600_000, 'ahead of'], ['late', -3_600_000, 'behind']] as const) {
      aheadMs = ms;
      await ledger.log.submit([grid.principal(name)]);
      const size = ledger.log.size();
      await until(() => follower.size() === size && ledger.witnesses()[0]?.trouble?.includes(told) === true);
      // Not even together with an honest one is it worth anything.
      await until(() => ledger.witnesses().slice(1).every((one) => one.size === size));
      const by = [liar, ...honest].map(({ address }) => witnessId(address)).join(',');
      const best = await fetch(`${ledger.url}/v1/checkpoint/cosigned?cosigned=3&by=${by}`);
      expect(best.status === 404 || !(await best.text()).includes(`\n${size}\n`)).toBe(true);
    }
    aheadMs = 0;
    await ledger.log.submit([grid.principal('true again')]);
    await until(() => ledger.witnesses()[0]?.size === 4 && ledger.witnesses()[0]?.trouble === undefined);
  });

  it('keeps a note that a slow witness is still asked about, however many newer ones came', async () => {
    const grid = newGrid();
    const log = new LyingLog(grid);
    const notes = new CosignedNotes();
    const [quick, slow] = [{ signer: newSigner(), address: { name: 'w/quick' } }, { signer: newSigner(), address: { name: 'w/slow' } }];
    log.say(...Array.from({ length: 60 }, (_, i) => grid.principal(`p${i}`)));
    const release = notes.hold(1);
    for (let size = 1; size <= 40; size++) keepCosigned(notes, log, quick, 1_700_000_000, size);
    keepCosigned(notes, log, slow, 1_700_000_000, 1);
    expect([notes.best({ k: 2 })?.size, notes.best({ k: 1 })?.size]).toEqual([1, 40]);
    // Then it goes as any other.
    release();
    release();
    expect(notes.best({ k: 2 })).toBeUndefined();
    for (let size = 41; size <= 60; size++) keepCosigned(notes, log, quick, 1_700_000_000, size);
    keepCosigned(notes, log, slow, 1_700_000_000, 30);
    expect(notes.best({ k: 2 })).toBeUndefined();
  });

  it('believes no witness: an answer without a signature by its key counts for nothing', async () => {
    const grid = newGrid();
    const impostor = await witnessOf(grid, 'w/1');
    const ledger = await serve(grid, [{ ...impostor.address, key: newSigner().key }]);
    await ledger.log.submit([grid.genesis]);
    await until(() => ledger.witnesses()[0]?.trouble !== undefined);
    expect(ledger.witnesses()[0]?.trouble).toMatch(/without a cosignature by its key/);
    expect((await fetch(`${ledger.url}/v1/checkpoint/cosigned`)).status).toBe(404);
  });
});

describe('a follower that asks for witnesses', () => {
  it('applies what enough of them have seen, and nothing else, also from the beginning', async () => {
    const grid = newGrid();
    const witnesses = [await witnessOf(grid, 'w/1'), await witnessOf(grid, 'w/2')];
    const ledger = await serve(grid, witnesses.map(({ address }) => address));
    await ledger.log.submit([grid.genesis, ...Array.from({ length: 255 }, (_, i) => grid.principal(`p${i}`))]);
    const follower = await follow({ url: ledger.url, dir: temporaryFolder(), witnesses: { keys: names(witnesses), k: 2, maxAgeMs: 60_000 }, catchUpMs: 5000 });
    await follower.caughtUp({ timeoutMs: 5000 });
    const [result] = await follower.submit([grid.principal('mine')], { timeoutMs: 5000 });
    expect(result).toMatchObject({ ok: true, seq: 256 });
    expect(follower.root()).toBe(Buffer.from(ledger.log.root()).toString('hex'));
    // One of two is away: what is accepted now is not shown to this follower, but to one that asks for one witness it is.
    await witnesses[1]!.stop();
    expect(await follower.submit([grid.principal('unseen')], { timeoutMs: 300 })).toMatchObject([{ ok: false, code: 'entries_withheld' }]);
    expect(follower.size()).toBe(257);
    const lenient = await follow({ url: ledger.url, witnesses: { keys: names(witnesses), k: 1 }, catchUpMs: 5000 });
    await until(() => lenient.size() === 258);
    expect(follower.size()).toBe(257);
    const port = Number(new URL(witnesses[1]!.address.url).port);
    await witnessOf(grid, 'w/2', { dir: witnesses[1]!.dir, signer: witnesses[1]!.signer, port });
    await until(() => follower.size() === 258);
    expect(follower.status().stopped).toBeUndefined();
  });

  it('counts no key twice, no stranger, and nothing from the future; an old sight is not fresh', async () => {
    const grid = newGrid();
    const signer = newSigner();
    const named = (name: string, its = newSigner()) => ({ signer: its, address: { name, key: its.key } });
    const [twice, early, late] = [[named('w/1', signer), named('w/2', signer)], named('w/early'), named('w/late')];
    // A server that asks no witness for the time: it keeps whatever is signed.
    const log = new LyingLog(grid);
    log.say(grid.genesis, grid.principal('a'));
    const notes = new CosignedNotes();
    for (const [by, hours] of [...twice.map((one) => [one, 0] as const), [early, 1], [late, -1]] as const) keepCosigned(notes, log, by, Math.floor(Date.now() / 1000) + hours * 3600);
    const ledger = await startServer({ log, blobs: await openBlobs(temporaryFolder()), cosigned: notes });
    closing.push(ledger);
    await expect(openFollower({ url: ledger.url, witnesses: { keys: names(twice), k: 2 } })).rejects.toThrow(/more witnesses than there are keys/);
    const doubled = await follow({ url: ledger.url, witnesses: { keys: [...names(twice), { name: 'w/absent', key: newSigner().key }], k: 2 } });
    expect([doubled.size(), doubled.status().trouble?.code]).toEqual([0, 'not_witnessed']);
    const hasty = await follow({ url: ledger.url, witnesses: { keys: names([early]), k: 1 } });
    expect([hasty.size(), hasty.status().trouble?.code]).toEqual([0, 'not_witnessed']);
    const patient = await follow({ url: ledger.url, witnesses: { keys: names([late]), k: 1, maxAgeMs: 60_000 } });
    expect([patient.size(), patient.status().trouble?.code]).toEqual([2, 'witnesses_stale']);
    await expect(patient.caughtUp({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'timeout' });
    const anytime = await follow({ url: ledger.url, witnesses: { keys: names([late]), k: 1 } });
    await anytime.caughtUp({ timeoutMs: 1000 });
  });

  it('is not shown the other history of a ledger that shows two, and the witness keeps the proof', async () => {
    const grid = newGrid();
    const witness = await witnessOf(grid, 'w/1');
    const [left, right] = [new LyingLog(grid), new LyingLog(grid)];
    left.say(grid.genesis, grid.principal('a'), grid.principal('b'));
    right.leaves = left.leaves.slice(0, 2);
    right.say(grid.principal('other'), grid.principal('another'));
    const followers: Follower[] = [];
    for (const log of [left, right]) {
      // Each side of the split view asks the same witness, as a ledger that wants to look honest must.
      const notes = new CosignedNotes();
      const submitter = new WitnessSubmitter({ log, notes, witnesses: [witness.address], verify: verifySignature });
      closing.push(submitter);
      const server = await startServer({ log, blobs: await openBlobs(temporaryFolder()), cosigned: notes });
      closing.push(server);
      await until(() => submitter.status()[0]!.size === log.size() || submitter.status()[0]!.trouble !== undefined);
      followers.push(await follow({ url: server.url, dir: temporaryFolder(), witnesses: { keys: names([witness]), k: 1 } }));
    }
    expect(followers.map((follower) => [follower.size(), follower.status().trouble?.code])).toEqual([[3, undefined], [0, 'not_witnessed']]);
    expect(witness.forks).toHaveLength(1);
    expect(verifyEvidence(JSON.parse(readFileSync(witness.forks[0]!, 'utf8')), { verify: verifySignature, grid: grid.grid, key: grid.signer.key })).toMatchObject({ ok: true, kind: 'fork', testimony: false });
  });

  it('does not take a cosigned note for more than it covers', async () => {
    const grid = newGrid();
    const witness = { name: 'w/1', signer: newSigner() };
    const log = new LyingLog(grid);
    log.say(grid.genesis, grid.principal('a'));
    const cosignNow = (size: number): string => {
      const plain = log.checkpoint(size)!;
      return plain + cosign(plain.slice(0, plain.indexOf('\n\n') + 1), { ...witness, seconds: Math.floor(Date.now() / 1000) });
    };
    const cosigned = cosignNow(2);
    log.say(grid.principal('unwitnessed'));
    // A feed that goes beyond what was cosigned, with the cosigned note and a proof the wrong way round.
    const best = { size: 3, note: cosigned };
    const notes = Object.assign(new CosignedNotes(), { best: () => best });
    const server = await startServer({ log, blobs: await openBlobs(temporaryFolder()), cosigned: notes });
    closing.push(server);
    const follower = await follow({ url: server.url, witnesses: { keys: [{ name: witness.name, key: witness.signer.key }], k: 1 } });
    expect([follower.size(), follower.status().trouble?.code]).toEqual([0, 'not_witnessed']);
    best.note = cosignNow(3);
    await until(() => follower.size() === 3);
  });
});

describe('the feed of what is witnessed', () => {
  it('sends each frame with the cosigned note and a proof, and the same entries as without', async () => {
    const grid = newGrid();
    const witness = await witnessOf(grid, 'w/1');
    const dir = temporaryFolder();
    const ledger = await serve(grid, [witness.address], dir);
    await ledger.log.submit([grid.genesis, ...Array.from({ length: 255 }, (_, i) => grid.principal(`p${i}`))]);
    await ledger.log.submit(Array.from({ length: 100 }, (_, i) => grid.principal(`q${i}`)));
    await until(() => ledger.witnesses()[0]?.size === 356);
    const frames: Frame[] = [];
    const socket = new WebSocket(`${ledger.url.replace('http', 'ws')}/v1/feed?from=0&cosigned=1&by=${witnessId(witness.address)}`);
    closing.push({ close: () => socket.terminate() });
    socket.on('message', (data: Buffer) => frames.push(Frame.parse(JSON.parse(data.toString('utf8')))));
    await until(() => frames.flatMap(({ entries }) => entries).length === 356);
    expect(frames.map(({ entries, witnessed }) => [entries.length, (witnessed?.proof.length ?? 0) > 0])).toEqual([[256, true], [100, false]]);
    await until(() => existsSync(path.join(dir, 'cosigned.json')));
    const refused = new WebSocket(`${ledger.url.replace('http', 'ws')}/v1/feed?from=0&cosigned=x`);
    await expect(new Promise((resolve, reject) => { refused.on('open', resolve); refused.on('error', reject); })).rejects.toThrow('400');
  });
});

async function startServerThatHangs(): Promise<string> {
  const { createServer } = await import('node:http');
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  closing.push({ close: () => { server.closeAllConnections(); server.close(); } });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port ?? 0 : 0}`;
}
