import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CREDENTIALS, Cluster, REGION } from './cluster.fixture.ts';
import { s3 } from './s3-client.fixture.ts';

// The real process, as the daemon runs it: bundled, forked, told everything over IPC, dialling through CONNECT.

const root = fileURLToPath(new URL('../../', import.meta.url));
const bundleDir = join(root, 'node_modules', '.cache', `archive-main-${process.pid}`);
let cluster: Cluster;
let dialer: Server;
const children: ChildProcess[] = [];

interface Running { readonly child: ChildProcess; readonly socket: string; readonly messages: { type: string; state?: string; code?: string; message?: string }[] }

beforeAll(async () => {
  await mkdir(bundleDir, { recursive: true });
  await build({
    entryPoints: [join(root, 'storage/archive/main.ts')], outfile: join(bundleDir, 'main.mjs'), bundle: true, platform: 'node', format: 'esm', target: 'node20',
    external: ['better-sqlite3', '@ronomon/reed-solomon'],
  });
  cluster = await Cluster.start({ data: 2, parity: 1, fronts: 0 });
  dialer = createServer();
  dialer.on('connect', (message, client) => {
    const zdb = connect(join(cluster.dir, `${message.url ?? ''}.s`));
    zdb.once('connect', () => { client.write('HTTP/1.1 200 OK\r\n\r\n'); client.pipe(zdb); zdb.pipe(client); });
    zdb.once('error', () => { client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'); });
    zdb.once('close', () => { client.destroy(); });
    client.on('error', () => zdb.destroy());
    client.on('close', () => zdb.destroy());
  });
  dialer.listen(join(cluster.dir, 'dial.s'));
  await once(dialer, 'listening');
}, 60_000);

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  dialer.close();
  dialer.closeAllConnections();
  await cluster.close();
  await rm(bundleDir, { recursive: true, force: true });
});

function launch(name: string, changes: Record<string, unknown> = {}): Running {
  const child = fork(join(bundleDir, 'main.mjs'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  children.push(child);
  const running: Running = { child, socket: join(cluster.dir, `${name}.s`), messages: [] };
  child.on('message', (m) => { running.messages.push(m as Running['messages'][number]); });
  child.send({ type: 'lease', validForMs: 60_000 });
  child.send({
    type: 'start', socket: running.socket, scratch: cluster.dir, slots: cluster.slots, dataShards: 2, parityShards: 1, dialSocket: join(cluster.dir, 'dial.s'),
    region: REGION, credentials: CREDENTIALS, dataKey: cluster.dataKey.toString('base64'), bucket: 'first', ...changes,
  });
  return running;
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 15_000;
  while (!await holds()) {
    if (performance.now() > end) throw new Error(`waited too long for ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 25); });
  }
}

const said = (r: Running, type: string) => (): boolean => r.messages.some((m) => m.type === type);
const serves = (r: Running) => async (): Promise<boolean> => said(r, 'ready')() && (await s3(r.socket, '/-/health')).status === 200;

describe('the front-end process', () => {
  it('serves, takes over from one that was killed, follows a moved slot, and ends with its daemon', async () => {
    const a = launch('a');
    const b = launch('b');
    await until('a and b', async () => await serves(a)() && await serves(b)());
    const body = randomBytes(200_000);
    expect((await s3(a.socket, '/first/k', { method: 'PUT', body })).status).toBe(200);
    a.child.kill('SIGKILL');
    expect((await s3(b.socket, '/first/k')).body.equals(body)).toBe(true);

    await cluster.replace(2);
    await until('degraded', () => b.messages.some((m) => m.type === 'status' && m.state === 'degraded'));
    b.child.send({ type: 'slots', slots: cluster.slots });
    await until('healthy again', () => b.messages.at(-1)?.state === 'healthy');
    await cluster.stopZdb('zdb-0@1');
    expect((await s3(b.socket, '/first/k')).body.equals(body)).toBe(true);
    await cluster.startZdb('zdb-0@1');

    const exit = once(b.child, 'exit');
    b.child.disconnect();
    await exit;
  }, 40_000);

  it('refuses without a lease and cuts its connections when one ends', async () => {
    const c = launch('c');
    await until('c', serves(c));
    c.child.send({ type: 'lease', validForMs: 0 });
    await until('fenced', async () => (await s3(c.socket, '/-/health').catch(() => ({ status: 0 }))).status === 503);
    const answer = await s3(c.socket, '/first/k');
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
    await until('its status', () => c.messages.at(-1)?.state === 'unavailable');
    const exit = once(c.child, 'exit');
    c.child.send({ type: 'stop' });
    expect((await exit)[0]).toBe(0);
  }, 40_000);

  it.each([
    ['a data key of another length', { dataKey: 'AAAA' }, 'bad_message'],
    ['an address that could break out of its line', { slots: [{ slot: 0, epoch: 1, address: 'x HTTP/1.1\r\n' }, { slot: 1, epoch: 1, address: 'y' }, { slot: 2, epoch: 1, address: 'z' }] }, 'bad_message'],
    ['as much parity as data', { dataShards: 1, parityShards: 2 }, 'bad_layout'],
    ['a slot twice', { slots: [0, 0, 1].map((slot) => ({ slot, epoch: 1, address: 'x' })) }, 'bad_layout'],
  ])('says why it does not start with %s, and shows no secret', async (_, changes, code) => {
    const d = launch('d', changes);
    await once(d.child, 'exit');
    const failed = d.messages.find((m) => m.type === 'failed');
    expect(failed?.code).toBe(code);
    expect(JSON.stringify(d.messages)).not.toContain(CREDENTIALS.secretAccessKey);
  });
});
