import { z } from 'zod';

const Content = z.union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() })), z.null()]).optional();

/** A request to `/chat/completions`, as far as a scripted model reads it. */
export const ChatRequest = z.looseObject({
  model: z.string(),
  messages: z.array(z.looseObject({
    role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
    content: Content,
    tool_calls: z.array(z.looseObject({ id: z.string(), type: z.literal('function'), function: z.looseObject({ name: z.string(), arguments: z.string() }) })).optional(),
    tool_call_id: z.string().optional(),
  })).min(1),
  tools: z.array(z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: z.string(), description: z.string(), parameters: z.looseObject({}) }) })).optional(),
  stream: z.boolean().optional(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).optional(),
  temperature: z.number().optional(),
  max_tokens: z.int().optional(),
});
export type ChatRequest = z.infer<typeof ChatRequest>;

export function contentOf(message: ChatRequest['messages'][number]): string {
  const { content } = message;
  return Array.isArray(content) ? content.map((part) => part.text ?? '').join('') : content ?? '';
}

/** One answer of a scripted model. */
export interface Answer {
  /** A list is streamed in just these pieces; a text in pieces of a few characters. */
  readonly text?: string | readonly string[];
  /** `arguments` as an object, or the very characters to send. */
  readonly calls?: readonly { readonly name: string; readonly arguments: object | string; readonly id?: string }[];
  readonly usage?: { readonly prompt: number; readonly completion: number } | false;
  readonly finish?: 'stop' | 'tool_calls' | 'length' | 'content_filter';
  readonly id?: string;
  /** Before the first byte, in ms. */
  readonly delayMs?: number;
  /** Between pieces, in ms. */
  readonly pieceMs?: number;
  readonly fault?: Fault;
}

/** `status` answers so instead; `hang` says nothing any more; `cut` breaks the connection; `end` ends the stream in good order, but early. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly body?: string; readonly retryAfter?: number; readonly location?: string }
  | { readonly kind: 'hang' | 'cut' | 'end' | 'malformed'; readonly afterPieces: number }
  | { readonly kind: 'refuse-connection' };
