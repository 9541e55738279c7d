import type { Json } from '../../../contract/canonical.ts';
import { Label } from '../../../contract/units.ts';
import { type Blueprint, parametersOf } from '../../../knowledge/blueprint.ts';
import { completeParameters } from '../../../knowledge/defaults.ts';
import { programOf } from '../../../knowledge/program.ts';
import { assignBareMoney, Assignments, assignDurations, assignIntegers, assignMoney, assignSizes, assignWords, type Candidate, candidates } from './assign.ts';
import { readDurations } from './durations.ts';
import { readIntent } from './intent.ts';
import { guessLanguage } from './language.ts';
import { readMoney } from './money.ts';
import { readName, suggestLabel } from './names.ts';
import { readPhrases } from './phrases.ts';
import type { City } from './place-names.ts';
import { type PlaceReading, readPlaces } from './places.ts';
import { findUnsafe } from './safety.ts';
import { readSizes } from './sizes.ts';
import { MAX_TEXT, Request, type Span } from './tokens.ts';
import { termOf } from './vocabulary.ts';

export type UnderstandCode = 'not_understood' | 'unsafe_request' | 'unknown_place' | 'invalid_value' | 'ambiguous';

export interface Understood {
  readonly ok: true;
  readonly blueprint: string;
  /** Only what was said, in canonical form. */
  readonly parameters: Readonly<Record<string, Json>>;
  /** What the blueprint adds. */
  readonly defaults: Readonly<Record<string, Json>>;
  /** Required parameters that were not said. */
  readonly missing: readonly string[];
  /** The words each parameter came from. */
  readonly spans: Readonly<Record<string, Span>>;
}
export interface NotUnderstood {
  readonly ok: false;
  readonly error: { readonly code: UnderstandCode; readonly message: string; readonly hint: string };
}
export interface UnderstandOptions {
  /** Cities where the market has nodes. */
  readonly cities?: readonly City[];
  /** Currency of the grid, ISO 4217; EUR when not given. */
  readonly currency?: string;
}

/**
 * Understands a request offline: which blueprint, with which parameters. Deterministic, and driven by the words that
 * blueprints bring along; it knows none of their parameters. The text is hostile: at most 2000 UTF-16 units, never throws.
 */
export function understand(text: string, blueprints: readonly Blueprint[], options: UnderstandOptions = {}): Understood | NotUnderstood {
  if (text.trim() === '') return refuse('not_understood', 'there is no text', 'say what you want, for example: give me an archive of 1 PB in CH');
  if (text.length > MAX_TEXT) return refuse('not_understood', `the text is longer than ${MAX_TEXT} characters`, 'say it in fewer words');
  if (!text.isWellFormed()) return refuse('not_understood', 'the text is not valid Unicode', 'send it again as UTF-8');
  const request = new Request(text);
  const unsafe = findUnsafe(request);
  if (unsafe) return refuse('unsafe_request', unsafe.message, unsafe.hint);
  const intent = readIntent(request, blueprints);
  if (!intent.ok) return refuse(intent.code, intent.message, intent.hint);

  const { blueprint } = intent;
  const currency = options.currency ?? 'EUR';
  const out = new Assignments(request);
  const refusal = read(request, blueprint, { out, currency, cities: options.cities ?? [] }) ?? out.failure;
  if (refusal) return refuse(refusal.code, refusal.message, refusal.hint);
  const completed = completeParameters(blueprint, Object.fromEntries(out.values), currency);
  if (!completed.ok) return refuse('invalid_value', completed.message, completed.hint);
  return { ok: true, blueprint: blueprint.blueprint, parameters: completed.given, defaults: completed.defaults, missing: completed.missing, spans: out.spans };
}

interface Problem {
  readonly code: UnderstandCode;
  readonly message: string;
  readonly hint: string;
}

/** Each reader takes its words out of the request; the surest come first. */
function read(request: Request, blueprint: Blueprint, options: { out: Assignments; currency: string; cities: readonly City[] }): Problem | undefined {
  const { out, currency, cities } = options;
  const parameters = parametersOf(blueprint);
  const language = guessLanguage(request.tokens);
  const ofType = (type: string): string | undefined => Object.entries(parameters).find(([, parameter]) => parameter.type === type)?.[0];

  const nameParameter = ofType('name');
  const name = nameParameter === undefined ? undefined : readName(request);
  if (name && nameParameter !== undefined) {
    const label = name.name.toLowerCase();
    if (!Label.safeParse(label).success) return { code: 'invalid_value', message: `${name.name} cannot be a name: lower-case letters, digits and hyphens only`, hint: `call it ${suggestLabel(name.name)}` };
    out.set(nameParameter, label, name);
  }
  const money = readMoney(request, language);
  for (const { parameter, value, ...range } of readPhrases(request, programOf(blueprint).phrases, language)) {
    if (value === undefined || value > BigInt(Number.MAX_SAFE_INTEGER)) out.fail('invalid_value', `${out.said(range)}: too large`, `say a smaller number for ${parameter}`);
    else out.set(parameter, Number(value), range);
  }
  const sizes = readSizes(request, language);
  const durations = readDurations(request, language);
  const all = candidates(request, parameters);
  assignSizes(sizes, all, request, out);
  assignMoney(money, all, { request, out, currency });
  assignDurations(durations, all, request, out);
  assignBareMoney(all, { request, out, language });
  assignIntegers(all, { request, out, language });
  assignWords(all, request, out);
  if (out.failure) return out.failure;
  return readWhere(request, { all, cities, out, vocabulary: vocabularyOf(blueprint, all), countries: ofType('countries'), city: ofType('cities') });
}

interface Where {
  readonly all: readonly Candidate[];
  readonly cities: readonly City[];
  readonly out: Assignments;
  readonly vocabulary: ReadonlySet<string>;
  readonly countries: string | undefined;
  readonly city: string | undefined;
}

function readWhere(request: Request, { cities, out, vocabulary, countries, city }: Where): Problem | undefined {
  const places = readPlaces(request, cities, (norm) => vocabulary.has(norm));
  if (!places.ok) return places;
  const put = (parameter: string | undefined, values: readonly string[], readings: readonly PlaceReading[]): void => {
    if (parameter === undefined || values.length === 0) return;
    out.set(parameter, [...new Set(values)].sort(), { from: Math.min(...readings.map(({ from }) => from)), to: Math.max(...readings.map(({ to }) => to)) });
  };
  put(countries, places.countries.flatMap((place) => place.countries), places.countries);
  put(city, places.cities.flatMap((place) => place.city ?? []), places.cities);
  const stray = places.countries.length > 0 ? places.cities.find((place) => !place.countries.some((code) => places.countries.some((said) => said.countries.includes(code)))) : undefined;
  if (stray) return { code: 'invalid_value', message: `${stray.city ?? ''} lies in ${stray.countries.join(', ')}, not in the countries you named`, hint: 'name the city alone, or its country' };
  return undefined;
}

/** Words that a blueprint knows: they are no places. */
function vocabularyOf(blueprint: Blueprint, all: readonly Candidate[]): ReadonlySet<string> {
  const said = [...blueprint.intents.nouns, ...blueprint.intents.verbs, ...all.flatMap(({ parameter }) => [...parameter.hints.nouns, ...parameter.hints.units])];
  return new Set(said.flatMap((words) => termOf(words)));
}

function refuse(code: UnderstandCode, message: string, hint: string): NotUnderstood {
  return { ok: false, error: { code, message, hint } };
}
