import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const Texts = z.union([z.string(), z.array(z.string())]).transform((texts) => (typeof texts === 'string' ? [texts] : texts));
const Parameters = z.record(z.string(), z.json());

/** What the world does before the person speaks: stakeholders sign or refuse the contract that is talked about, nodes report. */
const Happening = z.strictObject({ approve: z.union([z.literal('all'), z.string()]).optional(), reject: z.string().optional(), report: z.enum(['starting', 'running', 'degraded', 'failed']).optional(), only: z.int().optional() });
const Contract = z.strictObject({ blueprint: z.string(), parameters: Parameters, as: z.enum(['requester', 'stranger']).default('requester'), approve: z.boolean().default(false), report: Happening.shape.report });

const Step = z.strictObject({
  do: Happening.optional(),
  me: z.string(),
  /** Regular expressions that the answer of the dialogue matches; a model says it in its own words. */
  bot: Texts.optional(),
  /** What no answer may say, whoever answers. */
  never: Texts.optional(),
  /** Code of a refusal. */
  refused: z.string().optional(),
  /** Facts afterwards, in both modes. The draft's kind, `none` without one, and exactly what was said. */
  draft: z.string().optional(),
  parameters: Parameters.optional(),
  asked: z.string().optional(),
  /** Whether a plan is shown and can be agreed to. */
  plan: z.boolean().optional(),
  choices: z.array(z.string()).optional(),
  /** How many contracts of the person the ledger has, by status. */
  ledger: z.record(z.string(), z.int()).optional(),
  /** Ends the turn while it waits. */
  stop: z.boolean().optional(),
  /** What the scripted model does here, instead of following its own rules. */
  model: z.array(z.json()).optional(),
});
export type Step = z.infer<typeof Step>;

const Script = z.strictObject({
  name: z.string(),
  world: z.strictObject({ credit: z.int().optional() }).default({}),
  /** On the ledger before the conversation. */
  contracts: z.array(Contract).default([]),
  /** Only the dialogue can be held to it: it speaks of what a model is not handed. */
  only: z.literal('dialogue').optional(),
  steps: z.array(Step).min(1),
});
export type Script = z.infer<typeof Script>;

/** All scripts, by file. */
export function loadScripts(): { readonly file: string; readonly script: Script }[] {
  const folder = path.join(import.meta.dirname, 'scripts');
  return readdirSync(folder).filter((name) => name.endsWith('.yaml')).sort().flatMap((file) => z.array(Script).parse(parse(readFileSync(path.join(folder, file), 'utf8'))).map((script) => ({ file, script })));
}
