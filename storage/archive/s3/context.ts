import type { IncomingMessage } from 'node:http';
import type { Blobs } from '../blobs.ts';
import type { Garbage } from '../garbage.ts';
import type { Register } from '../index/register.ts';
import type { Payload } from './sigv4.ts';

/** How long the contract keeps objects from being overwritten or deleted. */
export interface Retention {
  /** Days from an object's own time; 0 for none. */
  readonly days: number;
  /** For ever. */
  readonly immutable: boolean;
}

/** What a handler works with besides the request. */
export interface ArchiveServices {
  readonly register: Register;
  readonly blobs: Blobs;
  readonly garbage: Garbage;
  readonly region: string;
  readonly retention: Retention;
}

/** An authenticated request. `bucket` and `key` are decoded; both absent means the service itself. */
export interface S3Request extends ArchiveServices {
  readonly message: IncomingMessage;
  readonly payload: Payload;
  readonly bucket: string;
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  /** Aborted when the client goes away or its time is over. */
  readonly signal: AbortSignal;
  /** Asks the client for the body (100 Continue where it waits for it) and yields it, transfer decoding done. */
  body(): AsyncIterable<Buffer>;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An XML document, or bytes that are as many as Content-Length says. */
  readonly body?: string | AsyncIterable<Buffer>;
}

export type Handler = (request: S3Request) => Promise<Reply>;

/** A single header's value, or undefined. */
export function headerOf(request: S3Request, name: string): string | undefined {
  const value = request.message.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}
