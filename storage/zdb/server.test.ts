import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createZdbClient, type ZdbClient, type ZdbClientOptions } from './client.ts';
import { Fence } from './fence.ts';
import { MAX_CONNECTIONS, startZdb, type Zdb } from './server.ts';

const REDIS_CLI = '/usr/bin/redis-cli';
const run = promisify(execFile);

let dir = '';
let socket = '';
let zdb: Zdb;
let fence: Fence;
let clients: ZdbClient[] = [];

const dial = (): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    const stream: Socket = connect(socket, () => resolve(stream)).on('error', reject);
  });
function client(options: ZdbClientOptions = {}): ZdbClient {
  const made = createZdbClient(dial, options);
  clients.push(made);
  return made;
}
/** Sends raw bytes and gives all that came back until `length` bytes are there or the stream ends. */
async function raw(text: string, length: number): Promise<string> {
  const stream = await dial();
  stream.write(text);
  let got = '';
  for await (const chunk of stream) {
    got += String(chunk);
    if (got.length >= length) break;
  }
  stream.destroy();
  return got;
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'zdb-'));
  socket = join(dir, 's');
  fence = new Fence();
  fence.renew({ validForMs: 60_000 });
  await writeFile(socket, 'a stale file where the socket goes');
  zdb = await startZdb({ dir: join(dir, 'data'), socket, capacity: 1_000_000_000n, namespaces: ['index'], fence, onFailure: () => undefined });
});
afterEach(async () => {
  for (const c of clients) c.close();
  clients = [];
  await zdb.close();
  await rm(dir, { recursive: true, force: true });
});

describe('commands', () => {
  it('stores, reads, measures and deletes', async () => {
    const c = client();
    const value = Buffer.from([0, 13, 10, 255]);
    await c.set('k', value);
    expect(await c.get('k')).toEqual(value);
    expect(await c.length('k')).toBe(4);
    expect([await c.exists('k'), await c.exists('none'), await c.check('k'), await c.check('none')]).toEqual([true, false, true, false]);
    expect(await c.mget(['k', 'none', 'k'])).toEqual([value, undefined, value]);
    expect([await c.del('k'), await c.del('k'), await c.get('k'), await c.length('k')]).toEqual([true, false, undefined, undefined]);
    expect((await c.info()).get('deleted')).toBe('1');
  });

  it('keeps namespaces apart', async () => {
    const [a, b] = [client(), client({ namespace: 'index' })];
    await a.set('k', Buffer.from('a'));
    await b.set('k', Buffer.from('b'));
    expect(String(await a.get('k'))).toBe('a');
    expect((await b.info()).get('name')).toBe('index');
    await expect(client({ namespace: 'nobody' }).get('k')).rejects.toMatchObject({ code: 'refused' });
  });

  it('answers a pipeline in order, and a read sees the writes before it', async () => {
    const c = client();
    const answers: unknown[] = [];
    for (let i = 0; i < 200; i += 1) {
      answers.push(c.set('k', Buffer.from(String(i))).then(() => 'set'), c.get('k').then(String));
    }
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 'set' : String((i - 1) / 2))));
  });

  it('carries values of 16 MiB, and refuses what is bigger', async () => {
    const [c, other] = [client(), client()];
    const value = Buffer.alloc(16 * 1024 * 1024, 'zdb');
    await c.set('big', value);
    expect((await other.get('big'))?.equals(value)).toBe(true);
    await expect(c.set('bigger', Buffer.alloc(value.length + 1))).rejects.toBeDefined();
    expect(await other.exists('bigger')).toBe(false);
  });

  it('commits many writers in groups', async () => {
    const writers = Array.from({ length: 16 }, () => client());
    await Promise.all(writers.flatMap((c, w) => Array.from({ length: 50 }, (_, i) => c.set(`${w}/${i}`, Buffer.alloc(100, w)))));
    expect(zdb.store.records).toBe(800);
    const reader = client();
    expect((await reader.get('15/49'))?.equals(Buffer.alloc(100, 15))).toBe(true);
  });

  it('refuses unknown commands, wrong arity, inline commands and bad numbers', async () => {
    const EXPECTED = "-ERR unknown command 'FLUSH'\r\n-ERR wrong number of arguments for 'GET'\r\n+PONG\r\n";
    expect(await raw('*1\r\n$5\r\nFLUSH\r\n*1\r\n$3\r\nGET\r\n*1\r\n$4\r\nPING\r\n', EXPECTED.length)).toBe(
      EXPECTED,
    );
    expect(await raw('PING\r\n', 1000)).toBe('-ERR Protocol error: inline commands are refused\r\n');
    expect(await raw('*2\r\n$4\r\nSCAN\r\n$2\r\n-1\r\n', 20)).toBe('-ERR invalid cursor\r\n');
    expect(await raw('*3\r\n$4\r\nTAIL\r\n$1\r\n0\r\n$4\r\n1001\r\n', 20)).toBe('-ERR count must be 1 to 1000\r\n');
  });

  it('gives its socket to its owner only', async () => {
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
    expect((await stat(join(dir, 'data'))).mode & 0o777).toBe(0o700);
    for (const name of await readdir(join(dir, 'data'))) expect(name).not.toMatch(/tmp$/);
  });
});

describe('following', () => {
  it('tails the newest state of each key from a cursor, and nothing when nothing is new', async () => {
    const c = client();
    for (const [key, value] of [['a', '1'], ['b', '1'], ['a', '2'], ['c', '1']] as const) await c.set(key, Buffer.from(value));
    await c.del('b');
    const page = await c.tail('0', 2);
    expect(page).toEqual({
      cursor: '4',
      items: [
        { key: Buffer.from('a'), value: Buffer.from('2'), seq: 3 },
        { key: Buffer.from('c'), value: Buffer.from('1'), seq: 4 },
      ],
    });
    expect(await c.tail(page.cursor)).toEqual({ cursor: '5', items: [{ key: Buffer.from('b'), value: undefined, seq: 5 }] });
    expect(await c.tail('5')).toEqual({ cursor: '5', items: [] });
    const scan = await c.scan('3');
    expect(scan.items.map((i) => [String(i.key), i.seq, i.length, i.deleted])).toEqual([['c', 4, 1, false], ['b', 5, 0, true]]);
    expect(await c.scan(scan.cursor)).toEqual({ cursor: '5', items: [] });
  });

  it('brings a follower to the state of the store, while others write', async () => {
    const [writer, follower] = [client(), client()];
    const mirror = new Map<string, string>();
    let cursor = '0';
    const pull = async (): Promise<number> => {
      const page = await follower.tail(cursor, 7);
      for (const { key, value } of page.items) {
        if (value) mirror.set(String(key), String(value));
        else mirror.delete(String(key));
      }
      cursor = page.cursor;
      return page.items.length;
    };
    const writes = (async () => {
      for (let i = 0; i < 300; i += 1) await (i % 5 === 4 ? writer.del(`k${(i * 7) % 31}`) : writer.set(`k${(i * 11) % 31}`, Buffer.from(String(i))));
    })();
    for (let i = 0; i < 20; i += 1) await pull();
    await writes;
    while ((await pull()) > 0);
    const keys = Array.from({ length: 31 }, (_, i) => `k${i}`);
    const truth = await writer.mget(keys);
    expect(keys.map((key) => mirror.get(key))).toEqual(truth.map((value) => value?.toString()));
  });

  it('caps the bytes of a tail, but always passes one record on', async () => {
    const c = client();
    for (const key of ['a', 'b', 'c']) await c.set(key, Buffer.alloc(5 * 1024 * 1024));
    await c.set('huge', Buffer.alloc(9 * 1024 * 1024));
    const sizes: number[] = [];
    for (let page = await c.tail('0'); page.items.length > 0; page = await c.tail(page.cursor)) sizes.push(page.items.length);
    expect(sizes).toEqual([1, 1, 1, 1]);
  });
});

describe('fencing', () => {
  it('refuses reads and writes without a lease, before and after', async () => {
    const c = client();
    await c.set('k', Buffer.from('v'));
    fence.renew({ validForMs: 0 });
    for (const refused of [c.set('k', Buffer.from('w')), c.get('k'), c.del('k'), c.tail('0'), c.exists('k'), c.info()]) {
      await expect(refused).rejects.toMatchObject({ code: 'fenced' });
    }
    await c.ping();
    fence.renew({ validForMs: 60_000 });
    expect(String(await c.get('k'))).toBe('v');
  });

  it('does not acknowledge a write whose lease ended while it was committed', async () => {
    const c = client();
    await c.ping();
    const write = c.set('k', Buffer.alloc(1000));
    const committed = zdb.store.namespace('default');
    // The lease goes away in the turn in which the record becomes durable, before its reply is sent.
    const apply = committed?.apply.bind(committed);
    if (!committed || !apply) throw new Error('no namespace');
    committed.apply = (entry) => {
      fence.renew({ validForMs: 0 });
      return apply(entry);
    };
    await expect(write).rejects.toMatchObject({ code: 'fenced' });
    expect(committed.get('k')).toBeDefined();
  });

  it('counts a lease from when it was issued', () => {
    const now = process.hrtime.bigint();
    const late = new Fence();
    expect(late.ended).toBe(true);
    late.renew({ validForMs: 5_000, issuedAt: String(now - 6_000_000_000n) });
    expect(late.ended).toBe(true);
    late.renew({ validForMs: 5_000, issuedAt: String(now + 10n ** 15n) });
    expect(late.ended).toBe(false);
  });
});

describe('client', () => {
  it('rejects what is pending when the stream dies, and connects again', async () => {
    const streams: Duplex[] = [];
    const c = createZdbClient(async () => {
      const stream = await dial();
      streams.push(stream);
      return stream;
    });
    clients.push(c);
    await c.set('k', Buffer.from('v'));
    const pending = c.get('k');
    streams[0]?.destroy();
    await expect(pending).rejects.toMatchObject({ code: 'unavailable' });
    expect(String(await c.get('k'))).toBe('v');
    expect(streams).toHaveLength(2);
  });

  it('gives up on a server that does not answer, and fails fast when it cannot connect', async () => {
    let attempts = 0;
    const c = createZdbClient(
      async () => {
        attempts += 1;
        throw new Error('no route');
      },
      { timeoutMs: 100 },
    );
    const results = await Promise.allSettled([c.get('a'), c.get('b')]);
    expect(results.map((r) => r.status === 'rejected' && (r.reason as { code: string }).code)).toEqual(['unavailable', 'unavailable']);
    await expect(c.get('c')).rejects.toMatchObject({ code: 'unavailable' });
    expect(attempts).toBe(1);

    const hanging = createZdbClient(() => new Promise(() => undefined), { timeoutMs: 50 });
    await expect(hanging.get('k')).rejects.toMatchObject({ code: 'unavailable' });

    const mute = createServer((stream) => stream.on('error', () => undefined).resume()).listen(join(dir, 'm'));
    const streams: Socket[] = [];
    const waiting = createZdbClient(async () => streams[streams.push(connect(join(dir, 'm'))) - 1] ?? expect.fail(), { timeoutMs: 60 });
    const asked = await Promise.allSettled([waiting.get('k'), waiting.set('k', Buffer.alloc(10))]);
    expect(asked.map((r) => r.status === 'rejected' && (r.reason as { code: string }).code)).toEqual(['unavailable', 'unavailable']);
    expect(streams.map((stream) => stream.destroyed)).toEqual([true]);
    mute.close();
    waiting.close();
    await expect(waiting.ping()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is told when there are too many clients, and served when there are not', async () => {
    const streams = await Promise.all(Array.from({ length: MAX_CONNECTIONS }, dial));
    await expect(client().ping()).rejects.toMatchObject({ code: 'unavailable' });
    for (const stream of streams) stream.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await client().ping();
  });

  it('reports a full store', async () => {
    await zdb.store.setMaxSize(zdb.store.namespace('index') ?? expect.fail('no namespace'), 10n);
    await expect(client({ namespace: 'index' }).set('k', Buffer.alloc(100))).rejects.toMatchObject({ code: 'nospace' });
  });
});

describe.skipIf(!existsSync(REDIS_CLI))(`redis-cli${existsSync(REDIS_CLI) ? '' : ' (for want of redis-cli: apt-get install redis-tools)'}`, () => {
  const cli = async (...args: string[]): Promise<string> => (await run(REDIS_CLI, ['-s', socket, ...args])).stdout;

  it('runs one command at a time', async () => {
    expect(await cli('PING')).toBe('PONG\n');
    expect(await cli('SET', 'k', 'v')).toBe('k\n');
    expect(await cli('GET', 'k')).toBe('v\n');
    expect(await cli('NSLIST')).toBe('default\nindex\n');
    expect(await cli('NSNEW', 'films')).toBe('OK\n');
    expect(await cli('NSSET', 'films', 'maxsize', '1000')).toBe('OK\n');
    expect(await cli('NSINFO', 'films')).toContain('data_limits_bytes: 1000');
    expect(await cli('NSNEW', '../x')).toContain('ERR invalid namespace name');
    expect(await cli('INFO')).toContain('fenced: no');
    expect(await cli('SCAN', '0', 'COUNT', '10')).toMatch(/^1\nk\n1\n\d+\n1\n0\n$/);
    expect(await cli('CHECK', 'k')).toBe('1\n');
    expect(Number(await cli('KEYTIME', 'k'))).toBeGreaterThan(1e12);
  });

  it('runs a session', async () => {
    const session = run(REDIS_CLI, ['-s', socket]);
    session.child.stdin?.end('SELECT index\nSET a 1\nMGET a b\nDEL a\nDBSIZE\nNOPE\n');
    expect((await session).stdout).toBe("OK\na\n1\n\n1\n0\nERR unknown command 'NOPE'\n\n");
  });
});
