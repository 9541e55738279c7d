import { createHash } from 'node:crypto';
import type { BlobRef, Checksum } from '../index/record.ts';
import { decodeChunked } from './chunked.ts';
import { createChecksummer, isChecksum } from './checksums.ts';
import type { Checksummer } from './checksums.ts';
import { headerOf } from './context.ts';
import type { S3Request } from './context.ts';
import { Refusal } from './refusal.ts';

/** The most one PUT or one part may hold (Amazon S3: 5 GiB). */
export const MAX_BODY_BYTES = 5 * 1024 ** 3;

export interface StoredBody {
  readonly blobs: BlobRef[];
  readonly size: number;
  /** Hex. */
  readonly md5: string;
  readonly checksum?: Checksum;
}

interface Announced { readonly algorithm: string; readonly value: string | null }

/** Yields the request's payload, and throws at its end unless it is what was signed. */
async function* signedBody(request: S3Request, trailers: Map<string, string>): AsyncGenerator<Buffer> {
  const { payload } = request;
  if (payload.kind === 'chunked') {
    yield* decodeChunked(request.body(), { signing: payload.signed, trailer: payload.trailer, trailers });
    return;
  }
  const hash = payload.kind === 'sha256' ? createHash('sha256') : null;
  for await (const piece of request.body()) {
    hash?.update(piece);
    yield piece;
  }
  if (hash && payload.kind === 'sha256' && hash.digest('hex') !== payload.hash) {
    throw new Refusal('XAmzContentSHA256Mismatch', 'The body is not the one whose SHA-256 was signed');
  }
}

/** The number of payload bytes the client announced; every upload must say it. */
function announcedLength(request: S3Request): number {
  const name = request.payload.kind === 'chunked' ? 'x-amz-decoded-content-length' : 'content-length';
  const text = headerOf(request, name);
  if (text === undefined || !/^\d{1,15}$/.test(text)) throw new Refusal('MissingContentLength', `The request must carry ${name}`);
  const length = Number(text);
  if (length > MAX_BODY_BYTES) throw new Refusal('EntityTooLarge', `One request may carry ${MAX_BODY_BYTES} bytes`);
  return length;
}

function announcedChecksum(request: S3Request): Announced | null {
  for (const [name, value] of Object.entries(request.message.headers)) {
    const algorithm = /^x-amz-checksum-([a-z0-9]+)$/.exec(name)?.[1];
    if (algorithm && isChecksum(algorithm)) return { algorithm, value: String(value) };
  }
  const trailer = /^x-amz-checksum-([a-z0-9]+)$/.exec(headerOf(request, 'x-amz-trailer')?.trim().toLowerCase() ?? '')?.[1];
  return trailer && isChecksum(trailer) ? { algorithm: trailer, value: null } : null;
}

function expectedMd5(request: S3Request): string | null {
  const text = headerOf(request, 'content-md5');
  if (text === undefined) return null;
  const md5 = Buffer.from(text, 'base64');
  if (md5.length !== 16) throw new Refusal('InvalidDigest', 'Content-MD5 is not the base64 of 16 bytes');
  return md5.toString('hex');
}

/** Stores the payload as a new blob; resolves when it is durable and is what the client announced and signed. */
export async function storeBody(request: S3Request): Promise<StoredBody> {
  const length = announcedLength(request);
  const md5Wanted = expectedMd5(request);
  const announced = announcedChecksum(request);
  const trailers = new Map<string, string>();
  const md5 = createHash('md5');
  const summer: Checksummer | null = announced && isChecksum(announced.algorithm) ? createChecksummer(announced.algorithm) : null;
  const writer = request.blobs.writer(request.signal);
  let size = 0;
  for await (const piece of signedBody(request, trailers)) {
    size += piece.length;
    if (size > length) throw new Refusal('IncompleteBody', 'There is more payload than announced');
    md5.update(piece);
    summer?.update(piece);
    await writer.write(piece);
  }
  if (size !== length) throw new Refusal('IncompleteBody', `The payload is ${size} bytes, announced were ${length}`);
  const digest = md5.digest('hex');
  if (md5Wanted !== null && md5Wanted !== digest) throw new Refusal('BadDigest', 'The body does not match Content-MD5');
  const value = summer?.digest();
  if (announced && summer) {
    const wanted = announced.value ?? trailers.get(`x-amz-checksum-${announced.algorithm}`);
    if (wanted !== value) throw new Refusal('BadDigest', `The body does not match its x-amz-checksum-${announced.algorithm}`);
  }
  const blobs = await writer.finish();
  return { blobs, size, md5: digest, ...(summer && value !== undefined ? { checksum: { algorithm: summer.algorithm, value } } : {}) };
}

/** Reads a small request document whole, and checks what was signed of it. */
export async function readDocument(request: S3Request, maxBytes: number): Promise<string> {
  const md5Wanted = expectedMd5(request);
  const md5 = createHash('md5');
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of signedBody(request, new Map())) {
    size += piece.length;
    if (size > maxBytes) throw new Refusal('EntityTooLarge', `The document may have ${maxBytes} bytes`);
    md5.update(piece);
    pieces.push(piece);
  }
  if (md5Wanted !== null && md5.digest('hex') !== md5Wanted) throw new Refusal('BadDigest', 'The body does not match Content-MD5');
  return Buffer.concat(pieces).toString('utf8');
}
