import { z } from 'zod';
import type { ToolRefusal } from '../../context.ts';
import { Draft, MAX_MESSAGE, Message } from '../conversation.ts';
import { ConversationId } from '../memory.ts';
import type { Said } from '../session.ts';

/** What goes over HTTP and WebSocket. */

export const NewConversation = z.strictObject({ model: z.boolean().default(true).describe('False: answered by the offline dialogue even where a language model is set.') });
const Seen = z.int().min(0).optional().describe('`turn` of the reply that this answers. Without it, or when another reply came since, a yes and a bare number decide nothing: the plan is shown again.');
export const Say = z.strictObject({ text: z.string().max(MAX_MESSAGE), seen: Seen });
export const ReplyDocument = z.object({
  text: z.string(),
  turn: z.int().describe('Number of this reply: send it as `seen` with the message that answers it.'),
  choices: z.array(z.string()).optional().describe('Ready-made answers; a bare number chooses one.'),
  plan: z.string().optional().describe('Digest of the plan that is shown and can be agreed to.'),
  contract: z.string().optional().describe('The contract that is talked about.'),
  draft: z.object({ blueprint: z.string(), parameters: z.record(z.string(), z.json()) }).optional(),
  by: z.enum(['dialogue', 'model', 'fallback']),
});
export const ConversationDocument = z.object({ id: ConversationId, messages: z.array(Message), draft: Draft.optional(), contract: z.string().optional(), choices: z.array(z.string()).optional(), turn: z.int().optional().describe('Number of the last reply.') });
export const ListedDocument = z.object({ id: ConversationId, begun: z.string(), used: z.string(), messages: z.int(), first: z.string().describe('Beginning of the first message.') });
export const RefusalDocument = z.object({ ok: z.literal(false), error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional(), missing: z.array(z.object({ name: z.string(), description: z.string(), type: z.string() })).optional() }) });

/** Frames of the WebSocket. */
export const ClientFrame = z.discriminatedUnion('type', [z.strictObject({ type: z.literal('say'), text: z.string().max(MAX_MESSAGE), seen: Seen }), z.strictObject({ type: z.literal('stop') })]);
export const ServerFrame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), messages: z.int() }),
  z.object({ type: z.literal('progress'), line: z.string() }),
  z.object({ type: z.literal('text'), piece: z.string() }),
  z.object({ type: z.literal('reply'), reply: ReplyDocument }),
  z.object({ type: z.literal('error'), error: RefusalDocument.shape.error }),
]);
export type ServerFrame = z.infer<typeof ServerFrame>;

export function replyDocument({ text, turn, choices, plan, contract, draft, by }: Said): z.infer<typeof ReplyDocument> {
  return { text, turn, by, ...(choices && { choices: [...choices] }), ...(plan !== undefined && { plan }), ...(contract !== undefined && { contract }), ...(draft && { draft: { blueprint: draft.blueprint, parameters: draft.parameters } }) };
}

export function refusalDocument({ code, message, hint, missing }: Omit<ToolRefusal, 'ok'>): z.infer<typeof RefusalDocument> {
  return { ok: false, error: { code, message, ...(hint !== undefined && { hint }), ...(missing && { missing: missing.map((one) => ({ ...one })) }) } };
}
