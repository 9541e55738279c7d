import { z } from 'zod';
import type { BotContext, ToolRefusal } from '../context.ts';
import type { PlanStore } from './plan-store.ts';

/**
 * Who may be handed a tool. `model`: a language model inside this bot; `mcp`: an editor's model, whose person confirms;
 * `http`: pages of this machine; `chat`: the dialogue, after a person said yes; `cli`: a person at the command line.
 */
export type Surface = 'model' | 'mcp' | 'http' | 'chat' | 'cli';

export interface ToolContext extends BotContext {
  /** Plans that were shown, by contract id: only such a one can be proposed. */
  readonly plans: PlanStore;
  /** Where a person reviews and signs a contract in the browser; undefined where no page is served. */
  readonly signUrl?: ((contract: string) => string) | undefined;
}

export interface ToolCall {
  readonly signal: AbortSignal;
  /** Tells how far a long action is; `total` when it is known. */
  readonly progress: (message: string, done?: number, total?: number) => void;
}

/** One action of the bot, defined once for every surface: schema in, schema out. */
export interface Tool {
  /** In snake_case. */
  readonly name: string;
  readonly title: string;
  /** For whoever chooses among tools: what it does, when to use it, what comes next. */
  readonly description: string;
  readonly input: z.ZodObject;
  /** What a success holds besides `ok: true`. */
  readonly output: z.ZodObject;
  /** None by default: a tool is for nobody until it says for whom. */
  readonly surfaces: readonly Surface[];
  /** `changes` writes to the ledger; `reads` has no side effect that another person could see. */
  readonly effect: 'reads' | 'changes';
  /** Whether an answer may take minutes, and hold a connection for as long. */
  readonly waits: boolean;
  run(context: ToolContext, input: unknown, call: ToolCall): Promise<ToolResult>;
}

export type ToolResult = ({ readonly ok: true } & Readonly<Record<string, unknown>>) | ToolRefusal;

interface Definition<I extends z.ZodObject, O extends z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: I;
  readonly output: O;
  readonly surfaces?: readonly Surface[];
  readonly effect: 'reads' | 'changes';
  readonly waits?: boolean;
  readonly run: (context: ToolContext, input: z.output<I>, call: ToolCall) => Promise<({ readonly ok: true } & z.output<O>) | ToolRefusal> | (({ readonly ok: true } & z.output<O>) | ToolRefusal);
}

/** Makes a tool that parses what goes in and what comes out, whoever calls it; it refuses, and does not throw on bad input. */
export function defineTool<I extends z.ZodObject, O extends z.ZodObject>(definition: Definition<I, O>): Tool {
  const { name, title, description, input, output, surfaces = [], effect, waits = false } = definition;
  return {
    name, title, description, input, output, surfaces, effect, waits,
    run: async (context, raw, call) => {
      const parsed = input.safeParse(raw);
      if (!parsed.success) return { ok: false, code: 'input_invalid', message: `${name}: ${z.prettifyError(parsed.error).replace(/\s+/g, ' ').slice(0, 500)}`, hint: 'see the input schema of the tool' };
      call.signal.throwIfAborted();
      const result = await definition.run(context, parsed.data, call);
      if (!result.ok) return result;
      const { ok: _ok, ...rest } = result;
      // What does not fit its own schema is our fault: it throws, and is not handed out.
      return { ok: true, ...output.parse(rest) };
    },
  };
}

/** A call that nobody watches. */
export function quietCall(signal: AbortSignal = new AbortController().signal): ToolCall {
  return { signal, progress: () => undefined };
}

/** Makes a bot's context one that tools work on. The same object: its library is replaced when authors publish more. */
export function toolContextOf(context: BotContext, options: { readonly plans: PlanStore; readonly signUrl?: ((contract: string) => string) | undefined }): ToolContext {
  return Object.assign(context, options);
}
