import { WORDS_AND_CITIES } from './cities.ts';
import { WORDS_AND_COUNTRIES } from './country-names.ts';
import { DEFINITE, WISHES } from './intent-words.ts';
import { guessLanguage } from './language.ts';
import { type City, type Gazetteer, isCountryCode, marketPlaces, type PlaceName, worldPlaces } from './place-names.ts';
import { type Mention, wanted } from './place-polarity.ts';
import { ARTICLES, GREETINGS, GROUND, JOINS, NOT_GROUND, PREPOSITIONS, TAILS } from './place-words.ts';
import type { Range, Request, Token } from './tokens.ts';
import { isTypoOf } from './typo.ts';
import { unknownPlace } from './unknown-places.ts';

export interface PlaceReading extends Range {
  readonly countries: readonly string[];
  readonly city?: string;
}
export type Places =
  | { readonly ok: true; readonly countries: readonly PlaceReading[]; readonly cities: readonly PlaceReading[] }
  | { readonly ok: false; readonly code: 'unknown_place' | 'invalid_value'; readonly message: string; readonly hint: string };

const AND = new Set(['and', 'und', 'et', 'e', 'y', 'en']);
/** Capitals that are mostly something else; they are countries only where a place is expected. */
const MOSTLY_WORDS = new Set(['IT', 'AI', 'TV', 'PR', 'HR', 'CD', 'CV', 'ID', 'IN', 'NO', 'IS', 'AS', 'DO', 'ME', 'MY', 'SO', 'TO', 'AM', 'AN', 'GB', 'MS', 'KI', 'DJ', 'PM', 'TB', 'MB', 'KB', 'PB', 'SC', 'VC', 'CI', 'CC', 'QA', 'AG', 'ML', 'BI', 'PS', 'RE', 'SA', 'PA', 'LA', 'MD', 'TM', 'ST', 'KG', 'NA', 'UM', 'EH', 'MO', 'GO', 'TO', 'PO', 'DE', 'AL', 'IM', 'SI', 'IO', 'BE', 'AT', 'ES', 'IL', 'LI', 'SE', 'TG', 'MM', 'NE', 'NI']);
/** Lower-case words of the six languages that look like country codes. */
const ORDINARY_CODES = new Set(['in', 'it', 'no', 'de', 'la', 'es', 'is', 'as', 'at', 'be', 'am', 'an', 'me', 'my', 'so', 'to', 'do', 'al', 'il', 'li', 'lo', 'us', 'se', 'ma', 'tu', 'mi', 'si', 'st', 'sa', 'ai', 'er', 'im', 'nu', 'na', 'ca', 'co', 'eh', 'gi', 'gd', 'ga', 'ne', 'ni', 'pa', 'pm', 'va', 've', 'vi', 'wo', 'hr', 'tv', 'pr', 'id', 'ci', 'sh', 'ms', 'mm', 'mt', 'by', 'gb', 'cd', 'cc', 'cv', 'mu', 'io', 'go', 'mo', 'qa', 'ml', 're', 'ps', 'au', 'ad', 'ag', 'et', 'cm', 'tb', 'bb', 'gr', 'sc', 'vg', 'lb']);
/** Shortest name of a country in which a slip is forgiven where no place is expected. */
const LONG_NAME = 7;
const SHORTEST = 5;
/** Furthest back that a word of thanks makes a name that of who writes. */
const FAREWELL = /^(?:thanks|thank|thx|you|cheers|regards|best|bye|love|danke|dank|grusse|gruss|grusse|lg|mfg|merci|cordialement|bises|bisous|grazie|saluti|ciao|gracias|saludos|abrazo|bedankt|groeten|groetjes|mvg|nice|ok|okay|perfect|hello|hi|hallo|bonjour|hola|ciao|dear|liebe|chere|cara|querida|beste)$/;

export interface PlaceOptions {
  /** Words that the blueprint knows: they are no places. */
  readonly isWord: (norm: string) => boolean;
  /** Words for the thing itself, which lies somewhere. */
  readonly isThing: (norm: string) => boolean;
  /** Countries known already. */
  readonly from?: readonly string[] | undefined;
}

/**
 * Every country and city that a request asks for, exceptions taken out of the countries. Refuses a place that is unknown, and
 * one that is only excluded; `from` are countries known already, from which exclusions are then taken.
 */
export function readPlaces(request: Request, cities: readonly City[], { isWord, isThing, from }: PlaceOptions): Places {
  const finder = new Finder(request, [worldPlaces(), marketPlaces(cities)], { isWord, isThing });
  const mentions = finder.mentions();
  const unsure = unknownPlace(request, isWord, finder, mentions);
  // A town that we do not know, in a country that we do: `in Gstaad, Switzerland`.
  const town = unsure?.within;
  const unknown = town ? undefined : unsure?.name;
  const result = wanted(request, unsure && town ? [...mentions, { from: unsure.from, to: unsure.to, countries: town.countries, city: unsure.name }].sort((a, b) => a.from - b.from) : mentions, from);
  if (!result.ok) return result;
  if (unknown !== undefined) return { ok: false, code: 'unknown_place', message: `I know no country or city called ${unknown}`, hint: placeHint(unknown, cities) };
  return { ok: true, countries: result.places.filter((place) => place.city === undefined), cities: result.places.filter((place) => place.city !== undefined) };
}

class Finder {
  readonly #request: Request;
  readonly #known: readonly Gazetteer[];
  readonly #words: Pick<PlaceOptions, 'isWord' | 'isThing'>;
  readonly #shouting: boolean;
  /** Nothing is written with a capital: then small letters tell nothing. */
  readonly small: boolean;
  /** Tokens that places stand in. */
  readonly #placed = new Set<number>();
  readonly romance: boolean;

  constructor(request: Request, known: readonly Gazetteer[], words: Pick<PlaceOptions, 'isWord' | 'isThing'>) {
    this.#request = request;
    this.#known = known;
    this.#words = words;
    this.#shouting = isShouting(request.tokens);
    this.small = isSmall(request.tokens);
    this.romance = ['fr', 'it', 'es'].includes(guessLanguage(request.tokens));
  }

  mentions(): Mention[] {
    const found: Mention[] = [];
    for (let at = 0; at < this.#request.tokens.length; at++) {
      if (this.#request.free(at)?.kind !== 'word') continue;
      const mention = this.#exact(at) ?? this.#code(at) ?? this.#misspelt(at);
      if (!mention) continue;
      this.#request.take(mention);
      for (let i = mention.from; i < mention.to; i++) this.#placed.add(i);
      at = mention.to - 1;
      if (!this.#isHome(mention.from)) found.push(mention);
    }
    return found;
  }

  #exact(at: number): Mention | undefined {
    const first = this.#request.free(at)?.norm ?? '';
    for (const { byFirst } of this.#known) {
      for (const name of byFirst.get(first) ?? []) {
        const to = this.#matches(name.words, at);
        if (to !== undefined && this.#fits(name, at, to)) return mention(this.#asMarket(name), at, to);
      }
    }
    return undefined;
  }

  /** A city as the market writes it. */
  #asMarket(name: PlaceName): PlaceName {
    if (name.city === undefined) return name;
    return this.#known.at(-1)?.byFirst.get(name.words[0] ?? '')?.find(({ words, countries }) => words.join(' ') === name.words.join(' ') && countries.some((code) => name.countries.includes(code))) ?? name;
  }

  /** A name may be a word, a part of another name, or an adjective of something else. */
  #fits({ adjective, exactly, city, words }: PlaceName, at: number, to: number): boolean {
    const { tokens } = this.#request;
    const raw = tokens[at]?.raw ?? '';
    if (exactly !== undefined && (raw !== exactly || this.#shouting) && !(this.#expected(at) && ['the', 'den'].includes(tokens[at - 1]?.norm ?? ''))) return false;
    if (!this.#standsAlone(at, to)) return false;
    if (adjective) return this.#modifiesGround(at, to);
    if (words.length > 1) return true;
    const capital = /^\p{Lu}/u.test(raw);
    if (city === undefined) return capital || !WORDS_AND_COUNTRIES.has(words[0] ?? '') || (this.small && this.#expected(at));
    return !WORDS_AND_CITIES.has(words[0] ?? '') || (this.#expected(at) ? capital || this.small : capital && this.#isApart(at, to));
  }

  /** `…, 12 € al mes, Valencia`: alone between pauses, and no name under a letter. */
  #isApart(from: number, to: number): boolean {
    const { tokens } = this.#request;
    const [before, behind] = [tokens[from - 1]?.raw, tokens[to]?.raw];
    return before === ',' && (behind === undefined || /^[.,;!?(]$/.test(behind)) && !FAREWELL.test(tokens[from - 2]?.norm ?? '');
  }

  /** Two capitals, or two small letters where only a place can stand: `in ch`. */
  #code(at: number): Mention | undefined {
    const token = this.#request.free(at);
    if (!token || !/^[A-Za-z]{2}$/.test(token.raw)) return undefined;
    const upper = token.raw.toUpperCase();
    if (!isCountryCode(upper) || !this.#standsAlone(at, at + 1)) return undefined;
    const listed = this.#expected(at);
    const capitals = token.raw === upper && !this.#shouting;
    const doubtful = MOSTLY_WORDS.has(upper) && !listed && !this.#besideCode(at);
    if (capitals ? doubtful : !listed || token.raw !== (this.#shouting ? upper : token.norm) || ORDINARY_CODES.has(token.norm)) return undefined;
    return { from: at, to: at + 1, countries: [upper] };
  }

  /** `DE/AT/CH`, or a code at the end: `archive 5 TB, DE`. */
  #besideCode(at: number): boolean {
    const { tokens } = this.#request;
    const isCode = (i: number): boolean => /^[A-Z]{2}$/.test(tokens[i]?.raw ?? '') && isCountryCode(tokens[i]?.raw ?? '');
    if (['/', ',', '+', '&', '-'].includes(tokens[at + 1]?.raw ?? '') && isCode(at + 2)) return true;
    if (['/', ',', '+', '&', '-'].includes(tokens[at - 1]?.raw ?? '') && isCode(at - 2)) return true;
    const upper = tokens[at]?.raw ?? '';
    return ['DE', 'BE', 'AT', 'ES', 'SE', 'SI', 'LI', 'IE'].includes(upper) && (tokens[at + 1] === undefined || /^[.,;!?)/]$/.test(tokens[at + 1]?.raw ?? ''));
  }

  #misspelt(at: number): Mention | undefined {
    const token = this.#request.free(at);
    if (!token || this.#words.isWord(token.norm) || !this.#standsAlone(at, at + 1)) return undefined;
    // A name that is written right and did not fit here is no slip for another: Italian, Italien.
    if (this.#known.some(({ byFirst }) => byFirst.get(token.norm)?.some(({ words }) => words.length === 1))) return undefined;
    const expected = this.#expected(at) && (this.small || /^\p{Lu}/u.test(token.raw));
    if (!expected && !(/^\p{Lu}/u.test(token.raw) && token.norm.length >= LONG_NAME)) return this.#misspeltPair(at);
    // No name is so short that a slip of it could be told.
    if (token.norm.length < SHORTEST) return this.#misspeltPair(at);
    const near = this.#known.flatMap(({ singles }) => singles.get(token.norm.charAt(0)) ?? []).filter((name) => {
      const word = name.words[0] ?? '';
      if (name.adjective || (!expected && (name.city !== undefined || word.length < LONG_NAME)) || WORDS_AND_CITIES.has(word)) return false;
      return isTypoOf(token.norm, word);
    });
    const first = near.find(({ city }) => city === undefined) ?? near[0];
    if (!first) return this.#misspeltPair(at);
    const same = near.filter(({ city }) => (city === undefined) === (first.city === undefined));
    const one = same.every((name) => name.countries.join() === first.countries.join() && name.city === first.city);
    return one ? mention(this.#asMarket(first), at, at + 1) : undefined;
  }

  /** `Unon Europea`: one word as it should be, the other nearly. */
  #misspeltPair(at: number): Mention | undefined {
    const { free, tokens } = { free: (i: number) => this.#request.free(i)?.norm ?? '', tokens: this.#request.tokens };
    const [first, second] = [free(at), free(at + 1)];
    if (first.length < 4 || second.length < 5 || !(this.#expected(at) || /^\p{Lu}/u.test(tokens[at]?.raw ?? ''))) return undefined;
    for (const { byFirst } of this.#known.slice(0, 1)) {
      for (const [word, names] of byFirst) {
        if (word.charAt(0) !== first.charAt(0) || Math.abs(word.length - first.length) > 2) continue;
        const nearly = word === first || isTypoOf(first, word, 5);
        const name = nearly ? names.find(({ words }) => words.length === 2 && words[0]!.length + words[1]!.length >= 9 && (word === first ? isTypoOf(second, words[1]!, 5) : words[1] === second)) : undefined;
        if (name && !name.adjective) return mention(name, at, at + 2);
      }
    }
    return undefined;
  }

  #matches(words: readonly string[], from: number): number | undefined {
    let at = from;
    for (const [i, word] of words.entries()) {
      while (i > 0 && /^[-.'’,]$/.test(this.#request.free(at)?.raw ?? '')) at++;
      const token = this.#request.free(at);
      if (token?.norm !== word && !(token?.raw === '&' && AND.has(word))) return undefined;
      at++;
    }
    return at;
  }

  /** True where a place is expected: after a preposition, perhaps with an article, or going on a list of places. */
  #expected(at: number): boolean {
    const { tokens } = this.#request;
    let before = at - 1;
    for (let steps = 0; steps < 3 && before >= 0; steps++) {
      const token = tokens[before];
      if (!token || !(ARTICLES.has(token.norm) || token.raw === "'" || token.raw === '’' || LEADS.has(token.norm)) || PREPOSITIONS.has(token.norm)) break;
      before--;
    }
    const token = tokens[before];
    if (!token) return false;
    if (PREPOSITIONS.has(token.norm) || (this.romance && token.norm === 'a') || token.raw === 'à') return true;
    if ([':', '='].includes(token.raw) && /^(?:countr|land|pays|paes|pais|ort|citt|ciud|stad|stadt|ville|city|cities|location|region|place|where|standort|lieu|luogo|lugar)/.test(tokens[before - 1]?.norm ?? '')) return true;
    const joins = JOINS.has(token.norm) || [',', '/', '&', '+'].includes(token.raw);
    return joins && this.#placed.has(before - 1);
  }

  /** Not a piece of `prod-lyon` or `berlin-office`. */
  #standsAlone(from: number, to: number): boolean {
    const { tokens } = this.#request;
    const glued = (i: number): boolean => /^[-_/@.]$/.test(tokens[i]?.raw ?? '') && tokens[i]?.attached === true;
    if (tokens[from]?.attached && /^[-_@#]$/.test(tokens[from - 1]?.raw ?? '') && tokens[from - 1]?.attached && tokens[from - 2]?.norm !== 'non') return false;
    if (tokens[to]?.raw !== '-' || !glued(to) || !tokens[to + 1]?.attached) return true;
    return TAILS.has(tokens[to + 1]?.norm ?? '') || /^\p{Lu}/u.test(tokens[from]?.raw ?? '') && /^\p{L}/u.test(tokens[to + 1]?.raw ?? '');
  }

  /** True beside something that lies somewhere; `Swedish or Finnish soil` counts for both. */
  #modifiesGround(from: number, to: number): boolean {
    const { tokens } = this.#request;
    const ground = (i: number): boolean => {
      const norm = tokens[i]?.norm ?? '';
      return !NOT_GROUND.has(norm) && (GROUND.has(norm) || this.#isThing(norm));
    };
    let next = tokens[to]?.raw === '-' ? to + 1 : to;
    if (JOINS.has(tokens[next]?.norm ?? '') || tokens[next]?.raw === ',') next += 2;
    // A people may stand between: `a Swiss long-term archive` is one, `our Italian team's archive` is none.
    if (NOT_GROUND.has(tokens[next]?.norm ?? '')) return false;
    return ground(next) || TAILS.has(tokens[next]?.norm ?? '') || ground(from - 1) || (JOINS.has(tokens[from - 1]?.norm ?? '') && this.#placed.has(from - 2)) || (/^[a-z]+$/i.test(tokens[next]?.norm ?? '') && tokens[next + 1]?.raw === '-' && ground(next + 2));
  }

  /** A word of the blueprint, or a compound that ends in one. */
  #isThing(norm: string): boolean {
    if (norm.length < 3 || ARTICLES.has(norm) || PREPOSITIONS.has(norm) || JOINS.has(norm) || DEFINITE.has(norm) || WISHES.has(norm)) return false;
    if (this.#words.isThing(norm)) return true;
    for (let i = 3; i <= norm.length - 5; i++) if (this.#words.isThing(norm.slice(i))) return true;
    return false;
  }

  /** `greetings from Munich`: where somebody writes, not where something shall lie. */
  #isHome(at: number): boolean {
    const { tokens } = this.#request;
    if (!['from', 'aus', 'de', 'depuis', 'da', 'dal', 'desde', 'uit', 'out'].includes(tokens[at - 1]?.norm ?? '')) return false;
    return [2, 3, 4].some((back) => GREETINGS.has(tokens[at - back]?.norm ?? ''));
  }
}

const LEADS = new Set(['only', 'just', 'either', 'nur', 'ausschliesslich', 'entweder', 'seulement', 'uniquement', 'soit', 'solo', 'soltanto', 'solamente', 'unicamente', 'alleen', 'uitsluitend', 'ganz', 'whole', 'any', 'cualquier', 'qualunque', 'qualsiasi', 'un', 'pais', 'paese']);

function placeHint(unknown: string, cities: readonly City[]): string {
  const known = [...new Set(cities.map(({ city }) => city))].sort();
  const some = known.length > 0 ? `, or a city with nodes: ${known.slice(0, 12).join(', ')}` : '';
  const isCode = /^[A-Za-z]{2}$/.test(unknown) && isCountryCode(unknown.toUpperCase());
  return /^euro(?:pe|pa)$/i.test(unknown) ? 'say EU, EEA, DACH, Benelux, Nordics, or countries' : isCode ? `write ${unknown.toUpperCase()} if you mean the country` : `name a country, such as CH or Switzerland, or a group such as EU or Benelux${some}`;
}

function mention({ countries, city }: PlaceName, from: number, to: number): Mention {
  return city === undefined ? { from, to, countries } : { from, to, countries, city };
}

/** Everything in capitals: then capitals tell nothing. */
function isShouting(tokens: readonly Token[]): boolean {
  const words = tokens.filter((token) => token.kind === 'word' && token.raw.length > 3);
  return words.length >= 2 && words.every((token) => token.raw === token.raw.toUpperCase());
}

/** Nothing but abbreviations in capitals. */
function isSmall(tokens: readonly Token[]): boolean {
  return !tokens.some((token) => token.kind === 'word' && /^\p{Lu}\p{Ll}{2}/u.test(token.raw));
}
