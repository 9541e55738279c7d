import { z } from 'zod';
import type { Body, Header } from '../../../contract/contract.ts';
import { priceOfResources } from '../../../contract/price.ts';
import { formatBytes, formatMoney } from '../../../contract/units.ts';
import { type Blueprint, parametersOf } from '../../../knowledge/blueprint.ts';
import { compileBlueprint } from '../../../knowledge/compile.ts';
import { formatValue } from '../../../knowledge/parameter.ts';
import { explainContractTool } from '../../tools/catalogue/contracts.ts';
import { explainPlanTool } from '../../tools/catalogue/requests.ts';
import { occurrences } from '../../planner/understand/vocabulary.ts';
import { Request } from '../../planner/understand/tokens.ts';
import { printable } from '../printable.ts';
import { says } from './acts.ts';
import { countText, type Origins, originsOf, templateOf } from './derivation.ts';
import { call, type Here } from './here.ts';
import { type AskedNumber, askedNumber, near } from './numbers.ts';
import { refusalLines } from './refusals.ts';
import { shortIds } from './plan-text.ts';

/** What is asked about: a plan that was shown, or a contract on the ledger. */
export interface Subject {
  readonly header: Pick<Header, 'price' | 'assignments' | 'constraints'>;
  readonly body: Body;
  readonly blueprint: Blueprint;
  /** Parameters that the person gave. */
  readonly given: ReadonlySet<string>;
}

/** Answers a question about any number, place, date or signature of a plan or contract; everything comes from it and its blueprint. */
export function explainWhy(here: Here, subject: Subject): string[] {
  const { text } = here;
  const asked = askedNumber(text);
  if (asked) return explainNumber(here, subject, asked);
  const city = subject.header.assignments.map((a) => here.context.follower.state().nodes[a.node]?.attested?.city).find((name) => name !== undefined && text.toLowerCase().includes(name.toLowerCase()));
  if (says(text, 'price')) return whyPrice(here, subject);
  if (says(text, 'signers')) return [here.say('why_signers', { blueprint: subject.blueprint.blueprint })];
  const named = parameterNamed(text, subject.blueprint);
  if (named !== undefined) return whyParameter(here, subject, named);
  if (city !== undefined || says(text, 'where')) return whyPlace(here, subject);
  if (says(text, 'when')) return whyDates(here, subject);
  return [here.say('why_what', { what: numbersIn(here, subject) })];
}

/** The parts of an explanation that answer `who must sign?` and `what may happen without asking?`: the words that are signed. */
export async function explainPart(here: Here, of: Explained, part: 'who' | 'unasked'): Promise<string[]> {
  const explained = await explain(here, of);
  if (!explained.ok) return refusalLines(here, explained);
  // Who may open or call what follows after those who ask, sign and accept.
  const lines = explained.explanation[part].filter((line, i) => part === 'unasked' || i < 2 || line.includes('accepted by'));
  return [here.say(part === 'who' ? 'signers' : 'unasked'), ...lines.map((line) => `  ${withNames(here, line)}`), here.say('as_signed')];
}

/** All of it: what is asked, where, for how much, by whom, and what may happen unasked. */
export async function explainAll(here: Here, of: Explained): Promise<string[]> {
  const explained = await explain(here, of);
  if (!explained.ok) return refusalLines(here, explained);
  const { title, what, where, cost, who, unasked, changes } = explained.explanation;
  return [printable(title), ...[...changes, ...what, ...where, ...cost, ...who].map((line) => `  ${withNames(here, line)}`), here.say('unasked'), ...unasked.map((line) => `  ${withNames(here, line)}`), here.say('as_signed')];
}

/** A plan that was shown, or a contract on the ledger. */
interface Explained { readonly plan?: string | undefined; readonly contract?: string | undefined }
const Lines = z.array(z.string());
const Explanation = z.object({ explanation: z.object({ title: z.string(), what: Lines, where: Lines, cost: Lines, who: Lines, unasked: Lines, changes: Lines }) });

function explain(here: Here, { plan, contract = '' }: Explained): ReturnType<typeof call<typeof Explanation>> {
  return plan === undefined ? call(here, explainContractTool, { contract }, Explanation) : call(here, explainPlanTool, { plan }, Explanation);
}

function withNames({ context }: Here, line: string): string {
  const { principals, nodes } = context.follower.state();
  return printable(shortIds(line.replace(/sha256:[0-9a-f]{64}/g, (id) => nodes[id as keyof typeof nodes]?.offer?.label ?? principals[id as keyof typeof principals]?.name ?? id)));
}

function explainNumber(here: Here, subject: Subject, asked: AskedNumber): string[] {
  const { header, body, blueprint } = subject;
  const { say } = here;
  const month = Number(header.price.month) / 1e6;
  const limit = Number(body.parameters['max_price'] ?? 0) / 1e6;
  if (asked.money || says(here.text, 'price')) {
    if (limit > 0 && near(asked.value, limit) && !near(asked.value, month)) return [`${asked.said}: ${say('why_budget')}`];
    if (near(asked.value, month) || Math.round(month) === asked.value || pricesOf(here, subject).some(({ each }) => near(asked.value, Number(each) / 1e6))) return whyPrice(here, subject);
  }
  if (asked.bytes !== undefined) {
    const sized = sizeOf(subject, asked.bytes);
    if (sized) return [say('why_size', { size: formatBytes(BigInt(sized.bytes)), workload: sized.workload.name }), ...indent(originsOf(sized.expression, origins(here, subject)))];
  }
  const named = parameterNamed(here.text, blueprint);
  if (named !== undefined && matches(subject, named, asked)) return whyParameter(here, subject, named);
  const counts = countsOf(subject);
  const total = body.workloads.length;
  const type = counts.find((each) => asked.noun !== '' && (asked.noun.startsWith(each.type) || each.type.startsWith(asked.noun)) && each.count === asked.value);
  if (type || asked.value === total || counts.some(({ count }) => count === asked.value)) return whyCount(here, subject, type?.type ?? (asked.value === total ? undefined : counts.find(({ count }) => count === asked.value)?.type));
  const parameter = Object.keys(body.parameters).find((name) => matches(subject, name, asked));
  if (parameter !== undefined) return whyParameter(here, subject, parameter);
  const value = valueOf(here, subject, asked);
  if (value !== undefined) return indent(originsOf(value, origins(here, subject)));
  if (near(asked.value, month)) return whyPrice(here, subject);
  return [say('which_number', { number: asked.said, what: numbersIn(here, subject) })];
}

function origins({ say }: Here, { blueprint, body, given }: Subject): Origins {
  const compiled = compileBlueprint(blueprint, body.parameters);
  return { blueprint, given, said: say('why_given'), assumed: say('why_default'), compiled: compiled.ok ? compiled : { ok: true, parameters: body.parameters, defaults: {}, workloads: [], constraints: { countries: [], cities: [] }, title: '', values: {} } };
}

function whyCount(here: Here, subject: Subject, type: string | undefined): string[] {
  const { blueprint, body } = subject;
  const chosen = countsOf(subject).filter((each) => type === undefined || each.type === type);
  const reasons: string[] = [];
  const texts: string[] = [];
  for (const { type: of, count } of chosen) {
    const workload = body.workloads.find((w) => w.type === of);
    const template = workload && templateOf(blueprint, workload);
    const text = template ? countText(template) : '';
    reasons.push(`${count} × ${of}${text === '' ? '' : `: ${text}`}`);
    texts.push(text);
  }
  return [here.say('why_count', { count: chosen.reduce((sum, { count }) => sum + count, 0), blueprint: blueprint.blueprint }), ...indent([...reasons, ...originsOf(texts.join(' ; '), origins(here, subject))])];
}

function countsOf({ body }: Subject): { type: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const { type } of body.workloads) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts].map(([type, count]) => ({ type, count }));
}

/** What each group of equal workloads costs on its nodes. */
function pricesOf({ context }: Here, { header }: Subject): { type: string; each: bigint; terms: string; count: number }[] {
  const { nodes } = context.follower.state();
  const rows = new Map<string, { type: string; each: bigint; terms: string; count: number }>();
  for (const { type, node, resources } of header.assignments) {
    const rates = nodes[node]?.offer?.rates;
    if (!rates) continue;
    const { currency } = header.price;
    const each = priceOfResources(resources, rates);
    const terms = [
      ...(resources.disk === '0' ? [] : [`${formatBytes(BigInt(resources.disk))} × ${formatMoney(BigInt(rates.terabyte), currency)}/TB`]),
      ...(resources.memory === '0' ? [] : [`${Number(resources.memory) / 2 ** 30} GiB × ${formatMoney(BigInt(rates.gibibyte), currency)}/GiB`]),
      ...(resources.cpu === '0' ? [] : [`${Number(resources.cpu) / 1000} × ${formatMoney(BigInt(rates.core), currency)}/core`]),
    ].join(' + ');
    const known = rows.get(`${type} ${terms}`);
    rows.set(`${type} ${terms}`, { type, each, terms, count: (known?.count ?? 0) + 1 });
  }
  return [...rows.values()];
}

function whyPrice(here: Here, subject: Subject): string[] {
  const { say } = here;
  const { price } = subject.header;
  // What cannot be placed has no price yet.
  if (subject.header.assignments.length === 0) return [say('why_nothing')];
  return [say('why_price', { amount: formatMoney(BigInt(price.month), price.currency) }), ...indent(pricesOf(here, subject).map(({ type, each, terms, count }) => say('why_price_row', { count, type, amount: formatMoney(each, price.currency), terms })))];
}

function whyPlace({ say }: Here, { header }: Subject): string[] {
  const where = [...header.constraints.cities, ...header.constraints.countries].join(', ');
  return [where === '' ? say('why_where') : say('why_place_bound', { where }), say('why_place')];
}

function whyDates({ say, context }: Here, { body }: Subject): string[] {
  const seconds = context.follower.state().grid?.payload.proposalSeconds ?? 0;
  return [say('why_dates', { minutes: Math.round(seconds / 60), months: typeof body.parameters['months'] === 'number' ? body.parameters['months'] : 1 })];
}

/** The parameter whose name or nouns the question has. */
function parameterNamed(text: string, blueprint: Blueprint): string | undefined {
  const request = new Request(text);
  return Object.entries(parametersOf(blueprint)).find(([name, { hints }]) => name !== 'max_price' && occurrences(request, [name.replaceAll('_', ' '), ...hints.nouns]).some(({ exact }) => exact))?.[0];
}

function matches({ body }: Subject, name: string, asked: AskedNumber): boolean {
  const value = body.parameters[name];
  return typeof value === 'number' ? value === asked.value : typeof value === 'string' && /^\d+$/.test(value) && near(asked.bytes ?? asked.value, Number(value));
}

function whyParameter(here: Here, { blueprint, body, given }: Subject, name: string): string[] {
  const parameter = parametersOf(blueprint)[name];
  const value = body.parameters[name];
  if (!parameter || value === undefined) return [here.say('why_what', { what: name })];
  return [`${name.replaceAll('_', ' ')} = ${printable(formatValue(parameter, value))}: ${here.say(given.has(name) ? 'why_given' : 'why_default')}`, `  ${printable(parameter.description)}`];
}

interface Sized { readonly bytes: string; readonly workload: Body['workloads'][number]; readonly expression: string }

function sizeOf({ body, blueprint }: Subject, asked: number): Sized | undefined {
  for (const workload of body.workloads) {
    const template = templateOf(blueprint, workload);
    for (const part of ['disk', 'memory'] as const) {
      const bytes = workload.resources[part];
      if (near(asked, Number(bytes))) return { bytes, workload, expression: String(template?.resources[part] ?? '') };
    }
  }
  return undefined;
}

/** The named value of the blueprint that has this number. */
function valueOf(here: Here, subject: Subject, asked: AskedNumber): string | undefined {
  const { compiled, blueprint } = origins(here, subject);
  return Object.keys(blueprint.values).find((name) => { const value = compiled.values[name]; return typeof value === 'bigint' && near(asked.bytes ?? asked.value, Number(value)); });
}

function numbersIn(here: Here, subject: Subject): string {
  const { price } = subject.header;
  const sizes = [...new Set(subject.body.workloads.map(({ resources }) => formatBytes(BigInt(resources.disk))))].slice(0, 4);
  return [...countsOf(subject).map(({ type, count }) => `${count} × ${type}`), ...sizes, formatMoney(BigInt(price.month), price.currency)].join(', ');
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${printable(line)}`);
}
