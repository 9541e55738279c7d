import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Digest } from '../contract/digest.ts';
import { verifySignature } from '../signer/verify.ts';
import { hashOf, openBlobs } from './blobs.ts';
import { openCheckpoint, originOf } from './checkpoint.ts';
import { newGrid, removeTemporaryFolders, temporaryFolder, type TestGrid } from './grid.fixture.ts';
import { Leaf, leafBytes } from './leaf.ts';
import { leafHash, verifyConsistency, verifyInclusion } from './merkle.ts';
import { type ServedLedger, serveLedger } from './serve.ts';
import type { Log } from './ports.ts';
import { Frame } from './protocol.ts';
import { startServer } from './server.ts';

const served: ServedLedger[] = [];
async function serve(grid: TestGrid, options: { dir?: string; tickAfterMs?: number } = {}): Promise<ServedLedger> {
  const ledger = await serveLedger({ dir: options.dir ?? temporaryFolder(), signer: grid.signer, tickAfterMs: options.tickAfterMs ?? 1e9 });
  served.push(ledger);
  return ledger;
}
afterEach(async () => { for (const ledger of served.splice(0)) await ledger.close(); });
afterAll(removeTemporaryFolders);

async function post(url: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = { 'content-type': 'application/json' }): Promise<{ status: number; json: unknown }> {
  const response = await fetch(`${url}/v1/entries`, { method: 'POST', body, headers });
  return { status: response.status, json: await response.json() };
}

async function get(url: string): Promise<{ status: number; json: Record<string, unknown> }> {
  const response = await fetch(url);
  return { status: response.status, json: await response.json() as Record<string, unknown> };
}

/** Frames of the feed until `enough`, or how it was closed. */
function feed(url: string, from: number, enough: (entries: Leaf[], frames: Frame[]) => boolean): Promise<{ entries: Leaf[]; frames: Frame[]; closed?: number }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/feed?from=${from}`);
    const entries: Leaf[] = [];
    const frames: Frame[] = [];
    socket.on('error', reject);
    socket.on('message', (data: Buffer) => {
      const frame = Frame.parse(JSON.parse(data.toString('utf8')));
      frames.push(frame);
      entries.push(...frame.entries);
      if (enough(entries, frames)) {
        resolve({ entries, frames });
        socket.terminate();
      }
    });
    socket.on('close', (closed) => resolve({ entries, frames, closed }));
  });
}

describe('the ledger over HTTP', () => {
  it('serves grid, entries, checkpoint and proofs that a stranger can check', async () => {
    const grid = newGrid();
    const { url } = await serve(grid);
    expect(await get(`${url}/v1/grid`)).toEqual({ status: 200, json: { ok: true, grid: null, key: grid.signer.key, size: 0 } });
    expect((await get(`${url}/v1/checkpoint`)).status).toBe(404);
    const { json } = await post(url, JSON.stringify({ envelopes: [grid.genesis, grid.principal('a'), grid.principal('b'), 'nonsense'] }));
    expect(json).toMatchObject({ ok: true, results: [{ ok: true, seq: 0 }, { ok: true, seq: 1 }, { ok: true, seq: 2 }, { ok: false, code: 'envelope_invalid' }] });
    expect((await get(`${url}/v1/grid`)).json).toMatchObject({ grid: grid.grid, size: 3 });

    const judge = { origin: originOf(grid.grid), key: grid.signer.key, verify: verifySignature };
    const note = await (await fetch(`${url}/v1/checkpoint`)).text();
    const head = openCheckpoint(note, judge);
    if (!head.ok) throw new Error(head.message);
    const { json: page } = await get(`${url}/v1/entries?from=1&limit=1`);
    const leaf = Leaf.parse((page['entries'] as unknown[])[0]);
    expect(page).toMatchObject({ from: 1, size: 3 });
    expect((page['entries'] as unknown[]).length).toBe(1);
    const { json: inclusion } = await get(`${url}/v1/proof/inclusion?seq=1&size=3`);
    const bytes = (list: unknown): Uint8Array[] => (list as string[]).map((text) => Uint8Array.from(Buffer.from(text, 'base64')));
    expect(verifyInclusion({ index: 1, size: 3, leaf: leafHash(leafBytes(leaf)), root: head.checkpoint.root, proof: bytes(inclusion['proof']) })).toBe(true);
    const older = openCheckpoint(String((await get(`${url}/v1/proof/inclusion?seq=0&size=2`)).json['checkpoint']), judge);
    if (!older.ok) throw new Error(older.message);
    const { json: consistency } = await get(`${url}/v1/proof/consistency?from=2&to=3`);
    expect(verifyConsistency({ from: 2, to: 3, fromRoot: older.checkpoint.root, toRoot: head.checkpoint.root, proof: bytes(consistency['proof']) })).toBe(true);
  });

  it('refuses what it cannot make sense of, in one shape', async () => {
    const grid = newGrid();
    const { url } = await serve(grid);
    const shape = { ok: false, error: { code: expect.any(String) as string, message: expect.any(String) as string } };
    const bodies: [string | Uint8Array<ArrayBuffer>, number][] = [
      ['', 400], ['{', 400], ['null', 400], ['[]', 400], ['{}', 400], ['{"envelopes":[]}', 400], ['{"envelopes":{}}', 400], ['{"envelopes":[1],"more":1}', 400],
      [`{"envelopes":[${Array(257).fill('1').join(',')}]}`, 400], ['['.repeat(200_000), 400], [Uint8Array.of(0xff, 0xfe, 0x00), 400], ['x'.repeat(4 * 1024 * 1024 + 1), 413],
    ];
    for (const [body, status] of bodies) expect(await post(url, body), String(body).slice(0, 40)).toMatchObject({ status, json: shape });
    expect(await post(url, '{"envelopes":[1]}', { 'content-type': 'text/plain' })).toMatchObject({ status: 415, json: shape });
    const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
    expect(await post(url, `{"envelopes":[${deep}]}`)).toMatchObject({ status: 200, json: { results: [{ ok: false, code: 'envelope_invalid' }] } });
    for (const [query, status] of [['nothing', 404], ['entries?from=-1', 400], ['entries?from=1e3', 400], ['entries?limit=x', 400], ['proof/inclusion?seq=0', 400], ['proof/inclusion', 400], ['proof/consistency?from=0&to=0', 400],
      ['blobs/sha256:00', 400], ['blobs/..%2f..%2fhead', 400], [`blobs/sha256:${'0'.repeat(64)}`, 404]] as const) {
      expect(await get(`${url}/v1/${query}`), query).toMatchObject({ status, json: shape });
    }
    expect((await fetch(`${url}/v1/grid`, { method: 'DELETE' })).status).toBe(405);
    expect((await fetch(`${url}/v1/grid`, { headers: { origin: 'https://evil.example' } })).status).toBe(403);
    expect((await get(`${url}/v1/grid`)).json).toMatchObject({ size: 0 });
  });

  it('survives raw garbage and half requests', async () => {
    const grid = newGrid();
    const { url } = await serve(grid);
    const port = Number(new URL(url).port);
    for (const text of ['\0\0\0\r\n\r\n', 'GET /v1/grid HTTP/1.1\r\nHost: rebound.example\r\n\r\n', 'POST /v1/entries HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"env',
      'GET /v1/feed HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n', 'GET /v1/feed?from=zz HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n']) {
      const answer = await new Promise<string>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => { socket.write(text); setTimeout(() => socket.end(), 30); });
        let got = '';
        socket.on('data', (data: Buffer) => { got += data.toString('latin1'); });
        socket.on('error', () => resolve(got));
        socket.on('close', () => resolve(got));
      });
      expect(answer === '' || /^HTTP\/1\.1 4\d\d /.test(answer), answer).toBe(true);
    }
    expect((await get(`${url}/v1/grid`)).status).toBe(200);
  });

  it('keeps blobs by their digest, and notices when one changes', async () => {
    const grid = newGrid();
    const dir = temporaryFolder();
    const { url } = await serve(grid, { dir });
    const bytes = Buffer.from('a body');
    const digest = hashOf(bytes);
    const put = (as: Digest, body: Uint8Array<ArrayBuffer>) => fetch(`${url}/v1/blobs/${as}`, { method: 'PUT', body });
    expect((await put(hashOf(Buffer.from('another')), bytes)).status).toBe(422);
    expect((await put(digest, bytes)).status).toBe(200);
    expect((await put(digest, bytes)).status).toBe(200);
    expect(Buffer.from(await (await fetch(`${url}/v1/blobs/${digest}`)).arrayBuffer()).equals(bytes)).toBe(true);
    const large = new Uint8Array(16 * 1024 * 1024 + 1);
    const refusedLarge = await put(hashOf(large), large).then((r) => r.status, () => 413);
    expect(refusedLarge).toBe(413);
    const hex = digest.slice('sha256:'.length);
    writeFileSync(path.join(dir, 'blobs', hex.slice(0, 2), hex), 'a bodY');
    expect(await get(`${url}/v1/blobs/${digest}`)).toMatchObject({ status: 500, json: { error: { code: 'blob_damaged' } } });
    expect((await put(digest, bytes)).status).toBe(200);
    expect((await fetch(`${url}/v1/blobs/${digest}`)).status).toBe(200);
  });
});

describe('the feed', () => {
  it('sends everything from any place in order, then what comes, each frame under its own checkpoint', async () => {
    const grid = newGrid();
    const { url, log } = await serve(grid);
    await log.submit([grid.genesis, ...Array.from({ length: 300 }, (_, i) => grid.principal(`p${i}`))]);
    const live = feed(url, 7, (entries) => entries.length === 299);
    const again = feed(url, 301, (_, frames) => frames.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await log.submit([grid.principal('x'), grid.principal('y'), grid.principal('z'), grid.principal('w'), grid.principal('v')]);
    const { entries, frames } = await live;
    expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 299 }, (_, i) => i + 7));
    for (const frame of frames) {
      const opened = openCheckpoint(frame.checkpoint ?? '', { origin: originOf(grid.grid), key: grid.signer.key, verify: verifySignature });
      expect(opened).toMatchObject({ ok: true, checkpoint: { size: (frame.entries.at(-1)?.seq ?? 0) + 1 } });
    }
    const resumed = await again;
    expect(resumed.frames[0]).toMatchObject({ entries: [], size: 301 });
    expect(resumed.entries.map(({ seq }) => seq)).toEqual([301, 302, 303, 304, 305]);
  });

  it('tells a client that is ahead how long the log is, and ends', async () => {
    const grid = newGrid();
    const { url, log } = await serve(grid);
    await log.submit([grid.genesis]);
    const { frames, closed } = await feed(url, 99, () => false);
    expect(frames).toHaveLength(1);
    expect(frames[0]).toMatchObject({ entries: [], size: 1 });
    expect(closed).toBe(4009);
  });

  it('drops a client that does not take what it asked for, and keeps little for it meanwhile', async () => {
    const grid = newGrid();
    const { log } = await serve(grid);
    await log.submit([grid.genesis]);
    // As if the log were long: every frame is a megabyte, and there is always one more.
    const leaf = Buffer.from(JSON.stringify('x'.repeat(1024 * 1024)));
    let reads = 0;
    const long: Log = Object.assign(Object.create(log) as Log, { size: () => 1e6, checkpoint: () => undefined, read: () => { reads += 1; return [leaf]; }, onCommit: () => () => undefined });
    const server = await startServer({ log: long, blobs: await openBlobs(temporaryFolder()), slowFeedMs: 150 });
    const closed = await new Promise<boolean>((resolve) => {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => {
        socket.write('GET /v1/feed?from=0 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n');
        socket.pause();
        // Long after the server has given up; what the kernel holds comes first, then the end.
        setTimeout(() => socket.resume(), 1600);
      });
      socket.on('error', () => resolve(true));
      socket.on('close', () => resolve(true));
    });
    expect(closed).toBe(true);
    expect(reads).toBeLessThan(20);
    await server.close();
  });

  it('ticks when the log is quiet', async () => {
    const grid = newGrid();
    const { url, log } = await serve(grid, { tickAfterMs: 50 });
    await log.submit([grid.genesis]);
    const { entries } = await feed(url, 1, (all) => all.length === 2);
    expect(entries.map(({ envelope }) => envelope.payloadType)).toEqual(Array(2).fill('application/vnd.3bot.tick.v1+json'));
  });
});
