import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerProblem, type Problem } from './answer.ts';
import { attempt, type Exchange } from './attempt.ts';
import type { Backend } from './backend.ts';
import type { BackendPool } from './backends.ts';
import type { Selection } from './names.ts';
import { readRequestHead, type RequestHead } from './request-head.ts';

/** A request waits in total this long for a healthy backend, which covers a relocation. */
export const BACKEND_WAIT_MS = 8000;
const MAX_ATTEMPTS = 6;
/** Requests in flight and waiting, per name. */
const MAX_INFLIGHT_PER_NAME = 512;

/** A published name while it is served. */
export interface Site {
  name: string;
  pool: BackendPool;
  inflight: number;
}

export const noBackend: Problem = {
  status: 503,
  code: 'no_healthy_backend',
  message: 'The service is being moved or repaired. Try again.',
};
const overloaded: Problem = { status: 503, code: 'too_many_requests', message: 'Too many requests at once for this name.' };
const unknownName: Problem = { status: 404, code: 'unknown_name', message: 'No such name is published here.' };

/** Finds the site a request is for: `choose` judges the host, `find` knows what is published now. */
export interface Director {
  choose(host: string, request: IncomingMessage): Selection;
  find(name: string): Site | undefined;
  draining(): boolean;
}

export type Admission = { ok: true; head: RequestHead; site: Site } | ({ ok: false } & Problem);

/** Everything that is checked before a backend is involved. */
export function admit(director: Director, request: IncomingMessage): Admission {
  const read = readRequestHead(request);
  if (!read.ok) return read;
  const selection = director.choose(read.head.host, request);
  if (!selection.ok) return selection;
  const site = director.find(selection.name);
  if (!site) return { ok: false, ...unknownName };
  if (site.inflight >= MAX_INFLIGHT_PER_NAME) return { ok: false, ...overloaded };
  return { ok: true, head: read.head, site };
}

/** Serves one request, through retries, to its end. Never rejects. */
export async function serve(director: Director, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const admission = admit(director, request);
  if (!admission.ok) {
    answerProblem(request, response, admission);
    return;
  }
  const { site, head } = admission;
  site.inflight += 1;
  try {
    const problem = await tryBackends(site, {
      request,
      response,
      head,
      draining: () => director.draining(),
      continued: false,
    });
    if (problem) answerProblem(request, response, problem);
  } finally {
    site.inflight -= 1;
  }
}

/** Resolves when the exchange is answered, or with the problem to answer. */
async function tryBackends(site: Site, exchange: Exchange): Promise<Problem | undefined> {
  let problem = noBackend;
  let waitMs = BACKEND_WAIT_MS;
  for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts += 1) {
    let backend = site.pool.pick();
    if (!backend) {
      const before = performance.now();
      backend = await waitForBackend(site.pool, exchange.response, waitMs);
      waitMs -= performance.now() - before;
      if (exchange.response.destroyed) return undefined;
      if (!backend) return problem;
    }
    const outcome = await attempt(exchange, backend);
    if (outcome.kind === 'answered') return undefined;
    problem = outcome.problem;
    if (!outcome.retry) break;
  }
  return problem;
}

/** Waits for a healthy backend, but not longer than the client does. */
export async function waitForBackend(
  pool: BackendPool,
  client: { once(event: 'close', listener: () => void): unknown; off(event: 'close', listener: () => void): unknown },
  timeoutMs: number,
): Promise<Backend | undefined> {
  const gone = new AbortController();
  const abort = () => gone.abort();
  client.once('close', abort);
  try {
    return await pool.wait(timeoutMs, gone.signal);
  } finally {
    client.off('close', abort);
  }
}
