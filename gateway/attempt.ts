import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { endResponse, type Problem } from './answer.ts';
import type { Backend } from './backend.ts';
import { BodyRelay } from './body-relay.ts';
import { endToEnd, headerValues, type RequestHead } from './request-head.ts';

export const MAX_HEADER_BYTES = 64 * 1024;
/** No byte of a body moved for this long, in either direction. */
const BODY_INACTIVITY_MS = 60_000;
/** From the end of the request to the head of the response. */
const RESPONSE_TIMEOUT_MS = 120_000;
/** A client that expects 100-continue may send its body when none comes; so may we. */
const CONTINUE_WAIT_MS = 1000;
/** An attempt counts as stuck when nothing moved for this long while its backend fails health checks. */
const STUCK_MS = 2000;
/** Failed checks in a row until a stuck attempt is given up. Repeating a safe one is cheap, failing an unsafe one is not. */
const FAILED_CHECKS = { safe: 1, unsafe: 3 };

/** One client request on its way; outlives the attempts made for it. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  head: RequestHead;
  /** True while the gateway closes: connections are not kept. */
  draining(): boolean;
  /** The client has been told to continue. */
  continued: boolean;
}

/** `answered`: the response belongs to the client now, whole or cut. Otherwise no byte of a response was sent. */
export type Outcome = { kind: 'answered' } | { kind: 'unanswered'; retry: boolean; problem: Problem };

const unavailable: Problem = {
  status: 503,
  code: 'backend_unavailable',
  message: 'The service did not answer. Try again.',
};
const badGateway: Problem = { status: 502, code: 'bad_gateway', message: 'The service answered something unreadable.' };
const requestTimeout: Problem = { status: 408, code: 'request_timeout', message: 'The request body did not arrive in time.' };
const gatewayTimeout: Problem = { status: 504, code: 'gateway_timeout', message: 'The service did not answer in time.' };

/** True when the end of the response body can be told from a cut: a response that ends with its connection cannot. */
function isFramed(response: IncomingMessage, method: string): boolean {
  const status = response.statusCode ?? 0;
  if (method === 'HEAD' || status === 204 || status === 304) return true;
  const raw = response.rawHeaders;
  return headerValues(raw, 'content-length').length === 1 || headerValues(raw, 'transfer-encoding').join() === 'chunked';
}

/** Sends the request to one backend and its response to the client, streaming both ways. Never rejects. */
export function attempt(exchange: Exchange, backend: Backend): Promise<Outcome> {
  return new Promise((resolve) => new Attempt(exchange, backend, resolve).start());
}

/**
 * Invariant: when nothing of the response was sent and the attempt may be retried, no byte of the request body has left
 * the client's stream, so the next attempt starts from the same request.
 */
class Attempt {
  readonly #exchange: Exchange;
  readonly #backend: Backend;
  readonly #resolve: (outcome: Outcome) => void;
  #upstream: ClientRequest | undefined;
  #upstreamResponse: IncomingMessage | undefined;
  #release: () => void = () => undefined;
  #connected = false;
  #body: BodyRelay | undefined;
  #problem: Problem | undefined;
  #blamesBackend = true;
  #settled = false;
  #lastActivity = performance.now();
  #watchdog: NodeJS.Timeout | undefined;
  #continueTimer: NodeJS.Timeout | undefined;

  constructor(exchange: Exchange, backend: Backend, resolve: (outcome: Outcome) => void) {
    this.#exchange = exchange;
    this.#backend = backend;
    this.#resolve = resolve;
  }

  start(): void {
    const { request, response, head } = this.#exchange;
    this.#release = this.#backend.begin((failures) => this.#onFailedCheck(failures));
    try {
      this.#upstream = httpRequest({
        agent: this.#backend.agent,
        method: head.method,
        path: head.path,
        headers: head.headers,
        maxHeaderSize: MAX_HEADER_BYTES,
        insecureHTTPParser: false,
      });
    } catch {
      // The client of node:http refuses characters that its server let through.
      this.#settle({ kind: 'unanswered', retry: false, problem: { status: 400, code: 'bad_request', message: 'Bad request.' } });
      return;
    }
    response.once('close', this.#onClientGone);
    this.#upstream.once('socket', () => this.#onConnected());
    this.#upstream.once('continue', () => this.#onContinue());
    this.#upstream.once('response', (incoming) => this.#onResponse(incoming));
    this.#upstream.once('upgrade', (_incoming, socket) => socket.destroy());
    this.#upstream.on('error', (error) => this.#onUpstreamError(error));
    this.#upstream.once('close', () => this.#onUpstreamError(new Error('connection closed')));
    if (head.hasBody) {
      this.#body = new BodyRelay(request, this.#upstream, {
        onProgress: () => this.#touch(),
        onEnd: () => this.#arm(this.#upstreamResponse ? BODY_INACTIVITY_MS : RESPONSE_TIMEOUT_MS),
      });
      if (head.expectsContinue) this.#upstream.flushHeaders();
    } else this.#upstream.end();
    if (response.destroyed) this.#onClientGone();
    this.#arm(head.hasBody ? BODY_INACTIVITY_MS : RESPONSE_TIMEOUT_MS);
  }

  #arm(timeoutMs: number): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#onInactive(), timeoutMs);
  }

  #touch(): void {
    this.#lastActivity = performance.now();
    this.#watchdog?.refresh();
  }

  #onConnected(): void {
    this.#connected = true;
    const { head, continued } = this.#exchange;
    if (!head.hasBody) return;
    if (!head.expectsContinue || continued) this.#forwardBody();
    else this.#continueTimer = setTimeout(() => this.#forwardBody(), CONTINUE_WAIT_MS);
  }

  #onContinue(): void {
    const { response, head } = this.#exchange;
    if (this.#settled || !head.expectsContinue) return;
    if (!this.#exchange.continued) {
      this.#exchange.continued = true;
      response.writeContinue();
    }
    this.#forwardBody();
  }

  #forwardBody(): void {
    clearTimeout(this.#continueTimer);
    if (!this.#settled && !this.#upstreamResponse) this.#body?.start();
  }

  #onResponse(incoming: IncomingMessage): void {
    if (this.#settled) {
      incoming.destroy();
      return;
    }
    const { request, response, head } = this.#exchange;
    if (!isFramed(incoming, head.method)) {
      this.#giveUp(badGateway);
      return;
    }
    const headers = endToEnd(incoming.rawHeaders);
    if (!request.complete || this.#exchange.draining()) headers.push('Connection', 'close');
    try {
      response.writeHead(incoming.statusCode ?? 502, incoming.statusMessage ?? '', headers);
    } catch {
      this.#giveUp(badGateway);
      return;
    }
    this.#upstreamResponse = incoming;
    this.#arm(BODY_INACTIVITY_MS);
    response.on('drain', this.#onClientDrain);
    incoming.on('data', (chunk: Buffer) => {
      this.#touch();
      if (!response.write(chunk)) incoming.pause();
    });
    incoming.once('end', () => this.#onResponseEnd(incoming));
    incoming.once('error', () => this.#cut());
    incoming.once('close', () => this.#cut());
  }

  readonly #onClientDrain = (): void => {
    this.#touch();
    this.#upstreamResponse?.resume();
  };

  #onResponseEnd(incoming: IncomingMessage): void {
    if (this.#settled) return;
    if (!incoming.complete) {
      this.#cut();
      return;
    }
    const { request, response } = this.#exchange;
    // A backend that answered before it had the whole body holds a connection in the middle of a request.
    if (this.#body?.ended === false) this.#upstream?.destroy();
    this.#settle({ kind: 'answered' });
    endResponse(request, response);
  }

  /** The backend broke off inside its response: the client must see a broken connection, not an end. */
  #cut(): void {
    if (this.#settled) return;
    this.#backend.markDown('response was cut off');
    this.#exchange.response.destroy();
    this.#upstream?.destroy();
    this.#settle({ kind: 'answered' });
  }

  readonly #onClientGone = (): void => {
    if (this.#settled) return;
    this.#settle({ kind: 'answered' });
    this.#upstream?.destroy();
  };

  #onInactive(): void {
    if (this.#upstreamResponse) {
      this.#onClientGone();
      this.#exchange.response.destroy();
      return;
    }
    this.#giveUp(this.#body?.waitsForClient ? requestTimeout : gatewayTimeout);
  }

  #onFailedCheck(failures: number): void {
    const { head } = this.#exchange;
    const repeatable = head.safe && !this.#upstreamResponse;
    if (failures < (repeatable ? FAILED_CHECKS.safe : FAILED_CHECKS.unsafe)) return;
    // A body that we wait for, or a client that reads slowly, says nothing about the backend.
    const waitsForClient = this.#upstreamResponse
      ? this.#exchange.response.writableNeedDrain
      : this.#body?.waitsForClient;
    if (waitsForClient || performance.now() - this.#lastActivity < STUCK_MS) return;
    if (this.#upstreamResponse) this.#cut();
    else this.#upstream?.destroy(new Error('no progress on an unhealthy backend'));
  }

  /** Ends the attempt with an answer of our own; the backend's connection is not the cause and it is not marked down. */
  #giveUp(problem: Problem): void {
    this.#problem = problem;
    this.#blamesBackend = false;
    this.#upstream?.destroy(new Error(problem.code));
  }

  #onUpstreamError(error: Error): void {
    if (this.#settled) return;
    // Once the response is here whole, it decides how this ends, however late the client reads it.
    if (this.#upstreamResponse?.complete) return;
    const unreadable = 'code' in error && typeof error.code === 'string' && error.code.startsWith('HPE_');
    if (unreadable) this.#problem = badGateway;
    else if (this.#blamesBackend) this.#backend.markDown(error.message);
    if (this.#upstreamResponse) {
      this.#cut();
      return;
    }
    this.#settle({
      kind: 'unanswered',
      retry: this.#problem === undefined && this.#mayRetry(),
      problem: this.#problem ?? unavailable,
    });
  }

  /** Nothing can have been executed, or executing it again does no harm; see the invariant of the class. */
  #mayRetry(): boolean {
    const { safe, hasBody } = this.#exchange.head;
    if (!this.#connected) return true;
    return hasBody ? this.#body?.begun !== true : safe;
  }

  #settle(outcome: Outcome): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#watchdog);
    clearTimeout(this.#continueTimer);
    this.#body?.stop();
    this.#exchange.response.off('close', this.#onClientGone);
    this.#exchange.response.off('drain', this.#onClientDrain);
    this.#release();
    this.#resolve(outcome);
  }
}
