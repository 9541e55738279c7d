import { Agent, request, type RequestOptions } from 'node:https';
import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, createWorld, until, type World } from './world.fixture.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function open(...handlers: RequestListener[]): Promise<World> {
  world = await createWorld(handlers);
  await world.healthy(handlers.length);
  return world;
}

async function openApart(onFinished: (cleanUp: () => Promise<void>) => void, ...handlers: RequestListener[]): Promise<World> {
  const apart = await createWorld(handlers);
  onFinished(() => apart.close());
  await apart.healthy(handlers.length);
  return apart;
}

const slowly =
  (name: string, seen: string[] = []): RequestListener =>
  (incoming, response) => {
    seen.push(incoming.method ?? '');
    incoming.resume();
    setTimeout(() => response.end(name), 20);
  };

describe('choice', () => {
  it('spreads requests over the backends by what they have in flight', async () => {
    const counts = { a: 0, b: 0 };
    const count =
      (name: 'a' | 'b'): RequestListener =>
      (_incoming, response) => {
        counts[name] += 1;
        setTimeout(() => response.end(), 100);
      };
    const w = await open(count('a'), count('b'));
    await Promise.all(Array.from({ length: 40 }, () => ask(w, '/')));
    expect(counts.a + counts.b).toBe(40);
    expect(Math.abs(counts.a - counts.b)).toBeLessThanOrEqual(4);
  });

  it('leaves out a backend whose health check fails, and takes it back', async () => {
    const w = await open(slowly('a'), slowly('b'));
    let well = false;
    const first = w.backends[0];
    first?.server.removeAllListeners('request');
    first?.server.on('request', (incoming, response) => {
      response.writeHead(incoming.url === '/-/health' && !well ? 503 : 200).end('a');
    });
    await w.healthy(1);
    for (let i = 0; i < 10; i += 1) expect((await ask(w, '/')).body.toString()).toBe('b');
    expect(w.gateway.status().names[0]?.backends[0]).toMatchObject({ healthy: false, lastError: 'health check answered 503' });
    well = true;
    await w.healthy(2);
  });
});

describe('when a backend dies', () => {
  it('no safe request fails, among 200 under way', async () => {
    const w = await open(slowly('a'), slowly('b'));
    const agent = new Agent({ keepAlive: true, maxSockets: 40 });
    const { hostname, port } = w.url();
    const options: RequestOptions = { agent, hostname, port, ca: w.ca };
    let byFirst = 0;
    const one = async (path: string): Promise<string> => {
      const { status, body } = await ask(w, path, options);
      if (body.toString() === 'a' && ++byFirst === 10) w.backends[0]?.kill();
      return `${status} ${body.toString()}`;
    };
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => one(`/${i}`)));
    agent.destroy();
    expect(answers.filter((answer) => !answer.startsWith('200 '))).toEqual([]);
    expect(byFirst).toBeGreaterThanOrEqual(10);
    expect(answers.filter((answer) => answer === '200 b').length).toBeGreaterThan(100);
    expect(w.events).toContainEqual(expect.objectContaining({ event: 'backend_down' }));
  });

  it('in the middle of a PUT, the client gets 503 and the PUT is sent to nobody else', async () => {
    const seen: string[] = [];
    let die: (() => void) | undefined;
    const w = await open((incoming) => incoming.once('data', () => (die = () => incoming.socket.destroy())));
    const spare = await createWorld([slowly('spare', seen)]);
    const { hostname, port } = w.url();
    const outgoing = request({ hostname, port, method: 'PUT', path: '/', ca: w.ca, headers: { 'Content-Length': 1_000_000 } });
    const status = new Promise<string>((resolve, reject) => {
      outgoing.on('response', (incoming) => {
        incoming.resume();
        resolve(`${incoming.statusCode ?? 0} ${incoming.headers['retry-after'] ?? ''}`);
      });
      outgoing.on('error', reject);
    });
    // The body is on its way to the first backend before there is a second.
    outgoing.write(Buffer.alloc(1000));
    await until(() => die !== undefined);
    w.routes[0]?.backends.push({ node: spare.backends[0]?.node ?? '', service: 'd1/front@1' });
    await w.gateway.refresh();
    await w.healthy(2);
    die?.();
    expect(await status).toBe('503 1');
    outgoing.destroy();
    expect(seen).toEqual([]);
    await spare.close();
  });

  it('a PUT whose body has not begun, and a DELETE that never left, go to another one', async () => {
    const seen: string[] = [];
    const w = await open(slowly('a', seen), slowly('b', seen));
    // Dead, but not yet known to be: its listening socket is gone and it was healthy a moment ago.
    w.backends[0]?.kill();
    const answers = await Promise.all(
      ['PUT', 'DELETE', 'PUT', 'DELETE', 'POST', 'PUT'].map((method) => ask(w, '/', { method, ...(method === 'PUT' ? { body: 'x' } : {}) })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect(seen).toHaveLength(6);
  });

  it('a POST without body that may have been executed is not repeated', async () => {
    const seen: string[] = [];
    const dying: RequestListener = (incoming) => {
      seen.push(incoming.method ?? '');
      incoming.socket.destroy();
    };
    const w = await open(dying, dying);
    expect((await ask(w, '/', { method: 'POST', headers: { 'Content-Length': 0 } })).status).toBe(503);
    expect(seen).toEqual(['POST']);
  });
});

// These only wait; each has a world of its own, so that they wait together.
describe.concurrent('when a backend is gone', () => {
  it('silently, its safe requests move on when health checks fail', async ({ expect, onTestFinished }) => {
    const w = await openApart(onTestFinished, slowly('a'), slowly('b'));
    const first = w.backends[0];
    first?.server.removeAllListeners('request');
    first?.server.on('request', () => undefined);
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(w, '/')));
    expect(answers.map(({ body }) => body.toString())).toEqual(Array(10).fill('b'));
  }, 10_000);

  it('for good, requests wait for the one that takes its place', async ({ expect, onTestFinished }) => {
    const w = await openApart(onTestFinished, slowly('old'));
    const target = w.backends[0]?.node ?? '';
    w.backends[0]?.kill();
    await until(() => w.gateway.status().names[0]?.backends[0]?.healthy === false);
    const waiting = Promise.all([ask(w, '/'), ask(w, '/', { method: 'PUT', body: 'hello' })]);
    const spare = await createWorld([slowly('new')]);
    w.routes[0]?.backends.splice(0, 1, { node: spare.backends[0]?.node ?? '', service: 'd1/front@2' });
    await w.gateway.refresh();
    expect((await waiting).map(({ body }) => body.toString())).toEqual(['new', 'new']);
    expect(w.gateway.status().names[0]?.backends.map(({ node }) => node)).not.toContain(target);
    await spare.close();
  });

  it('and none comes, requests get 503 with Retry-After in bounded time', async ({ expect, onTestFinished }) => {
    const w = await openApart(onTestFinished, slowly('a'));
    w.backends[0]?.kill();
    await until(() => w.gateway.status().names[0]?.backends[0]?.healthy === false);
    const begin = performance.now();
    const reply = await ask(w, '/');
    expect([reply.status, reply.headers['retry-after']]).toEqual([503, '1']);
    expect(reply.body.toString()).toMatch(/^no_healthy_backend: /);
    const waited = performance.now() - begin;
    expect(waited).toBeGreaterThan(7500);
    expect(waited).toBeLessThan(9500);
  }, 15_000);
});
