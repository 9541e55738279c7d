import { createServer, type Server } from 'node:http';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import type { EntrySigner, Envelope } from '../contract/envelope.ts';
import { hashOf } from './blobs.ts';
import { originOf, signCheckpoint } from './checkpoint.ts';
import { type Follower, type FollowerOptions, openFollower } from './follower.ts';
import { newGrid, newSigner, removeTemporaryFolders, temporaryFolder, type TestGrid } from './grid.fixture.ts';
import { type Leaf, leafBytes } from './leaf.ts';
import { Frontier, leafHash } from './merkle.ts';
import { serveLedger } from './serve.ts';
import { stateDigest } from './state/machine.ts';
import type { Evidence } from './verified-log.ts';

const closing: { close(): Promise<void> | void }[] = [];
afterEach(async () => { for (const each of closing.splice(0).reverse()) await each.close(); });
afterAll(removeTemporaryFolders);

async function follow(options: FollowerOptions): Promise<Follower> {
  const follower = await openFollower(options);
  closing.push(follower);
  return follower;
}

async function serve(grid: TestGrid, dir = temporaryFolder(), port = 0): ReturnType<typeof serveLedger> {
  const ledger = await serveLedger({ dir, signer: grid.signer, port, tickAfterMs: 1e9 });
  closing.push(ledger);
  return ledger;
}

/** A ledger that holds the key and says whatever it likes: the leaves it has now, a root over them, and acknowledgements. */
class Liar {
  leaves: Leaf[] = [];
  signer: EntrySigner;
  /** Entries that it leaves out of its frames although its root covers them. */
  hidden = new Set<number>();
  acknowledge: object[] = [];
  readonly #grid: TestGrid;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });

  constructor(grid: TestGrid) {
    this.#grid = grid;
    this.signer = grid.signer;
    this.#server = createServer((request, response) => request.resume().on('end', () => response.end(JSON.stringify({ ok: true, results: this.acknowledge }))));
    this.#server.on('upgrade', (request, socket, head) => this.#sockets.handleUpgrade(request, socket, head, (client) => {
      client.send(JSON.stringify(this.frame(Number(new URL(request.url ?? '', 'http://x').searchParams.get('from')))));
    }));
  }

  say(...envelopes: Envelope[]): void {
    for (const envelope of envelopes) this.leaves.push({ seq: this.leaves.length, time: new Date(Date.parse('2026-11-20T00:00:00Z') + this.leaves.length).toISOString(), envelope });
  }

  frame(from: number): object {
    const frontier = new Frontier();
    for (const leaf of this.leaves) frontier.append(leafHash(leafBytes(leaf)));
    return {
      entries: this.leaves.slice(from).filter(({ seq }) => !this.hidden.has(seq)),
      checkpoint: this.leaves.length === 0 ? null : signCheckpoint({ size: frontier.size, root: frontier.root() }, originOf(this.#grid.grid), this.signer),
      size: this.leaves.length,
    };
  }

  /** Ends every connection, so that followers come back and hear what it says now. */
  restart(): void {
    for (const client of this.#sockets.clients) client.terminate();
  }

  async listen(): Promise<string> {
    closing.push(this);
    await new Promise<void>((resolve) => { this.#server.listen(0, '127.0.0.1', resolve); });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.restart();
    this.#server.closeAllConnections();
    await new Promise((resolve) => { this.#server.close(resolve); });
  }
}

/** A follower that has verified five entries of an honest ledger, which can begin to lie. */
async function believing(): Promise<{ grid: TestGrid; liar: Liar; follower: Follower; dir: string; before: object; url: string }> {
  const grid = newGrid();
  const liar = new Liar(grid);
  liar.say(grid.genesis, ...['a', 'b', 'c', 'd'].map((name) => grid.principal(name)));
  const url = await liar.listen();
  const dir = temporaryFolder();
  const follower = await follow({ url, dir });
  expect(follower.size()).toBe(5);
  return { grid, liar, follower, dir, url, before: pictureOf(follower) };
}

function pictureOf(follower: Follower): object {
  return { size: follower.size(), root: follower.root(), digest: stateDigest(follower.state()), note: follower.status().lastCheckpoint };
}

async function until(test: () => boolean): Promise<void> {
  for (let n = 0; n < 500 && !test(); n++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(test()).toBe(true);
}

describe('a follower of an honest ledger', () => {
  it('sees what it submits, agrees on root and state, and resumes from disk without the ledger', async () => {
    const grid = newGrid();
    const ledger = await serve(grid);
    const dir = temporaryFolder();
    const follower = await follow({ url: ledger.url, dir, pin: { grid: grid.grid } });
    const results = await follower.submit([grid.genesis, ...Array.from({ length: 600 }, (_, i) => grid.principal(`p${i}`)), newGrid(grid.signer).principal('elsewhere')]);
    expect(results.filter((r) => r.ok)).toHaveLength(601);
    expect(results.at(-1)).toMatchObject({ ok: false, code: 'grid_mismatch' });
    expect(follower.state().size).toBe(601);
    expect(stateDigest(follower.state())).toBe(stateDigest(ledger.log.state()));
    expect(follower.root()).toBe(Buffer.from(ledger.log.root()).toString('hex'));
    expect([...follower.entries(599, 700)].map(({ seq }) => seq)).toEqual([599, 600]);
    expect(follower.stateAt(1).size).toBe(1);
    expect(stateDigest(follower.stateAt(601))).toBe(stateDigest(follower.state()));
    const before = pictureOf(follower);
    const digest = await follower.putBlob(Buffer.from('body'));
    await follower.close();
    await ledger.close();

    const offline = await follow({ url: ledger.url, dir });
    expect(pictureOf(offline)).toEqual(before);
    expect(offline.status()).toMatchObject({ connected: false, trouble: { code: 'ledger_unreachable' } });
    expect(Buffer.from(await offline.getBlob(digest)).toString()).toBe('body');
    await expect(offline.submit([grid.principal('x')], { timeoutMs: 200 })).rejects.toMatchObject({ code: 'ledger_unreachable' });
    await expect(offline.waitFor(() => undefined, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'timeout' });
    await expect(offline.waitFor(() => undefined, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });

  it('waits through a restart of the ledger, and submits once however often it asks', async () => {
    const grid = newGrid();
    const dir = temporaryFolder();
    const first = await serve(grid, dir);
    const port = Number(new URL(first.url).port);
    const follower = await follow({ url: first.url });
    await follower.submit([grid.genesis]);
    await first.close();
    const entry = grid.principal('patient');
    const submitted = Promise.all([follower.submit([entry]), follower.submit([entry])]);
    const seen = follower.waitFor((state) => (state.size === 3 ? state.principals : undefined), { timeoutMs: 10_000 });
    await new Promise((resolve) => setTimeout(resolve, 250));
    await serve(grid, dir, port);
    const [[a], [b]] = await submitted;
    // Entry 1 is the ledger's own: that it was away.
    expect(a).toMatchObject({ ok: true, seq: 2 });
    expect(b).toMatchObject({ ok: true, seq: 2 });
    expect(Object.keys(await seen)).toHaveLength(1);
    await follower.caughtUp({ timeoutMs: 1000 });
  });

  it('checks every blob, whoever kept it', async () => {
    const grid = newGrid();
    const ledger = await serve(grid);
    const dir = temporaryFolder();
    const follower = await follow({ url: ledger.url, dir });
    const digest = await follower.putBlob(Buffer.from('original'));
    const hex = digest.slice('sha256:'.length);
    writeFileSync(path.join(dir, 'blobs', hex.slice(0, 2), hex), 'replaced');
    expect(Buffer.from(await follower.getBlob(digest)).toString()).toBe('original');
    await expect(follower.getBlob(hashOf(Buffer.from('nobody has this')))).rejects.toMatchObject({ code: 'blob_missing' });
  });

  it('refuses another grid than the pinned one, and a damaged copy', async () => {
    const grid = newGrid();
    const ledger = await serve(grid);
    await ledger.log.submit([grid.genesis]);
    await expect(openFollower({ url: ledger.url, pin: { grid: newGrid().grid } })).rejects.toMatchObject({ code: 'grid_mismatch' });
    const dir = temporaryFolder();
    await (await follow({ url: ledger.url, dir })).close();
    await expect(openFollower({ url: ledger.url, dir, pin: { grid: newGrid().grid } })).rejects.toMatchObject({ code: 'grid_mismatch' });
    const file = path.join(dir, 'log.sqlite');
    const bytes = readFileSync(file);
    const at = bytes.indexOf('grid.created');
    expect(at).toBeGreaterThan(0);
    bytes[at - 40]! ^= 1;
    writeFileSync(file, bytes);
    await expect(openFollower({ url: ledger.url, dir })).rejects.toMatchObject({ code: 'copy_damaged' });
  });
});

describe('a follower of a lying ledger', () => {
  const rewrite = (grid: TestGrid, liar: Liar, count: number): void => {
    liar.leaves = liar.leaves.slice(0, 3);
    liar.say(...Array.from({ length: count }, (_, i) => grid.principal(`other ${i}`)));
  };

  it.each([
    ['rewritten and longer', 'root_mismatch', (grid: TestGrid, liar: Liar) => rewrite(grid, liar, 7)],
    ['forked at the same size', 'root_mismatch', (grid: TestGrid, liar: Liar) => rewrite(grid, liar, 2)],
    ['truncated', 'truncated', (_: TestGrid, liar: Liar) => { liar.leaves.length = 2; }],
    ['emptied', 'truncated', (_: TestGrid, liar: Liar) => { liar.leaves = []; }],
    ['continued with a forged entry', 'entry_invalid', (grid: TestGrid, liar: Liar) => {
      const entry = grid.principal('forged');
      liar.say(grid.principal('fine'), { ...entry, signatures: [{ ...entry.signatures[0], sig: grid.principal('other').signatures[0].sig }] });
    }],
    ['continued with an entry that the rules refuse', 'entry_invalid', (grid: TestGrid, liar: Liar) => liar.say(grid.principal('fine'), liar.leaves[1]!.envelope)],
    ['continued with time going back', 'entry_invalid', (grid: TestGrid, liar: Liar) => {
      liar.say(grid.principal('early'));
      liar.leaves[5] = { ...liar.leaves[5]!, time: '2020-01-01T00:00:00.000Z' };
    }],
  ] as const)('stops for good, with the proof, when history is %s', async (_, kind, lie) => {
    const { grid, liar, follower, dir, before, url } = await believing();
    const waiting = follower.waitFor((state) => (state.size > 100 ? true : undefined));
    lie(grid, liar);
    liar.restart();
    await expect(waiting).rejects.toMatchObject({ code: 'ledger_forked' });
    expect(pictureOf(follower)).toEqual(before);
    const { stopped } = follower.status();
    const evidence = JSON.parse(readFileSync(stopped?.evidence ?? '', 'utf8')) as Evidence;
    expect(evidence).toMatchObject({ kind, trusted: follower.status().lastCheckpoint });
    if (liar.leaves.length > 0) expect(evidence.offered).toContain(`\n${liar.leaves.length}\n`);
    if (kind === 'entry_invalid') expect(evidence.offending).toEqual(liar.leaves.at(-1));
    await expect(follower.submit([grid.principal('x')])).rejects.toMatchObject({ code: 'ledger_forked' });
    await follower.close();
    const again = await follow({ url, dir });
    expect(again.status()).toMatchObject({ connected: false, stopped: { code: 'ledger_forked' } });
    expect(pictureOf(again)).toEqual(before);
  });

  it.each([
    ['withholds an entry', 'entries_withheld', (grid: TestGrid, liar: Liar) => { liar.say(grid.principal('x'), grid.principal('y')); liar.hidden.add(5); }],
    ['withholds the end', 'entries_withheld', (grid: TestGrid, liar: Liar) => { liar.say(grid.principal('x'), grid.principal('y')); liar.hidden.add(6); }],
    ['signs with another key', 'checkpoint_invalid', (grid: TestGrid, liar: Liar) => { liar.say(grid.principal('x')); liar.signer = newSigner(); }],
  ] as const)('applies nothing and tries again when whoever answers %s', async (_, code, lie) => {
    const { grid, liar, follower, dir, before } = await believing();
    const { signer } = liar;
    lie(grid, liar);
    liar.restart();
    await until(() => follower.status().trouble?.code === code);
    expect(pictureOf(follower)).toEqual(before);
    expect(readdirSync(dir).filter((name) => name.startsWith('evidence'))).toEqual([]);
    liar.signer = signer;
    liar.hidden.clear();
    await follower.waitFor((state) => (state.size === liar.leaves.length ? true : undefined), { timeoutMs: 10_000 });
  });

  it('does not believe an acknowledgement that the log does not show', async () => {
    const { grid, liar, follower, dir } = await believing();
    liar.acknowledge = [{ ok: true, seq: 5, time: '2026-11-20T00:00:01.000Z' }];
    expect(await follower.submit([grid.principal('x')], { timeoutMs: 100 })).toMatchObject([{ ok: false, code: 'entries_withheld' }]);
    liar.acknowledge = [{ ok: true, seq: 2, time: '2026-11-20T00:00:01.000Z' }];
    await expect(follower.submit([grid.principal('y')])).rejects.toMatchObject({ code: 'ledger_forked' });
    expect(existsSync(path.join(dir, 'evidence-5-acknowledged_elsewhere.json'))).toBe(true);
  });
});
