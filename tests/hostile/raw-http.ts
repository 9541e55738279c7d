import { connect, type Socket } from 'node:net';
import type { Random } from '../e2e/random.ts';

const HEAD = 'host: 127.0.0.1\r\n';
const JSON_TYPE = 'content-type: application/json\r\n';
/** Longest answer to anything that is not served. */
const MAX_ANSWER = 64 * 1024;
/** How long a connection may be silent before it is taken to have said everything. */
const QUIET_MS = 150;
const STATUS = /^HTTP\/1\.1 (\d{3}) /;

const post = (body: string, headers = JSON_TYPE): string => `POST /v1/entries HTTP/1.1\r\n${HEAD}${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const get = (path: string, headers = ''): string => `GET ${path} HTTP/1.1\r\n${HEAD}${headers}\r\n`;

/** Bytes that no honest client sends to an HTTP server; the same random numbers make the same bytes. */
export function hostileBytes(random: Random): Buffer {
  const many = 1 + random.below(60);
  const size = 1 + random.below(30_000);
  const one = <T>(of: readonly T[]): T => of[random.below(of.length)]!;
  const bytes: readonly (() => Buffer | string)[] = [
    () => random.bytes(4 + random.below(4000)),
    () => `GET /v1/grid HTTP/1.1\r\n\r\n`,
    () => `GET /v1/grid HTTP/1.1\r\n${HEAD}${HEAD}\r\n`,
    () => `GET /v1/grid HTTP/${one(['0.9', '1.0', '2.0', '3.0', '1.1.1', 'x'])}\r\n${HEAD}\r\n`,
    () => `${one(['FOO', 'get', 'CONNECT', 'TRACE', 'OPTIONS', 'DELETE', 'PATCH', 'PRI', 'GET '.repeat(20)])} ${one(['*', '/v1/grid', '/v1/entries', '//', 'http://evil.example/v1/grid', '/%00', '/../../etc/passwd'])} HTTP/1.1\r\n${HEAD}\r\n`,
    () => get(`/${'a'.repeat(size)}`),
    () => get('/v1/grid', `x: ${'a'.repeat(size)}\r\n`),
    () => get('/v1/grid', Array.from({ length: 50 * many }, (_, i) => `x-${i}: ${i}\r\n`).join('')),
    () => get('/v1/grid', one(['x: \u0000\r\n', ' folded: 1\r\n', 'x y: 1\r\n', ': empty\r\n', 'x\r\n', 'host: evil.example\r\n', 'origin: http://evil.example\r\n', 'x: \r x\r\n'])),
    () => post('{"envelopes":[]}'),
    () => post('{"envelopes":'),
    () => post(`{"envelopes":[${Array(1 + random.below(600)).fill('0').join(',')}]}`),
    () => post(`{"envelopes":[${'['.repeat(size)}${']'.repeat(size)}]}`),
    () => post('['.repeat(100 * many)),
    () => post(`{"envelopes":[${'9'.repeat(size)}]}`),
    () => post(`{"envelopes":[1e${size}]}`),
    () => post('{"envelopes":[0],"envelopes":[1]}'),
    () => post('{"__proto__":{"envelopes":[0]},"constructor":1}'),
    () => post('{"envelopes":[{"__proto__":{"payloadType":"x"}}]}'),
    () => post('"\\ud800"'),
    () => post('{"envelopes":[0]}', one(['', 'content-type: text/plain\r\n', 'content-type: application/jsonx\r\n', 'content-type: \r\n', `content-type: application/json; charset=${'x'.repeat(5000)}\r\n`, 'content-type: multipart/form-data\r\n'])),
    () => Buffer.concat([Buffer.from(`POST /v1/entries HTTP/1.1\r\n${HEAD}${JSON_TYPE}content-length: 200\r\n\r\n`), random.bytes(200)]),
    () => Buffer.concat([Buffer.from(`POST /v1/entries HTTP/1.1\r\n${HEAD}${JSON_TYPE}content-encoding: gzip\r\ncontent-length: 30\r\n\r\n`), Buffer.from([0x1f, 0x8b, 8]), random.bytes(28).subarray(0, 27)]),
    () => post('{"envelopes":[0]}', `${JSON_TYPE}content-length: 3\r\n`),
    () => `POST /v1/entries HTTP/1.1\r\n${HEAD}${JSON_TYPE}content-length: ${one(['-1', '1e3', '0x10', '99999999999999999999', '4194305', ' ', '1, 1', '+1'])}\r\n\r\n{}`,
    () => `POST /v1/entries HTTP/1.1\r\n${HEAD}${JSON_TYPE}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/grid HTTP/1.1\r\n\r\n`,
    () => `POST /v1/entries HTTP/1.1\r\n${HEAD}${JSON_TYPE}transfer-encoding: ${one(['chunked, chunked', 'gzip, chunked', 'xchunked', 'chunked\r\ntransfer-encoding: identity', 'identity'])}\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    () => `POST /v1/entries HTTP/1.1\r\n${HEAD}${JSON_TYPE}transfer-encoding: chunked\r\n\r\n${one(['zz\r\n{}\r\n', '-2\r\n{}\r\n', 'ffffffffffffffffff\r\n{}\r\n', `2;${'x'.repeat(size)}\r\n{}\r\n0\r\n\r\n`, '2\r\n{}x\r\n0\r\n\r\n', `${'1\r\n{\r\n'.repeat(many)}0\r\n\r\n`, `2\r\n{}\r\n0\r\nx: ${'y'.repeat(size)}\r\n\r\n`])}`,
    () => `POST /v1/entries HTTP/1.1\r\n${HEAD}${JSON_TYPE}expect: ${one(['100-continue', 'the worst'])}\r\ncontent-length: 2\r\n\r\n{}`,
    () => get('/v1/grid').repeat(many) + one(['', '\u0000\u0000', 'GET', 'x'.repeat(100)]),
    () => post('{}') + get('/v1/grid') + post('{'),
    () => `GET /v1/grid HTTP/1.1\r\n${HEAD}content-length: 10\r\n\r\n0123456789`,
    () => get('/v1/grid', 'upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n'),
    () => get(`/v1/feed?from=${one(['-1', '1e9', '99999999999999999999', '%00', '0&from=1', 'NaN', ''])}`, 'upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'),
    () => get('/v1/feed', `upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: ${one(['1', '99', 'x'])}\r\nsec-websocket-key: ${one(['', 'x', 'A'.repeat(500)])}\r\n`),
    () => get(one(['/v1/entries?from=-1', '/v1/entries?from=1e3&limit=NaN', `/v1/entries?from=${'9'.repeat(300)}`, '/v1/proof/inclusion?seq=99999&size=1', '/v1/proof/inclusion?seq=0&size=0', '/v1/proof/consistency?from=0&to=0', '/v1/proof/consistency?from=2&to=1', '/v1/blobs/sha256:zz', '/v1/blobs/../head', `/v1/blobs/sha256:${'0'.repeat(64)}`, '/v1/%2e%2e/x', '/v1/grid?%ff', '/', '/v1', '/v1/__proto__'])),
    () => `PUT /v1/blobs/sha256:${'0'.repeat(64)} HTTP/1.1\r\n${HEAD}content-length: 3\r\n\r\nabc`,
    () => `PUT /v1/blobs/sha256:${'0'.repeat(64)} HTTP/1.1\r\n${HEAD}content-length: 99999999999\r\n\r\nabc`,
    () => Buffer.from('16030100f5010000f10303' + '00'.repeat(200), 'hex'),
    () => 'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /v1/grid HTTP/1.1\r\n\r\n',
    () => 'EHLO example\r\nMAIL FROM:<a@b>\r\n',
    () => '\r\n'.repeat(size),
  ];
  const made = one(bytes)();
  const whole = typeof made === 'string' ? Buffer.from(made) : made;
  // Any of them may also break off anywhere.
  return random.below(4) === 0 ? whole.subarray(0, random.below(whole.length + 1)) : whole;
}

/** Sends bytes, ends the sending side, and returns what is answered until the server closes or falls silent. */
export function exchange(port: number, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port, host: '127.0.0.1' }, () => { socket.write(bytes, () => { quiet.refresh(); }); });
    const quiet = setTimeout(() => socket.destroy(), QUIET_MS);
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      quiet.refresh();
    });
    // Being reset is an answer, too.
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(quiet);
      resolve(Buffer.concat(chunks));
    });
  });
}

/** What is wrong with an answer to hostile bytes; undefined when it is a refusal, an answer to a good part, or silence. */
export function unfit(answer: Buffer): string | undefined {
  if (answer.length === 0) return undefined;
  if (answer.length > MAX_ANSWER) return `an answer of ${answer.length} bytes`;
  const text = answer.toString('latin1');
  if (!STATUS.test(text)) return `no HTTP answer: ${text.slice(0, 100)}`;
  for (const part of text.split(/(?=HTTP\/1\.1 \d{3} )/)) {
    const status = Number(STATUS.exec(part)?.[1]);
    const body = part.slice(part.indexOf('\r\n\r\n') + 4);
    if (status === 101 || status === 100 || (status >= 200 && status < 300)) continue;
    // That it has too much to do is a refusal, too (busy).
    if (status >= 500 && ![501, 503, 505].includes(status)) return `status ${status}: ${body.slice(0, 300)}`;
    // Node's own parser refuses without a body; a body is always the error shape.
    if (!/content-type: application\/json/i.test(part)) continue;
    const told = JSON.parse(body) as { ok?: unknown; error?: { code?: unknown; message?: unknown } };
    if (told.ok !== false || told.error?.code === 'ledger_failed' || typeof told.error?.code !== 'string' || typeof told.error.message !== 'string' || told.error.message.length > 1000) return `no clear refusal: ${body.slice(0, 300)}`;
    if (/\n\s+at |node_modules|node:internal|\.[cm]?[jt]s:\d+/.test(body)) return `tells of the inside: ${body.slice(0, 300)}`;
  }
  return undefined;
}

/** A client that sends so slowly that it never ends; it holds its connection until it is closed. */
export class Slow {
  readonly #socket: Socket;
  readonly #drip: NodeJS.Timeout;

  constructor(port: number, begin: string, drop: string, everyMs: number) {
    this.#socket = connect({ port, host: '127.0.0.1' }, () => this.#socket.write(begin));
    this.#socket.on('error', () => this.close());
    this.#drip = setInterval(() => this.#socket.write(drop), everyMs);
  }

  close(): void {
    clearInterval(this.#drip);
    this.#socket.destroy();
  }
}

/** Headers, a body and a chunked body that never end. */
export const NEVER_ENDING: readonly (readonly [begin: string, drop: string])[] = [
  [`GET /v1/grid HTTP/1.1\r\n${HEAD}`, 'x: y\r\n'],
  [`POST /v1/entries HTTP/1.1\r\n${HEAD}${JSON_TYPE}content-length: 4000000\r\n\r\n{"envelopes":[`, ' '],
  [`POST /v1/entries HTTP/1.1\r\n${HEAD}${JSON_TYPE}transfer-encoding: chunked\r\n\r\n`, '1\r\n \r\n'],
  [`PUT /v1/blobs/sha256:${'0'.repeat(64)} HTTP/1.1\r\n${HEAD}content-length: 4000000\r\n\r\n`, 'x'],
];
