import { describe, expect, it } from 'vitest';
import { decodeChunked } from './chunked.ts';
import { crc32c, createChecksummer } from './checksums.ts';
import { Refusal } from './refusal.ts';
import { parseTarget } from './request.ts';
import { verify } from './sigv4.ts';
import type { ChunkSigning, Payload, SignedRequest } from './sigv4.ts';

// Vectors: Amazon S3 API reference, "Authenticating Requests": header, query and chunked-upload examples (2013-05-24).
const VERIFIER = { region: 'us-east-1', credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' } };
const NOW = Date.parse('2013-05-24T00:00:00Z');
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const SCOPE = 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request';

interface Vector { readonly name: string; readonly method: string; readonly target: string; readonly headers: Record<string, string>; readonly signature: string }

const HOST = { host: 'examplebucket.s3.amazonaws.com' };
const DATE = { 'x-amz-date': '20130524T000000Z' };
const VECTORS: Vector[] = [
  { name: 'GET object with a range', method: 'GET', target: '/test.txt', headers: { ...HOST, range: 'bytes=0-9', 'x-amz-content-sha256': EMPTY, ...DATE }, signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41' },
  { name: 'PUT object', method: 'PUT', target: '/test$file.text', headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', ...HOST, 'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072', ...DATE, 'x-amz-storage-class': 'REDUCED_REDUNDANCY' }, signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd' },
  { name: 'GET bucket lifecycle', method: 'GET', target: '/?lifecycle', headers: { ...HOST, 'x-amz-content-sha256': EMPTY, ...DATE }, signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543' },
  { name: 'GET bucket, a listing', method: 'GET', target: '/?max-keys=2&prefix=J', headers: { ...HOST, 'x-amz-content-sha256': EMPTY, ...DATE }, signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7' },
];

function signed(v: Vector): SignedRequest {
  const { path, query } = parseTarget(v.target);
  const names = Object.keys(v.headers).sort();
  const authorization = `AWS4-HMAC-SHA256 Credential=${SCOPE},SignedHeaders=${names.join(';')},Signature=${v.signature}`;
  return { method: v.method, path, query, rawHeaders: [...Object.entries({ ...v.headers, Authorization: authorization }).flat()] };
}

function codeOf(run: () => unknown): string {
  try { run(); } catch (error) { if (error instanceof Refusal) return error.code; throw error; }
  return 'accepted';
}

describe('signature version 4', () => {
  it.each(VECTORS)('accepts the documented $name', (v) => { expect(codeOf(() => verify(signed(v), VERIFIER, NOW))).toBe('accepted'); });

  it('accepts the documented presigned URL until it expires', () => {
    const target = '/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404';
    const request = { method: 'GET', ...parseTarget(target), rawHeaders: ['Host', HOST.host] };
    expect(verify(request, VERIFIER, NOW + 80_000_000)).toEqual({ kind: 'unsigned' });
    expect(codeOf(() => verify(request, VERIFIER, NOW + 86_401_000))).toBe('AccessDenied');
    expect(codeOf(() => verify({ ...request, method: 'PUT' }, VERIFIER, NOW))).toBe('SignatureDoesNotMatch');
  });

  it('refuses every change of what is signed', () => {
    for (const v of VECTORS) {
      const good = signed(v);
      const swap = (from: string, to: string): SignedRequest => ({ ...good, rawHeaders: good.rawHeaders.map((h) => h.replace(from, to)) });
      expect(codeOf(() => verify({ ...good, method: 'DELETE' }, VERIFIER, NOW))).toBe('SignatureDoesNotMatch');
      expect(codeOf(() => verify({ ...good, path: `${good.path}x` }, VERIFIER, NOW))).toBe('SignatureDoesNotMatch');
      expect(codeOf(() => verify({ ...good, query: [...good.query, ['uploads', '']] }, VERIFIER, NOW))).toBe('SignatureDoesNotMatch');
      expect(codeOf(() => verify(swap('examplebucket.', 'otherbucket.'), VERIFIER, NOW))).toBe('SignatureDoesNotMatch');
      expect(codeOf(() => verify(swap('/s3/', '/ec2/'), VERIFIER, NOW))).toBe('AuthorizationHeaderMalformed');
      expect(codeOf(() => verify(swap('us-east-1', 'xx-west-9'), VERIFIER, NOW))).toBe('AuthorizationHeaderMalformed');
      expect(codeOf(() => verify(swap('AKIAIOS', 'AKIAIOT'), VERIFIER, NOW))).toBe('InvalidAccessKeyId');
      expect(codeOf(() => verify({ ...good, rawHeaders: [...good.rawHeaders, 'x-amz-acl', 'public-read'] }, VERIFIER, NOW))).toBe('AccessDenied');
      expect(codeOf(() => verify(good, VERIFIER, NOW + 901_000))).toBe('RequestTimeTooSkewed');
      expect(codeOf(() => verify(good, VERIFIER, NOW - 901_000))).toBe('RequestTimeTooSkewed');
      expect(codeOf(() => verify({ ...good, rawHeaders: good.rawHeaders.slice(0, -2) }, VERIFIER, NOW))).toBe('AccessDenied');
    }
  });
});

const CHUNKED: Vector = {
  name: 'chunked upload', method: 'PUT', target: '/examplebucket/chunkObject.txt', signature: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
  headers: {
    host: 's3.amazonaws.com', ...DATE, 'x-amz-storage-class': 'REDUCED_REDUNDANCY', 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': '66560', 'content-length': '66824',
  },
};
const SIGNATURES = ['ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648', '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497', 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9'];

function chunkedBody(signatures: readonly string[]): Buffer {
  return Buffer.from([65536, 1024, 0].map((size, i) => `${size.toString(16)};chunk-signature=${signatures[i]}\r\n${'a'.repeat(size)}\r\n`).join(''));
}

async function decode(body: Buffer, signing: ChunkSigning | null, step: number, trailer = false): Promise<{ data: Buffer; trailers: Map<string, string> }> {
  const trailers = new Map<string, string>();
  const source = (async function* pieces() { for (let i = 0; i < body.length; i += step) yield await Promise.resolve(body.subarray(i, i + step)); })();
  const out: Buffer[] = [];
  for await (const piece of decodeChunked(source, { signing, trailer, trailers })) out.push(piece);
  return { data: Buffer.concat(out), trailers };
}

function signingOf(payload: Payload): ChunkSigning {
  if (payload.kind !== 'chunked' || !payload.signed) throw new Error('not a signed chunked payload');
  return payload.signed;
}

describe('aws-chunked bodies', () => {
  const signing = signingOf(verify(signed(CHUNKED), VERIFIER, NOW));

  it.each([1, 7, 1000, 70_000])('decodes the documented upload however it is cut (%i bytes)', async (step) => {
    expect((await decode(chunkedBody(SIGNATURES), signing, step)).data.equals(Buffer.alloc(66560, 'a'))).toBe(true);
  });

  it('refuses a wrong signature on any chunk, changed data, and a missing end', async () => {
    const good = chunkedBody(SIGNATURES);
    for (let i = 0; i < 3; i++) {
      const wrong = SIGNATURES.map((s, j) => i === j ? s.replace(/^./, (c) => c === '0' ? '1' : '0') : s);
      await expect(decode(chunkedBody(wrong), signing, 5000)).rejects.toMatchObject({ code: 'SignatureDoesNotMatch' });
    }
    const changed = Buffer.from(good);
    changed[5000] = 0x62;
    await expect(decode(changed, signing, 5000)).rejects.toMatchObject({ code: 'SignatureDoesNotMatch' });
    await expect(decode(good.subarray(0, 66_000), signing, 5000)).rejects.toMatchObject({ code: 'IncompleteBody' });
    await expect(decode(good.subarray(0, good.length - 88), signing, 5000)).rejects.toMatchObject({ code: 'IncompleteBody' });
    await expect(decode(Buffer.concat([good, Buffer.from('more')]), signing, 5000)).rejects.toMatchObject({ code: 'IncompleteBody' });
  });

  it('reads the trailer of an unsigned stream, and bounds its lines', async () => {
    const body = Buffer.from('4\r\n1234\r\n5\r\n56789\r\n0\r\nx-amz-checksum-crc32: y/Q5Jg==\r\n\r\n');
    const { data, trailers } = await decode(body, null, 4, true);
    expect(data.toString()).toBe('123456789');
    expect(trailers.get('x-amz-checksum-crc32')).toBe('y/Q5Jg==');
    const sum = createChecksummer('crc32');
    sum.update(data);
    expect(sum.digest()).toBe('y/Q5Jg==');
    await expect(decode(Buffer.alloc(5000, '1'), null, 100, true)).rejects.toMatchObject({ code: 'IncompleteBody' });
  });

  it('computes CRC-32C as RFC 3720 B.4 has it', () => {
    expect(crc32c(Buffer.alloc(32), 0)).toBe(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff), 0)).toBe(0x62a8ab43);
  });
});

describe('the documented chunked upload with a signed trailer', () => {
  const vector: Vector = {
    name: 'trailer', method: 'PUT', target: '/examplebucket/chunkObject.txt', signature: '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
    headers: {
      host: 's3.amazonaws.com', ...DATE, 'x-amz-storage-class': 'REDUCED_REDUNDANCY', 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
      'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': '66560', 'x-amz-trailer': 'x-amz-checksum-crc32c',
    },
  };
  const chunks = ['b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2', '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7', '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992'];
  const trailerSignature = 'd81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435';
  const body = (sum: string, signature: string): Buffer => Buffer.concat([
    chunkedBody(chunks).subarray(0, -2), Buffer.from(`x-amz-checksum-crc32c:${sum}\r\nx-amz-trailer-signature:${signature}\r\n\r\n`),
  ]);

  it('is accepted, and refused with another trailer', async () => {
    const signing = signingOf(verify(signed(vector), VERIFIER, NOW));
    const { data, trailers } = await decode(body('sOO8/Q==', trailerSignature), signing, 999, true);
    expect(trailers.get('x-amz-checksum-crc32c')).toBe('sOO8/Q==');
    const sum = createChecksummer('crc32c');
    sum.update(data);
    expect(sum.digest()).toBe('sOO8/Q==');
    await expect(decode(body('sOO8/A==', trailerSignature), signing, 999, true)).rejects.toMatchObject({ code: 'SignatureDoesNotMatch' });
  });
});
