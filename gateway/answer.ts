import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long a client that is still sending is listened to, so that it can read the answer before the connection ends. */
const LINGER_MS = 2000;
export const RETRY_AFTER_SECONDS = 1;

/** What the gateway itself tells a client. */
export interface Problem {
  status: number;
  code: string;
  message: string;
}

/**
 * Ends a response whose bytes are all written. When the request is still arriving, closing at once would reset the
 * connection and could destroy the answer on its way: what comes is discarded for a moment first (RFC 9112 section 9.6).
 */
export function endResponse(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete || response.destroyed) {
    response.end();
    return;
  }
  const finish = () => {
    clearTimeout(timer);
    request.off('end', finish);
    response.off('close', finish);
    response.end();
  };
  const timer = setTimeout(finish, LINGER_MS);
  request.once('end', finish);
  response.once('close', finish);
  request.resume();
}

/** Answers with a short text: code, then message. A 503 says when to try again. */
export function answerProblem(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = `${problem.code}: ${problem.message}\n`;
  response.writeHead(problem.status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    ...(problem.status === 503 ? { 'Retry-After': String(RETRY_AFTER_SECONDS) } : {}),
    // Only a request that was read to its end leaves the connection in a known state.
    ...(request.complete ? {} : { Connection: 'close' }),
  });
  response.write(body);
  endResponse(request, response);
}
