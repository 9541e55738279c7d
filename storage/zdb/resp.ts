/** RESP2 (Redis serialization protocol): values, and how they are written. */

export interface SimpleString {
  readonly simple: string;
}
export interface ErrorString {
  readonly error: string;
}
/** A RESP2 value. Numbers are integers, strings and buffers bulk strings; a parser gives bulk strings as buffers. */
export type Resp = number | string | Buffer | null | SimpleString | ErrorString | readonly Resp[];

export const OK: SimpleString = { simple: 'OK' };
const CRLF = Buffer.from('\r\n');
/** Values from this size on are handed to the socket as they are; smaller ones are copied beside their header. */
const COPY_BELOW_BYTES = 8 * 1024;

/** True for an error reply. */
export const isError = (value: Resp): value is ErrorString =>
  typeof value === 'object' && value !== null && 'error' in value;

/** An error reply; line breaks, which would end it early, become spaces. */
export const errorReply = (code: string, message: string): ErrorString => ({
  error: `${code} ${message}`.replace(/[\r\n]+/g, ' '),
});

/** The wire form of a value as buffers to write one after the other; big bulk strings are not copied. */
export function encodeResp(value: Resp): Buffer[] {
  const out: Buffer[] = [];
  let text = '';
  const flush = (): void => {
    if (text.length > 0) out.push(Buffer.from(text, 'latin1'));
    text = '';
  };
  const bulk = (bytes: Buffer): void => {
    text += `$${bytes.length}\r\n`;
    if (bytes.length < COPY_BELOW_BYTES) {
      text += `${bytes.toString('latin1')}\r\n`;
    } else {
      flush();
      out.push(bytes, CRLF);
    }
  };
  const add = (item: Resp): void => {
    if (item === null) text += '$-1\r\n';
    else if (typeof item === 'number') text += `:${item}\r\n`;
    else if (typeof item === 'string') bulk(Buffer.from(item, 'utf8'));
    else if (Buffer.isBuffer(item)) bulk(item);
    else if ('simple' in item) text += `+${item.simple}\r\n`;
    else if ('error' in item) text += `-${Buffer.from(item.error, 'utf8').toString('latin1')}\r\n`;
    else {
      text += `*${item.length}\r\n`;
      item.forEach(add);
    }
  };
  add(value);
  flush();
  return out;
}
