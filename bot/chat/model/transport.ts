import { type Agent, type ClientRequest, type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { foldWhole, type ModelAnswer, StreamFold } from './answer-format.ts';
import { causeOf, ModelFailure } from './failure.ts';
import type { ModelSettings } from './settings.ts';

/** Most bytes of one answer: far above what `maxAnswerTokens` makes, whatever the server thinks of that. */
const MAX_ANSWER_BYTES = 1_000_000;
const FIRST_PAUSE_MS = 250;
/** A server may ask for a longer pause than the exponential one, but nobody waits for more than this. */
const MAX_PAUSE_MS = 5000;

export interface Asking {
  readonly signal: AbortSignal;
  /** Text of the answer as it comes. What it throws ends the request, and is thrown by it. */
  readonly onText: (piece: string) => void;
}

/** Sends a request of the chat completions protocol, as JSON, and gives the answer to it. */
export type Transport = (body: string, asking: Asking) => Promise<ModelAnswer>;

type TransportSettings = Pick<ModelSettings, 'baseUrl' | 'key' | 'firstByteSeconds' | 'idleSeconds' | 'retries'>;

/** Where requests go and over which connections, which stay open between them. */
interface Way { readonly url: URL; readonly agent: Agent; readonly headers: Readonly<Record<string, string>> }

/**
 * How requests leave for the model: to its base URL only, without redirects, with timeouts, bounded in size, tried again after
 * a lost connection, 429 or 5xx. The key is put on here and is known nowhere above. Throws ModelFailure, never the server's
 * words; the signal's reason; or what `onText` threw.
 */
export function createTransport(settings: TransportSettings): Transport {
  const { baseUrl, key, retries } = settings;
  const url = new URL(`${baseUrl}/chat/completions`);
  const way: Way = {
    url,
    agent: url.protocol === 'https:' ? new SecureAgent({ keepAlive: true }) : new PlainAgent({ keepAlive: true }),
    headers: { accept: 'application/json, text/event-stream', 'accept-encoding': 'identity', 'content-type': 'application/json', 'user-agent': '3bot', ...(key && { authorization: `Bearer ${key.reveal()}` }) },
  };
  return async (body, asking) => {
    for (let attempt = 0; ;) {
      const tried = await attemptOnce(way, body, asking, settings);
      if ('text' in tried) return tried;
      // A connection that was kept may have ended meanwhile; that says nothing about the server.
      if (tried.stale) continue;
      if (!tried.again || attempt >= retries) throw tried.failure;
      await sleep(Math.min(MAX_PAUSE_MS, Math.max(FIRST_PAUSE_MS * 2 ** attempt, tried.afterMs)), undefined, { signal: asking.signal });
      attempt += 1;
    }
  };
}

interface Failed { readonly failure: ModelFailure; readonly again: boolean; readonly afterMs: number; readonly stale?: boolean }

async function attemptOnce({ url, agent, headers }: Way, body: string, { signal, onText }: Asking, { firstByteSeconds, idleSeconds }: TransportSettings): Promise<ModelAnswer | Failed> {
  signal.throwIfAborted();
  const request = (url.protocol === 'https:' ? secureRequest : plainRequest)(url, { method: 'POST', agent, headers });
  const leave = (): void => { request.destroy(); };
  signal.addEventListener('abort', leave, { once: true });
  const firstMs = firstByteSeconds * 1000;
  let response: IncomingMessage | undefined;
  try {
    response = await headOf(request, body, firstMs);
    const { statusCode = 0 } = response;
    if (statusCode < 200 || statusCode > 299) return refusedBy(statusCode, response.headers['retry-after']);
    return await read(response, { idleMs: idleSeconds * 1000, firstMs, onText });
  } catch (error) {
    signal.throwIfAborted();
    const cause = causeOf(error);
    if (cause) throw cause;
    if (response) throw new ModelFailure('unreachable', `the connection broke in the middle of its answer (${codeOf(error)})`);
    return { failure: new ModelFailure('unreachable', `no connection (${codeOf(error)})`), again: true, afterMs: 0, stale: request.reusedSocket };
  } finally {
    signal.removeEventListener('abort', leave);
    // An answer that nobody reads to its end takes its connection with it.
    if (response?.complete !== true) request.destroy();
  }
}

/** Sends the request; resolves when the head of the answer is there. */
function headOf(request: ClientRequest, body: string, withinMs: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => { reject(new ModelFailure('timeout', `no answer within ${withinMs / 1000} s`)); }, withinMs);
    request.once('response', (response) => {
      clearTimeout(timer);
      resolve(response);
    });
    // Stays: one that comes after the answer has begun is the answer's own trouble.
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    request.end(body);
  });
}

function refusedBy(status: number, retryAfter: string | undefined): Failed {
  const seconds = Number(retryAfter ?? '0');
  const afterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
  if (status === 429) return { failure: new ModelFailure('limited', 'too many requests (429)', status), again: true, afterMs };
  if (status >= 500) return { failure: new ModelFailure('failed', `the server failed (${status})`, status), again: true, afterMs };
  const what = status === 401 || status === 403 ? 'the key is not accepted' : status >= 300 && status < 400 ? 'it redirects, which is not followed' : status === 404 ? 'no such model or address' : 'the request is not accepted';
  return { failure: new ModelFailure('refused', `${what} (${status})`, status), again: false, afterMs: 0 };
}

/** The system's name of what went wrong, such as ECONNREFUSED. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^[A-Z_]{1,40}$/.test(code) ? code : 'lost';
}

/** The answer in our form (answer-format.ts). Throws when it grows too big, falls silent or breaks off. */
function read(response: IncomingMessage, { idleMs, firstMs, onText }: { idleMs: number; firstMs: number; onText: (piece: string) => void }): Promise<ModelAnswer> {
  const fold = response.headers['content-type']?.startsWith('text/event-stream') === true ? new StreamFold() : undefined;
  const parts: Buffer[] = [];
  let bytes = 0;
  const take = (chunk: Buffer): void => {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new ModelFailure('garbled', `its answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    const text = fold?.push(chunk);
    if (text === undefined) parts.push(chunk);
    else if (text !== '') onText(text);
  };
  const whole = (): ModelAnswer => {
    if (fold) return fold.end();
    const answer = foldWhole(Buffer.concat(parts).toString('utf8'));
    if (answer.text !== '') onText(answer.text);
    return answer;
  };
  return new Promise((resolve, reject) => {
    const silentAfter = (ms: number): NodeJS.Timeout => setTimeout(() => { reject(new ModelFailure('timeout', `silent for ${ms / 1000} s in the middle of its answer`)); }, ms);
    let timer = silentAfter(Math.max(idleMs, firstMs));
    /** What `step` throws ends the reading. */
    const guarded = (step: () => void): void => {
      try {
        step();
      } catch (error) {
        clearTimeout(timer);
        response.removeAllListeners('data');
        reject(error instanceof Error ? error : new ModelFailure('garbled', 'its answer cannot be used'));
      }
    };
    response.on('data', (chunk: Buffer) => {
      guarded(() => {
        if (bytes === 0) {
          clearTimeout(timer);
          timer = silentAfter(idleMs);
        } else timer.refresh();
        take(chunk);
      });
    });
    response.once('end', () => {
      clearTimeout(timer);
      guarded(() => { resolve(whole()); });
    });
    response.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    response.once('close', () => {
      clearTimeout(timer);
      reject(new ModelFailure('unreachable', 'its answer ended in the middle'));
    });
  });
}
