import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ZdbError } from '../zdb-port.ts';
import { OutOfSpace, Unavailable } from '../unavailable.ts';
import type { Reply } from './context.ts';
import { Refusal } from './refusal.ts';
import { errorDocument } from './xml.ts';

const RETRY_AFTER_SECONDS = '1';
/** What is still read of a body after its request was refused, so that the client sees the answer and not a reset. */
const MAX_DRAIN_BYTES = 64 * 1024 * 1024;
const MAX_DRAIN_MS = 10_000;
/** A client that takes no byte of an answer for so long has gone. */
const STALLED_MS = 60_000;

/** Sends a reply; a body that fails half way ends the connection, so the client cannot take it for whole. */
export async function send(response: ServerResponse, reply: Reply, signal: AbortSignal): Promise<void> {
  response.statusCode = reply.status;
  response.setHeader('x-amz-request-id', randomBytes(8).toString('hex').toUpperCase());
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  if (typeof reply.body === 'string') {
    const bytes = Buffer.from(reply.body, 'utf8');
    response.setHeader('content-type', 'application/xml');
    response.setHeader('content-length', bytes.length);
    response.end(response.req.method === 'HEAD' ? undefined : bytes);
    return;
  }
  if (!reply.body) {
    if (!response.hasHeader('content-length') && reply.status !== 204 && reply.status !== 304) response.setHeader('content-length', 0);
    response.end();
    return;
  }
  for await (const piece of reply.body) {
    if (response.write(piece)) continue;
    await once(response, 'drain', { signal: AbortSignal.any([signal, AbortSignal.timeout(STALLED_MS)]) });
  }
  response.end();
}

/** The refusal that any error stands for; what is not foreseen is an InternalError without details. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof Unavailable || error instanceof ZdbError) return new Refusal('SlowDown', 'Too few storage nodes answer; please try again');
  if (error instanceof OutOfSpace) return new Refusal('QuotaExceeded', 'The archive is full');
  return new Refusal('InternalError', 'We encountered an internal error; please try again');
}

export function refusalReply(refusal: Refusal, resource: string): Reply {
  const retry: Record<string, string> = refusal.status === 503 ? { 'retry-after': RETRY_AFTER_SECONDS } : {};
  const region: Record<string, string> = refusal.facts['Region'] ? { 'x-amz-bucket-region': refusal.facts['Region'] } : {};
  return { status: refusal.status, headers: { ...retry, ...region }, body: errorDocument({ Code: refusal.code, Message: refusal.message, Resource: resource, ...refusal.facts }) };
}

/** Reads and forgets the rest of a refused request's body within bounds, then ends the connection if there is more. */
export function drain(message: IncomingMessage): void {
  if (message.complete || message.destroyed) return;
  let bytes = 0;
  const end = (): void => { message.destroy(); };
  const timer = setTimeout(end, MAX_DRAIN_MS);
  timer.unref();
  message.on('data', (piece: Buffer) => { if ((bytes += piece.length) > MAX_DRAIN_BYTES) end(); });
  message.once('close', () => { clearTimeout(timer); });
  message.resume();
}
