import type { Json } from '../../../contract/canonical.ts';
import type { Blueprint } from '../../../knowledge/blueprint.ts';
import { completeParameters } from '../../../knowledge/defaults.ts';
import { readAnswer, readRemovals } from './answers.ts';
import type { Problem } from './found.ts';
import { findMentions } from './hints.ts';
import { readIntent } from './intent.ts';
import type { City } from './place-names.ts';
import { type PlaceReading, readPlaces } from './places.ts';
import { ofType, type Reading, readParameters } from './reading.ts';
import { findUnsafe } from './safety.ts';
import { MAX_TEXT, Request, type Span } from './tokens.ts';

export type UnderstandCode = Problem['code'];

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
export interface FollowUpOptions extends UnderstandOptions {
  /** The parameter that was just asked for: a bare answer (`five`, `nginx`, `2 TB`) is its value. */
  readonly asked?: string;
  /** Parameters that are known already; `without Austria` and flows between members need them. */
  readonly given?: Readonly<Record<string, Json>>;
}
/** A follow-up: what it says (`parameters`; `missing` counts those given before as known), and which known parameters it takes back. */
export interface FollowUp extends Understood {
  readonly removed: readonly string[];
}

/**
 * Understands a request offline: which blueprint, with which parameters. Deterministic, and driven by the words that
 * blueprints bring along; it knows none of their parameters. The text is hostile: at most 2000 UTF-16 units, never throws.
 */
export function understand(text: string, blueprints: readonly Blueprint[], options: UnderstandOptions = {}): Understood | NotUnderstood {
  const request = requestOf(text);
  if (!(request instanceof Request)) return request;
  const unsafe = findUnsafe(request);
  if (unsafe) return refuse({ code: 'unsafe_request', ...unsafe });
  const intent = readIntent(request, blueprints);
  if (!intent.ok) return refuse(intent);
  const { blueprint } = intent;
  const reading = readParameters(request, blueprint, { currency: options.currency ?? 'EUR' });
  return finish(reading, readWhere(reading, options.cities ?? []), {});
}

/**
 * Understands what is said next about a blueprint that is known: `no, 2 PB`, `make it Germany`, `and call it ledgers`. No
 * word for the thing itself is needed; what is unsafe is refused as ever. `parameters` are only what this text says.
 */
export function understandFor(text: string, blueprint: Blueprint, options: FollowUpOptions = {}): FollowUp | NotUnderstood {
  const request = requestOf(text);
  if (!(request instanceof Request)) return request;
  const unsafe = findUnsafe(request);
  if (unsafe) return refuse({ code: 'unsafe_request', ...unsafe });
  const reading = readParameters(request, blueprint, { currency: options.currency ?? 'EUR', asked: options.asked, given: options.given, loose: true });
  const trouble = readWhere(reading, options.cities ?? [], knownCountries(reading, options.given));
  if (options.asked !== undefined && !reading.out.values.has(options.asked)) readAnswer(reading, options.asked);
  const removed = readRemovals(reading);
  const result = finish(reading, trouble, options.given ?? {});
  if (!result.ok) return result;
  if (removed.length === 0 && Object.keys(result.parameters).length === 0) return refuse({ code: 'not_understood', message: 'I do not know what that changes', hint: `say for example a value for ${result.missing[0] ?? options.asked ?? 'capacity'}` });
  return { ...result, missing: result.missing.filter((name) => options.given === undefined || !Object.hasOwn(options.given, name) || removed.includes(name)), removed };
}

function requestOf(text: string): Request | NotUnderstood {
  if (text.trim() === '') return refuse({ code: 'not_understood', message: 'there is no text', hint: 'say what you want, for example: give me an archive of 1 PB in CH' });
  if (text.length > MAX_TEXT) return refuse({ code: 'not_understood', message: `the text is longer than ${MAX_TEXT} characters`, hint: 'say it in fewer words' });
  if (!text.isWellFormed()) return refuse({ code: 'not_understood', message: 'the text is not valid Unicode', hint: 'send it again as UTF-8' });
  return new Request(text);
}

function finish({ blueprint, out, options }: Reading, trouble: Problem | undefined, given: Readonly<Record<string, Json>>): Understood | NotUnderstood {
  const problem = out.failure ?? trouble;
  if (problem) return refuse(problem);
  const said = Object.fromEntries(out.values);
  const completed = completeParameters(blueprint, said, options.currency);
  if (!completed.ok) return refuse({ code: 'invalid_value', message: completed.message, hint: completed.hint });
  return { ok: true, blueprint: blueprint.blueprint, parameters: completed.given, defaults: completed.defaults, missing: completed.missing.filter((name) => !Object.hasOwn(given, name)), spans: out.spans };
}

function readWhere(reading: Reading, cities: readonly City[], from?: readonly string[]): Problem | undefined {
  const { request, lexicon, out } = reading;
  const [countries] = ofType(lexicon, 'countries')[0] ?? [];
  const [city] = ofType(lexicon, 'cities')[0] ?? [];
  // Words that the blueprint knows are no places.
  const mentions = findMentions(request, lexicon);
  const wordsOf = (list: typeof mentions): Set<string> => new Set(list.flatMap(({ from: first, to }) => request.tokens.slice(first, to).map(({ norm }) => norm)));
  const known = wordsOf(mentions);
  const things = wordsOf(mentions.filter(({ meanings }) => meanings.some(({ parameter }) => parameter === undefined)));
  const places = readPlaces(request, cities, { isWord: (norm) => known.has(norm), isThing: (norm) => things.has(norm), from });
  if (!places.ok) return places;
  const put = (parameter: string | undefined, values: readonly string[], readings: readonly PlaceReading[]): void => {
    if (parameter === undefined || values.length === 0) return;
    out.set(parameter, [...new Set(values)].sort(), { from: Math.min(...readings.map((place) => place.from)), to: Math.max(...readings.map(({ to }) => to)) });
  };
  put(countries, places.countries.flatMap((place) => place.countries), places.countries);
  put(city, places.cities.flatMap((place) => place.city ?? []), places.cities);
  const stray = places.countries.length > 0 ? places.cities.find((place) => !place.countries.some((code) => places.countries.some((said) => said.countries.includes(code)))) : undefined;
  if (stray) return { code: 'invalid_value', message: `${stray.city ?? ''} lies in ${stray.countries.join(', ')}, not in the countries you named`, hint: 'name the city alone, or its country' };
  return undefined;
}

function knownCountries({ lexicon }: Reading, given: Readonly<Record<string, Json>> | undefined): readonly string[] | undefined {
  const [countries] = ofType(lexicon, 'countries')[0] ?? [];
  const known = countries === undefined ? undefined : given?.[countries];
  return Array.isArray(known) ? known.map(String) : undefined;
}

function refuse({ code, message, hint }: Problem): NotUnderstood {
  return { ok: false, error: { code, message, hint } };
}
