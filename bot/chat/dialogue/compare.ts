import { z } from 'zod';
import type { Json } from '../../../contract/canonical.ts';
import { formatMoney } from '../../../contract/units.ts';
import { type Blueprint, parametersOf } from '../../../knowledge/blueprint.ts';
import { completeParameters } from '../../../knowledge/defaults.ts';
import { candidates } from '../../../ledger/state/views.ts';
import { compareTool } from '../../tools/catalogue/requests.ts';
import type { Draft, Reply } from '../conversation.ts';
import { printable } from '../printable.ts';
import { isOnly, readYesNo } from './acts.ts';
import { changeDraft, currencyOf, showDraft, without } from './drafting.ts';
import { readChange } from './follow-up.ts';
import { answer, call, type Here } from './here.ts';
import { describeParameters } from './plan-text.ts';
import { refusalLines } from './refusals.ts';
import type { Say } from './words/messages.ts';

type Variant = NonNullable<Draft['variants']>[number];

/** What is shown of a row of `compare_plans`. */
export const Row = z.object({ label: z.string(), possible: z.boolean(), month: z.string().optional(), currency: z.string().optional(), workloads: z.int().optional(), nodes: z.int().optional(), countries: z.array(z.string()).optional(), refused: z.object({ code: z.string(), message: z.string() }).optional() });
export type Row = z.infer<typeof Row>;

/** Variants tried at once; the tool takes no more. */
const AT_ONCE = 8;
const MAX_COUNTRIES = 12;
const MAX_SHOWN = 5;

/** `cheaper?`: the same in other countries, and with less of what the blueprint added by itself. */
export async function compareCheaper(here: Here, draft: Draft, blueprint: Blueprint): Promise<Reply> {
  const { say } = here;
  const variants = cheaperVariants(here, draft, blueprint);
  const rows: Row[] = [];
  for (let from = 0; from < variants.length; from += AT_ONCE) {
    const compared = await compareVariants(here, draft, variants.slice(from, from + AT_ONCE));
    if (!compared.ok) return answer(here, refusalLines(here, compared));
    rows.push(...compared.rows.slice(rows.length === 0 ? 0 : 1));
  }
  const [base, ...others] = rows;
  const price = base?.month === undefined ? undefined : BigInt(base.month);
  const cheaper = others.filter((row) => row.possible && row.month !== undefined && (price === undefined || BigInt(row.month) < price)).sort((a, b) => (BigInt(a.month ?? 0) < BigInt(b.month ?? 0) ? -1 : 1)).slice(0, MAX_SHOWN);
  if (!base || cheaper.length === 0) return answer(here, say('cheapest'));
  return showRows(here, draft, { rows: [base, ...cheaper], variants });
}

/** `what if …`, `and in Germany?`: the change that the question names, beside what was asked. */
export async function compareChange(here: Here, draft: Draft, blueprint: Blueprint): Promise<Reply> {
  const change = readChange(here, blueprint, { given: draft.parameters });
  if (!change.ok) return answer(here, refusalLines(here, change));
  const { parameters, removed } = change;
  if (Object.keys(parameters).length === 0 && removed.length === 0) return answer(here, [here.say('nothing_else')]);
  const described = describeParameters(blueprint, parameters, currencyOf(here)) || removed.map((name) => `- ${name}`).join(', ');
  const variant: Variant = { label: labelOf(described), change: { ...dropped(blueprint, removed), ...parameters }, ...(removed.length > 0 && { without: [...removed] }) };
  const compared = await compareVariants(here, draft, [variant]);
  return compared.ok ? showRows(here, draft, { rows: compared.rows, variants: [variant] }) : answer(here, refusalLines(here, compared));
}

function compareVariants(here: Here, { blueprint, parameters }: Draft, variants: readonly Variant[]): ReturnType<typeof callCompare> {
  return callCompare(here, { blueprint, parameters, variants: variants.map(({ label, change }) => ({ label, change })) });
}

function callCompare(here: Here, input: object): Promise<({ readonly ok: true } & { rows: Row[] }) | { readonly ok: false; readonly code: string; readonly message: string; readonly hint?: string | undefined }> {
  return call(here, compareTool, input, z.object({ rows: z.array(Row) }));
}

function showRows(here: Here, draft: Draft, { rows, variants }: { readonly rows: readonly Row[]; readonly variants: readonly Variant[] }): Reply {
  const { say } = here;
  const lines = rowLines(say, rows);
  const offered = rows.slice(1).filter(({ possible }) => possible).flatMap(({ label }) => variants.find((variant) => variant.label === label) ?? []);
  const open = without(draft);
  // What was shown last is the comparison: before anything is agreed to, the plan is shown again.
  if (offered.length === 0) return answer(here, [say('compared'), ...lines], { draft: open });
  return answer(here, [say('compared'), ...lines, '', say(offered.length === 1 ? 'take_one' : 'take_which')], { draft: { ...open, variants: offered }, choices: offered.map(({ label }) => label) });
}

/** Rows of a comparison as a table, the first of them what was asked. */
export function rowLines(say: Say, rows: readonly Row[]): string[] {
  const table = rows.map((row, i) => [i === 0 ? say('as_asked') : `${i}  ${printable(row.label)}`, ...(row.possible ? [formatMoney(BigInt(row.month ?? '0'), row.currency ?? ''), say('workloads', { count: row.workloads ?? 0 }), say('nodes', { count: row.nodes ?? 0 }), (row.countries ?? []).join(' ')] : [say('not_possible', { reason: row.refused?.message ?? '' })])]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.filter((cells) => cells.length > 2).map((cells) => cells[column]?.length ?? 0), column === 0 ? Math.max(...table.map(([label = '']) => label.length)) : 0));
  return table.map((cells) => `  ${cells.map((cell, column) => (column === 1 && cells.length > 2 ? cell.padStart(widths[1] ?? 0) : cell.padEnd(cells.length > 2 || column === 0 ? (widths[column] ?? 0) : 0))).join('  ').trimEnd()}`);
}

/** An answer to a comparison: takes a variant, or keeps what was; undefined when it is neither. */
export function chooseVariant(here: Here, draft: Draft): Promise<Reply> | undefined {
  const { text, say } = here;
  const variants = draft.variants ?? [];
  const named = variants.find(({ label }) => label === text.trim());
  const yes = readYesNo(text) === 'yes' || isOnly(text, 'take');
  const chosen = named ?? (yes && variants.length === 1 ? variants[0] : undefined);
  if (chosen) return changeDraft(here, without(draft), { parameters: Object.fromEntries(Object.entries(chosen.change).filter(([name]) => !chosen.without?.includes(name))), removed: chosen.without ?? [] });
  if (isOnly(text, 'keep') || readYesNo(text) === 'no') return showDraft(here, without(draft), [say('kept')]);
  return yes ? Promise.resolve(answer(here, say('take_which'), { draft, choices: variants.map(({ label }) => label) })) : undefined;
}

/** Everything that could make it cheaper without taking away what was said: places, and counts that nobody asked for. */
function cheaperVariants(here: Here, draft: Draft, blueprint: Blueprint): Variant[] {
  const state = here.context.follower.state();
  const parameters = parametersOf(blueprint);
  const nameOf = (type: string): string | undefined => Object.entries(parameters).find(([, parameter]) => parameter.type === type)?.[0];
  const [countries, cities] = [nameOf('countries'), nameOf('cities')];
  const variants: Variant[] = [];
  const placed = countries === undefined ? undefined : draft.parameters[countries];
  const elsewhere = (label: string, codes: readonly string[]): void => {
    if (countries !== undefined) variants.push({ label, change: { [countries]: [...codes], ...(cities !== undefined && draft.parameters[cities] !== undefined && { [cities]: [] }) } });
  };
  for (const country of [...new Set(candidates(state).map((c) => c.location.country))].sort().slice(0, MAX_COUNTRIES)) if (JSON.stringify(placed) !== JSON.stringify([country])) elsewhere(country, [country]);
  const completed = completeParameters(blueprint, draft.parameters, currencyOf(here));
  const defaults = completed.ok ? completed.defaults : {};
  for (const [name, parameter] of Object.entries(parameters)) {
    const value = defaults[name];
    if (parameter.type !== 'integer' || parameter.unit !== undefined || typeof value !== 'number') continue;
    for (const other of [value - 1, parameter.minimum ?? value, value + 2]) {
      const inside = other >= (parameter.minimum ?? 0) && other <= (parameter.maximum ?? Number.MAX_SAFE_INTEGER);
      const label = labelOf(`${name.replaceAll('_', ' ')} ${other}`);
      if (inside && other !== value && !variants.some((v) => v.label === label)) variants.push({ label, change: { [name]: other } });
    }
  }
  return variants;
}

/** A parameter that is not wanted any more, as its default or as an empty list: the tool only adds. */
function dropped(blueprint: Blueprint, removed: readonly string[]): Record<string, Json> {
  const parameters = parametersOf(blueprint);
  return Object.fromEntries(removed.flatMap((name) => { const value = parameters[name]?.default; return value === undefined ? [] : [[name, value]]; }));
}

function labelOf(text: string): string {
  return text.slice(0, 80);
}
