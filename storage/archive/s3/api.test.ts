import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from '../cluster.fixture.ts';
import { objectName } from '../index/record.ts';
import { s3 } from '../s3-client.fixture.ts';
import type { Answer, Call } from '../s3-client.fixture.ts';

let cluster: Cluster;
beforeAll(async () => { cluster = await Cluster.start({ data: 2, parity: 1, fronts: 2 }); });
afterAll(async () => { await cluster.close(); });

const call = (target: string, options: Call = {}, front = 0): Promise<Answer> => s3((cluster.fronts[front] as { socket: string }).socket, target, options);
const codeOf = (answer: Answer): string => `${answer.status} ${/<Code>(\w+)<\/Code>/.exec(answer.body.toString())?.[1] ?? ''}`;

describe('what is refused leaves nothing behind', () => {
  const bad: [string, Call, string][] = [
    ['a body that is not the one signed', { body: 'other', signedBody: 'signed' }, '400 XAmzContentSHA256Mismatch'],
    ['a wrong Content-MD5', { body: 'x', headers: { 'content-md5': createHash('md5').update('y').digest('base64') } }, '400 BadDigest'],
    ['a malformed Content-MD5', { body: 'x', headers: { 'content-md5': 'short' } }, '400 InvalidDigest'],
    ['a wrong CRC-32', { body: 'x', headers: { 'x-amz-checksum-crc32': 'AAAAAA==' } }, '400 BadDigest'],
    ['a conditional write', { body: 'x', headers: { 'if-none-match': '*' } }, '501 NotImplemented'],
    ['customer-provided keys', { body: 'x', headers: { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' } }, '501 NotImplemented'],
    ['a public access list', { body: 'x', headers: { 'x-amz-acl': 'public-read' } }, '400 AccessControlListNotSupported'],
    ['too much metadata', { body: 'x', headers: { 'x-amz-meta-a': 'm'.repeat(2100) } }, '400 MetadataTooLarge'],
    ['a wrong secret', { body: 'x', headers: { authorization: `AWS4-HMAC-SHA256 Credential=AKTEST/20200101/ch-1/s3/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}` } }, '403 AccessDenied'],
  ];
  it.each(bad)('%s', async (name, options, code) => {
    const key = `/first/bad-${encodeURIComponent(name)}`;
    expect(codeOf(await call(key, { method: 'PUT', ...options }))).toBe(code);
    expect(codeOf(await call(key, {}, 1))).toBe('404 NoSuchKey');
  });

  it.each([
    ['GET', '/first?inventory', '501 NotImplemented'], ['PUT', '/first?versioning', '501 NotImplemented'], ['GET', '/first/k?partNumber=1', '501 NotImplemented'],
    ['GET', '/first?policy', '404 NoSuchBucketPolicy'], ['POST', '/first', '405 MethodNotAllowed'], ['PUT', '/Bad_Name', '400 InvalidBucketName'],
    ['GET', `/first/${'k'.repeat(1025)}`, '400 KeyTooLongError'], ['GET', '/first?list-type=2&list-type=2', '400 InvalidArgument'],
    ['GET', '/first?list-type=2&max-keys=x', '400 InvalidArgument'], ['GET', '/first?list-type=2&continuation-token=%21', '400 InvalidArgument'],
    ['DELETE', '/nowhere', '404 NoSuchBucket'], ['PUT', '/nowhere/k', '404 NoSuchBucket'], ['POST', '/first/k?uploadId=00', '400 MalformedXML'],
    ['GET', '/first/k?uploadId=zz', '404 NoSuchUpload'],
  ])('%s %s is %s', async (method, target, code) => { expect(codeOf(await call(target, { method }))).toBe(code); });

  it('tells an unsigned request nothing, except health', async () => {
    const plain = (path: string): Promise<number> => new Promise((resolve, reject) => {
      const r = request({ socketPath: cluster.fronts[0]?.socket ?? '', path }, (response) => { response.resume(); resolve(response.statusCode ?? 0); });
      r.on('error', reject);
      r.end();
    });
    expect(await plain('/')).toBe(403);
    expect(await plain('/first/k')).toBe(403);
    expect(await plain('/-/health')).toBe(200);
  });

  it('reads a large refused body far enough that the client sees the refusal', async () => {
    const answer = await call('/first/large', { method: 'PUT', body: Buffer.alloc(5_000_000), headers: { 'if-match': '"x"' } });
    expect(codeOf(answer)).toBe('501 NotImplemented');
  });
});

describe('what the contract retains', () => {
  it.each([['immutable', { days: 0, immutable: true }], ['for days', { days: 30, immutable: false }]])('%s: is neither overwritten nor deleted, through any door', async (name, retention) => {
    const front = cluster.fronts.indexOf(await cluster.addFront({ retention }));
    const key = `/first/kept-${name.replace(' ', '-')}`;
    expect((await call(key, { method: 'PUT', body: 'first' }, front)).status).toBe(200);
    expect(codeOf(await call(key, { method: 'PUT', body: 'second' }, front))).toBe('403 AccessDenied');
    expect(codeOf(await call(key, { method: 'DELETE' }, front))).toBe('403 AccessDenied');
    expect(codeOf(await call(`${key}?uploads`, { method: 'POST' }, front))).toBe('403 AccessDenied');
    expect(codeOf(await call(key, { method: 'PUT', headers: { 'x-amz-copy-source': '/first/other' } }, front))).toBe('403 AccessDenied');
    const many = `<Delete><Object><Key>${key.slice('/first/'.length)}</Key></Object></Delete>`;
    const deleted = await call('/first?delete', { method: 'POST', body: many, headers: { 'content-md5': createHash('md5').update(many).digest('base64') } }, front);
    expect(deleted.body.toString()).toContain('<Code>AccessDenied</Code>');
    expect((await call(key, {}, front)).body.toString()).toBe('first');
  });

  it('ends with its days', async () => {
    const front = cluster.fronts.indexOf(await cluster.addFront({ retention: { days: 1, immutable: false } }));
    const register = cluster.fronts[front]?.archive.register;
    await call('/first/old', { method: 'PUT', body: 'old' }, front);
    await register?.catchUp();
    const entry = await register?.read(objectName('first', 'old'));
    if (entry?.state.kind !== 'object') throw new Error('the object is missing');
    await register?.write(objectName('first', 'old'), { ...entry.state, modified: new Date(Date.now() - 2 * 86_400_000).toISOString() });
    expect((await call('/first/old', { method: 'DELETE' }, front)).status).toBe(204);
  });
});

describe('buckets', () => {
  it('are gone when empty, and are kept when an object came first', async () => {
    expect(codeOf(await call('/second', { method: 'PUT' }))).toBe('200 ');
    expect(codeOf(await call('/second', { method: 'PUT' }))).toBe('200 ');
    expect(codeOf(await call('/second/k', { method: 'PUT', body: 'x' }, 1))).toBe('200 ');
    expect(codeOf(await call('/second', { method: 'DELETE' }))).toBe('409 BucketNotEmpty');
    expect(codeOf(await call('/second/k', { method: 'DELETE' }))).toBe('204 ');
    expect(codeOf(await call('/second', { method: 'DELETE' }, 1))).toBe('204 ');
    expect(codeOf(await call('/second', { method: 'HEAD' }))).toBe('404 ');
  });

  it('never lose an acknowledged object to a deletion that runs beside it on another front end', async () => {
    for (let round = 0; round < 10; round++) {
      await call('/race', { method: 'PUT' });
      const [put, gone] = await Promise.all([call('/race/k', { method: 'PUT', body: 'x' }), call('/race', { method: 'DELETE' }, 1)]);
      expect([200, 404]).toContain(put.status);
      if (put.status === 200) {
        expect(gone.status).not.toBe(204);
        expect((await call('/race/k', {}, 1)).status).toBe(200);
      }
      await call('/race', { method: 'PUT' });
      await call('/race/k', { method: 'DELETE' });
      await call('/race', { method: 'DELETE' });
    }
  });
});

describe('space', () => {
  it('of an overwritten object comes back after the grace, and a copy keeps its bytes alive', async () => {
    const own = await Cluster.start({ data: 2, parity: 1, fronts: 0 });
    try {
      const { archive, socket } = await own.addFront({ graceMs: 100 });
      const body = randomBytes(100_000);
      const keys = async (): Promise<number> => (await archive.slots.current[0]?.data.scan('0', 100))?.entries.filter((e) => !e.deleted).length ?? -1;
      const settle = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve, 1_200); });
      await s3(socket, '/first/a', { method: 'PUT', body });
      await s3(socket, '/first/b', { method: 'PUT', headers: { 'x-amz-copy-source': '/first/a' } });
      await s3(socket, '/first/a', { method: 'PUT', body: 'new' });
      await settle();
      expect(await keys()).toBe(2);
      expect((await s3(socket, '/first/b')).body.equals(body)).toBe(true);
      await s3(socket, '/first/b', { method: 'DELETE' });
      await settle();
      expect(await keys()).toBe(1);
      expect((await s3(socket, '/first/a')).body.toString()).toBe('new');
    } finally {
      await own.close();
    }
  });

  it('that has run out is said plainly, and not as a reason to try again', async () => {
    const own = await Cluster.start({ data: 2, parity: 1, fronts: 1, capacity: 3_000_000n });
    try {
      const socket = own.fronts[0]?.socket ?? '';
      const answer = await s3(socket, '/first/a', { method: 'PUT', body: randomBytes(12_000_000) });
      expect(codeOf(answer)).toBe('507 QuotaExceeded');
      expect(own.fronts[0]?.archive.status().reason).toContain('no space left');
      expect((await s3(socket, '/first/a')).status).toBe(404);
    } finally {
      await own.close();
    }
  });
});
