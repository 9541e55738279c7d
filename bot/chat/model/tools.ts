import { z } from 'zod';
import { CATALOGUE, toolsFor } from '../../tools/catalogue.ts';
import type { Tool, ToolContext, ToolResult } from '../../tools/tool.ts';
import { unmaskedCall } from './masking.ts';
import { quoteResult } from './quoting.ts';
import type { TurnRecord } from './record.ts';

/** Longest arguments of one call, as JSON in UTF-16 units. */
const MAX_ARGUMENTS = 16_000;

/** A tool as the OpenAI protocol declares it. */
export interface ToolDeclaration {
  readonly type: 'function';
  readonly function: { readonly name: string; readonly description: string; readonly parameters: Readonly<Record<string, unknown>> };
}

export interface ToolRequest {
  readonly name: string;
  /** Undefined when what the model sent is no JSON. */
  readonly input: unknown;
}

export interface ToolTurn {
  readonly context: ToolContext;
  readonly record: TurnRecord;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

/** What a model may call: the catalogue's tools of its surface, and nothing that the catalogue does not know. */
export function declareTools(tools: readonly Tool[] = toolsFor('model')): ToolDeclaration[] {
  return tools.map(({ name, description, input }) => ({ type: 'function', function: { name, description, parameters: plainSchema(z.toJSONSchema(input, { io: 'input', target: 'draft-7' })) } }));
}

/** Runs one call that a model made and gives the message that answers it; what it must not or cannot do is refused in the same form. */
export async function answerCall(turn: ToolTurn, { name, input: said }: ToolRequest): Promise<string> {
  const input = unmaskedCall(said, turn.record.draft);
  const result = await run(turn, name, withoutNulls(input));
  return quoteResult(name.slice(0, 64), noted(turn, { name, input }, result));
}

async function run({ context, signal, onProgress }: ToolTurn, name: string, input: unknown): Promise<ToolResult> {
  const tool = CATALOGUE.find((each) => each.name === name);
  if (tool && !tool.surfaces.includes('model')) return { ok: false, code: 'tool_forbidden', message: `${name} is not for a model`, hint: 'only the person decides: show the plan, and they say yes or no; nobody signs in a conversation' };
  if (!tool) return { ok: false, code: 'tool_unknown', message: `there is no tool ${JSON.stringify(name.slice(0, 64))}`, hint: `there are: ${toolsFor('model').map((each) => each.name).join(', ')}` };
  if (input === undefined) return { ok: false, code: 'input_invalid', message: `${name}: the arguments are not JSON`, hint: 'send one JSON object' };
  if (JSON.stringify(input).length > MAX_ARGUMENTS) return { ok: false, code: 'input_invalid', message: `${name}: the arguments are longer than ${MAX_ARGUMENTS} characters`, hint: 'send only what the schema asks for' };
  onProgress(tool.title);
  try {
    return await tool.run(context, input, { signal, progress: onProgress });
  } catch (error) {
    signal.throwIfAborted();
    return failed(name, error);
  }
}

/** The result, which the turn then knows of; a call that cannot be taken in is one that failed, not the end of the model's turn. */
function noted({ record }: ToolTurn, { name, input }: ToolRequest, result: ToolResult): ToolResult {
  try {
    record.note(name, input, result);
    return result;
  } catch (error) {
    record.dropPlan();
    return failed(name, error);
  }
}

/** What an error says may name files of this machine: the model does not need it. */
function failed(name: string, error: unknown): ToolResult {
  return { ok: false, code: 'internal', message: `${name.slice(0, 64)} failed: ${error instanceof Error ? error.name : 'unknown'}`, hint: 'tell the person that this could not be looked up' };
}

/** Models send null for what they leave out. */
function withoutNulls(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null));
}

/** Parts of a schema that servers which make a grammar of it know differently or not at all; what refers to itself becomes "anything". The tool checks everything itself. */
const LEFT_OUT = new Set(['$schema', '$defs', 'definitions', 'propertyNames']);

/** A schema without references. */
function plainSchema(schema: object): Record<string, unknown> {
  const plain = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== 'object' || value === null) return value;
    if ('$ref' in value) return {};
    return Object.fromEntries(Object.entries(value).filter(([name]) => !LEFT_OUT.has(name)).map(([name, each]) => [name, plain(each)]));
  };
  return plain(schema) as Record<string, unknown>;
}
