import { createHash } from 'node:crypto';
import { Refusal } from './refusal.ts';
import { sameSignature, sha256Hex, sign } from './sigv4.ts';
import type { ChunkSigning } from './sigv4.ts';

const MAX_HEADER_BYTES = 512;
const MAX_TRAILER_BYTES = 8 * 1024;
const MAX_CHUNK_BYTES = 5 * 1024 ** 3;
const EMPTY_SHA256 = sha256Hex('');

export interface ChunkedOptions {
  readonly signing: ChunkSigning | null;
  readonly trailer: boolean;
  /** Receives the trailing headers, lower-case, once their signature holds. */
  readonly trailers: Map<string, string>;
}

/**
 * Decodes aws-chunked ("Signature Calculations: Transferring Payload in Multiple Chunks"): yields the payload and
 * throws at the first chunk whose signature does not hold. The payload is yielded before its chunk's signature is
 * known, so nothing may become visible until the generator has ended.
 */
export async function* decodeChunked(source: AsyncIterable<Buffer>, { signing, trailer, trailers }: ChunkedOptions): AsyncGenerator<Buffer> {
  const input = new Reader(source);
  let previous = signing?.seed ?? '';
  for (;;) {
    const line = await input.line(MAX_HEADER_BYTES);
    const header = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line);
    if (!header) throw new Refusal('IncompleteBody', 'A chunk header is malformed');
    const size = Number.parseInt(header[1] as string, 16);
    if (size > MAX_CHUNK_BYTES) throw new Refusal('EntityTooLarge', 'A chunk is too large');
    const hash = signing ? createHash('sha256') : null;
    let left = size;
    while (left > 0) {
      const piece = await input.some(left);
      left -= piece.length;
      hash?.update(piece);
      yield piece;
    }
    if (signing) {
      const expected = sign(signing.key, ['AWS4-HMAC-SHA256-PAYLOAD', signing.date, signing.scope, previous, EMPTY_SHA256, hash?.digest('hex')].join('\n'));
      if (!sameSignature(header[2] ?? '', expected)) throw new Refusal('SignatureDoesNotMatch', 'A chunk signature does not match');
      previous = expected;
    }
    if (size === 0) break;
    if (await input.line(2) !== '') throw new Refusal('IncompleteBody', 'A chunk does not end where it says');
  }
  if (trailer) await readTrailers(input, signing, previous, trailers);
  else if (!await input.ended()) {
    if (await input.line(2) !== '' || !await input.ended()) throw new Refusal('IncompleteBody', 'There is more after the last chunk');
  }
}

async function readTrailers(input: Reader, signing: ChunkSigning | null, previous: string, trailers: Map<string, string>): Promise<void> {
  const found: [string, string][] = [];
  let signature = ''; let bytes = 0;
  while (!await input.ended()) {
    const line = await input.line(MAX_TRAILER_BYTES);
    if (line === '') break;
    bytes += line.length;
    const colon = line.indexOf(':');
    if (colon < 1 || bytes > MAX_TRAILER_BYTES) throw new Refusal('IncompleteBody', 'The trailer is malformed');
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'x-amz-trailer-signature') signature = value; else found.push([name, value]);
  }
  if (signing) {
    const canonical = found.map(([name, value]) => `${name}:${value}\n`).join('');
    const expected = sign(signing.key, ['AWS4-HMAC-SHA256-TRAILER', signing.date, signing.scope, previous, sha256Hex(canonical)].join('\n'));
    if (!sameSignature(signature, expected)) throw new Refusal('SignatureDoesNotMatch', 'The trailer signature does not match');
  }
  for (const [name, value] of found) trailers.set(name, value);
}

/** Pulls lines and bounded runs of bytes from a stream of buffers. */
class Reader {
  private readonly source: AsyncIterator<Buffer>;
  private buffer: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) { this.source = source[Symbol.asyncIterator](); }

  private async more(): Promise<boolean> {
    const next = await this.source.next();
    if (next.done) return false;
    this.buffer = this.buffer.length === 0 ? next.value : Buffer.concat([this.buffer, next.value]);
    return true;
  }

  async ended(): Promise<boolean> { return this.buffer.length === 0 && !await this.more(); }

  async some(limit: number): Promise<Buffer> {
    while (this.buffer.length === 0) if (!await this.more()) throw new Refusal('IncompleteBody', 'The body ended inside a chunk');
    const piece = this.buffer.subarray(0, limit);
    this.buffer = this.buffer.subarray(piece.length);
    return piece;
  }

  /** A line without its CRLF. */
  async line(max: number): Promise<string> {
    for (;;) {
      const end = this.buffer.indexOf('\r\n');
      if (end > max || (end < 0 && this.buffer.length > max + 2)) throw new Refusal('IncompleteBody', 'A line of the chunked body is too long');
      if (end >= 0) {
        const line = this.buffer.toString('latin1', 0, end);
        this.buffer = this.buffer.subarray(end + 2);
        return line;
      }
      if (!await this.more()) throw new Refusal('IncompleteBody', 'The chunked body ended early');
    }
  }
}
