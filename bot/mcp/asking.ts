import { inputRequired, inputResponse, type InputRequiredResult, type ElicitRequestFormParams } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { ToolRefusal } from '../context.ts';
import type { ToolContext } from '../tools/tool.ts';
import { parametersOf } from '../../knowledge/blueprint.ts';
import { clean } from './clean.ts';
import type { McpCall } from './surface.ts';

type Missing = NonNullable<ToolRefusal['missing']>;
type Fields = ElicitRequestFormParams['requestedSchema']['properties'];
type Field = Fields[string];

/** Where the answers to a form lie. */
const FIELDS = 'missing';
const CONFIRM = 'confirm';
const SIGN = 'sign';
const MAX_ANSWER = 2000;

/** What a call knows of its earlier rounds; `about` is the digest of its tool and arguments. */
const Sealed = z.strictObject({ step: z.enum([FIELDS, CONFIRM, SIGN]), about: z.string() });
export type Step = z.infer<typeof Sealed>['step'];

/** Which question of this very call the person was asked in the round before; undefined when none was. */
export function stepOf(call: McpCall, about: string): Step | undefined {
  const sealed = Sealed.safeParse(call.sealed());
  return sealed.success && sealed.data.about === about ? sealed.data.step : undefined;
}

/** A form with the parameters that nobody gave yet. */
export async function askMissing(call: McpCall, about: string, { missing, blueprint, context }: { readonly missing: Missing; readonly blueprint: string | undefined; readonly context: ToolContext }): Promise<InputRequiredResult> {
  const declared = context.library.find((e) => e.blueprint.blueprint === blueprint)?.blueprint;
  const parameters = declared ? parametersOf(declared) : {};
  const properties: Fields = Object.fromEntries(missing.map(({ name, description }): [string, Field] => {
    const parameter = parameters[name];
    const field = { title: name, description };
    if (parameter?.type === 'choice') return [name, { ...field, type: 'string', enum: Object.keys(parameter.choices) }];
    if (parameter?.type === 'boolean') return [name, { ...field, type: 'boolean' }];
    if (parameter?.type === 'integer' && parameter.unit === undefined) return [name, { ...field, type: 'integer' }];
    return [name, { ...field, type: 'string', minLength: 1, maxLength: MAX_ANSWER }];
  }));
  const message = `${blueprint ?? 'This'} needs ${missing.map(({ name }) => name).join(', ')}.`;
  return inputRequired({
    inputRequests: { [FIELDS]: inputRequired.elicit(clean({ message, requestedSchema: { type: 'object', properties, required: missing.map(({ name }) => name) } })) },
    requestState: await call.seal({ step: FIELDS, about }),
  });
}

/** The person's answers to that form; undefined when they declined. */
export function missingAnswers(call: McpCall): Record<string, string | number | boolean> | undefined {
  const view = inputResponse(call.answers, FIELDS);
  if (view.kind !== 'elicit' || view.action !== 'accept') return undefined;
  const parsed = z.record(z.string().max(64), z.union([z.string().max(MAX_ANSWER), z.number(), z.boolean()])).safeParse(view.content);
  return parsed.data;
}

export async function askConfirmation(call: McpCall, about: string, message: string): Promise<InputRequiredResult> {
  const requestedSchema = { type: 'object' as const, properties: { confirm: { type: 'boolean' as const, title: 'Do it', description: 'Yes, do this.', default: false } }, required: ['confirm'] };
  return inputRequired({ inputRequests: { [CONFIRM]: inputRequired.elicit(clean({ message, requestedSchema })) }, requestState: await call.seal({ step: CONFIRM, about }) });
}

/** Yes only when it was said: a form that was closed, declined or left as it was is a no. */
export function isConfirmed(call: McpCall): boolean {
  const view = inputResponse(call.answers, CONFIRM);
  return view.kind === 'elicit' && view.action === 'accept' && view.content?.['confirm'] === true;
}

/** The page where people review and sign; what they do there the ledger tells. */
export async function askToSign(call: McpCall, about: string, { message, url }: { readonly message: string; readonly url: string }): Promise<InputRequiredResult> {
  return inputRequired({ inputRequests: { [SIGN]: inputRequired.elicitUrl({ message: clean(message), url }) }, requestState: await call.seal({ step: SIGN, about }) });
}
