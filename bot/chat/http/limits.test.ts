import { connect, type Socket } from 'node:net';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { afterEach, expect, it } from 'vitest';
import { limitOf, ratePerConnection } from './limits.ts';

const closing: (() => void)[] = [];
afterEach(() => { for (const close of closing.splice(0)) close(); });

/** More than sockets of this machine take in for a reader who does not read. */
const LARGE = 'x'.repeat(32 * 1024 * 1024);

async function start(app: Hono): Promise<{ url: string; unread: () => Socket }> {
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
      closing.push(() => server.close());
      resolve({
        url: `http://127.0.0.1:${port}/`,
        unread: () => {
          const socket = connect(port, '127.0.0.1').on('error', () => undefined).pause();
          socket.write('GET /large HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
          closing.push(() => socket.destroy());
          return socket;
        },
      });
    });
  });
}

function limited(readMs?: number): Hono {
  const limit = limitOf(2, readMs);
  const app = new Hono();
  app.get('/large', (c) => limit(c, () => c.text(LARGE)));
  app.get('/', (c) => limit(c, () => c.text('small')));
  app.get('/fails', (c) => limit(c, () => { throw new Error('no'); }));
  app.onError((_, c) => c.text('failed', 500));
  return app;
}

it('counts an answer until it was read, or its reader has gone', async () => {
  const { url, unread } = await start(limited());
  const status = async (): Promise<number> => (await fetch(url)).status;
  for (let n = 0; n < 5; n++) expect(await status()).toBe(200);
  for (let n = 0; n < 5; n++) expect((await fetch(`${url}fails`)).status).toBe(500);
  const [first] = [unread(), unread()];
  await expect.poll(status).toBe(503);
  first.destroy();
  await expect.poll(status).toBe(200);
});

it('cuts off whoever does not read', async () => {
  const { url, unread } = await start(limited(2000));
  unread();
  unread();
  await expect.poll(async () => (await fetch(url)).status).toBe(503);
  await expect.poll(async () => (await fetch(url)).status, { timeout: 10_000 }).toBe(200);
});

it('slows down one connection, and no other', async () => {
  const rate = ratePerConnection({ burst: 3, perSecond: 0.01 });
  const app = new Hono();
  app.get('/', (c) => rate(c, () => c.text('x')));
  const { url } = await start(app);
  const ask = (times: number): Promise<string> => new Promise((resolve) => {
    let heard = '';
    const socket = connect(Number(new URL(url).port), '127.0.0.1').on('data', (bytes) => { heard += bytes.toString(); }).on('end', () => { resolve(heard.match(/HTTP\/1.1 \d+/g)?.map((line) => line.slice(9)).join(' ') ?? ''); });
    const request = 'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n';
    socket.write(`${request}\r\n`.repeat(times - 1) + `${request}connection: close\r\n\r\n`);
  });
  expect(await ask(5)).toBe('200 200 200 429 429');
  expect(await ask(2)).toBe('200 200');
});
