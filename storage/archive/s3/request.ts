import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ArchiveServices, S3Request } from './context.ts';
import { Refusal } from './refusal.ts';
import { verify } from './sigv4.ts';
import type { Verifier } from './sigv4.ts';

const MAX_KEY_BYTES = 1024;
const MAX_QUERY_PAIRS = 64;
/** A client that sends no byte of its body for so long has gone. */
const IDLE_MS = 60_000;

/** Splits and decodes a request line's target; every query pair in order. */
export function parseTarget(url: string): { path: string; bucket: string; key: string; query: [string, string][] } {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  if (!path.startsWith('/')) throw new Refusal('InvalidURI', 'The target must be an absolute path');
  try {
    const query = mark < 0 ? [] : url.slice(mark + 1).split('&').filter((pair) => pair !== '').map((pair): [string, string] => {
      const at = pair.indexOf('=');
      const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
      return [decodeURIComponent(name.replaceAll('+', ' ')), decodeURIComponent(value.replaceAll('+', ' '))];
    });
    if (query.length > MAX_QUERY_PAIRS) throw new Refusal('InvalidArgument', 'There are too many query parameters');
    const slash = path.indexOf('/', 1);
    const bucket = decodeURIComponent(slash < 0 ? path.slice(1) : path.slice(1, slash));
    const key = slash < 0 ? '' : decodeURIComponent(path.slice(slash + 1));
    return { path, bucket, key, query };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal('InvalidURI', 'The target is not percent-encoded UTF-8');
  }
}

export interface AuthenticateOptions {
  readonly services: ArchiveServices;
  readonly verifier: Verifier;
  readonly signal: AbortSignal;
  readonly response: ServerResponse;
  /** The client waits for 100 Continue before it sends its body. */
  readonly expectsContinue: boolean;
}

/** Checks the signature and the names; nothing of the body has been read yet. */
export function authenticate(message: IncomingMessage, options: AuthenticateOptions): S3Request {
  const target = parseTarget(message.url ?? '');
  const payload = verify({ method: message.method ?? '', path: target.path, query: target.query, rawHeaders: message.rawHeaders }, options.verifier, Date.now());
  if (Buffer.byteLength(target.key) > MAX_KEY_BYTES) throw new Refusal('KeyTooLongError', `A key may have ${MAX_KEY_BYTES} bytes`);
  const query = new Map(target.query);
  if (query.size !== target.query.length) throw new Refusal('InvalidArgument', 'A query parameter is given twice');
  return {
    ...options.services, message, payload, query, bucket: target.bucket, key: target.key, signal: options.signal,
    body: () => readBody(message, options),
  };
}

async function* readBody(message: IncomingMessage, { response, expectsContinue, signal }: AuthenticateOptions): AsyncGenerator<Buffer> {
  if (expectsContinue) response.writeContinue();
  const idle = setTimeout(() => { message.destroy(new Error('idle')); }, IDLE_MS);
  const onAbort = (): void => { message.destroy(new Error('aborted')); };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    // Not destroyed when the loop ends early: the refusal must still reach the client (answer.ts drains).
    for await (const piece of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      idle.refresh();
      yield piece;
    }
    if (!message.complete) throw new Refusal('IncompleteBody', 'The connection ended inside the body');
  } catch (error) {
    throw error instanceof Refusal ? error : new Refusal('RequestTimeout', 'The body did not arrive');
  } finally {
    clearTimeout(idle);
    signal.removeEventListener('abort', onAbort);
  }
}
