import type { z } from 'zod';
import type { ToolRefusal } from '../../context.ts';
import type { Tool, ToolContext } from '../../tools/tool.ts';
import type { Draft, Reply, Turn } from '../conversation.ts';
import type { Language } from './language.ts';
import type { Say } from './words/messages.ts';

/** One turn as the parts of the dialogue see it. */
export interface Here {
  readonly context: ToolContext;
  readonly turn: Turn;
  readonly text: string;
  readonly language: Language;
  readonly say: Say;
}

/** Calls a tool as every other surface does; `shape` is the part of its output that is read here. */
export async function call<S extends z.ZodObject>(here: Here, tool: Tool, input: object, shape: S): Promise<({ readonly ok: true } & z.output<S>) | ToolRefusal> {
  const result = await tool.run(here.context, input, { signal: here.turn.signal, progress: (message) => { here.turn.onProgress(message); } });
  return result.ok ? { ok: true, ...shape.parse(result) } : result;
}

interface Answer { readonly choices?: readonly string[]; readonly plan?: string; readonly draft?: Draft | undefined; readonly contract?: string | undefined }

/** A reply. Draft and contract stay as they were, unless the answer names them. */
export function answer(here: Here, lines: string | readonly string[], change: Answer = {}): Reply {
  const { draft, contract } = here.turn.conversation;
  const text = typeof lines === 'string' ? lines : lines.filter((line) => line !== '').join('\n');
  return {
    text, by: 'dialogue',
    draft: 'draft' in change ? change.draft : draft,
    contract: 'contract' in change ? change.contract : contract,
    ...(change.choices && change.choices.length > 0 && { choices: change.choices }),
    ...(change.plan !== undefined && { plan: change.plan }),
  };
}
