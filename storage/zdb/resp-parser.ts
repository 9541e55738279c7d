import type { Resp } from './resp.ts';

/** The other side broke the protocol or a bound; the stream cannot be read any further. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export interface RespLimits {
  readonly arrayItems: number;
  readonly bulkBytes: number;
  /** All bulk bytes and items of one message together, an item counting `ITEM_COST`. */
  readonly messageBytes: number;
  readonly depth: number;
}

const MAX_LINE_BYTES = 1024;
const ITEM_COST = 64;
const CR = 13;
const LF = 10;

interface OpenArray {
  readonly items: Resp[];
  readonly length: number;
}

/**
 * Streaming RESP2 parser. `push` gives the values that became whole; any cutting of the same bytes into chunks
 * gives the same values. A bulk string inside one chunk is a view of it; one that spans chunks is copied once
 * into a buffer of its own. Throws ProtocolError on what is malformed, inline, or over a limit.
 */
export class RespParser {
  private line = '';
  private bulk: { bytes: Buffer; filled: number } | undefined;
  /** Bytes of the CRLF behind a bulk string that are still to come. */
  private trailer = 0;
  private finished: Buffer | undefined;
  private readonly stack: OpenArray[] = [];
  private cost = 0;

  constructor(private readonly limits: RespLimits) {}

  /** True while a value has begun and is not whole. */
  get partial(): boolean {
    return this.line !== '' || this.stack.length > 0 || this.bulk !== undefined || this.trailer > 0;
  }

  /** Takes the next bytes; returns the messages they complete. */
  push(chunk: Buffer): Resp[] {
    const messages: Resp[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.bulk) at = this.fillBulk(this.bulk, chunk, at);
      else if (this.trailer > 0) at = this.readTrailer(chunk, at, messages);
      else at = this.readLine(chunk, at, messages);
    }
    return messages;
  }

  private fillBulk(bulk: { bytes: Buffer; filled: number }, chunk: Buffer, at: number): number {
    const copied = chunk.copy(bulk.bytes, bulk.filled, at);
    bulk.filled += copied;
    if (bulk.filled === bulk.bytes.length) {
      this.finished = bulk.bytes;
      this.bulk = undefined;
      this.trailer = 2;
    }
    return at + copied;
  }

  private readTrailer(chunk: Buffer, at: number, messages: Resp[]): number {
    if (chunk[at] !== (this.trailer === 2 ? CR : LF)) throw new ProtocolError('bulk string is not followed by CRLF');
    this.trailer -= 1;
    if (this.trailer === 0 && this.finished) {
      this.complete(this.finished, messages);
      this.finished = undefined;
    }
    return at + 1;
  }

  private readLine(chunk: Buffer, at: number, messages: Resp[]): number {
    const newline = chunk.indexOf(LF, at);
    const end = newline === -1 ? chunk.length : newline;
    if (this.line.length + end - at > MAX_LINE_BYTES) throw new ProtocolError('line is too long');
    this.line += chunk.toString('latin1', at, end);
    // Refused at its first byte: an inline command could otherwise hold the line open.
    if (this.line !== '' && !'+-:$*'.includes(this.line.charAt(0))) throw new ProtocolError('inline commands are refused');
    if (newline === -1) return end;
    if (!this.line.endsWith('\r')) throw new ProtocolError('line does not end with CRLF');
    const line = this.line.slice(0, -1);
    this.line = '';
    return this.header(line, chunk, newline + 1, messages);
  }

  private header(line: string, chunk: Buffer, at: number, messages: Resp[]): number {
    const rest = line.slice(1);
    switch (line.charAt(0)) {
      case '+':
        this.complete({ simple: rest }, messages);
        return at;
      case '-':
        this.complete({ error: Buffer.from(rest, 'latin1').toString('utf8') }, messages);
        return at;
      case ':':
        this.complete(integer(rest), messages);
        return at;
      case '$':
        return this.startBulk(integer(rest), chunk, at, messages);
      default:
        this.startArray(integer(rest), messages);
        return at;
    }
  }

  private startBulk(length: number, chunk: Buffer, at: number, messages: Resp[]): number {
    if (length === -1) {
      this.complete(null, messages);
      return at;
    }
    if (length < 0 || length > this.limits.bulkBytes) throw new ProtocolError('invalid bulk length');
    this.spend(length);
    if (at + length <= chunk.length) {
      this.finished = chunk.subarray(at, at + length);
      this.trailer = 2;
      return at + length;
    }
    // Not touched until bytes arrive, so a false promise of a length costs address space only.
    this.bulk = { bytes: Buffer.allocUnsafeSlow(length), filled: 0 };
    return at;
  }

  private startArray(length: number, messages: Resp[]): void {
    if (length === -1) return this.complete(null, messages);
    if (length < 0 || length > this.limits.arrayItems) throw new ProtocolError('invalid array length');
    if (length === 0) return this.complete([], messages);
    if (this.stack.length >= this.limits.depth) throw new ProtocolError('arrays are nested too deep');
    this.stack.push({ items: [], length });
  }

  private complete(value: Resp, messages: Resp[]): void {
    this.spend(ITEM_COST);
    let whole = value;
    for (let top = this.stack.at(-1); top; top = this.stack.at(-1)) {
      top.items.push(whole);
      if (top.items.length < top.length) return;
      whole = top.items;
      this.stack.pop();
    }
    this.cost = 0;
    messages.push(whole);
  }

  private spend(bytes: number): void {
    this.cost += bytes;
    if (this.cost > this.limits.messageBytes) throw new ProtocolError('message is too big');
  }
}

function integer(text: string): number {
  if (!/^-?[0-9]{1,15}$/.test(text)) throw new ProtocolError('invalid number');
  return Number(text);
}
