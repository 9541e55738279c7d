import { isCorrected } from './corrections.ts';
import { EXCEPTIONS, EXCLUDED_AFTER, JOINS, LINKS, NEGATIONS, OUTSIDE } from './place-words.ts';
import type { Range, Request } from './tokens.ts';

export interface Mention extends Range {
  readonly countries: readonly string[];
  readonly city?: string;
}
export type Wanted =
  | { readonly ok: true; readonly places: readonly Mention[] }
  | { readonly ok: false; readonly code: 'invalid_value'; readonly message: string; readonly hint: string };

/** Furthest that an exception stands before its place, in tokens. */
const REACH = 7;
const PAUSE = /^[,;.:!?()\u2013\u2014]$/;

/** The places that are asked for: those that are taken back are left out, exceptions are taken out of the countries. */
export function wanted(request: Request, mentions: readonly Mention[], known?: readonly string[]): Wanted {
  const excluded = exclusions(request, mentions);
  const asked = corrected(request, mentions, excluded);
  const without = new Set([...excluded].filter(({ city }) => city === undefined).flatMap(({ countries }) => countries));
  const city = [...excluded].find((mention) => mention.city !== undefined);
  if (city) return refuse(request, city, 'a single city cannot be left out', 'name the countries or cities where it may be');
  const places = asked.flatMap((mention) => {
    if (mention.city !== undefined) return [mention];
    const countries = mention.countries.filter((code) => !without.has(code));
    return countries.length > 0 ? [{ ...mention, countries }] : [];
  });
  const [first] = excluded;
  if (!first || places.length > 0) return { ok: true, places };
  const rest = known?.filter((code) => !without.has(code)) ?? [];
  if (rest.length > 0) return { ok: true, places: [{ from: first.from, to: first.to, countries: rest }] };
  return asked.length > 0 ? refuse(request, first, 'no country is left', 'leave fewer out') : refuse(request, first, 'it is excluded, but nothing is named where it may be', 'name the countries or cities where it may be, such as CH, Germany or EU');
}

function refuse(request: Request, mention: Mention, what: string, hint: string): Wanted {
  return { ok: false, code: 'invalid_value', message: `${request.span(mention).text.slice(0, 60)}: ${what}`, hint };
}

function exclusions(request: Request, mentions: readonly Mention[]): Set<Mention> {
  const excluded = new Set<Mention>();
  /** Whether the exclusion that runs on over a list is an exception (`except A, in B`) and not a plain `not`. */
  let exception = false;
  for (const [i, mention] of mentions.entries()) {
    const previous = mentions[i - 1];
    const marked = before(request, mention, previous);
    if (marked !== undefined) {
      exception = marked === 'exception';
      if (marked !== 'allowed') excluded.add(mention);
    } else if (previous && excluded.has(previous) && goesOn(request, previous, mention, exception)) excluded.add(mention);
    if (after(request, mention)) for (let j = i; j >= 0; j--) {
      const one = mentions[j];
      if (!one || (j < i && !isList(request, one, mentions[j + 1]))) break;
      excluded.add(one);
    }
  }
  return excluded;
}

/** What the words before a place say: `except …`, `not in …`, or `not outside …`. */
function before(request: Request, mention: Mention, previous: Mention | undefined): 'exception' | 'denied' | 'allowed' | undefined {
  const least = Math.max(previous?.to ?? 0, mention.from - REACH);
  for (let at = mention.from - 1; at >= least; at--) {
    const token = request.tokens[at];
    if (!token || PAUSE.test(token.raw)) return undefined;
    const { norm } = token;
    if (OUTSIDE.has(norm) || EXCEPTIONS.has(norm)) return isDeniedBefore(request, at, previous?.to ?? 0) ? 'allowed' : 'exception';
    if (norm === 'but' && /^(?:any|every|no|all)/.test(request.tokens[at - 1]?.norm ?? '')) return /^no/.test(request.tokens[at - 1]?.norm ?? '') ? 'allowed' : 'exception';
    if (NEGATIONS.has(norm) && !isInterjected(request, at)) return 'denied';
    if (!LINKS.has(norm) && !/^['’]$/.test(token.raw) && request.free(at) !== undefined) return undefined;
    if (request.free(at) === undefined && previous && at < previous.to) return undefined;
  }
  return undefined;
}

/** `never outside`, `nowhere except`: what is denied twice is asked for. */
function isDeniedBefore(request: Request, at: number, least: number): boolean {
  for (let i = at - 1; i >= Math.max(least, at - 4); i--) {
    const token = request.tokens[i];
    if (!token || PAUSE.test(token.raw)) return false;
    if (NEGATIONS.has(token.norm)) return true;
  }
  return false;
}

/** `no, in France`: that takes back, and denies nothing. */
function isInterjected(request: Request, at: number): boolean {
  return PAUSE.test(request.tokens[at + 1]?.raw ?? '');
}

/** The exclusion of one place covers the next in its list: `neither in A nor in B`, `except A, B and C`. */
function goesOn(request: Request, previous: Mention, mention: Mention, exception: boolean): boolean {
  let comma = false;
  let preposition = false;
  for (let at = previous.to; at < mention.from; at++) {
    const token = request.tokens[at];
    if (!token) return false;
    if (token.raw === ',') comma = true;
    else if (['/', '&', '+', "'", '’'].includes(token.raw) || JOINS.has(token.norm)) continue;
    else if (LINKS.has(token.norm)) preposition = true;
    else return false;
  }
  return exception || !comma || !preposition;
}

const NEGATIONS_AFTER = new Set(['not', 'isn', 'aren', 'nicht', 'pas', 'non', 'no', 'niet']);
const UNNEEDED = new Set(['necessary', 'needed', 'required', 'notig', 'notwendig', 'erlaubt', 'allowed', 'necessaire', 'necessario', 'necessaria', 'necesario', 'necesaria', 'nodig', 'toegestaan']);

/** Words after a place that take it out: `Luxembourg excepted`, `Schweden bitte nicht.` */
function after(request: Request, mention: Mention): boolean {
  let at = mention.to;
  for (let steps = 0; steps < 2 && ['is', 'are', 'ist', 'sind', 'bitte', 'please', 'aber', 'ganz', 'completely', 'est', 'sont', 'e', 'sono', 'es', 'son', 'zijn'].includes(request.tokens[at]?.norm ?? ''); steps++) at++;
  const word = request.tokens[at];
  if (!word) return false;
  // `Scotland isn't necessary`
  if (at > mention.to - 1 && NEGATIONS_AFTER.has(word.norm) && [1, 2, 3].some((ahead) => UNNEEDED.has(request.tokens[at + ahead]?.norm ?? ''))) return true;
  if (EXCLUDED_AFTER.has(word.norm)) {
    const next = request.tokens[at + 1];
    // `Spain except Ceuta` looks forward; `Spain excepted` ends here.
    return !['excepte', 'excepto', 'escluso', 'esclusa', 'exklusive'].includes(word.norm) || next === undefined || PAUSE.test(next.raw);
  }
  const ends = request.tokens[at + 1] === undefined || PAUSE.test(request.tokens[at + 1]?.raw ?? '');
  return ends && ['nicht', 'niet', 'not'].includes(word.norm);
}

function isList(request: Request, a: Mention, b: Mention | undefined): boolean {
  if (!b) return false;
  for (let at = a.to; at < b.from; at++) {
    const token = request.tokens[at];
    if (token?.raw === ',' && a.countries.length === 1) continue;
    if (!token || !(JOINS.has(token.norm) || ['&', '+', '/'].includes(token.raw) || ['la', 'il', 'le', 'les', 'l', 'die', 'der', 'the', 'de', 'el'].includes(token.norm))) return false;
  }
  return true;
}

/** Leaves out what a later place takes back: `in Germany, no, in France`; an exception that is taken back excepts no more. */
function corrected(request: Request, mentions: readonly Mention[], excluded: Set<Mention>): Mention[] {
  let asked: Mention[] = [];
  let last: Mention | undefined;
  for (const mention of mentions) {
    if (last && isTakenBack(request, last, mention)) {
      if (excluded.has(last)) excluded.delete(last);
      else {
        const former = asked.find(({ city }) => city !== undefined);
        // `Zurich, Switzerland, no, Basel`: the country still holds.
        asked = mention.city !== undefined && former ? asked.filter(({ city, countries }) => city === undefined && countries.some((code) => mention.countries.includes(code))) : [];
      }
    }
    if (!excluded.has(mention)) asked.push(mention);
    last = mention;
  }
  return asked;
}

function isTakenBack(request: Request, earlier: Mention, later: Mention): boolean {
  // What others read in between (`100 GB, no, 200 GB in Spain`) was corrected there.
  let from = earlier.to;
  for (let at = earlier.to; at < later.from; at++) if (request.free(at) === undefined) from = at + 1;
  return isCorrected(request, from, later.from);
}
