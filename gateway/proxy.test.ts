import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener } from 'node:http';
import { get, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, createWorld, sendRaw, until, type World } from './world.fixture.ts';

const MIB = 1024 * 1024;

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

const echoHead: RequestListener = (incoming, response) => {
  incoming.resume();
  const body = JSON.stringify({ method: incoming.method, url: incoming.url, raw: incoming.rawHeaders });
  response.writeHead(200, { 'Content-Length': Buffer.byteLength(body) }).end(body);
};

const hashBody: RequestListener = (incoming, response) => {
  const hash = createHash('sha256');
  let size = 0;
  incoming.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    size += chunk.length;
  });
  incoming.on('end', () => response.end(JSON.stringify({ size, sha256: hash.digest('hex') })));
};

describe('what reaches the backend', () => {
  it('is the request with its Host, with our X-Forwarded fields and without hop-by-hop ones', async () => {
    const w = await open(echoHead);
    const reply = await ask(w, '/a%20b?c=%2F', {
      headers: {
        Host: 'localhost:1234',
        Connection: 'keep-alive, X-Drop',
        'X-Drop': '1',
        'X-Keep': 'a',
        TE: 'trailers',
        'Keep-Alive': 'timeout=9',
        'Proxy-Authorization': 'x',
        'X-Forwarded-For': '6.6.6.6',
        X_Forwarded_For: '6.6.6.6',
        'X-Forwarded-Host': 'evil',
        Forwarded: 'for=6.6.6.6',
      },
    });
    const seen = JSON.parse(reply.body.toString()) as { method: string; url: string; raw: string[] };
    expect(seen.url).toBe('/a%20b?c=%2F');
    expect(seen.raw).toEqual([
      'Host', 'localhost:1234', 'X-Keep', 'a', 'X-Forwarded-For', '127.0.0.1', 'X-Forwarded-Proto', 'https', 'Connection', 'keep-alive',
    ]);
  });

  it('never includes the internal pages', async () => {
    const w = await open(echoHead);
    for (const path of ['/-/health', '/%2d/health', '//-/health', '/x/../-/health']) {
      expect((await ask(w, path)).status).toBe(404);
    }
  });

  it('keeps methods, empty bodies and several fields of one name apart', async () => {
    const w = await open((incoming, response) => {
      response.setHeader('Set-Cookie', ['a=1', 'b=2']);
      response.setHeader('X-Length', incoming.headers['content-length'] ?? incoming.headers['transfer-encoding'] ?? 'none');
      response.end(incoming.method);
    });
    const put = await ask(w, '/', { method: 'PUT', body: 'abc' });
    expect([put.body.toString(), put.headers['x-length'], put.headers['set-cookie']]).toEqual(['PUT', '3', ['a=1', 'b=2']]);
    const post = await ask(w, '/', { method: 'POST', headers: { 'Content-Length': 0 } });
    expect([post.body.toString(), post.headers['x-length']]).toEqual(['POST', '0']);
    const chunked = await ask(w, '/', { method: 'POST', body: 'abc', headers: { 'Transfer-Encoding': 'chunked' } });
    expect(chunked.headers['x-length']).toBe('chunked');
    const remove = await ask(w, '/', { method: 'DELETE' });
    expect([remove.body.toString(), remove.headers['x-length']]).toEqual(['DELETE', 'none']);
    const head = await ask(w, '/', { method: 'HEAD' });
    expect([head.status, head.body.length]).toEqual([200, 0]);
  });
});

describe('bodies', () => {
  it('of 200 MB go up unchanged', async () => {
    const w = await open(hashBody);
    const block = randomBytes(MIB);
    const hash = createHash('sha256');
    const { hostname, port } = w.url();
    const outgoing = request({ hostname, port, method: 'PUT', path: '/big', ca: w.ca, headers: { 'Content-Length': 200 * MIB } });
    const reply = new Promise<IncomingMessage>((resolve, reject) => outgoing.once('response', resolve).once('error', reject));
    for (let i = 0; i < 200; i += 1) {
      hash.update(block);
      if (!outgoing.write(block)) await new Promise((resolve) => outgoing.once('drain', resolve));
    }
    outgoing.end();
    const chunks: Buffer[] = [];
    for await (const chunk of await reply) chunks.push(chunk as Buffer);
    expect(JSON.parse(Buffer.concat(chunks).toString())).toEqual({ size: 200 * MIB, sha256: hash.digest('hex') });
  }, 20_000);

  it('wait for a slow reader: what the backend can get rid of is bounded', async () => {
    let written = 0;
    const w = await open((_incoming, response) => {
      const block = Buffer.alloc(MIB);
      const push = () => {
        while (written < 1024 * MIB) {
          written += MIB;
          if (!response.write(block)) return void response.once('drain', push);
        }
        response.end();
      };
      push();
    });
    const { hostname, port } = w.url();
    const incoming = await new Promise<IncomingMessage>((resolve) => get({ hostname, port, path: '/', ca: w.ca }, resolve));
    incoming.once('readable', () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 700));
    const stalledAt = written;
    expect(stalledAt).toBeLessThan(32 * MIB);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(written).toBe(stalledAt);
    incoming.destroy();
    await until(() => w.gateway.status().names[0]?.inflight === 0);
  });

  it('wait for a slow backend: the client cannot pour without end into the gateway', async () => {
    const w = await open((incoming) => incoming.pause());
    const { hostname, port } = w.url();
    const outgoing = request({ hostname, port, method: 'PUT', path: '/', ca: w.ca, headers: { 'Content-Length': 1024 * MIB } });
    outgoing.on('error', () => undefined);
    let sent = 0;
    const block = Buffer.alloc(MIB);
    const push = () => {
      while (sent < 1024 * MIB) {
        sent += MIB;
        if (!outgoing.write(block)) return void outgoing.once('drain', push);
      }
    };
    push();
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(sent).toBeLessThan(32 * MIB);
    outgoing.destroy();
    w.backends[0]?.kill();
  });

  it('that end too early at the backend are never passed off as whole', async () => {
    const w = await open((_incoming, response) => {
      response.writeHead(200);
      response.write('half');
      setTimeout(() => response.destroy(), 50);
    });
    await expect(ask(w, '/')).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });

  it('without a marked end are refused', async () => {
    const w = await open((incoming) => {
      incoming.socket.end('HTTP/1.1 200 OK\r\n\r\nmaybe all, maybe not');
    });
    expect((await ask(w, '/')).status).toBe(502);
  });

  it('of aborted uploads reach the backend as aborted', async () => {
    let outcome = '';
    const w = await open((incoming) => {
      incoming.resume();
      incoming.once('aborted', () => (outcome = 'aborted'));
      incoming.once('end', () => (outcome = 'ended'));
      incoming.on('error', () => undefined);
    });
    const { hostname, port } = w.url();
    const outgoing = request({ hostname, port, method: 'PUT', path: '/', ca: w.ca, headers: { 'Transfer-Encoding': 'chunked' } });
    outgoing.on('error', () => undefined);
    outgoing.write('half');
    await until(() => (w.gateway.status().names[0]?.inflight ?? 0) > 0);
    setTimeout(() => outgoing.destroy(), 50);
    await until(() => outcome !== '');
    expect(outcome).toBe('aborted');
  });
});

describe('Expect: 100-continue', () => {
  it('asks the backend, which decides before the body is sent', async () => {
    const w = await open(hashBody);
    const order: string[] = [];
    w.backends[0]?.server.on('checkContinue', (incoming: IncomingMessage, response) => {
      order.push('asked');
      if (incoming.url === '/no') {
        response.writeHead(403, { 'Content-Length': 2 }).end('no');
        return;
      }
      setTimeout(() => {
        order.push('continue');
        response.writeContinue();
        w.backends[0]?.server.emit('request', incoming, response);
      }, 50);
    });
    const { hostname, port } = w.url();
    const send = (path: string) =>
      new Promise<number>((resolve, reject) => {
        const outgoing = request({
          hostname, port, path, ca: w.ca, method: 'PUT', agent: false,
          headers: { 'Content-Length': 5, Expect: '100-continue' },
        });
        outgoing.on('continue', () => {
          order.push('sending');
          outgoing.end('hello');
        });
        outgoing.on('response', (incoming) => {
          incoming.resume();
          resolve(incoming.statusCode ?? 0);
          if (path === '/no') outgoing.destroy();
        });
        outgoing.on('error', reject);
        outgoing.flushHeaders();
      });
    expect(await send('/yes')).toBe(200);
    expect(order).toEqual(['asked', 'continue', 'sending']);
    expect(await send('/no')).toBe(403);
    expect(order).toEqual(['asked', 'continue', 'sending', 'asked']);
  });

  it('does not hang when the backend ignores it', async () => {
    const w = await open(hashBody);
    w.backends[0]?.server.on('checkContinue', (incoming, response) => w.backends[0]?.server.emit('request', incoming, response));
    const reply = await ask(w, '/', { method: 'PUT', body: 'hello', headers: { Expect: '100-continue', 'Content-Length': 5 } });
    expect(JSON.parse(reply.body.toString())).toMatchObject({ size: 5 });
  });
});

describe('requests that two parsers could read differently', () => {
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n';
  const cases: [string, string, number][] = [
    ['both lengths', `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`, 400],
    ['both lengths, other order', `POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${smuggled}`, 400],
    ['two different lengths', `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n${smuggled}`, 400],
    ['a list of lengths', `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0, 44\r\n\r\n${smuggled}`, 400],
    ['a signed length', `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +0\r\n\r\n${smuggled}`, 400],
    ['an unknown coding', `POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`, 400],
    ['two codings', `POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${smuggled}`, 400],
    ['chunked twice', `POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`, 400],
    ['a space before the colon', `POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n${smuggled}`, 400],
    ['a folded line', `GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n Content-Length: 44\r\n\r\n${smuggled}`, 400],
    ['bare line feeds', `GET / HTTP/1.1\nHost: localhost\n\n`, 400],
    ['a bare carriage return', `GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rContent-Length: 44\r\n\r\n${smuggled}`, 400],
    ['a NUL', `GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n`, 400],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n', 400],
    ['no host', 'GET / HTTP/1.1\r\nX: y\r\n\r\n', 400],
    ['an absolute target', 'GET http://evil/ HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
    ['a dropped Host', 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close, Host\r\n\r\n', 400],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n', 505],
    ['TRACE', 'TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 405],
    ['headers over 64 KiB', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`, 431],
    ['too many headers', `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${'X: y\r\n'.repeat(300)}\r\n`, 431],
    ['a huge chunk extension', `POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(40_000)}\r\nx\r\n0\r\n\r\n`, 413],
    ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ];

  it('are refused and nothing of them is served', async () => {
    const seen: string[] = [];
    const w = await open((incoming, response) => {
      seen.push(incoming.url ?? '');
      incoming.resume();
      incoming.once('end', () => response.end('served'));
    });
    const answers = await Promise.all(
      cases.map(async ([title, bytes]) => [title, (await sendRaw(w, bytes, /\r\n\r\n/)).slice(0, 12)]),
    );
    expect(answers).toEqual(cases.map(([title, , status]) => [title, `HTTP/1.1 ${status}`]));
    expect(seen).not.toContain('/smuggled');
    expect((await ask(w, '/after')).body.toString()).toBe('served');
  });

  it('cannot be made of a chunked body that holds a request', async () => {
    const seen: string[] = [];
    const w = await open((incoming, response) => {
      seen.push(incoming.url ?? '');
      incoming.resume();
      incoming.once('end', () => response.end('served'));
    });
    const body = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;
    const bytes = `POST /one HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${body}GET /two HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    const text = await sendRaw(w, bytes);
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(seen).toEqual(['/one', '/two']);
  });

  it('cannot come back as a second response of a broken backend', async () => {
    const w = await open((incoming) => {
      incoming.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged');
    });
    for (let i = 0; i < 5; i += 1) expect((await ask(w, `/${i}`)).body.toString()).toBe('ok');
  });

  it('do not let one connection pile up requests', async () => {
    let open_ = 0;
    const w = await open(() => (open_ += 1));
    await sendRaw(w, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(40)).catch(() => undefined);
    expect(open_).toBeLessThanOrEqual(16);
    await until(() => w.gateway.status().names[0]?.inflight === 0);
  });
});

describe('upgrades', () => {
  const handshake = 'GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

  it('become a tunnel after 101', async () => {
    const w = await open(echoHead);
    w.backends[0]?.server.on('upgrade', (incoming: IncomingMessage, socket) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Host: ${incoming.headers.host}\r\n\r\n`);
      socket.pipe(socket);
    });
    const text = await sendRaw(w, `${handshake}early and echoed`, /echoed/);
    expect(text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\nX-Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly and echoed$/);
    await until(() => w.gateway.status().names[0]?.inflight === 0);
  });

  it('that the backend declines get its answer, and those not offered are refused', async () => {
    const w = await open(echoHead);
    w.backends[0]?.server.on('upgrade', (_incoming, socket) => {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnope');
    });
    const declined = await sendRaw(w, handshake);
    expect(declined).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n[^]*nope$/);
    expect(await sendRaw(w, handshake.replace('websocket', 'h2c'))).toMatch(/^HTTP\/1\.1 400/);
    expect(await sendRaw(w, handshake.replace('/ws', '/-/ws'))).toMatch(/^HTTP\/1\.1 404/);
    expect(await sendRaw(w, handshake.replace('GET', 'POST'))).toMatch(/^HTTP\/1\.1 400/);
    expect(await sendRaw(w, handshake.replace('localhost', 'evil.example'))).toMatch(/^HTTP\/1\.1 421/);
  });

  it('cannot overtake a response that is still owed', async () => {
    const w = await open(() => undefined);
    const text = await sendRaw(w, `GET / HTTP/1.1\r\nHost: localhost\r\n\r\n${handshake}`).catch(() => 'closed');
    expect(text).toMatch(/^(closed)?$/);
  });
});

describe('with curl', () => {
  it('the private port works with the CA file alone, and a large upload returns unchanged', async () => {
    const files = new Map<string, Buffer>();
    const w = await open((incoming, response) => {
      if (incoming.method === 'GET') return void response.end(files.get(incoming.url ?? ''));
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        files.set(incoming.url ?? '', Buffer.concat(chunks));
        response.end();
      });
    });
    const dir = await mkdtemp(join(tmpdir(), 'gw-curl-'));
    const curl = (...more: string[]) => promisify(execFile)('curl', ['-sS', '-f', '--noproxy', '*', '--cacert', w.caFile, ...more]);
    const content = randomBytes(8 * MIB);
    await writeFile(join(dir, 'up'), content);
    await curl('-T', join(dir, 'up'), new URL('/file', w.url()).href);
    await curl('-o', join(dir, 'down'), new URL('/file', w.url()).href);
    expect((await readFile(join(dir, 'down'))).equals(content)).toBe(true);
    const shared = new URL(w.gateway.status().url);
    await curl('--resolve', `app.3bot.test:${shared.port}:127.0.0.1`, '-o', join(dir, 'sni'), `https://app.3bot.test:${shared.port}/file`);
    expect((await readFile(join(dir, 'sni'))).equals(content)).toBe(true);
    await rm(dir, { recursive: true });
  });
});
