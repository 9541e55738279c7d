import type { ToolRefusal } from '../context.ts';
import { type Answerer, type Conversation, MAX_MESSAGE, type Reply, unconfirmed } from './conversation.ts';
import { type Listed, type Memory } from './memory.ts';

export interface SessionOptions {
  readonly memory: Memory;
  /** Answers conversations that were not begun without a model. */
  readonly answerer: Answerer;
  /** Answers the others. */
  readonly dialogue: Answerer;
  /** RFC 3339; the clock of this machine by default. */
  readonly now?: (() => string) | undefined;
}

export interface Saying {
  readonly id: string;
  readonly text: string;
  /** `turn` of the reply that the person saw last in this conversation. Without it, or when another came since, a yes or a number decides nothing. */
  readonly seen: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: ((line: string) => void) | undefined;
  readonly onText?: ((piece: string) => void) | undefined;
}

/** A reply and its number, which the next message names. */
export type Said = Reply & { readonly turn: number };

/** Conversations as every surface holds them: one message at a time, remembered before it is answered. */
export interface Session {
  begin(options?: { readonly model?: boolean | undefined }): string;
  load(id: string): Conversation | undefined;
  list(): Listed[];
  remove(id: string): boolean;
  say(saying: Saying): Promise<{ readonly ok: true; readonly reply: Said } | ToolRefusal>;
}

/** Messages that wait for an answer, over all conversations. */
const MAX_BUSY = 32;

export function createSession({ memory, answerer, dialogue, now = () => new Date().toISOString() }: SessionOptions): Session {
  const busy = new Set<string>();
  return {
    begin: ({ model = true } = {}) => memory.begin({ time: now(), model }),
    load: (id) => memory.load(id),
    list: () => memory.list(),
    remove: (id) => !busy.has(id) && memory.remove(id),
    say: async ({ id, text, seen, signal, onProgress = () => undefined, onText = () => undefined }) => {
      if (text.length > MAX_MESSAGE || !text.isWellFormed()) return { ok: false, code: 'message_invalid', message: `a message is well-formed text of at most ${MAX_MESSAGE} characters, this one has ${text.length}`, hint: 'say it in fewer words' };
      const kept = memory.load(id);
      if (!kept) return { ok: false, code: 'conversation_unknown', message: `there is no conversation ${id}`, hint: 'begin a new one' };
      if (busy.has(id)) return { ok: false, code: 'conversation_busy', message: 'the message before is not answered yet', hint: 'wait for the answer, or end the waiting' };
      if (busy.size >= MAX_BUSY) return { ok: false, code: 'too_many', message: `${busy.size} messages wait for an answer`, hint: 'send it again in a moment' };
      busy.add(id);
      try {
        memory.hear(id, text, now());
        const conversation = seen === kept.turn ? kept : { ...kept, choices: undefined, draft: kept.draft && unconfirmed(kept.draft) };
        const answers = conversation.model ? answerer : dialogue;
        const reply = settled(await answers.reply({ text: chosen(text, conversation), conversation, signal, onProgress, onText }));
        const turn = memory.finish(id, { text: reply.text, time: now(), draft: reply.draft, contract: reply.contract, choices: reply.choices });
        return { ok: true, reply: { ...reply, turn } };
      } finally {
        busy.delete(id);
      }
    },
  };
}

/** The reply, whoever gave it, in which a yes means the plan that it shows, and none that was shown before. */
export function settled(reply: Reply): Reply {
  return reply.draft && reply.plan !== reply.draft.plan ? { ...reply, draft: unconfirmed(reply.draft) } : reply;
}

/** `2`, `#2` or `2.` means the second of what the last reply offered. */
function chosen(text: string, { choices }: Conversation): string {
  const number = /^\s*#?(\d{1,2})[.)]?\s*$/.exec(text)?.[1];
  return (number === undefined ? undefined : choices?.[Number(number) - 1]) ?? text;
}
