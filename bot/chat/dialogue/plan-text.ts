import type { Json } from '../../../contract/canonical.ts';
import { type Blueprint, parametersOf } from '../../../knowledge/blueprint.ts';
import { formatValue } from '../../../knowledge/parameter.ts';
import type { PlanSummary } from '../../tools/plan-summary.ts';
import { printable } from '../printable.ts';
import type { Language } from './language.ts';
import { type Say, sayIn } from './words/messages.ts';

const MAX_PLACE_LINES = 12;

/** One row of a plan: a label, padded, and what it says. The terminal dims the label. */
export function row(label: string, text: string): string {
  return `  ${label.padEnd(14)} ${printable(text)}`;
}

/** `capacity 1 PB, name ledgers`: parameters as people read them; empty lists are left out. */
export function describeParameters(blueprint: Blueprint | undefined, parameters: Readonly<Record<string, Json>>, currency?: string): string {
  const declared = blueprint ? parametersOf(blueprint) : {};
  return Object.entries(parameters).filter(([, value]) => !(Array.isArray(value) && value.length === 0) && value !== '').map(([name, value]) => {
    const parameter = declared[name];
    // `months 1`, and not `months 1 months`.
    const shown = !parameter || (parameter.type === 'integer' && parameter.unit !== undefined && name.endsWith(parameter.unit)) ? JSON.stringify(value) : formatValue(parameter, value, currency);
    return `${name.replaceAll('_', ' ')} ${shown}`;
  }).filter((text) => text.trim() !== '').join(', ');
}

/** A plan as people read it: what was asked, what the blueprint adds, where, for how much, who must sign. */
export function planLines(summary: PlanSummary, language: Language, blueprint?: Blueprint): string[] {
  const say = sayIn(language);
  const { price: { currency } } = summary;
  const asked = describeParameters(blueprint, summary.parameters, currency);
  const assumed = describeParameters(blueprint, summary.defaults, currency);
  return [
    printable(summary.title),
    ...(asked === '' ? [] : [row(say('asked'), asked)]),
    ...(assumed === '' ? [] : [row(say('assumed'), assumed)]),
    row(say('runs'), summary.workloads.map(({ type, count }) => `${count} × ${type}`).join(', ')),
    ...placeLines(summary, say),
    row(say('price'), say('a_month', { amount: amountOf(summary) })),
    row(say('must_sign'), summary.mustSign.map(({ role, name }) => `${role} (${name})`).join(', ')),
    row(say('sign_before'), summary.signBefore),
    row(say('ends'), summary.ends),
    ...(summary.supersedes === undefined ? [] : [row(say('replaces'), shortId(summary.supersedes))]),
    row(say('contract'), shortId(summary.plan)),
    ...(summary.notes.length > 0 ? [`  ${say('note_thin')}`] : []),
  ];
}

/** The question that stands under a plan. */
export function proposeQuestion(language: Language, update = false): string {
  return sayIn(language)(update ? 'propose_update_question' : 'propose_question');
}

/** As many digits as tell a contract from others, and as commands take. */
export function shortId(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}

function amountOf({ price }: PlanSummary): string {
  return price.text.replace(/ a month$/, '');
}

function placeLines({ places, workloads }: PlanSummary, say: Say): string[] {
  const cities = new Map<string, string[]>();
  for (const { workload, node, city, country } of places) {
    const place = `${city}, ${country}`;
    cities.set(place, [...cities.get(place) ?? [], `${workload} (${node})`]);
  }
  const lines = [...cities].sort(([a], [b]) => (a < b ? -1 : 1)).map(([place, held]) => `${place}: ${held.join(', ')}`);
  const shown = lines.slice(0, MAX_PLACE_LINES);
  const left = workloads.reduce((sum, { count }) => sum + count, 0) - places.length + lines.slice(MAX_PLACE_LINES).length;
  return [...shown, ...(left > 0 ? [say('more', { count: left })] : [])].map((line, i) => row(i === 0 ? say('places_row') : '', line));
}

const MAX_CHANGES = 24;
/** Lines of an explanation that are never left out: something ends, or is deleted. */
const ENDS = /\b(?:ends|ended|deleted?)\b/u;

/** What an update changes; what is too long to show is counted. */
export function changeRows({ say }: { readonly say: Say }, changes: readonly string[]): string[] {
  const shown = changes.filter((line, i) => i < MAX_CHANGES || ENDS.test(line));
  const left = changes.length - shown.length;
  return [...shown.map((line) => `  ${printable(shortIds(line))}`), ...(left > 0 ? [`  ${say('more', { count: left })}`] : [])];
}

/** Ids as short as commands take them. */
export function shortIds(line: string): string {
  return line.replace(/sha256:([0-9a-f]{12})[0-9a-f]{52}/g, '$1');
}
