import { randomUUID } from 'node:crypto';
import { type AuthInfo, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { Replay } from './replay.ts';
import { createSession, type Dispatch, type Session } from './server.ts';
import type { Change } from './surface.ts';

export interface SessionBounds {
  readonly maxSessions: number;
  readonly idleMs: number;
  readonly maxBody: number;
}

const SESSION = 'mcp-session-id';
/** How soon a client asks for what it missed. */
const RETRY_MS = 1000;
/** A session that was unused for so long may give way to a new one. */
const SPARE_MS = 5 * 60_000;

interface Live extends Session {
  readonly transport: WebStandardStreamableHTTPServerTransport;
  /** Whose token opened it: nobody else may go on with it. */
  readonly owner: string;
  usedAt: number;
  /** Messages whose answers are not sent to their end. */
  open: number;
}

/** Sessions of the revision 2025-11-25, which keeps one for each client; bounded, and ended when nobody uses them. */
export class Sessions {
  readonly #live = new Map<string, Live>();
  readonly #dispatch: Dispatch;
  readonly #bounds: SessionBounds;
  readonly #sweeper: NodeJS.Timeout;
  #opening = 0;

  constructor(dispatch: Dispatch, bounds: SessionBounds) {
    this.#dispatch = dispatch;
    this.#bounds = bounds;
    this.#sweeper = setInterval(() => { this.#sweep(); }, Math.min(bounds.idleMs, 60_000)).unref();
  }

  get size(): number {
    return this.#live.size;
  }

  async handle(request: Request, auth: AuthInfo | undefined): Promise<Response> {
    const id = request.headers.get(SESSION);
    if (id === null) return this.#open(request, auth);
    const live = this.#live.get(id);
    if (!live || live.owner !== ownerOf(auth)) return refuse(404, -32_001, 'no such session: initialize again');
    return this.#answer(live, request, auth);
  }

  announce(change: Change): void {
    for (const { announce } of this.#live.values()) announce(change);
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await Promise.all([...this.#live.values()].map(({ server }) => server.close()));
    this.#live.clear();
  }

  async #open(request: Request, auth: AuthInfo | undefined): Promise<Response> {
    if (this.#live.size + this.#opening >= this.#bounds.maxSessions && !(await this.#makeRoom())) return refuse(503, -32_000, 'too many sessions: try again in a moment');
    this.#opening += 1;
    try {
      return await this.#begin(request, auth);
    } finally {
      this.#opening -= 1;
    }
  }

  async #begin(request: Request, auth: AuthInfo | undefined): Promise<Response> {
    const id = randomUUID();
    const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: () => id, eventStore: new Replay(), retryInterval: RETRY_MS, maxRequestBodySize: this.#bounds.maxBody });
    const session = createSession(this.#dispatch, { visitor: id, era: 'legacy' });
    session.server.server.onclose = () => { this.#live.delete(id); };
    await session.server.connect(transport);
    const live: Live = { ...session, transport, owner: ownerOf(auth), usedAt: performance.now(), open: 0 };
    const response = await this.#answer(live, request, auth);
    // Anything but a valid first message was refused by the transport: there is no session then.
    if (transport.sessionId === id) this.#live.set(id, live);
    else await session.server.close();
    return response;
  }

  async #answer(live: Live, request: Request, auth: AuthInfo | undefined): Promise<Response> {
    live.usedAt = performance.now();
    live.open += 1;
    const ended = (): void => {
      live.open -= 1;
      live.usedAt = performance.now();
    };
    try {
      const response = await live.transport.handleRequest(request, auth && { authInfo: auth });
      // What only listens, and may for days, is no use of its own.
      if (request.method === 'POST' && response.body) return new Response(watched(response.body, ended), response);
      ended();
      return response;
    } catch (error) {
      ended();
      throw error;
    }
  }

  /** Ends the session that was unused for longest; none that is being answered. */
  async #makeRoom(): Promise<boolean> {
    const [idlest] = [...this.#live.values()].filter(({ open }) => open === 0).sort((a, b) => a.usedAt - b.usedAt);
    if (!idlest || performance.now() - idlest.usedAt < Math.min(SPARE_MS, this.#bounds.idleMs)) return false;
    await idlest.server.close();
    return true;
  }

  #sweep(): void {
    const old = performance.now() - this.#bounds.idleMs;
    for (const { server, usedAt, open } of this.#live.values()) if (open === 0 && usedAt < old) server.close().catch(() => undefined);
  }
}

/** The same bytes; `ended` is called once, when there are no more of them or nobody reads on. */
function watched(body: ReadableStream<Uint8Array>, ended: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        ended();
        controller.close();
      } catch (error) {
        ended();
        controller.error(error);
      }
    },
    cancel: (reason) => {
      ended();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

function ownerOf(auth: AuthInfo | undefined): string {
  return auth?.clientId ?? '';
}

export function refuse(status: number, code: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ jsonrpc: '2.0', id: null, error: { code, message } }, { status, headers });
}
