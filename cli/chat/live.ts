import { setTimeout as pause } from 'node:timers/promises';
import WebSocket from 'ws';
import { z } from 'zod';
import { Refusal } from '../refusal.ts';
import { Pace } from './pace.ts';

/** What the bot's API says (docs/api.md); the bot is ours, and still parsed as what comes over any wire. */
const Failure = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });
const ReplyShape = z.object({ text: z.string(), turn: z.int(), choices: z.array(z.string()).optional(), plan: z.string().optional(), contract: z.string().optional(), draft: z.object({ blueprint: z.string(), parameters: z.record(z.string(), z.json()) }).optional(), by: z.string() });
const Frame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), messages: z.int() }),
  z.object({ type: z.literal('progress'), line: z.string() }),
  z.object({ type: z.literal('text'), piece: z.string() }),
  z.object({ type: z.literal('reply'), reply: ReplyShape }),
  z.object({ type: z.literal('error'), error: Failure }),
]);
const Listed = z.object({ id: z.string(), begun: z.string(), used: z.string(), messages: z.int(), first: z.string() });
export type ReplyShape = z.infer<typeof ReplyShape>;
export type Listed = z.infer<typeof Listed>;

const CONNECT_MS = 5000;
const MAX_FRAME = 4 * 1024 * 1024;

export interface Bot { readonly url: string; readonly token: string }
export interface Watcher { readonly onProgress: (line: string) => void; readonly onText: (piece: string) => void }

/** One conversation with the running bot, over its WebSocket. */
export interface Live {
  /** Messages that it had before. */
  readonly messages: number;
  /** @throws Refusal with the bot's own code, or when the connection ends. */
  say(text: string, watcher: Watcher): Promise<ReplyShape>;
  /** Ends what the bot waits for at this moment. */
  stop(): void;
  close(): void;
}

export async function listConversations(bot: Bot): Promise<Listed[]> {
  return z.object({ conversations: z.array(Listed) }).parse(await ask(bot, '/v1/conversations')).conversations;
}

export async function beginConversation(bot: Bot, model: boolean): Promise<string> {
  return z.object({ id: z.string() }).parse(await ask(bot, '/v1/conversations', { model })).id;
}

async function ask({ url, token }: Bot, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${url}${path}`, { method: body ? 'POST' : 'GET', headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(CONNECT_MS), ...(body && { body: JSON.stringify(body) }) }).catch(() => undefined);
  if (!response) throw new Refusal({ code: 'bot_unreachable', message: `the bot does not answer at ${url}`, hint: 'see `3bot doctor`' });
  const document: unknown = await response.json();
  const refused = z.object({ ok: z.literal(false), error: Failure }).safeParse(document);
  if (refused.success) throw new Refusal(refused.data.error);
  return document;
}

export async function openLive({ url, token }: Bot, id: string): Promise<Live> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/conversations/${id}/live`, { headers: { authorization: `Bearer ${token}` }, handshakeTimeout: CONNECT_MS, maxPayload: MAX_FRAME, perMessageDeflate: false });
  const gone = new Refusal({ code: 'bot_unreachable', message: 'the connection to the bot ended', hint: 'the conversation is kept: begin again with `3bot chat`' });
  let turn: { watcher: Watcher; resolve: (reply: ReplyShape) => void; reject: (error: Error) => void } | undefined;
  let ready: (messages: number) => void = () => undefined;
  const begun = new Promise<number>((resolve, reject) => {
    ready = resolve;
    socket.once('error', () => { reject(new Refusal({ code: 'bot_unreachable', message: `the bot does not converse at ${url}`, hint: 'see `3bot doctor`' })); });
  });
  const pace = new Pace();
  // A yes is one to what was shown here, whatever another client of the conversation was shown meanwhile.
  let seen: number | undefined;
  socket.on('message', (data: Buffer) => {
    const frame = Frame.parse(JSON.parse(data.toString('utf8')));
    if (frame.type === 'ready') ready(frame.messages);
    else if (frame.type === 'progress') turn?.watcher.onProgress(frame.line);
    else if (frame.type === 'text') turn?.watcher.onText(frame.piece);
    else {
      const ended = turn;
      turn = undefined;
      if (frame.type === 'reply') {
        seen = frame.reply.turn;
        ended?.resolve(frame.reply);
      } else ended?.reject(new Refusal(frame.error));
    }
  });
  socket.on('close', () => {
    turn?.reject(gone);
    turn = undefined;
  });
  const messages = await Promise.race([begun, pause(CONNECT_MS, undefined, { ref: false }).then(() => { throw gone; })]);
  return {
    messages,
    say: async (text, watcher) => {
      await pace.turn();
      return new Promise((resolve, reject) => {
        if (socket.readyState !== WebSocket.OPEN) return reject(gone);
        turn = { watcher, resolve, reject };
        socket.send(JSON.stringify({ type: 'say', text, ...(seen !== undefined && { seen }) }));
      });
    },
    stop: () => { if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: 'stop' })); },
    close: () => { socket.close(); },
  };
}
