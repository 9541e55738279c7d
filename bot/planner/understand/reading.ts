import type { Json } from '../../../contract/canonical.ts';
import { Label } from '../../../contract/units.ts';
import type { Blueprint } from '../../../knowledge/blueprint.ts';
import type { Parameter } from '../../../knowledge/parameter.ts';
import { programOf } from '../../../knowledge/program.ts';
import { assignQuantities } from './assign.ts';
import { Assignments } from './assignments.ts';
import { readCommands } from './commands.ts';
import { readFlows } from './flows.ts';
import { findMentions, type Lexicon, lexiconOf, type Mention, UNAVAILABLE } from './hints.ts';
import { isImage, readImages, type TextReading } from './images.ts';
import { readLabelLists, readLabels } from './labels.ts';
import { guessLanguage, type Language } from './language.ts';
import { readLists } from './lists.ts';
import { readLocations } from './locations.ts';
import { readNames, suggestLabel } from './names.ts';
import { readPairs } from './pairs.ts';
import { readPhrases } from './phrases.ts';
import { respell } from './spelling.ts';
import { type CountReading, readQuantities } from './quantities.ts';
import type { Range, Request } from './tokens.ts';
import { readChoice, readFlag, settled } from './words.ts';

export interface ReadOptions {
  readonly currency: string;
  /** The parameter that was just asked for. */
  readonly asked?: string | undefined;
  /** The thing is known: its own phrases may be cut short. */
  readonly loose?: boolean;
  /** What is known already. */
  readonly given?: Readonly<Record<string, Json>> | undefined;
}

/** One reading of one request for one blueprint. */
export interface Reading {
  readonly request: Request;
  readonly blueprint: Blueprint;
  readonly lexicon: Lexicon;
  readonly language: Language;
  readonly out: Assignments;
  readonly options: ReadOptions;
  mentions: readonly Mention[];
}

/** Reads everything but places. Each reader takes its words out of the request; the surest come first. */
export function readParameters(request: Request, blueprint: Blueprint, options: ReadOptions): Reading {
  const lexicon = lexiconOf(blueprint);
  releasePairs(request, lexicon);
  respell(request, lexicon);
  const reading: Reading = { request, blueprint, lexicon, language: guessLanguage(request.tokens), out: new Assignments(request), options, mentions: findMentions(request, lexicon) };
  readTexts(reading);
  readName(reading);
  readMembers(reading);
  reading.mentions = reading.mentions.filter((mention) => request.isFree(mention));
  readNumbers(reading);
  readWords(reading);
  return reading;
}

/** Parameters of a type, in the blueprint's order. */
export function ofType<T extends Parameter['type']>(lexicon: Lexicon, type: T): (readonly [string, Extract<Parameter, { type: T }>])[] {
  return Object.entries(lexicon.parameters).flatMap(([name, parameter]) => (isOf(parameter, type) ? [[name, parameter] as const] : []));
}

function isOf<T extends Parameter['type']>(parameter: Parameter, type: T): parameter is Extract<Parameter, { type: T }> {
  return parameter.type === type;
}

/** Mentions of one parameter. */
export function mentionsOf({ mentions }: Reading, name: string): Mention[] {
  return mentions.filter(({ meanings }) => meanings.some((meaning) => meaning.parameter === name));
}

function things({ mentions }: Reading): Mention[] {
  return mentions.filter(({ meanings }) => meanings.some(({ parameter }) => parameter === undefined));
}

/** `data_shards=8` is said to a parameter, not to an environment. */
function releasePairs(request: Request, lexicon: Lexicon): void {
  for (const literal of request.literals) {
    const key = literal.kind === 'pair' ? (literal.text.split('=')[0] ?? '') : undefined;
    if (key !== undefined && (Object.hasOwn(lexicon.parameters, key) || (key === key.toLowerCase() && lexicon.byFirst.has(key)))) request.release(literal);
  }
}

function readTexts(reading: Reading): void {
  const { request, lexicon, out } = reading;
  for (const [name] of ofType(lexicon, 'command')) choose(reading, name, readCommands(request, mentionsOf(reading, name)));
  for (const [name] of ofType(lexicon, 'image')) readImage(reading, name);
  for (const [name] of ofType(lexicon, 'location')) choose(reading, name, readLocations(request, mentionsOf(reading, name)).filter((range) => !isQuotedIn(request, range, out)));
  for (const [name] of ofType(lexicon, 'pairs')) {
    const pairs = readPairs(request, mentionsOf(reading, name)).filter(({ key, from, to }) => !Object.hasOwn(lexicon.parameters, key) && !isQuotedIn(request, { from, to }, out));
    const [first, last] = [pairs[0], pairs.at(-1)];
    if (!first || !last) continue;
    for (const pair of pairs) request.take(pair);
    out.set(name, Object.fromEntries(pairs.map(({ key, value }) => [key, value])), { from: first.from, to: last.to });
  }
}

/** An image that is no reference is refused, not cut to what would be one. */
function readImage(reading: Reading, name: string): void {
  const { request, out } = reading;
  const found = readImages(request, mentionsOf(reading, name)).filter((range) => !isQuotedIn(request, range, out));
  const bad = found.find(({ text }) => !isImage(text));
  if (bad && !found.some(({ text }) => isImage(text))) out.fail('invalid_value', `${out.said(bad)} is no image`, 'write it as docker pull takes it, such as ghcr.io/acme/shop:2.1');
  choose(reading, name, found.filter(({ text }) => isImage(text)));
}

/** True inside something that is taken as a whole already, such as a quoted command. */
function isQuotedIn(request: Request, range: Range, out: Assignments): boolean {
  const { start, end } = request.span(range);
  return Object.values(out.spans).some((span) => span.start <= start && end <= span.end);
}

/** Of several texts of one kind the one that is named by its noun; of those the last that takes the others back. */
function choose({ request, out }: Reading, name: string, found: readonly TextReading[]): void {
  const named = found.filter((reading) => reading.named);
  const all = settled(request, found.map(({ from, to, text }) => ({ from, to, value: text })));
  const { reading, clash } = all.clash && named.length > 0 ? settled(request, named.map(({ from, to, text }) => ({ from, to, value: text }))) : all;
  if (clash) out.fail('ambiguous', `${name} is said twice: ${out.said(reading ?? clash)} and ${out.said(clash)}`, 'say it once');
  if (!reading) return;
  request.take(reading);
  out.set(name, reading.value, inside(request, reading));
}

/** A quoted text without its quotes. */
function inside(request: Request, range: Range): Range {
  const quote = request.quotes.find(({ from, to }) => from === range.from && to === range.to);
  return quote && range.to - range.from > 2 ? { from: range.from + 1, to: range.to - 1 } : range;
}

function readName(reading: Reading): void {
  const { request, lexicon, out } = reading;
  const [parameter] = ofType(lexicon, 'name')[0] ?? [];
  if (parameter === undefined) return;
  const { reading: name, clash } = settled(request, readNames(request, things(reading), [...ofType(lexicon, 'labels'), ...ofType(lexicon, 'label')].flatMap(([name]) => mentionsOf(reading, name))).map((each) => ({ ...each, value: each.name.toLowerCase() })));
  if (clash) out.fail('ambiguous', `two names are said: ${out.said(name ?? clash)} and ${out.said(clash)}`, 'say one name');
  if (!name) return;
  const later = laterName(request, name);
  const label = (later?.name ?? name.name).toLowerCase();
  request.take(name.said);
  if (later) request.take(later);
  if (!Label.safeParse(label).success) out.fail('invalid_value', `${name.name.slice(0, 80)} cannot be a name: lower-case letters, digits and hyphens only`, `call it ${suggestLabel(name.name)}`);
  else out.set(parameter, label, inside(request, later ?? name));
}

/** `call it journal, no wait, carnet`: the word after a correction that ends the clause. */
function laterName(request: Request, { to }: Range): (Range & { name: string }) | undefined {
  const match = /^[\s"'»”]*[,;.…–-]+\s*(?:(?:no|non|nein|nee|hm+)(?=\s*[,;.…]|\s+(?:sorry|wait|attends|lieber|besser|wacht|mejor|meglio|doch|plutôt|liever))|sorry|wait|pardon|scusa|perdón|attends|wacht|anzi|besser|lieber|plutôt|mejor|liever|meglio|rather|actually|call it|make it|name it)(?:[,;.…\s]+(?:non|nein|nee|no|sorry|wait|pardon|attends|wacht|besser|lieber|plutôt|mejor|liever|meglio|rather|actually|call it|make it|name it)(?![\p{L}\p{N}-]))*[,;:.…\s]+["'«„“]?([\p{L}\p{N}][\p{L}\p{N}-]*)["'»”“]?\s*(?=[.,;!?]|$)/iu.exec(request.text.slice(request.tokens[to - 1]?.end ?? request.text.length));
  const name = match?.[1];
  if (!match || name === undefined) return undefined;
  const start = (request.tokens[to - 1]?.end ?? 0) + match.index + match[0].lastIndexOf(name);
  const range = request.rangeOf(start, start + name.length);
  return request.isFree(range) ? { ...range, name } : undefined;
}

/** Labels, lists of labels, and who of them may reach whom. */
function readMembers(reading: Reading): void {
  const { request, lexicon, out, options } = reading;
  for (const [name] of ofType(lexicon, 'label')) {
    const { reading: label, clash } = settled(request, readLabels(request, mentionsOf(reading, name), reading.mentions).map((each) => ({ ...each, value: each.label })));
    if (clash) out.fail('ambiguous', `${name} is said twice: ${out.said(label ?? clash)} and ${out.said(clash)}`, 'say it once');
    if (label && Label.safeParse(label.value).success) {
      request.take(label);
      out.set(name, label.value, label);
    }
  }
  let members: readonly string[] = Object.values(options.given ?? {}).flatMap((value) => (Array.isArray(value) ? value.map(String) : []));
  for (const [name, parameter] of ofType(lexicon, 'labels')) {
    const lists = readLabelLists(request, mentionsOf(reading, name), { implicit: parameter.hints.implicit, isNoun: (at) => things(reading).some((thing) => thing.from <= at && at < thing.to) });
    const [first, last] = [lists[0], lists.at(-1)];
    if (!first || !last) continue;
    members = [...new Set(lists.flatMap(({ labels }) => labels))].sort();
    out.set(name, [...members], { from: first.from, to: first.to });
    for (const list of lists) request.take(list);
  }
  for (const [name] of ofType(lexicon, 'flows')) {
    // Members stand in the sentences about flows too: they are read although the list took its own words.
    const all = readFlows(request, members);
    // `both reach the printer: anna on port 631, bob on port 631`
    const flows = all.filter(({ flow }) => flow.includes(':') || !all.some((other) => other.flow.startsWith(`${flow}:`)));
    const [first] = flows;
    if (!first) continue;
    out.set(name, [...new Set(flows.map(({ flow }) => flow))].sort(), { from: first.from, to: Math.max(...flows.filter(({ from }) => from === first.from).map(({ to }) => to)) });
    for (const flow of flows) request.take(flow);
  }
}

function readNumbers(reading: Reading): void {
  const { request, blueprint, lexicon, language, out, mentions, options } = reading;
  for (const { parameter, value, ...range } of readPhrases(request, programOf(blueprint).phrases, { language, loose: options.loose === true })) {
    if (value === undefined || value > BigInt(Number.MAX_SAFE_INTEGER)) out.fail('invalid_value', `${out.said(range)}: too large`, `say a smaller number for ${parameter}`);
    else out.set(parameter, Number(value), range);
  }
  const quantities = readQuantities(request, language);
  const counts = quantities.filter((quantity): quantity is CountReading => quantity.kind === 'count');
  for (const [name, { maximum }] of ofType(lexicon, 'integers')) {
    const counted = (at: number): boolean => mentions.some((mention) => mention.from === at && mention.meanings.some(({ parameter }) => parameter !== undefined && lexicon.parameters[parameter]?.type === 'integer'));
    const lists = readLists(request, mentionsOf(reading, name), { counts, counted, most: maximum ?? Number.MAX_SAFE_INTEGER });
    let values: number[] = [];
    let span: Range | undefined;
    for (const [i, list] of lists.entries()) {
      const wrong = list.counts.find(({ denominator, negative, numerator }) => denominator !== 1n || negative || numerator > BigInt(Number.MAX_SAFE_INTEGER));
      if (wrong) out.fail('invalid_value', `${out.said(wrong)} is none of ${name}`, `say whole numbers for ${name}`);
      const before = lists[i - 1];
      const fresh = settledAfter(request, before, list);
      values = [...(fresh ? [] : values), ...list.counts.map(({ numerator }) => Number(numerator))];
      span = fresh || !span ? list : { from: span.from, to: list.to };
      request.take(list);
    }
    if (span) out.set(name, [...new Set(values)].sort((a, b) => a - b), span);
  }
  assignQuantities(quantities, { request, lexicon, mentions, out, currency: options.currency, asked: options.asked });
}

function settledAfter(request: Request, before: Range | undefined, list: Range): boolean {
  return before !== undefined && settled(request, [{ ...before, value: 1 }, { ...list, value: 2 }]).clash === undefined;
}

function readWords(reading: Reading): void {
  const { request, lexicon, out, mentions } = reading;
  for (const [name, parameter] of ofType(lexicon, 'boolean')) {
    const { reading: flag, clash } = settled(request, readFlag(request, parameter, mentionsOf(reading, name)));
    if (clash) out.fail('ambiguous', `${name} is said and denied: ${out.said(flag ?? clash)} and ${out.said(clash)}`, 'say it once');
    if (flag) out.set(name, flag.value, flag);
  }
  for (const [name, parameter] of ofType(lexicon, 'choice')) {
    const { reading: choice, clash } = settled(request, readChoice(request, parameter, mentions.filter((mention) => request.isFree(mention)), name));
    if (clash) out.fail('ambiguous', `two values are said for ${name}: ${out.said(choice ?? clash)} and ${out.said(clash)}`, 'say one');
    if (choice?.value === UNAVAILABLE) out.fail('invalid_value', `${out.said(choice)} is not to be had for ${name}`, `there is: ${Object.keys(parameter.choices).join(', ')}`);
    else if (choice) out.set(name, choice.value, choice);
  }
}
