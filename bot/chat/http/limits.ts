import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { type Rate, RateLimit } from '../../mcp/rate.ts';
import { refusalDocument } from './documents.ts';

/** For an answer to be read; whoever is slower is cut off, and makes room. */
const MAX_READ_MS = 60_000;
/** Of one connection, without the token. */
const RATE: Rate = { burst: 120, perSecond: 40 };

type Limited = (c: Context, work: () => Promise<Response> | Response) => Promise<Response>;

/** At most so many at once, and the next are refused. One counts until its answer was read: what nobody reads is kept in memory. */
export function limitOf(most: number, readMs = MAX_READ_MS): Limited {
  let running = 0;
  return async (c, work) => {
    if (running >= most) return c.json(refusalDocument({ code: 'busy', message: 'too many at once', hint: 'try again in a moment' }), 503);
    running += 1;
    const { outgoing } = connectionOf(c);
    try {
      return await work();
    } finally {
      if (!outgoing || outgoing.closed) running -= 1;
      else {
        const timer = setTimeout(() => outgoing.destroy(), readMs).unref();
        outgoing.once('close', () => {
          clearTimeout(timer);
          running -= 1;
        });
      }
    }
  };
}

/** Slows down whoever asks too often on one connection. */
export function ratePerConnection(rate = RATE): Limited {
  const limit = new RateLimit(rate);
  return async (c, work) => {
    const socket = connectionOf(c).incoming?.socket;
    if (socket && !limit.take(socket)) return c.json(refusalDocument({ code: 'too_many', message: 'too many requests on this connection', hint: 'ask again in a second, or send the token' }), 429, { 'retry-after': '1' });
    return work();
  };
}

/** Nothing of it where no server carries the request. */
function connectionOf(c: Context): Partial<HttpBindings> {
  return (c.env ?? {}) as Partial<HttpBindings>;
}
