import type { CallToolResult, InputRequiredResult, ToolAnnotations } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { digestOf } from '../../contract/digest.ts';
import { findContract } from '../tools/contracts.ts';
import { toolsFor } from '../tools/catalogue.ts';
import { MAX_LIMIT } from '../tools/paging.ts';
import type { Tool, ToolContext, ToolResult } from '../tools/tool.ts';
import { describePlan } from './describe-plan.ts';
import { askConfirmation, askMissing, askToSign, isConfirmed, missingAnswers, stepOf } from './asking.ts';
import { shorten, textOf } from './output.ts';
import { refused } from './refusal.ts';
import { shown } from './schema.ts';
import type { McpCall, McpTool } from './surface.ts';

export interface ToolOptions {
  /** The context of a visitor: the plans that were shown to them. */
  readonly contextOf: (visitor: string) => ToolContext;
  /** Leaves out whatever changes anything. */
  readonly readOnly?: boolean;
  /** Only these, by name; undefined: all. */
  readonly only?: readonly string[] | undefined;
  /** Does what changes anything without a yes in a form, for clients that have no forms. */
  readonly allowPropose?: boolean;
  /** Characters of one result. */
  readonly maxOutput: number;
}

/** Names of all tools that there are for clients of MCP. */
export function toolNames(): string[] {
  return toolsFor('mcp').map(({ name }) => name);
}

/** The bot's tools as clients of MCP see them. */
export function productTools(options: ToolOptions): McpTool[] {
  return toolsFor('mcp').filter(({ name, effect }) => (effect === 'reads' || !options.readOnly) && (options.only?.includes(name) ?? true)).map((tool) => productTool(tool, options));
}

const Extra = { leftOut: z.array(z.string()).optional().describe('What is not shown for want of room.') };

function productTool(tool: Tool, options: ToolOptions): McpTool {
  const { name, title, description, input, output, effect } = tool;
  return {
    name, title, description,
    input: shown(input),
    output: shown(output.extend(Extra)),
    annotations: annotationsOf(effect),
    scope: effect === 'reads' ? 'read' : 'propose',
    run: (args, call) => run(tool, args, { call, context: options.contextOf(call.visitor), options }),
  };
}

/** All of it stays on this grid: no tool reaches into an open world. */
function annotationsOf(effect: Tool['effect']): ToolAnnotations {
  switch (effect) {
    case 'reads': return { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false };
    // It binds money, or ends what was proposed: a client should ask its person. Twice is as good as once.
    case 'changes': return { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false };
  }
}

interface Run { readonly call: McpCall; readonly context: ToolContext; readonly options: ToolOptions }

async function run(tool: Tool, args: Readonly<Record<string, unknown>>, { call, context, options }: Run): Promise<CallToolResult | InputRequiredResult> {
  const about = digestOf({ tool: tool.name, args: JSON.stringify(args) });
  const step = stepOf(call, about);
  const changes = tool.effect === 'changes';
  if (changes && !options.allowPropose && step !== 'sign') {
    const stopped = await confirm(tool, args, { call, context, about, asked: step === 'confirm' });
    if (stopped) return stopped;
  }
  const filled = step === 'missing' ? missingAnswers(call) : undefined;
  if (step === 'missing' && !filled) return refused({ code: 'missing_parameter', message: 'the person did not fill in what is missing', hint: 'ask them in the conversation' });
  const input = filled ? { ...args, parameters: { ...members(args['parameters']), ...filled } } : args;
  const result = await fitting(tool, input, { call, context, options });
  if (!result.ok) {
    const { missing } = result;
    if (missing && missing.length > 0 && call.abilities.form && !filled) return askMissing(call, about, { missing, blueprint: textIn(args, 'blueprint'), context });
    return refused(missing ? { ...result, message: `${result.message}: ${missing.map((m) => `${m.name} (${m.description})`).join('; ')}` } : result);
  }
  const { signUrl } = result;
  if (changes && step !== 'sign' && call.abilities.url && typeof signUrl === 'string' && Array.isArray(result['waitingFor']) && result['waitingFor'].length > 0) {
    return askToSign(call, about, { message: `It is proposed. ${result['waitingFor'].join(', ')}: review and sign it on this page. Nothing runs before.`, url: signUrl });
  }
  return answer(result, options.maxOutput);
}

/** Runs it; a page of a list that is too long is asked for again, shorter, so that its `next` is right. */
async function fitting(tool: Tool, input: Readonly<Record<string, unknown>>, { call, context, options }: Run): Promise<ToolResult> {
  const watch = { signal: call.signal, progress: call.progress };
  let result = await tool.run(context, input, watch);
  if (!('limit' in tool.input.shape)) return result;
  for (let limit = z.int().catch(MAX_LIMIT).parse(input['limit']); result.ok && limit > 1; ) {
    const size = JSON.stringify(result).length;
    if (size <= options.maxOutput) break;
    limit = Math.max(1, Math.min(limit - 1, Math.floor((limit * options.maxOutput) / size)));
    result = await tool.run(context, { ...input, limit }, watch);
  }
  return result;
}

/** What ends a call that changes something before it did: a question, or a no. Undefined when the person said yes. */
async function confirm(tool: Tool, args: Readonly<Record<string, unknown>>, { call, context, about, asked }: Omit<Run, 'options'> & { readonly about: string; readonly asked: boolean }): Promise<CallToolResult | InputRequiredResult | undefined> {
  if (asked) return isConfirmed(call) ? undefined : refused({ code: 'not_confirmed', message: `the person did not agree to ${tool.name}`, hint: 'nothing was done; ask them what should be different' });
  const question = await questionFor(tool, args, context);
  // What cannot be done needs no yes: the tool says why.
  if (question === undefined) return undefined;
  if (!call.abilities.form) return refused({ code: 'confirmation_impossible', message: `${tool.name} needs the person's yes in a form, and this client shows no forms`, hint: 'the person may run `3bot chat` or `3bot ask`, or start this server with --allow-propose if their client asks before each call' });
  return askConfirmation(call, about, question);
}

async function questionFor({ name, title }: Tool, args: Readonly<Record<string, unknown>>, context: ToolContext): Promise<string | undefined> {
  const state = context.follower.state();
  const plan = context.plans.get(textIn(args, 'plan') ?? '');
  if (plan) return `${title}: ${await describePlan(context, plan)}`;
  const reference = textIn(args, 'contract');
  if (reference === undefined) return name === 'propose' ? undefined : `${title}?`;
  const found = findContract(context, reference);
  return found.ok ? `${title}: ${state.contracts[found.contract]?.header.title ?? found.contract}?` : undefined;
}

/** Structured for programs, as lines for models. */
function answer(result: ToolResult & { ok: true }, max: number): CallToolResult {
  const { ok: _ok, ...rest } = result;
  const { value, left } = shorten(rest, max);
  const structured = left.length === 0 ? value : { ...value, leftOut: [...left] };
  return { content: [{ type: 'text', text: textOf(structured) || 'done' }], structuredContent: structured };
}

function members(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function textIn(args: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = args[key];
  return typeof value === 'string' ? value : undefined;
}
