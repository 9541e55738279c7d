import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Digest } from '../contract/digest.ts';
import { openSqliteLog } from './adapters/sqlite/log.ts';
import { hashOf, MAX_BLOB, openBlobs } from './blobs.ts';
import { newGrid, removeTemporaryFolders, temporaryFolder } from './grid.fixture.ts';
import { AnswersInFlight } from './http-body.ts';
import { startServer } from './server.ts';

const NEVER_MS = 1e9;
/** Longer than what the system's own buffers take for a reader that reads nothing. */
const LARGE = Buffer.alloc(MAX_BLOB, 'x');
const SMALL = Buffer.from('a body');

const closing: (() => unknown)[] = [];
afterEach(async () => { for (const close of closing.splice(0).reverse()) await close(); });
afterAll(removeTemporaryFolders);

interface Serving { readonly url: string; readonly port: number; readonly large: Digest; readonly small: Digest }

async function serve(answers: AnswersInFlight): Promise<Serving> {
  const dir = temporaryFolder();
  const grid = newGrid();
  const log = await openSqliteLog({ dir, signer: grid.signer });
  await log.submit([grid.genesis]);
  const blobs = await openBlobs(path.join(dir, 'blobs'));
  for (const bytes of [LARGE, SMALL]) await blobs.put(hashOf(bytes), chunks(bytes));
  const server = await startServer({ log, blobs, answers });
  closing.push(() => log.close(), () => server.close());
  const { url } = server;
  return { url, port: Number(new URL(url).port), large: hashOf(LARGE), small: hashOf(SMALL) };
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> { yield bytes; }

/** Asks on a connection of its own, and reads no more than the first bytes of the answer. */
function askAndReadNothing({ port }: Serving, target: string): Promise<{ socket: Socket; head: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => { socket.write(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`); });
    closing.push(() => socket.destroy());
    socket.on('error', reject);
    socket.once('data', (data: Buffer) => {
      socket.pause();
      socket.off('error', reject).on('error', () => undefined);
      resolve({ socket, head: data.toString('latin1', 0, 12) });
    });
    socket.once('close', () => { reject(new Error('closed before it answered')); });
  });
}

async function statusOf({ url }: Serving, blob: Digest): Promise<number> {
  const response = await fetch(`${url}/v1/blobs/${blob}`);
  await response.arrayBuffer();
  return response.status;
}

async function untilServed(serving: Serving, blob: Digest): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (await statusOf(serving, blob) !== 200) {
    if (Date.now() > deadline) throw new Error('what nobody reads is still held');
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

describe('answers that nobody reads', () => {
  it('hold so many bytes in memory and no more, until their readers go away', async () => {
    const serving = await serve(new AnswersInFlight({ bytes: 2 * MAX_BLOB, stalledMs: NEVER_MS }));
    const held = [await askAndReadNothing(serving, `/v1/blobs/${serving.large}`), await askAndReadNothing(serving, `/v1/blobs/${serving.large}`)];
    expect(held.map(({ head }) => head)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
    expect((await askAndReadNothing(serving, `/v1/blobs/${serving.large}`)).head).toBe('HTTP/1.1 503');
    // What is short is answered to everybody all the same.
    expect(await statusOf(serving, serving.small)).toBe(200);
    expect((await fetch(`${serving.url}/v1/entries`)).status).toBe(200);
    for (const { socket } of held) socket.destroy();
    await untilServed(serving, serving.large);
  });

  it('count as downloads until they are read', async () => {
    const serving = await serve(new AnswersInFlight({ bytes: 64 * MAX_BLOB, stalledMs: NEVER_MS }));
    const held = await Promise.all(Array.from({ length: 16 }, () => askAndReadNothing(serving, `/v1/blobs/${serving.large}`)));
    expect(new Set(held.map(({ head }) => head))).toEqual(new Set(['HTTP/1.1 200']));
    expect(await statusOf(serving, serving.small)).toBe(503);
    for (const { socket } of held) socket.destroy();
    await untilServed(serving, serving.small);
  });

  it('are given up, whatever their readers send meanwhile', async () => {
    const serving = await serve(new AnswersInFlight({ bytes: MAX_BLOB, stalledMs: 800 }));
    const { socket } = await askAndReadNothing(serving, `/v1/blobs/${serving.large}`);
    // What it sends may meet a connection that is gone already, which ends it here too.
    const closed = new Promise((resolve) => { socket.once('close', resolve); });
    // The head of a next request, line by line: a connection that is never idle.
    socket.write('GET /v1/grid HTTP/1.1\r\n');
    const talking = setInterval(() => socket.write('x: y\r\n'), 50);
    closing.push(() => clearInterval(talking));
    await untilServed(serving, serving.large);
    let rest = 0;
    socket.on('data', (data: Buffer) => { rest += data.length; });
    socket.resume();
    await closed;
    expect(rest).toBeLessThan(LARGE.length / 2);
  });

  it('do not come many at a time on one connection', async () => {
    const serving = await serve(new AnswersInFlight());
    const few = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(serving.port, '127.0.0.1', () => { socket.write('GET /v1/grid HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(3)); });
      socket.on('data', (data: Buffer) => {
        text += data.toString('latin1');
        if (text.split('HTTP/1.1 200').length === 4) socket.destroy();
      }).on('close', () => { resolve(text); });
    });
    expect(few.split('HTTP/1.1 200')).toHaveLength(4);
    const closed = new Promise<number>((resolve) => {
      let bytes = 0;
      const socket = connect(serving.port, '127.0.0.1', () => { socket.write('GET /v1/grid HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(500)); });
      socket.on('data', (data: Buffer) => { bytes += data.length; }).on('error', () => undefined).on('close', () => { resolve(bytes); });
    });
    expect(await closed).toBeLessThan(10_000);
    expect((await fetch(`${serving.url}/v1/grid`)).status).toBe(200);
  });
});
