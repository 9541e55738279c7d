import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { mkdir, rmdir, stat, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuthority, createGateway, type GatewayOptions } from './index.ts';
import { ask, createWorld, DOMAIN, until, type World } from './world.fixture.ts';

const DAY_MS = 86_400_000;
const hello: RequestListener = (incoming, response) => {
  incoming.resume();
  response.end(`hello ${incoming.headers.host ?? ''}`);
};

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function open(options: Partial<GatewayOptions> = {}, handler = hello): Promise<World> {
  world = await createWorld([handler], options);
  await world.healthy(1);
  return world;
}

function peerCertificate(port: number, servername?: string): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...(servername ? { servername } : {}) }, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      if (certificate) resolve(certificate);
      else reject(new Error('no certificate'));
    });
    socket.on('error', reject);
  });
}

describe('names', () => {
  it('work on their own port as printed, and on the shared port by server name', async () => {
    const w = await open();
    const own = w.url();
    expect((await ask(w, '/')).body.toString()).toBe(`hello ${own.host}`);
    expect((await ask(w, '/', { servername: 'localhost', headers: { Host: 'evil.example' } })).status).toBe(421);

    const port = Number(new URL(w.gateway.status().url).port);
    const host = `app.${DOMAIN}`;
    const bySni = (headers: Record<string, string>, servername = host) => ask(w, '/', { port, servername, headers });
    expect((await bySni({ Host: `${host}:${port}` })).body.toString()).toBe(`hello ${host}:${port}`);
    expect((await bySni({ Host: `other.${DOMAIN}` })).status).toBe(421);
    expect((await ask(w, '/', { port, servername: '', checkServerIdentity: () => undefined, headers: { Host: host } })).status).toBe(200);
    const unknown = await ask(w, '/', { port });
    expect([unknown.status, unknown.body.toString()]).toEqual([404, 'unknown_name: No such name is published here.\n']);
  });

  it('present certificates of their own that name the address, and never one of another name', async () => {
    const w = await open();
    const shared = Number(new URL(w.gateway.status().url).port);
    const own = await peerCertificate(Number(w.url().port));
    expect(own.subjectAltName).toBe(`DNS:app.${DOMAIN}, DNS:localhost, IP Address:127.0.0.1`);
    expect(own.verify(new X509Certificate(w.ca).publicKey)).toBe(true);
    expect((await peerCertificate(shared, `app.${DOMAIN}`)).fingerprint256).toBe(own.fingerprint256);
    expect((await peerCertificate(shared, `unknown.${DOMAIN}`)).subjectAltName).toContain(`DNS:${DOMAIN},`);
  });

  it('come and go with refresh', async () => {
    const w = await open();
    const before = w.url();
    w.routes.push({ name: 'second', deployment: 'd2', backends: w.routes[0]?.backends ?? [] });
    await w.gateway.refresh();
    await w.healthy(2);
    expect((await ask(w, '/', { name: 'second' })).status).toBe(200);
    w.routes.shift();
    await w.gateway.refresh();
    expect(w.gateway.endpoints().map(({ name }) => name)).toEqual(['second']);
    await expect(ask(w, '/', { name: 'second', port: before.port })).rejects.toThrow('ECONNREFUSED');
  });

  it('keep their ports over restarts, unless somebody else has taken one', async () => {
    const w = await open();
    const [url, endpoint] = [w.gateway.status().url, w.url().href];
    await w.gateway.close();
    const again = async () => {
      const gateway = createGateway({
        dir: join(w.dir, 'gw'), routes: () => w.routes, dial: w.dial, domain: DOMAIN,
        ca: await createAuthority(join(w.dir, 'ca'), { domain: DOMAIN }), log: (event) => w.events.push(event),
      });
      const started = await gateway.start();
      const result = [started.url, new URL(gateway.endpoints()[0]?.url ?? '').href];
      await gateway.close();
      return result;
    };
    const issued = () => w.events.filter(({ event }) => event === 'certificate_issued').length;
    expect(issued()).toBe(2);
    expect(await again()).toEqual([url, endpoint]);
    expect(issued()).toBe(2);
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen({ host: '127.0.0.1', port: Number(new URL(endpoint).port) }, resolve));
    const [, moved] = await again();
    expect(moved).not.toBe(endpoint);
    expect(w.events).toContainEqual(expect.objectContaining({ event: 'port_reassigned', name: 'app' }));
    squatter.close();
    expect((await again())[1]).toBe(moved);
    await writeFile(join(w.dir, 'gw', 'ports.json'), '{"names":[["app",99999]]}');
    await again();
    expect(w.events).toContainEqual(expect.objectContaining({ event: 'state_discarded' }));
    expect((await stat(join(w.dir, 'gw', 'ports.json'))).mode & 0o777).toBe(0o600);
  });

  it('cannot be published on a port that was asked for and is taken', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen({ host: '127.0.0.1', port: 0 }, resolve));
    const { port } = squatter.address() as AddressInfo;
    await expect(createWorld([hello], { port })).rejects.toThrow(`port ${port} of 127.0.0.1 is taken`);
    squatter.close();
  });

  it('that cannot be published leave the others alone, and are tried again', async () => {
    const w = await open();
    const blocked = join(w.dir, 'gw', 'leaves', 'second.pem');
    await mkdir(blocked);
    const backends = w.routes[0]?.backends ?? [];
    w.routes.unshift({ name: 'second', deployment: 'd2', backends });
    w.routes.push({ name: 'third', deployment: 'd3', backends });
    await w.gateway.refresh();
    expect(w.gateway.endpoints().map(({ name }) => name)).toEqual(['app', 'third']);
    expect(w.events).toContainEqual(expect.objectContaining({ event: 'publish_failed', name: 'second' }));
    await rmdir(blocked);
    await w.gateway.refresh();
    expect(w.gateway.endpoints().map(({ name }) => name)).toContain('second');
  });

  it('get new certificates in time, without a new port', async () => {
    let now = Date.now();
    const w = await open({ now: () => now });
    const port = Number(w.url().port);
    const before = await peerCertificate(port);
    await w.gateway.refresh();
    expect((await peerCertificate(port)).fingerprint256).toBe(before.fingerprint256);
    now += 61 * DAY_MS;
    await w.gateway.refresh();
    const after = await peerCertificate(port);
    expect(Date.parse(after.validTo) - Date.parse(before.validTo)).toBeGreaterThan(60 * DAY_MS);
    expect(Number(w.url().port)).toBe(port);
  });
});

describe('closing', () => {
  it('lets what is in flight finish and accepts nothing new', async () => {
    let answer: () => void = () => undefined;
    const w = await open({}, (_incoming, response) => (answer = () => response.end('finished')));
    const port = w.url().port;
    const slow = ask(w, '/');
    await until(() => w.gateway.status().names[0]?.inflight === 1);
    const closing = w.gateway.close();
    await until(() => w.gateway.status().state === 'draining');
    await expect(ask(w, '/', { port })).rejects.toThrow('ECONNREFUSED');
    answer();
    const reply = await slow;
    expect([reply.body.toString(), reply.headers.connection]).toEqual(['finished', 'close']);
    await closing;
    expect(w.gateway.status()).toMatchObject({ state: 'closed', connections: 0 });
    await expect(w.gateway.refresh()).rejects.toThrow('closed');
  });

  it('ends what does not finish within five seconds, and leaves no connection', async () => {
    const w = await open({}, () => undefined);
    const { hostname, port } = w.url();
    const outgoing = request({ hostname, port, path: '/', ca: w.ca }).end();
    const failed = new Promise<Error>((resolve) => outgoing.once('error', resolve));
    await until(() => w.gateway.status().names[0]?.inflight === 1);
    const begin = performance.now();
    await w.gateway.close();
    expect(performance.now() - begin).toBeLessThan(6500);
    expect((await failed).message).toMatch(/hang up|ECONNRESET/);
    expect(w.gateway.status().connections).toBe(0);
    await until(() => w.backends[0]?.sockets.size === 0);
  }, 10_000);
});

describe('limits', () => {
  it('hold 1024 connections and refuse the next', async () => {
    const w = await open();
    const { hostname, port } = w.url();
    const { connect: connectTcp } = await import('node:net');
    const sockets = Array.from({ length: 1024 }, () => connectTcp({ host: hostname, port: Number(port) }));
    for (const socket of sockets) socket.on('error', () => undefined);
    await until(() => w.gateway.status().connections === 1024);
    await expect(ask(w, '/')).rejects.toThrow();
    for (const socket of sockets) socket.destroy();
    await until(() => w.gateway.status().connections === 0);
    expect((await ask(w, '/')).status).toBe(200);
  });
});
