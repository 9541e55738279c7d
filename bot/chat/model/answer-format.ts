import { z } from 'zod';
import { ModelFailure } from './failure.ts';

/** Longest arguments of one call, in UTF-16 units. */
const MAX_ARGUMENTS = 16_000;
/** Longest line of a stream, in UTF-16 units: the longest arguments in one piece, however they are escaped, have room. */
const MAX_LINE = 8 * MAX_ARGUMENTS;
/** Calls that are read of one answer; a model that makes more is not doing anybody's work. */
const MAX_CALLS = 8;

/** Stands for arguments that are no JSON object, or are too long: what reads them further on would guess how they are meant. */
export const GARBLED = '3bot:garbled';

const Arguments = z.union([z.string(), z.record(z.string(), z.unknown())]).nullish();
const Called = z.object({ index: z.int().min(0).max(100_000).nullish(), id: z.string().max(1000).nullish(), function: z.object({ name: z.string().max(1_000_000).nullish(), arguments: Arguments }).nullish() });
const Usage = z.object({ prompt_tokens: z.int().min(0), completion_tokens: z.int().min(0), total_tokens: z.int().min(0) });
const Part = z.object({ content: z.string().nullish(), tool_calls: z.array(Called).nullish() });
const Chunk = z.object({ choices: z.array(z.object({ delta: Part.nullish(), finish_reason: z.string().nullish() })).nullish(), usage: Usage.nullish().catch(null), error: z.unknown().optional() });
const Whole = z.object({ choices: z.array(z.object({ message: Part, finish_reason: z.string().nullish() })).min(1), usage: Usage.nullish().catch(null) });

interface Call { name: string; text: string }

/** An answer of the model in one form, whole. */
export interface ModelAnswer {
  readonly text: string;
  /** With ids of ours, unique in this process. */
  readonly calls: readonly { readonly id: string; readonly name: string; readonly args: Readonly<Record<string, unknown>> }[];
  /** What the server counted for request and answer; undefined when it counts none. */
  readonly tokens: number | undefined;
}

let serial = 0;

/**
 * Brings what a server streams into one form, since servers differ and may be hostile: text passes on as it comes, calls are
 * there when the answer is whole. Everything else is left out. Throws ModelFailure on what is no stream of this protocol.
 */
export class StreamFold {
  readonly #decoder = new TextDecoder();
  readonly #calls = new Map<number, Call>();
  #line = '';
  #text = '';
  #finished = false;
  #tokens: number | undefined;

  /** The text that these bytes bring; empty when none. */
  push(bytes: Uint8Array): string {
    const before = this.#text.length;
    // Only what is new is searched: a line that comes byte by byte would otherwise be read again for each of them.
    const [rest = '', ...lines] = this.#decoder.decode(bytes, { stream: true }).split('\n');
    this.#extend(rest);
    for (const line of lines) {
      this.#read(this.#line);
      this.#line = '';
      this.#extend(line);
    }
    return this.#text.slice(before);
  }

  /** All of it, when the bytes have ended. Throws when the model had not finished. */
  end(): ModelAnswer {
    this.#read(this.#line + this.#decoder.decode());
    if (!this.#finished) throw new ModelFailure('unreachable', 'its answer ended in the middle');
    return answerOf(this.#text, [...this.#calls.values()], this.#tokens);
  }

  #extend(text: string): void {
    this.#line += text;
    if (this.#line.length > MAX_LINE) throw new ModelFailure('garbled', `a line of its answer is longer than ${MAX_LINE} characters`);
  }

  #read(line: string): void {
    const data = /^data: ?(.*?)\r?$/.exec(line)?.[1];
    if (data === undefined || data === '' || data === '[DONE]') return;
    const { choices, usage, error } = parsed(Chunk, data);
    if (error !== undefined && error !== null) throw new ModelFailure('failed', 'it broke off with an error');
    const choice = choices?.[0];
    this.#text += choice?.delta?.content ?? '';
    for (const called of choice?.delta?.tool_calls ?? []) this.#call(called);
    if (typeof choice?.finish_reason === 'string') this.#finished = true;
    if (usage) this.#tokens = usage.total_tokens;
  }

  #call({ index, id, function: called }: z.infer<typeof Called>): void {
    // Some servers count none: then an id begins a new call, and what has none goes on with the last.
    const at = index ?? (typeof id === 'string' && id !== '' ? this.#calls.size : Math.max(0, this.#calls.size - 1));
    const call = this.#calls.get(at) ?? { name: '', text: '' };
    if (!this.#calls.has(at) && this.#calls.size >= MAX_CALLS) return;
    this.#calls.set(at, call);
    if (call.name === '') call.name = called?.name ?? '';
    // One unit more than is taken tells that it is too long.
    if (call.text.length <= MAX_ARGUMENTS) call.text += textOf(called?.arguments);
  }
}

/** The same of an answer that came whole. */
export function foldWhole(body: string): ModelAnswer {
  const { choices: [choice], usage } = parsed(Whole, body);
  const calls = (choice?.message.tool_calls ?? []).slice(0, MAX_CALLS).map((called) => ({ name: called.function?.name ?? '', text: textOf(called.function?.arguments) }));
  return answerOf(choice?.message.content ?? '', calls, usage?.total_tokens);
}

function answerOf(text: string, calls: readonly Call[], tokens: number | undefined): ModelAnswer {
  const id = `answer-${++serial}`;
  return { text, tokens, calls: calls.map((call, index) => ({ id: `${id}-${index}`, name: call.name, args: argumentsIn(call.text) })) };
}

function textOf(given: z.infer<typeof Arguments>): string {
  return typeof given === 'string' ? given : given ? JSON.stringify(given) : '';
}

/** Arguments as they were meant, or that nobody can say. */
function argumentsIn(text: string): Readonly<Record<string, unknown>> {
  if (text.trim() === '') return {};
  try {
    const value: unknown = text.length > MAX_ARGUMENTS ? undefined : JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : { [GARBLED]: true };
  } catch {
    return { [GARBLED]: true };
  }
}

function parsed<S extends z.ZodType>(schema: S, text: string): z.output<S> {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new ModelFailure('garbled', 'its answer cannot be used');
  }
}
