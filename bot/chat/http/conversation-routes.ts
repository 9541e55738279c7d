import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { ToolRefusal } from '../../context.ts';
import { ConversationId } from '../memory.ts';
import type { Session } from '../session.ts';
import { checkToken } from './access.ts';
import { bodyOf } from './body.ts';
import { NewConversation, refusalDocument, replyDocument, Say } from './documents.ts';

/** Longest turn: the dialogue waits at most ten minutes for a contract to run. */
export const MAX_TURN_MS = 660_000;

/** Conversations of the person over HTTP; all of it takes the token. */
export function conversationRoutes(session: Session, token: string): Hono {
  const routes = new Hono();
  routes.use('/v1/conversations/*', async (c, next) => {
    const denied = checkToken((name) => c.req.header(name), token);
    if (denied) return c.json(refusalDocument(denied), denied.status, { 'www-authenticate': 'Bearer' });
    return next();
  });
  routes.post('/v1/conversations', async (c) => {
    return c.json({ ok: true, id: session.begin(NewConversation.parse(await bodyOf(c.req))) }, 201);
  });
  routes.get('/v1/conversations', (c) => c.json({ ok: true, conversations: session.list() }));
  routes.get('/v1/conversations/:id', (c) => {
    const conversation = session.load(ConversationId.parse(c.req.param('id')));
    if (!conversation) return c.json(refusalDocument(unknown(c.req.param('id'))), 404);
    const { id, messages, draft, contract, choices, turn } = conversation;
    return c.json({ ok: true, conversation: { id, messages, ...(draft && { draft }), ...(contract !== undefined && { contract }), ...(choices && { choices }), ...(turn !== undefined && { turn }) } });
  });
  routes.delete('/v1/conversations/:id', (c) => {
    const id = ConversationId.parse(c.req.param('id'));
    return session.remove(id) ? c.json({ ok: true, id }) : c.json(refusalDocument(unknown(id)), 404);
  });
  routes.post('/v1/conversations/:id/messages', async (c) => {
    const id = ConversationId.parse(c.req.param('id'));
    const { text, seen } = Say.parse(await bodyOf(c.req));
    const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(MAX_TURN_MS)]);
    if (!(c.req.header('accept') ?? '').includes('text/event-stream')) {
      const said = await session.say({ id, text, seen, signal });
      return said.ok ? c.json({ ok: true, reply: replyDocument(said.reply) }) : c.json(refusalDocument(said), statusOf(said));
    }
    return streamSSE(c, async (stream) => {
      const gone = new AbortController();
      stream.onAbort(() => { gone.abort(); });
      const send = (event: string, data: object): void => { void stream.writeSSE({ event, data: JSON.stringify(data) }); };
      const said = await session.say({ id, text, seen, signal: AbortSignal.any([signal, gone.signal]), onProgress: (line) => { send('progress', { line }); }, onText: (piece) => { send('text', { piece }); } });
      await stream.writeSSE(said.ok ? { event: 'reply', data: JSON.stringify(replyDocument(said.reply)) } : { event: 'error', data: JSON.stringify(refusalDocument(said).error) });
    });
  });
  return routes;
}

function unknown(id: string): ToolRefusal {
  return { ok: false, code: 'conversation_unknown', message: `there is no conversation ${id}`, hint: 'begin one with POST /v1/conversations' };
}

function statusOf({ code }: ToolRefusal): 404 | 409 | 429 | 400 {
  return code === 'conversation_unknown' ? 404 : code === 'conversation_busy' ? 409 : code === 'too_many' ? 429 : 400;
}
