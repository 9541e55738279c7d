import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Answerer, Conversation, Message, Reply } from '../../bot/chat/conversation.ts';
import { createDialogue } from '../../bot/chat/dialogue/dialogue.ts';
import { createModelAnswerer } from '../../bot/chat/model/answerer.ts';
import type { ModelSettings } from '../../bot/chat/model/settings.ts';
import { startWorld, type World, type WorldOptions } from '../conversations/world.ts';
import { settled } from '../../bot/chat/session.ts';
import { settingsFor } from './answerer.ts';
import type { Answer, ChatRequest } from './protocol.ts';
import { type ModelServer, startModelServer } from './server.ts';

export const KEY = 'sk-canary-5c1d9a7e';
/** Waits of a real setting would make the tests slow; each is still long enough for a busy machine. */
const QUICK: Partial<ModelSettings> = { firstByteSeconds: 20, idleSeconds: 20, retries: 2, restSeconds: 60 };

export interface Chat {
  readonly server: ModelServer;
  readonly answerer: Answerer;
  readonly pieces: string[];
  readonly progress: string[];
  conversation: Conversation;
  /** Says something, and takes the reply into the conversation as a session does. */
  say(text: string, signal?: AbortSignal): Promise<Reply>;
}

export type Script = readonly Answer[] | ((request: ChatRequest, index: number) => Answer | Promise<Answer>);

export interface ChatOptions {
  readonly settings?: Partial<ModelSettings>;
  readonly now?: () => number;
  readonly url?: string;
}

/** A world for a test file, and conversations with a model that says what each test scripts. */
export function chats(options: WorldOptions = {}): { readonly world: () => World; readonly start: (script: Script, options?: ChatOptions) => Promise<Chat> } {
  let world: World | undefined;
  const closing: (() => Promise<void>)[] = [];
  beforeAll(async () => { world = await startWorld(options); });
  afterEach(async () => { for (const close of closing.splice(0)) await close(); });
  afterAll(() => world?.close());
  const get = (): World => {
    if (!world) throw new Error('the world has not begun');
    return world;
  };
  return {
    world: get,
    start: async (script, { settings, now, url } = {}) => {
      const server = await startModelServer({ key: KEY, answer: typeof script === 'function' ? script : (_, index) => script[index] ?? { text: 'The script is over.' } });
      closing.push(() => server.close());
      const { context } = get();
      const answerer = createModelAnswerer({ context, dialogue: createDialogue(context), settings: await settingsFor(url ?? server.url, { ...QUICK, ...settings }, KEY), ...(now && { now }) });
      const chat: Chat = {
        server, answerer, pieces: [], progress: [],
        conversation: { id: `c-${closing.length}-${performance.now()}`, messages: [], draft: undefined, contract: undefined },
        say: async (text, signal = new AbortController().signal) => {
          chat.pieces.length = 0;
          const reply = settled(await answerer.reply({ text, conversation: chat.conversation, signal, onProgress: (line) => chat.progress.push(line), onText: (piece) => chat.pieces.push(piece) }));
          const message = (from: Message['from'], said: string): Message => ({ from, text: said, time: '2026-11-20T10:00:00.000Z' });
          chat.conversation = { ...chat.conversation, messages: [...chat.conversation.messages, message('person', text), message('bot', reply.text)], draft: reply.draft, contract: reply.contract };
          return reply;
        },
      };
      return chat;
    },
  };
}

/** Everything that a ledger has of contracts: what no model may change. */
export function contractsOf({ context }: World): string {
  return JSON.stringify(Object.entries(context.follower.state().contracts).map(([id, { status, votes }]) => [id, status, votes.length]));
}

export const PLAN: Answer = { calls: [{ name: 'plan', arguments: { blueprint: 'archive', parameters: { capacity: '1 PB', countries: 'CH' } } }] };
