import type { Parameter } from '../../../knowledge/parameter.ts';
import type { Assignments } from './assignments.ts';
import { type Bound, boundOf, rangeOf } from './bounds.ts';
import { isBackground, isRejected } from './clauses.ts';
import { isCorrected } from './corrections.ts';
import type { DurationReading } from './durations.ts';
import type { Lexicon, Mention } from './hints.ts';
import { bestMatching, type Edge, nearness } from './match.ts';
import type { CountReading, Quantity } from './quantities.ts';
import type { Request } from './tokens.ts';
import { isDenied } from './vocabulary.ts';

/** What one value is matched as: a quantity, or two counts that are a range. */
interface Value {
  readonly from: number;
  readonly to: number;
  readonly quantity: Quantity;
  /** Upper end, where `quantity` is the lower. */
  readonly upper?: CountReading;
}
/** A value that found its parameter. */
interface Bond {
  readonly value: Value;
  readonly parameter: string;
  readonly mention: Mention | undefined;
  readonly inherited: boolean;
}

export interface AssignOptions {
  readonly request: Request;
  readonly lexicon: Lexicon;
  readonly mentions: readonly Mention[];
  readonly out: Assignments;
  readonly currency: string;
  /** The parameter that was just asked for: a value of its kind belongs to it unasked. */
  readonly asked?: string | undefined;
}

/** What a value that takes another back inherits of its tie. */
const INHERITED = 7.5;

/** Gives every quantity the parameter that it belongs to: the assignment with the highest total of ties, not one by one. */
export function assignQuantities(quantities: readonly Quantity[], options: AssignOptions): void {
  const { request, lexicon, mentions } = options;
  const values = pair(request, quantities, mentions);
  const edges: Edge[] = [];
  for (const [i, value] of values.entries()) {
    const before = values.slice(0, i).findLast((other) => other.quantity.kind === value.quantity.kind);
    if (before && takesBack(request, before, value)) edges.push({ value: i, parameter: `@${values.indexOf(before)}`, mention: undefined, score: INHERITED });
    for (const [name, parameter] of Object.entries(lexicon.parameters)) {
      if (!takes(parameter, value.quantity)) continue;
      for (const [m, mention] of mentions.entries()) {
        if (!mention.meanings.some((meaning) => meaning.parameter === name)) continue;
        const score = tie(value, mention, name, { values, parameter, options });
        if (score > 0) edges.push({ value: i, parameter: name, mention: m, score });
      }
      // `2 replicas, max 10, port 80`: a bound may stand without the noun of its range.
      if (value.quantity.kind === 'count' && !value.upper && parameter.hints.bound !== undefined && boundOf(request, value) === parameter.hints.bound && mentions.some(({ meanings }) => meanings.some((meaning) => meaning.parameter === name))) edges.push({ value: i, parameter: name, mention: undefined, score: 5 });
      const unasked = isTooLong(value, lexicon, name) ? 0 : unaskedScore(value, parameter, request, mentions);
      if (options.asked === name) edges.push({ value: i, parameter: name, mention: undefined, score: 6 });
      else if ((parameter.hints.implicit || keepsInstead(value, lexicon, parameter)) && unasked > 0) edges.push({ value: i, parameter: name, mention: undefined, score: unasked });
    }
  }
  settle(spread(bonds(bestMatching(edges), values, mentions), options), values, options);
}

/** `for 50 years`: longer than any contract where something can also be kept for days. */
function isTooLong({ quantity }: Value, lexicon: Lexicon, name: string): boolean {
  const parameter = lexicon.parameters[name];
  const keeps = Object.values(lexicon.parameters).some((other) => other.type === 'integer' && other.unit === 'days');
  return keeps && quantity.kind === 'duration' && parameter?.type === 'integer' && parameter.unit === 'months' && quantity.months > BigInt(parameter.maximum ?? Number.MAX_SAFE_INTEGER);
}

function keepsInstead(value: Value, lexicon: Lexicon, parameter: Parameter): boolean {
  return parameter.type === 'integer' && parameter.unit === 'days' && Object.keys(lexicon.parameters).some((name) => isTooLong(value, lexicon, name));
}

/** Neighbouring counts that are the ends of a range become one value. */
function pair(request: Request, quantities: readonly Quantity[], mentions: readonly Mention[]): Value[] {
  const values: Value[] = [];
  const free = quantities.filter((quantity) => quantity.kind !== 'count' || request.isFree(quantity));
  for (let i = 0; i < free.length; i++) {
    const [said, next] = [free[i], free[i + 1]];
    if (!said) continue;
    const quantity = retold(request, said, values.at(-1)?.quantity, mentions) ?? said;
    if (next && quantity.kind === 'count' && rangeOf(request, quantity, next)) {
      values.push({ from: quantity.from, to: next.to, quantity, upper: { ...next, negative: false } });
      i++;
    } else values.push({ from: quantity.from, to: quantity.to, quantity });
  }
  return values;
}

/** `five terabytes, no, six`: a bare number that takes a measured one back has its unit. */
function retold(request: Request, number: Quantity, before: Quantity | undefined, mentions: readonly Mention[]): Quantity | undefined {
  if (number.kind !== 'count' || number.article || !before || before.kind === 'count' || !isCorrected(request, before.to, number.from)) return undefined;
  const counts = hasOwnNoun({ from: number.from, to: number.to, quantity: number }, mentions, request) || boundToNoun(request, number, mentions);
  return counts ? undefined : before.retold(number);
}

/** `…, no, port 80`: the noun stands right before it. */
function boundToNoun(request: Request, number: Quantity, mentions: readonly Mention[]): boolean {
  return mentions.some((mention) => mention.to <= number.from && number.from - mention.to <= 2 && mention.meanings.some(({ parameter }) => parameter !== undefined) && request.tokens.slice(mention.to, number.from).every(({ kind }) => kind === 'symbol'));
}

function takes(parameter: Parameter, { kind }: Quantity): boolean {
  switch (parameter.type) {
    case 'bytes': return kind === 'size';
    case 'money': return kind === 'money' || kind === 'count';
    case 'integer': return kind === 'count' || (kind === 'duration' && parameter.unit !== undefined);
    default: return false;
  }
}

function tie(value: Value, mention: Mention, name: string, { values, parameter, options }: { values: readonly Value[]; parameter: Parameter; options: AssignOptions }): number {
  const { request, mentions } = options;
  const { quantity } = value;
  const unit = mention.meanings.some((meaning) => meaning.parameter === name && meaning.unit);
  // `no extra disk` takes no size.
  if ((quantity.kind === 'size' || quantity.kind === 'count') && isDenied(request, mention.from, 2)) return 0;
  const follows = mention.from >= value.to;
  if (unit && mention.from !== value.to) return 0;
  const slow = quantity.kind === 'duration' || quantity.kind === 'money';
  let score = nearness(request, value, mention, { values: values.filter((other) => (slow ? other.quantity.kind === quantity.kind : other.quantity.kind !== 'count' || !other.quantity.article)), mentions, slow });
  if (score === 0) return 0;
  if (quantity.kind === 'duration' && parameter.type === 'integer') return score - misfit(parameter, quantity);
  if (quantity.kind !== 'count') return score;
  // `budget 500`, `retention_days = 30`: without its unit a number needs its noun right before it.
  if (parameter.type === 'money' || (parameter.type === 'integer' && parameter.unit !== undefined)) return !follows && score >= 7 && !quantity.article && !hasOwnNoun(value, mentions, request) ? score : 0;
  if (quantity.article && !value.upper) return follows && mention.from === value.to && parameter.hints.bound === undefined && !/^(?:of|de|di|von|van|fur|aus|mit)$/.test(request.tokens[mention.to]?.norm ?? '') && !values.some(({ from }) => from === mention.to || from === mention.from) ? score - 1 : 0;
  if (!follows && hasOwnNoun(value, mentions, request)) score -= 3;
  return Math.max(0, score);
}

/** Words that may follow a number without being what it counts. */
const NOT_COUNTED = /^(?:and|or|with|in|on|for|each|of|to|at|per|from|by|as|please|max|min|und|oder|mit|auf|für|fur|je|jeweils|pro|im|an|als|bitte|et|ou|avec|sur|dans|pour|par|chacun|chacune|en|e|o|con|su|per|a|da|ciascuno|y|u|para|por|cada|met|op|voor|elk|per|is|total|ist|est|es|then|but|no|nein|non|nee|sorry|wait|rather|actually|statt|instead|maximum|minimum|hosted|named|called|namens|heisst)$/;

/** A word right behind the number that it seems to count: `port for 3 colleagues`. */
function hasOwnNoun(value: Value, mentions: readonly Mention[], request: Request): boolean {
  const next = request.tokens[value.to];
  if (mentions.some((mention) => mention.from === value.to && mention.meanings.some(({ parameter }) => parameter !== undefined))) return true;
  return next?.kind === 'word' && request.free(value.to) !== undefined && !NOT_COUNTED.test(next.norm);
}

/** How badly a duration's own unit suits the unit that a parameter counts in. */
function misfit(parameter: Extract<Parameter, { type: 'integer' }>, { grain, elsewhere }: DurationReading): number {
  const away = elsewhere ? 3 : 0;
  switch (parameter.unit) {
    case 'hours': return away + (grain === 'months' ? 6 : 0);
    case 'days': return away + (grain === 'hours' ? 4 : 0);
    case 'months': return away + (grain === 'hours' ? 8 : grain === 'days' ? 2 : 0);
    case undefined: return 100;
  }
}

const ARTICLE = /^(?:an?|un[eoa]?|ein(?:e|en|em|er)?|een)$/;
const LASTING = /^(?:for|fur|pour|pendant|durant|per|por|para|durante|voor|gedurende|over|um|sur|a|contract|auf|term|op)$/;

/** How well a value that no noun claims suits a parameter that takes such values unasked. */
function unaskedScore(value: Value, parameter: Parameter, request: Request, mentions: readonly Mention[]): number {
  const { quantity } = value;
  if (quantity.kind === 'size') return 4;
  if (quantity.kind === 'money') return 6;
  const before = request.tokens[value.from - 1]?.norm ?? '';
  if (quantity.kind === 'duration') {
    if (parameter.type !== 'integer' || quantity.elsewhere) return 0;
    // `ten bucks a month` lasts no month.
    const article = request.tokens[value.from]?.kind === 'word' && value.to - value.from === 2 && ARTICLE.test(request.tokens[value.from]?.norm ?? '');
    if (article && request.tokens[value.from - 1]?.kind === 'word' && request.free(value.from - 2)?.kind === 'number' && !LASTING.test(before)) return 0;
    if (quantity.limit && parameter.unit !== 'hours') return 0;
    if (parameter.unit === 'hours') return quantity.grain === 'hours' ? 5 : quantity.grain === 'days' ? 4.5 : 0;
    if (parameter.unit === 'days') return quantity.grain === 'hours' ? 0 : 4;
    return quantity.grain === 'months' ? (LASTING.test(before) ? 5 : 4) : quantity.grain === 'days' && LASTING.test(before) ? 3 : 0;
  }
  if (parameter.type !== 'integer' || parameter.unit !== undefined || quantity.article || value.upper) return 0;
  // `for a dozen salespeople`: people, machines, seats that no hint names.
  // `there are 17 of us`, `siamo in quindici`
  const near = [1, 2, 3, 4].map((back) => request.tokens[value.from - back]?.norm ?? '');
  const we = near.findIndex((word) => /^(?:are|re|sind|sommes|siamo|somos|zijn|est)$/.test(word));
  if (/^(?:uns|nous|ons|unser|wij|wir|us|noi|nosotros)$/.test(near[0] ?? '') && /^(?:[,.;:!?()]|)$/.test(request.tokens[value.to]?.raw ?? '')) return 4.5;
  if (we >= 0 && near.slice(0, we).every((word) => /^(?:in|met|a|zu|zijn|z|n|ons|now|nun|ormai|ya|nu|about|etwa|circa|environ|unos|ongeveer|'|’)$/.test(word))) return 4.5;
  const counted = request.free(value.to)?.kind === 'word' && (hasOwnNoun(value, [], request) || /^(?:of|de|di|von|van)$/.test(request.tokens[value.to]?.norm ?? '')) && !mentions.some((mention) => mention.from === value.to && mention.meanings.every(({ parameter: of }) => of === undefined));
  return counted ? (LASTING.test(before) || /^(?:the|die|unsere|unseren|les|nos|los|las|i|le|de|onze|our|are|sind|sommes|siamo|somos|zijn)$/.test(before) ? 4.5 : 3.2) : 0;
}

/** The matching as bonds; what was inherited follows to its source. */
function bonds(edges: readonly Edge[], values: readonly Value[], mentions: readonly Mention[]): Bond[] {
  const parameterOf = new Map<number, string>();
  const made: Bond[] = [];
  for (const edge of [...edges].sort((a, b) => a.value - b.value)) {
    const value = values[edge.value];
    const inherited = edge.parameter.startsWith('@');
    const parameter = inherited ? parameterOf.get(Number(edge.parameter.slice(1))) : edge.parameter;
    if (!value || parameter === undefined) continue;
    parameterOf.set(edge.value, parameter);
    made.push({ value, parameter, mention: edge.mention === undefined ? undefined : mentions[edge.mention], inherited });
  }
  return made;
}

/** `4 vCPU, 16 GB, 100 GB`: of two bare sizes in a row the first is the memory, the second another size that nobody said. */
function spread(all: readonly Bond[], { request, lexicon }: AssignOptions): Bond[] {
  return all.map((bond, i) => {
    const before = all[i - 1];
    if (!before || bond.mention || before.mention || bond.inherited || bond.parameter !== before.parameter || bond.value.quantity.kind !== 'size') return bond;
    const parameter = lexicon.parameters[bond.parameter];
    const between = request.tokens.slice(before.value.to, bond.value.from);
    if (parameter?.type !== 'bytes' || parameter.memory !== true || !between.every(({ norm }) => /^(?:[,/|+]|and|und|et|e|y|en)$/.test(norm))) return bond;
    const other = Object.entries(lexicon.parameters).find(([name, { type }]) => type === 'bytes' && name !== bond.parameter && !all.some((each) => each.parameter === name));
    return other ? { ...bond, parameter: other[0] } : bond;
  });
}

/** Writes the bonds down, after taking back what no longer stands. */
function settle(all: readonly Bond[], values: readonly Value[], asked: AssignOptions): void {
  const options = { ...asked, isNumber: (at: number): boolean => values.some(({ from }) => from === at) };
  const { request, mentions } = options;
  const sentence = sentences(request);
  const of = (bond: Bond): number => sentence[bond.value.from] ?? 0;
  const about = new Set([...mentions.filter(({ meanings }) => meanings.some(({ parameter }) => parameter === undefined)).map(({ from }) => sentence[from] ?? 0), ...all.filter(({ mention }) => mention !== undefined).map(of)]);
  for (const bond of all) {
    const rivals = all.filter((other) => other !== bond && other.parameter === bond.parameter && !corrects(request, bond, other));
    // A value without a noun gives way to one with, and one in another sentence to one where the thing is spoken of.
    const strong = rivals.some((other) => other.mention !== undefined || (about.has(of(other)) && !about.has(of(bond))));
    // What is taken back later can be neither wrong nor unclear.
    if (all.some((other) => other !== bond && other.parameter === bond.parameter && other.value.from > bond.value.from && corrects(request, bond, other))) continue;
    // `we have 2 TB now and want 5 TB`
    if (isBackground(request, bond.value) && rivals.some((other) => other.value.from > bond.value.from && !isBackground(request, other.value))) continue;
    // A bound without a noun goes with the other end, once that is known.
    if (bond.mention === undefined && !bond.inherited && bond.value.quantity.kind === 'count' && options.lexicon.parameters[bond.parameter]?.hints.bound !== undefined && options.asked !== bond.parameter) continue;
    if (bond.mention === undefined && !bond.inherited && strong && (bond.value.quantity.kind === 'count' || bond.value.quantity.kind === 'duration' || !about.has(of(bond)))) continue;
    put(bond, options);
  }
  complete(all, values, options);
}

function corrects(request: Request, a: Bond, b: Bond): boolean {
  const [first, second] = a.value.from < b.value.from ? [a, b] : [b, a];
  return takesBack(request, first.value, second.value);
}

/** Furthest that `not for 10 users` and `but for 20` stand apart, in tokens. */
const NEAR = 10;

/** The second takes the first back: in so many words, or because the first was only denied (`not 10 but 20`). */
function takesBack(request: Request, first: Value, second: Value): boolean {
  return isCorrected(request, first.to, second.from) || (second.from - first.to <= NEAR && isRejected(request, first) && !isRejected(request, second));
}

/** Number of the sentence of each token. */
function sentences(request: Request): number[] {
  let count = 0;
  return request.tokens.map((token, at) => {
    if (/^[.!?]$/.test(token.raw) && !(token.attached && request.tokens[at + 1]?.attached === true)) count++;
    return count;
  });
}

function put({ value, parameter: name, mention }: Bond, options: AssignOptions & Numbers): void {
  const { out, currency, lexicon, request } = options;
  const parameter = lexicon.parameters[name];
  const { quantity, upper } = value;
  if (!parameter) return;
  const range = { from: Math.min(value.from, quantity.kind === 'count' && mention ? mention.from : value.from), to: Math.max(value.to, quantity.kind === 'count' && mention ? mention.to : value.to) };
  switch (quantity.kind) {
    case 'size':
      if (quantity.negative) out.fail('invalid_value', `${out.said(range)} is not a size`, 'give a size above zero, such as 1 PB');
      else if (quantity.unclear) out.fail('ambiguous', `it is not clear which size is meant near ${out.said(range)}`, 'say one size, such as 1 PB');
      else if (parameter.type === 'bytes') out.set(name, (parameter.memory === true ? quantity.memory : quantity.bytes).toString(), range);
      return;
    case 'duration': {
      const count = parameter.type !== 'integer' ? 0n : parameter.unit === 'months' ? quantity.months : ceilDiv(quantity.minutes, parameter.unit === 'days' ? 1440n : 60n);
      if (quantity.negative || count > BigInt(Number.MAX_SAFE_INTEGER)) out.fail('invalid_value', `${out.said(range)} is not a duration for ${name}`, 'give a duration such as 7 years or 90 days');
      else out.set(name, Number(count), range);
      return;
    }
    case 'money':
      if (quantity.negative) out.fail('invalid_value', `${out.said(range)} is not a price`, `give an amount such as 500 ${currency} a month`);
      else if (quantity.millionths === 0n) out.fail('invalid_value', `${out.said(range)} buys nothing`, `give an amount such as 500 ${currency} a month`);
      else if (quantity.inTotal) out.fail('invalid_value', `${out.said(range)} is a total`, `${name} is counted a month: say for example 500 ${currency} a month`);
      else if (quantity.currency !== undefined && quantity.currency !== currency) out.fail('invalid_value', `${out.said(range)}: this grid counts in ${currency}`, `give the amount in ${currency}`);
      else out.set(name, quantity.millionths.toString(), range);
      return;
    case 'count':
      if (parameter.type === 'money') {
        if (quantity.negative) out.fail('invalid_value', `${out.said(range)}: not a price`, 'give an amount above zero');
        else out.set(name, ((quantity.numerator * 1_000_000n) / quantity.denominator).toString(), range);
        request.take(range);
        return;
      }
      putCounts(name, { quantity, upper, range, mention }, options);
      request.take(range);
  }
}

interface Counted {
  readonly quantity: CountReading;
  readonly upper: CountReading | undefined;
  readonly range: { readonly from: number; readonly to: number };
  readonly mention: Mention | undefined;
}

interface Numbers {
  readonly isNumber: (at: number) => boolean;
}

/** A count for one parameter, or for the two ends of a range that share a noun. */
function putCounts(name: string, { quantity, upper, range, mention }: Counted, { out, lexicon, request, isNumber }: AssignOptions & Numbers): void {
  const parameter = lexicon.parameters[name];
  const bound = parameter?.hints.bound;
  const set = (target: string | undefined, count: CountReading): void => {
    if (target === undefined) return;
    if (count.denominator !== 1n || count.negative) out.fail('invalid_value', `${out.said(range)}: ${target} is a whole number that is not negative`, `say for example ${target} 2`);
    else if (count.numerator > BigInt(Number.MAX_SAFE_INTEGER)) out.fail('invalid_value', `${out.said(range)}: too large`, `say a smaller number for ${target}`);
    else out.set(target, Number(count.numerator), range);
  };
  if (bound === undefined) {
    if (upper && upper.numerator !== quantity.numerator) out.fail('ambiguous', `it is not clear which number is meant near ${out.said(range)}`, `say one number for ${name}`);
    else set(name, quantity);
    return;
  }
  const other = sibling(lexicon, name, mention);
  const [low, high] = bound === 'lower' ? [name, other] : [other, name];
  if (upper && upper.numerator * quantity.denominator < quantity.numerator * upper.denominator) out.fail('invalid_value', `${out.said(range)}: the least is more than the most`, 'say the smaller number first');
  if (upper) {
    set(low, quantity);
    set(high, upper);
    return;
  }
  const said: Bound | undefined = boundOf(request, quantity, { end: mention && mention.from >= quantity.to ? mention.to : quantity.to, isNumber });
  if (said !== 'upper') set(low, quantity);
  if (said !== 'lower') set(high, quantity);
}

/** The parameter that is the other end of the same range: it has the same nouns. */
function sibling(lexicon: Lexicon, name: string, mention: Mention | undefined): string | undefined {
  const own = lexicon.parameters[name];
  return Object.entries(lexicon.parameters).find(([other, parameter]) => other !== name && parameter.type === own?.type && parameter.hints.bound !== undefined && parameter.hints.bound !== own.hints.bound && (mention ? mention.meanings.some((meaning) => meaning.parameter === other) : parameter.hints.nouns.some((noun) => own.hints.nouns.includes(noun))))?.[0];
}

/** `at least two replicas, half a dozen at peak`: a bound without a noun goes with the other end that was said. */
function complete(all: readonly Bond[], values: readonly Value[], options: AssignOptions & Numbers): void {
  const { request, lexicon, out } = options;
  for (const value of values) {
    if (value.quantity.kind !== 'count' || value.upper || !request.isFree(value) || value.quantity.article) continue;
    const said = boundOf(request, value, options);
    const near = said && all.find(({ parameter, value: other }) => lexicon.parameters[parameter]?.hints.bound !== undefined && Math.min(Math.abs(value.from - other.to), Math.abs(other.from - value.to)) <= 8);
    if (!near) continue;
    const target = lexicon.parameters[near.parameter]?.hints.bound === said ? near.parameter : sibling(lexicon, near.parameter, near.mention);
    if (target === undefined) continue;
    // `two replicas, at most four`: the two were not exact after all.
    const { bound } = lexicon.parameters[target]?.hints ?? {};
    const other = sibling(lexicon, target, near.mention);
    const exact = other !== undefined && out.values.get(other) === out.values.get(target) && Number(value.quantity.numerator) !== out.values.get(target) && (bound === 'upper') === Number(value.quantity.numerator) > Number(out.values.get(target));
    if (out.values.has(target) && !exact) continue;
    if (exact) out.values.delete(target);
    putCounts(target, { quantity: value.quantity, upper: undefined, range: value, mention: undefined }, options);
    request.take(value);
  }
}

function ceilDiv(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}
