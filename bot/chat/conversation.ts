import { z } from 'zod';

/** Longest text of one message, in UTF-16 units. */
export const MAX_MESSAGE = 2000;

/** What is being put together: which blueprint, what was said so far, and what was shown last. */
export const Draft = z.strictObject({
  blueprint: z.string().max(63),
  /** Only what the person said, canonical. */
  parameters: z.record(z.string(), z.json()),
  /** The contract in force that this is to change; absent for something new. */
  update: z.string().optional(),
  /** The parameter that was asked for last. */
  asked: z.string().optional(),
  /** Digest of the plan that the last reply showed: a yes proposes it. */
  plan: z.string().optional(),
  /** Digest of a plan that was shown before the last reply: questions are about it, a yes shows it again. */
  earlier: z.string().optional(),
  /** What the last comparison offered, to be taken by number or name. */
  variants: z.array(z.strictObject({ label: z.string().max(80), change: z.record(z.string(), z.json()), without: z.array(z.string()).optional() })).max(8).optional(),
});
export type Draft = z.infer<typeof Draft>;

/** A draft whose plan is talked about, and proposed by no yes. */
export function unconfirmed({ plan, ...draft }: Draft): Draft {
  return plan === undefined ? draft : { ...draft, earlier: plan };
}

/** The plan that questions are about. */
export function plannedIn({ plan, earlier }: Draft): string | undefined {
  return plan ?? earlier;
}

export const Message = z.strictObject({ from: z.enum(['person', 'bot']), text: z.string(), time: z.string() });
export type Message = z.infer<typeof Message>;

/** One conversation as it is kept. */
export interface Conversation {
  readonly id: string;
  readonly messages: readonly Message[];
  readonly draft: Draft | undefined;
  /** The contract that was talked about last: proposed here, or asked about. */
  readonly contract: string | undefined;
  /** What the last reply offered to choose from; a bare number means one of these. */
  readonly choices?: readonly string[] | undefined;
  /** Number of the last reply; undefined before the first. */
  readonly turn?: number | undefined;
}

/** What the bot answers to one message, and what is different afterwards. A draft's plan that it does not show can be agreed to no more. */
export interface Reply {
  readonly text: string;
  /** Ready-made answers, to choose from by number or by words. */
  readonly choices?: readonly string[];
  /** The plan that `text` shows, to be confirmed or changed. */
  readonly plan?: string;
  readonly draft: Draft | undefined;
  readonly contract: string | undefined;
  /** Which of them answered; `fallback` when the model failed and the dialogue took over. */
  readonly by: 'dialogue' | 'model' | 'fallback';
}

export interface Turn {
  readonly text: string;
  readonly conversation: Conversation;
  readonly signal: AbortSignal;
  /** What goes on meanwhile: a line of progress. */
  readonly onProgress: (line: string) => void;
  /** Pieces of the answer as they come; together they are `Reply.text`. Not called by who answers at once. */
  readonly onText: (piece: string) => void;
}

/** Somebody who answers: the offline dialogue, or a language model with the dialogue behind it. */
export interface Answerer {
  reply(turn: Turn): Promise<Reply>;
}
