import type { Json } from '../../../contract/canonical.ts';
import type { Parameter } from '../../../knowledge/parameter.ts';
import type { DurationReading } from './durations.ts';
import type { Language } from './language.ts';
import type { MoneyReading } from './money.ts';
import { readNumber } from './numbers.ts';
import type { SizeReading } from './sizes.ts';
import type { Range, Request, Span } from './tokens.ts';
import { isDenied, type Occurrence, occurrences } from './vocabulary.ts';

export interface Failure {
  readonly ok: false;
  readonly code: 'invalid_value' | 'ambiguous';
  readonly message: string;
  readonly hint: string;
}

/** Furthest that a noun may stand from its value, in tokens. */
const REACH = 6;
/** What a comma or an `and` between noun and value adds to their distance. */
const BREAK = 4;

/** Collects what a request says about each parameter; two different values for one are refused. */
export class Assignments {
  readonly values = new Map<string, Json>();
  readonly spans: Record<string, Span> = {};
  readonly #request: Request;
  failure: Failure | undefined;

  constructor(request: Request) {
    this.#request = request;
  }

  set(parameter: string, value: Json, range: Range): void {
    const span = this.#request.span(range);
    const known = this.values.get(parameter);
    if (known !== undefined && known !== value) {
      this.fail('ambiguous', `${parameter} is said twice: ${this.spans[parameter]?.text ?? ''} and ${span.text}`, 'say it once');
      return;
    }
    this.values.set(parameter, value);
    this.spans[parameter] ??= span;
  }

  fail(code: Failure['code'], message: string, hint: string): void {
    this.failure ??= { ok: false, code, message, hint };
  }

  /** Text of a reading, for messages. */
  said(range: Range): string {
    return this.#request.span(range).text.slice(0, 80);
  }
}

/** A parameter and where its nouns are said. */
export interface Candidate {
  readonly name: string;
  readonly parameter: Parameter;
  readonly nouns: readonly Occurrence[];
}

/** Finds where each parameter's nouns are said; its own name (`data_shards`) is one of them. */
export function candidates(request: Request, parameters: Readonly<Record<string, Parameter>>): Candidate[] {
  return Object.entries(parameters).map(([name, parameter]) => ({ name, parameter, nouns: occurrences(request, [name.replaceAll('_', ' '), ...parameter.hints.nouns, ...parameter.hints.units]) }));
}

export function assignSizes(sizes: readonly SizeReading[], all: readonly Candidate[], request: Request, out: Assignments): void {
  for (const size of sizes) {
    const target = nearest(request, size, { values: sizes, among: all.filter(({ parameter }) => parameter.type === 'bytes') });
    if (!target) continue;
    if (size.negative) out.fail('invalid_value', `${out.said(size)} is not a size`, 'give a size above zero, such as 1 PB');
    else if (size.unclear) out.fail('ambiguous', `it is not clear which size is meant near ${out.said(size)}`, 'say one size, such as 1 PB');
    else out.set(target.name, size.bytes.toString(), size);
  }
}

export function assignDurations(durations: readonly DurationReading[], all: readonly Candidate[], request: Request, out: Assignments): void {
  for (const duration of durations) {
    const target = nearest(request, duration, { values: durations, among: all.filter(({ parameter }) => parameter.type === 'integer' && parameter.unit !== undefined) });
    if (!target || target.parameter.type !== 'integer') continue;
    const count = target.parameter.unit === 'days' ? duration.days : duration.months;
    if (duration.negative || count > BigInt(Number.MAX_SAFE_INTEGER)) out.fail('invalid_value', `${out.said(duration)} is not a duration for ${target.name}`, 'give a duration such as 7 years or 90 days');
    else out.set(target.name, Number(count), duration);
  }
}

export function assignMoney(amounts: readonly MoneyReading[], all: readonly Candidate[], options: { request: Request; out: Assignments; currency: string }): void {
  const { request, out, currency } = options;
  for (const amount of amounts) {
    const target = nearest(request, amount, { values: amounts, among: all.filter(({ parameter }) => parameter.type === 'money') });
    if (!target) continue;
    if (amount.negative) out.fail('invalid_value', `${out.said(amount)} is not a price`, `give an amount such as 500 ${currency} a month`);
    else if (amount.inTotal) out.fail('invalid_value', `${out.said(amount)} is a total`, `${target.name} is counted a month: say for example 500 ${currency} a month`);
    else if (amount.currency !== currency) out.fail('invalid_value', `${out.said(amount)}: this grid counts in ${currency}`, `give the amount in ${currency}`);
    else out.set(target.name, amount.millionths.toString(), amount);
  }
}

/** Amounts beside a noun, without a currency: `budget 500`. */
export function assignBareMoney(all: readonly Candidate[], options: { request: Request; out: Assignments; language: Language }): void {
  const { request, out, language } = options;
  for (const { name, nouns } of all.filter(({ parameter }) => parameter.type === 'money')) {
    for (const noun of nouns) {
      const number = readNumber(request, skipJoin(request, noun.to), language);
      if (!number || number.article) continue;
      const range = { from: noun.from, to: number.to };
      if (number.negative) out.fail('invalid_value', `${out.said(range)}: not a price`, 'give an amount above zero');
      else out.set(name, ((number.numerator * 1_000_000n) / number.denominator).toString(), range);
      request.take(range);
    }
  }
}

/** Whole numbers beside a noun: `8 data shards`, `data shards: 8`. */
export function assignIntegers(all: readonly Candidate[], options: { request: Request; out: Assignments; language: Language }): void {
  const { request, out, language } = options;
  for (const { name, parameter, nouns } of all) {
    if (parameter.type !== 'integer') continue;
    for (const noun of nouns) {
      const after = skipJoin(request, noun.to);
      const number = readNumber(request, after, language) ?? numberBefore(request, noun.from, language);
      if (!number || number.article) continue;
      const range = { from: Math.min(noun.from, number.from), to: Math.max(noun.to, number.to) };
      if (number.denominator !== 1n || number.negative) out.fail('invalid_value', `${out.said(range)}: ${name} is a whole number that is not negative`, `say for example ${name} ${parameter.minimum ?? 1}`);
      else if (number.numerator > BigInt(Number.MAX_SAFE_INTEGER)) out.fail('invalid_value', `${out.said(range)}: too large`, `say a smaller number for ${name}`);
      else out.set(name, Number(number.numerator), range);
      request.take(range);
    }
  }
}

export function assignWords(all: readonly Candidate[], request: Request, out: Assignments): void {
  for (const { name, parameter, nouns } of all) {
    if (parameter.type === 'boolean') {
      for (const noun of nouns.filter(({ from }) => request.free(from))) {
        out.set(name, !isDenied(request, noun.from), noun);
      }
    } else if (parameter.type === 'choice') {
      for (const [value, { nouns: words }] of Object.entries(parameter.choices)) {
        for (const noun of occurrences(request, [value, ...words])) if (!isDenied(request, noun.from)) out.set(name, value, noun);
      }
    }
  }
}

/**
 * The candidate whose noun is nearest to a value, unless the noun is nearer to another of the `values` of this kind; without
 * any noun the one that takes such values unasked.
 */
function nearest(request: Request, value: Range, { values, among }: { values: readonly Range[]; among: readonly Candidate[] }): Candidate | undefined {
  let best: Candidate | undefined;
  let least = REACH + 1;
  for (const candidate of among) {
    for (const noun of candidate.nouns) {
      const distance = gap(request, noun, value);
      if (distance < least && values.every((other) => other === value || gap(request, noun, other) >= distance)) [best, least] = [candidate, distance];
    }
  }
  return best ?? among.find(({ parameter }) => parameter.hints.implicit);
}

function gap(request: Request, a: Range, b: Range): number {
  const [from, to] = a.to <= b.from ? [a.to, b.from] : [b.to, a.from];
  let distance = Math.max(0, to - from);
  for (let i = from; i < to; i++) if (/^(?:[,;.]|and|und|et|e|y|en)$/.test(request.tokens[i]?.norm ?? '')) distance += BREAK;
  return distance;
}

function skipJoin(request: Request, at: number): number {
  const joins = new Set([':', '=', 'of', 'is', 'to', 'von', 'de', 'di', 'van', 'auf']);
  return joins.has(request.free(at)?.norm ?? '') ? at + 1 : at;
}

function numberBefore(request: Request, end: number, language: Language): ReturnType<typeof readNumber> {
  // The longest number that ends where the noun begins: `twenty four data shards`, `- 2 data shards`.
  for (let from = Math.max(0, end - 4); from < end; from++) {
    const number = readNumber(request, from, language);
    if (number?.to === end) return number;
  }
  return undefined;
}
