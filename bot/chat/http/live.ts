import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { ConversationId } from '../memory.ts';
import type { Session } from '../session.ts';
import { checkSource, checkToken, type Denied } from './access.ts';
import { MAX_TURN_MS } from './conversation-routes.ts';
import { ClientFrame, refusalDocument, replyDocument, type ServerFrame } from './documents.ts';

/** Of one frame from a client, in bytes: the longest message, however it is escaped. */
const MAX_FRAME = 16 * 1024;
const MAX_SOCKETS = 64;
/** Messages of one connection: so many at once, and so many a second after that. */
const BURST = 10;
const PER_SECOND = 2;
const PING_MS = 30_000;
/** What may wait to be read by a slow client, in bytes. */
const MAX_BUFFERED = 1024 * 1024;
const CLOSE_POLICY = 1008;
const CLOSE_GOING_AWAY = 1001;

export interface LiveOptions { readonly server: Server; readonly session: Session; readonly token: string }

/** `/v1/conversations/ID/live`: messages in; progress, pieces of text, replies and errors out. */
export function serveLive({ server, session, token }: LiveOptions): { close(): void } {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME, perMessageDeflate: false });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const header = (name: string): string | undefined => { const value = request.headers[name]; return Array.isArray(value) ? value[0] : value; };
    const id = /^\/v1\/conversations\/([0-9a-f]{16})\/live$/.exec(request.url ?? '')?.[1];
    const denied = checkSource(header) ?? checkToken(header, token);
    if (denied) return refuse(socket, denied.status, denied);
    if (id === undefined || !session.load(ConversationId.parse(id))) return refuse(socket, 404, { code: 'conversation_unknown', message: 'there is no such conversation' });
    if (sockets.clients.size >= MAX_SOCKETS) return refuse(socket, 503, { code: 'too_many', message: `${MAX_SOCKETS} conversations are open` });
    sockets.handleUpgrade(request, socket, head, (client) => { converse(client, session, id); });
  });
  return {
    close: () => {
      for (const client of sockets.clients) client.close(CLOSE_GOING_AWAY, 'the bot ends');
      sockets.close();
    },
  };
}

function refuse(socket: Duplex, status: number, { code, message, hint }: Omit<Denied, 'status'>): void {
  const body = JSON.stringify(refusalDocument({ code, message, hint }));
  socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`);
}

function converse(client: WebSocket, session: Session, id: string): void {
  let turn: AbortController | undefined;
  let allowance = BURST;
  let answered = true;
  const send = (frame: ServerFrame): void => {
    if (client.bufferedAmount > MAX_BUFFERED) client.terminate();
    else if (client.readyState === client.OPEN) client.send(JSON.stringify(frame));
  };
  const fail = (code: string, message: string, hint?: string): void => { send({ type: 'error', error: refusalDocument({ code, message, hint }).error }); };
  const refill = setInterval(() => { allowance = Math.min(BURST, allowance + PER_SECOND); }, 1000);
  const ping = setInterval(() => {
    if (!answered) return client.terminate();
    answered = false;
    client.ping();
  }, PING_MS);
  client.on('pong', () => { answered = true; });
  client.on('error', () => { client.terminate(); });
  client.on('close', () => {
    clearInterval(refill);
    clearInterval(ping);
    // Nobody listens any more: waiting ends, what was said stays.
    turn?.abort();
  });
  const say = async (text: string, seen: number | undefined): Promise<void> => {
    const mine = new AbortController();
    turn = mine;
    const signal = AbortSignal.any([mine.signal, AbortSignal.timeout(MAX_TURN_MS)]);
    try {
      const said = await session.say({ id, text, seen, signal, onProgress: (line) => { send({ type: 'progress', line }); }, onText: (piece) => { send({ type: 'text', piece }); } });
      if (said.ok) send({ type: 'reply', reply: replyDocument(said.reply) });
      else fail(said.code, said.message, said.hint);
    } catch {
      fail('internal', 'the bot failed to answer', 'ask again; its log tells more');
    } finally {
      if (turn === mine) turn = undefined;
    }
  };
  client.on('message', (data: Buffer, isBinary) => {
    if (allowance-- <= 0) return client.close(CLOSE_POLICY, 'too many messages');
    const frame = isBinary ? undefined : parseFrame(data);
    if (!frame?.success) return fail('request_invalid', 'expected {"type":"say","text":…} or {"type":"stop"}');
    if (frame.data.type === 'stop') turn?.abort();
    else if (turn) fail('conversation_busy', 'the message before is not answered yet', 'wait for the answer, or send {"type":"stop"}');
    else void say(frame.data.text, frame.data.seen);
  });
  send({ type: 'ready', messages: session.load(id)?.messages.length ?? 0 });
}

function parseFrame(data: Buffer): ReturnType<typeof ClientFrame.safeParse> | undefined {
  try {
    return ClientFrame.safeParse(JSON.parse(data.toString('utf8')));
  } catch {
    return undefined;
  }
}
