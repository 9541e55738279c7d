import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createZdbClient, type ZdbClient } from './client.ts';
import type { ZdbMessage } from './messages.ts';
import { verifyLog } from './verify.ts';

const ROOT = join(import.meta.dirname, '../..');

let bundles = '';
let entry = '';
let dir = '';
let children: ChildProcess[] = [];
let clients: ZdbClient[] = [];

beforeAll(async () => {
  // Inside node_modules, so that the bundle finds its native modules.
  await mkdir(join(ROOT, 'node_modules/.cache'), { recursive: true });
  bundles = await mkdtemp(join(ROOT, 'node_modules/.cache/zdb-'));
  entry = join(bundles, 'main.mjs');
  await build({ entryPoints: [join(import.meta.dirname, 'main.ts')], outfile: entry, bundle: true, platform: 'node', format: 'esm', packages: 'external', logLevel: 'silent' });
});
afterAll(() => rm(bundles, { recursive: true, force: true }));
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'zdb-'));
});
afterEach(async () => {
  for (const c of clients) c.close();
  await Promise.all(children.map((child) => gone(child, 'SIGKILL')));
  [children, clients] = [[], []];
  await rm(dir, { recursive: true, force: true });
});

const socketPath = (): string => join(dir, 's');
const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;
const exit = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (ended(child)) resolve();
    else child.once('exit', () => resolve());
  });
async function gone(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (!ended(child)) child.kill(signal);
  await exit(child);
}

function answer(child: ChildProcess): Promise<ZdbMessage | 'exit'> {
  return new Promise((resolve) => {
    child.once('message', (message) => resolve(message as ZdbMessage));
    child.once('exit', () => resolve('exit'));
  });
}

function begin(data = join(dir, 'data'), socket = socketPath(), capacity = '1000000000', mode?: 'user' | 'seq'): ChildProcess {
  const child = fork(entry, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  children.push(child);
  child.send({ type: 'start', dir: data, socket, capacity, namespaces: ['index'], ...(mode && { mode }) });
  return child;
}
function sendLease(child: ChildProcess, validForMs: number): void {
  child.send({ type: 'lease', validForMs, issuedAt: String(process.hrtime.bigint()) });
}
/** Gives a lease and waits until it has arrived: it and the socket are not in one order. */
async function lease(child: ChildProcess, validForMs: number): Promise<void> {
  sendLease(child, validForMs);
  child.send({ type: 'status' });
  expect(await answer(child)).toMatchObject({ type: 'status', fenced: false });
}
async function ready(child: ChildProcess, validForMs = 60_000): Promise<ChildProcess> {
  expect(await answer(child)).toMatchObject({ type: 'ready' });
  await lease(child, validForMs);
  return child;
}
function client(timeoutMs = 5_000): ZdbClient {
  const dial = (): Promise<Duplex> =>
    new Promise((resolve, reject) => {
      const stream: Socket = connect(socketPath(), () => resolve(stream)).on('error', reject);
    });
  const made = createZdbClient(dial, { timeoutMs });
  clients.push(made);
  return made;
}

/** Mulberry32: the same rounds in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

describe('the zdb process', () => {
  it('loses nothing acknowledged over ten rounds of kill -9 while it is written', { timeout: 60_000 }, async () => {
    const next = random(42);
    const acknowledged = new Map<string, Buffer | undefined>();
    let total = 0;
    for (let round = 0; round < 10; round += 1) {
      // Segments of 2 MiB, so that sealing and reclaiming are interrupted, too.
      const child = await ready(begin(join(dir, 'data'), socketPath(), '32000000'));
      const c = client();
      const unsure = new Set<string>();
      for (const [key, value] of acknowledged) expect((await c.get(key))?.equals(value ?? Buffer.alloc(0)), key).toBe(value ? true : undefined);

      const kill = setTimeout(() => child.kill('SIGKILL'), 20 + next() * 150);
      const writer = async (name: number): Promise<void> => {
        for (let i = 0; !ended(child); i += 1) {
          const key = `${name}/${Math.floor(next() * 40)}`;
          const value = Buffer.alloc(Math.floor(next() ** 4 * 100_000), `${round}.${i}.`);
          unsure.add(key);
          try {
            if (next() < 0.2) {
              await c.del(key);
              acknowledged.set(key, undefined);
            } else {
              await c.set(key, value);
              acknowledged.set(key, value);
            }
            unsure.delete(key);
            total += 1;
          } catch {
            return;
          }
        }
      };
      await Promise.all(Array.from({ length: 8 }, (_, name) => writer(name)));
      clearTimeout(kill);
      await gone(child, 'SIGKILL');
      c.close();
      // A write without an answer may or may not have happened; only then is either value right.
      for (const key of unsure) acknowledged.delete(key);
    }
    const last = await ready(begin(join(dir, 'data'), socketPath(), '32000000'));
    const reader = client();
    for (const [key, value] of acknowledged) expect((await reader.get(key))?.equals(value ?? Buffer.alloc(0)), key).toBe(value ? true : undefined);
    last.send({ type: 'stop' });
    await exit(last);
    expect(last.exitCode).toBe(0);
    expect(await verifyLog(join(dir, 'data'))).toMatchObject({ ok: true });
    expect(total).toBeGreaterThan(100);
  });

  it('is fenced until its first lease, reports its state, and removes nothing it does not own', async () => {
    const child = begin();
    expect(await answer(child)).toMatchObject({ type: 'ready' });
    await expect(client().set('k', Buffer.from('v'))).rejects.toMatchObject({ code: 'fenced' });
    await lease(child, 60_000);
    child.send({ type: 'status' });
    expect(await answer(child)).toEqual({ type: 'status', bytes: '32', records: 0, fenced: false });
    await client().set('k', Buffer.from('v'));
    child.send({ type: 'status' });
    expect(await answer(child)).toEqual({ type: 'status', bytes: '74', records: 1, fenced: false });
  });

  it('acknowledges nothing after it was stopped past its lease, and a lease that waited in its pipe is no longer', async () => {
    const child = await ready(begin());
    const c = client();
    await c.set('k', Buffer.from('v'));
    await lease(child, 400);
    child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 20));
    const write = c.set('k', Buffer.from('late'));
    sendLease(child, 300);
    await new Promise((resolve) => setTimeout(resolve, 600));
    child.kill('SIGCONT');
    await expect(write).rejects.toMatchObject({ code: 'fenced' });
    await expect(c.get('k')).rejects.toMatchObject({ code: 'fenced' });
    await lease(child, 60_000);
    expect(String(await c.get('k'))).toBe('v');
  });

  it('runs in the mode that it is told, over kill -9, and not over data of the other mode', async () => {
    const beginIn = (mode?: 'user' | 'seq'): ChildProcess => begin(join(dir, 'data'), socketPath(), '1000000000', mode);
    const first = await ready(beginIn('seq'));
    const keys = await Promise.all(['a', 'b', 'c'].map((text) => client().append(Buffer.from(text))));
    expect(new Set(keys.map(String)).size).toBe(3);
    await expect(client().set('mine', Buffer.from('x'))).rejects.toMatchObject({ code: 'refused' });
    expect((await client().info()).get('mode')).toBe('sequential');
    await gone(first, 'SIGKILL');
    for (const mode of ['user', undefined] as const) {
      const other = beginIn(mode);
      expect(await answer(other)).toMatchObject({ type: 'failed', code: 'wrong_mode' });
      await exit(other);
    }
    await ready(beginIn('seq'));
    expect((await client().mget(keys)).map(String)).toEqual(['a', 'b', 'c']);
    expect(Number(await client().append(Buffer.from('d')))).toBeGreaterThan(Math.max(...keys.map(Number)));
  });

  it('opens a directory once, also after kill -9', async () => {
    const first = await ready(begin());
    const second = begin(join(dir, 'data'), join(dir, 't'));
    expect(await answer(second)).toMatchObject({ type: 'failed', code: 'locked' });
    await exit(second);
    expect(second.exitCode).toBe(1);
    await gone(first, 'SIGKILL');
    await ready(begin());
    await client().ping();
  });

  it('ends when its daemon goes, or says what it does not understand', async () => {
    const child = await ready(begin());
    const left = Date.now();
    child.disconnect();
    await exit(child);
    expect(Date.now() - left).toBeLessThan(2_000);
    const other = await ready(begin());
    other.send({ type: 'lease', validForMs: -1 });
    expect(await answer(other)).toMatchObject({ type: 'failed', code: 'bad_message' });
    await exit(other);
    expect(other.exitCode).toBe(1);
  });

  it('does nothing without a daemon', () => {
    const alone = spawnSync(process.execPath, [entry], { encoding: 'utf8' });
    expect(alone.status).toBe(2);
    expect(alone.stderr).toContain('node daemon');
  });
});

const mountSmall = (path: string): boolean => spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'zdb-test', path]).status === 0;
const mayMount = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

describe.skipIf(!mayMount)(`a full disk${mayMount ? '' : ' (for want of root, who may mount a small tmpfs)'}`, () => {
  it('is answered with NOSPACE, corrupts nothing, and writes go on when there is room', async () => {
    const small = join(dir, 'small');
    await mkdir(small);
    expect(mountSmall(small)).toBe(true);
    try {
      const child = await ready(begin(join(small, 'data')));
      const c = client();
      const codes: string[] = [];
      for (let i = 0; i < 40; i += 1) {
        codes.push(await c.set(`k${i}`, Buffer.alloc(100_000, i)).then(() => 'ok', (error: { code: string }) => error.code));
      }
      expect(new Set(codes)).toEqual(new Set(['ok', 'nospace']));
      await c.set('small', Buffer.from('fits'));
      for (const [i, code] of codes.entries()) if (code === 'ok') expect((await c.get(`k${i}`))?.equals(Buffer.alloc(100_000, i))).toBe(true);
      child.send({ type: 'stop' });
      await exit(child);
      expect(await verifyLog(join(small, 'data'))).toMatchObject({ ok: true });
      await expect(writeFile(join(small, 'filler'), Buffer.alloc(3_000_000))).rejects.toMatchObject({ code: 'ENOSPC' });
      await ready(begin(join(small, 'data')));
      expect(String(await client().get('small'))).toBe('fits');
    } finally {
      await Promise.all(children.map((child) => gone(child, 'SIGKILL')));
      spawnSync('umount', [small]);
    }
  });
});
