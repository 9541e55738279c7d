import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openBlobs } from './blobs.ts';
import { newGrid, removeTemporaryFolders, temporaryFolder } from './grid.fixture.ts';
import type { Log, SubmitResult } from './ports.ts';
import { CLOSE_GOING_AWAY, CLOSE_POLICY, CLOSE_TOO_SLOW } from './protocol.ts';
import { openSqliteLog } from './adapters/sqlite/log.ts';
import { type LedgerServer, type ServerOptions, startServer } from './server.ts';
import { MAX_IN_FLIGHT, MAX_SOCKET_MESSAGE } from './submit-socket.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => { for (const close of closing.splice(0).reverse()) await close(); });
afterAll(removeTemporaryFolders);

async function serve(options: { log?: (log: Log) => Log } & Omit<Partial<ServerOptions>, 'log'> = {}): Promise<{ grid: ReturnType<typeof newGrid>; server: LedgerServer; log: Log }> {
  const grid = newGrid();
  const log = await openSqliteLog({ dir: temporaryFolder(), signer: grid.signer });
  const server = await startServer({ ...options, log: options.log?.(log) ?? log, blobs: await openBlobs(temporaryFolder()) });
  closing.push(() => log.close(), () => server.close());
  return { grid, server, log };
}

interface Answer { id: number | null; ok: boolean; results?: SubmitResult[]; checkpoint?: string | null; error?: { code: string } }

async function dial({ url }: LedgerServer, headers: Record<string, string> = {}): Promise<{ socket: WebSocket; answers: Answer[]; until: (count: number) => Promise<Answer[]>; closed: Promise<number> }> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/submit`, { headers, perMessageDeflate: false });
  const answers: Answer[] = [];
  socket.on('message', (data: Buffer) => answers.push(JSON.parse(data.toString('utf8')) as Answer));
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  closing.push(() => socket.terminate());
  await once(socket, 'open');
  const until = async (count: number): Promise<Answer[]> => {
    while (answers.length < count) await once(socket, 'message');
    return answers;
  };
  return { socket, answers, until, closed };
}

/** A log whose submissions wait until they are let through. */
function gated(log: Log): { log: Log; open: () => void; waiting: () => number } {
  let waiting = 0;
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => { open = resolve; });
  const through = new Proxy(log, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (name === 'submit') {
        return async (envelopes: readonly unknown[]): Promise<SubmitResult[]> => {
          waiting += 1;
          await gate;
          return target.submit(envelopes);
        };
      }
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { log: through, open: () => open(), waiting: () => waiting };
}

describe('submissions over WebSocket', () => {
  it('answers each message with its id, after all of it is durable, with a signed checkpoint', async () => {
    const { grid, server, log } = await serve();
    const { socket, until } = await dial(server);
    socket.send(JSON.stringify({ id: 7, envelopes: [grid.genesis, grid.principal('a'), 'nonsense'] }));
    const [first] = await until(1);
    expect(first).toMatchObject({ id: 7, ok: true, results: [{ ok: true, seq: 0 }, { ok: true, seq: 1 }, { ok: false, code: 'envelope_invalid' }], checkpoint: log.checkpoint() });
    for (let id = 0; id < 100; id++) socket.send(JSON.stringify({ id, envelopes: [grid.principal(`p${id}`)] }));
    const answers = (await until(101)).slice(1);
    expect(answers.map(({ id }) => id).sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(answers.every(({ results }) => results?.[0]?.ok)).toBe(true);
    expect(log.size()).toBe(102);
  });

  it('refuses hostile messages one by one and stays up', async () => {
    const { grid, server, log } = await serve();
    const { socket, until, answers } = await dial(server);
    const hostile: [string, number | null][] = [
      ['', null], ['{', null], ['null', null], ['[]', null], ['7', null], ['{}', null], ['{"id":-1,"envelopes":[1]}', null], ['{"id":1.5,"envelopes":[1]}', null], ['{"id":"x","envelopes":[1]}', null], ['{"id":1e400,"envelopes":[1]}', null],
      ['{"id":3}', 3], ['{"id":4,"envelopes":[]}', 4], ['{"id":5,"envelopes":{}}', 5], ['{"id":6,"envelopes":[1],"more":1}', 6], [`{"id":8,"envelopes":[${Array(257).fill('1').join(',')}]}`, 8], ['['.repeat(200_000), null], ['{"__proto__":{"id":1},"envelopes":[1]}', null],
    ];
    for (const [i, [text, id]] of hostile.entries()) {
      socket.send(text);
      await until(i + 1);
      expect(answers[i], text.slice(0, 40)).toMatchObject({ id, ok: false, error: { code: 'bad_request' } });
    }
    const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
    socket.send(`{"id":9,"envelopes":[${deep},null]}`);
    expect((await until(hostile.length + 1)).at(-1)).toMatchObject({ id: 9, ok: true, results: [{ ok: false, code: 'envelope_invalid' }, { ok: false, code: 'envelope_invalid' }] });
    socket.send(JSON.stringify({ id: 10, envelopes: [grid.genesis] }));
    expect((await until(hostile.length + 2)).at(-1)).toMatchObject({ id: 10, ok: true });
    expect(log.size()).toBe(1);
  });

  it('ends sockets that send bytes, broken text or too much, and those of web pages elsewhere', async () => {
    const { grid, server } = await serve();
    const binary = await dial(server);
    binary.socket.send(Buffer.from('{"id":1,"envelopes":[1]}'));
    expect(await binary.closed).toBe(CLOSE_POLICY);
    const large = await dial(server);
    large.socket.send('x'.repeat(MAX_SOCKET_MESSAGE + 1));
    expect(await large.closed).toBe(1009);
    // A text frame whose bytes are not UTF-8, masked with zeros.
    const raw = connect(Number(new URL(server.url).port), '127.0.0.1');
    raw.write('GET /v1/submit HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n');
    await once(raw, 'data');
    raw.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]));
    const [frame] = await once(raw, 'data') as [Buffer];
    raw.destroy();
    expect([frame[0], frame.readUInt16BE(2)]).toEqual([0x88, 1007]);
    await expect(dial(server, { origin: 'https://evil.example' })).rejects.toThrow(/400/);
    await expect(dial(server, { host: 'rebound.example' })).rejects.toThrow(/400/);
    const good = await dial(server, { origin: 'http://localhost:1234' });
    good.socket.send(JSON.stringify({ id: 1, envelopes: [grid.genesis] }));
    expect(await good.until(1)).toMatchObject([{ id: 1, ok: true }]);
  });

  it('stops reading at the bound of what is in work, and loses nothing', async () => {
    let gate: ReturnType<typeof gated> | undefined;
    const { grid, server, log } = await serve({ log: (inner) => (gate = gated(inner)).log });
    const { socket, until, answers } = await dial(server);
    const total = 8 * MAX_IN_FLIGHT;
    socket.send(JSON.stringify({ id: 0, envelopes: [grid.genesis] }));
    // Long enough that they do not all arrive with the read that meets the bound.
    const padding = 'x'.repeat(20_000);
    for (let id = 1; id < total; id++) socket.send(JSON.stringify({ id, envelopes: [grid.principal(`p${id}`), padding] }));
    while ((gate?.waiting() ?? 0) < MAX_IN_FLIGHT) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(gate?.waiting()).toBeLessThan(MAX_IN_FLIGHT + 8);
    gate?.open();
    await until(total);
    expect(answers.every(({ ok }) => ok)).toBe(true);
    expect(log.size()).toBe(total);
  });

  it('answers busy when one address sends too much, and says so when the ledger failed', async () => {
    const { grid, server, log } = await serve({ entryRate: { perSecond: 1, burst: 3 } });
    const { socket, until } = await dial(server);
    socket.send(JSON.stringify({ id: 1, envelopes: [grid.genesis, 1] }));
    socket.send(JSON.stringify({ id: 2, envelopes: [1, 2] }));
    const answers = await until(2);
    expect(answers.find(({ id }) => id === 1)).toMatchObject({ ok: true });
    expect(answers.find(({ id }) => id === 2)).toMatchObject({ ok: false, error: { code: 'busy', hint: expect.any(String) as string } });
    await log.close();
    socket.send(JSON.stringify({ id: 3, envelopes: [1] }));
    expect((await until(3))[2]).toMatchObject({ id: 3, ok: false, error: { code: 'ledger_failed' } });
  });

  it('ends a client that takes no answers, and all of them when it stops', async () => {
    const { server } = await serve({ slowFeedMs: 200 });
    const slow = await dial(server);
    slow.socket.pause();
    // Each answer is longer than its message; none of them is read.
    const message = (id: number): string => JSON.stringify({ id, envelopes: Array.from({ length: 256 }, () => null) });
    for (let id = 0; id < 600; id++) slow.socket.send(message(id));
    await new Promise((resolve) => setTimeout(resolve, 2000));
    slow.socket.resume();
    expect([CLOSE_TOO_SLOW, 1006]).toContain(await slow.closed);
    const other = await dial(server);
    const closed = other.closed;
    await server.close();
    expect([CLOSE_GOING_AWAY, 1006]).toContain(await closed);
  });
});
