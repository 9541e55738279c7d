import { type City, cityNames, countries, type Gazetteer, isCountryCode, type PlaceName } from './place-names.ts';
import { normalize, type Range, type Request, type Token } from './tokens.ts';
import { isTypoOf } from './typo.ts';
import { isDenied } from './vocabulary.ts';

export interface PlaceReading extends Range {
  readonly countries: readonly string[];
  readonly city?: string;
}
export type Places =
  | { readonly ok: true; readonly countries: readonly PlaceReading[]; readonly cities: readonly PlaceReading[] }
  | { readonly ok: false; readonly code: 'unknown_place' | 'invalid_value'; readonly message: string; readonly hint: string };

const PREPOSITIONS = new Set(['in', 'within', 'inside', 'im', 'innerhalb', 'aus', 'en', 'au', 'aux', 'dans', 'a', 'nel', 'nella', 'nei', 'negli', 'binnen', 'at', 'from', 'to']);
/** After these a word that is no place is a place we do not know, unless it is ordinary. */
const STRICT = new Set(['in', 'within', 'inside', 'en', 'au', 'aux', 'nel', 'nella', 'dans', 'binnen']);
const ARTICLES = new Set(['the', 'der', 'die', 'den', 'dem', 'la', 'le', 'les', 'los', 'las', 'el', 'il', 'lo', 'gli', 'het', 'de', 'l']);
const AND = new Set(['and', 'und', 'et', 'e', 'y', 'en']);
const EXCLUSIONS = new Set(['except', 'outside', 'excluding', 'avoid', 'ausser', 'ausserhalb', 'sauf', 'hors', 'fuori', 'tranne', 'eccetto', 'fuera', 'excepto', 'menos', 'behalve', 'buiten']);
/** Capitals that are mostly something else; they are countries only where a place is expected. */
const MOSTLY_WORDS = new Set(['IT', 'AI', 'TV', 'PR', 'HR', 'CD', 'CV', 'ID', 'IN', 'NO', 'IS', 'AS', 'DO', 'ME', 'MY', 'SO', 'TO', 'AM', 'AN', 'GB', 'MS', 'KI', 'DJ', 'PM', 'TB', 'MB', 'KB', 'PB', 'SC', 'VC', 'CI', 'CC']);
/** Lower-case words of the six languages that look like country codes. */
const ORDINARY_CODES = new Set(['in', 'it', 'no', 'de', 'la', 'es', 'is', 'as', 'at', 'be', 'am', 'an', 'me', 'my', 'so', 'to', 'do', 'al', 'il', 'li', 'lo', 'us', 'se', 'ma', 'tu', 'mi', 'si', 'st', 'sa', 'ai', 'er', 'im', 'nu', 'na', 'ca', 'co', 'eh', 'gi', 'gd', 'ga', 'ne', 'ni', 'pa', 'pm', 'va', 've', 'vi', 'wo', 'hr', 'tv', 'pr', 'id', 'ci', 'sh', 'ms', 'mm', 'mt', 'by', 'gb', 'cd', 'cc', 'cv', 'mu']);
/** What follows `in` without being a place. */
const ORDINARY: ReadonlySet<string> = new Set(
  normalize(`
  a an the my our your their its his her this that these those one two three any all each every both many several multiple different separate some which what me us them there here
  case order total future cloud general addition advance place parallel time particular full short production use need mind terms line accordance compliance bulk house secret person size volume cash public private
  shards parts pieces copies nodes data months days years weeks minutes hours seconds month year day night country countries cities city region regions state place places datacenter datacenters eur euro euros chf usd dollars francs english german french italian spanish dutch eu
  der die das den dem ein eine einem einer meinem meiner unserem unserer diesem zukunft monat jahr tag cloud land ländern rechenzentrum betrieb summe ordnung höhe größe form umfang wert zwei drei mehreren kürze bezug bezahlung
  un une des la le les mon notre cas cours mois total ligne tout toute attente deux trois plus
  una uno il lo gli mio totale caso corso mese anno due tre el los las mi mes año línea general dos tres más
  een het mijn ons geval maand jaar eigen twee drie totaal
  storage archive s3 bucket object objects`).trim().split(/\s+/),
);

/** Every country and city in a request; refuses a place that is unknown, or one that is excluded instead of asked for. */
export function readPlaces(request: Request, cities: readonly City[], isWord: (norm: string) => boolean): Places {
  const known = [countries(), cityNames(cities)];
  const shouting = isShouting(request.tokens);
  const found: PlaceReading[] = [];
  for (let at = 0; at < request.tokens.length; at++) {
    if (request.free(at)?.kind !== 'word') continue;
    const reading = exact(request, at, known) ?? code(request, at, shouting) ?? misspelt(request, at, known);
    if (!reading) continue;
    if (isExcluded(request, at)) return { ok: false, code: 'invalid_value', message: `${request.span(reading).text} is excluded, but places can only be named`, hint: 'name the countries or cities where it may be, such as CH or Germany' };
    found.push(reading);
    request.take(reading);
    at = reading.to - 1;
  }
  const unknown = unknownPlace(request, isWord);
  if (unknown) return { ok: false, code: 'unknown_place', message: `I know no country or city called ${unknown}`, hint: placeHint(unknown, cities) };
  return { ok: true, countries: found.filter((place) => place.city === undefined), cities: found.filter((place) => place.city !== undefined) };
}

function exact(request: Request, at: number, known: readonly Gazetteer[]): PlaceReading | undefined {
  const first = request.free(at)?.norm ?? '';
  for (const name of known.flatMap(({ byFirst }) => byFirst.get(first) ?? [])) {
    const to = matchName(request, at, name.words);
    if (to !== undefined) return reading(name, at, to);
  }
  return undefined;
}

/** Two capitals, or two small letters where only a place can stand: `in ch`. */
function code(request: Request, at: number, shouting: boolean): PlaceReading | undefined {
  const token = request.free(at);
  if (!token || !/^[A-Za-z]{2}$/.test(token.raw)) return undefined;
  const upper = token.raw.toUpperCase();
  const listed = follows(request, at);
  if (!isCountryCode(upper)) return undefined;
  const capitals = token.raw === upper && !shouting;
  if (capitals ? MOSTLY_WORDS.has(upper) && !listed : !listed || token.raw !== (shouting ? upper : token.norm) || ORDINARY_CODES.has(token.norm)) return undefined;
  return { from: at, to: at + 1, countries: [upper] };
}

function misspelt(request: Request, at: number, known: readonly Gazetteer[]): PlaceReading | undefined {
  const token = request.free(at);
  if (!token || !(follows(request, at) || /^\p{Lu}/u.test(token.raw))) return undefined;
  const near = known.flatMap(({ singles }) => singles.get(token.norm.charAt(0)) ?? []).filter(({ words }) => words[0] !== undefined && isTypoOf(token.norm, words[0]));
  const [first] = near;
  const one = first && near.every((name) => name.countries.join() === first.countries.join() && name.city === first.city);
  return one ? reading(first, at, at + 1) : undefined;
}

/** True where a place is expected: after `in`, perhaps with an article, or going on a list of places. */
function follows(request: Request, at: number): boolean {
  let before = at - 1;
  if (ARTICLES.has(request.tokens[before]?.norm ?? '')) before--;
  const token = request.tokens[before];
  if (!token) return false;
  if (PREPOSITIONS.has(token.norm)) return true;
  const joins = ['and', 'or', 'und', 'oder', 'et', 'ou', 'e', 'o', 'y', 'en', 'of', ',', '/', '&', '+'].includes(token.norm);
  return joins && before > 0 && request.free(before - 1) === undefined;
}

function isExcluded(request: Request, at: number): boolean {
  if (isDenied(request, at, 3)) return true;
  for (let i = at - 1; i >= 0 && i >= at - 3; i--) {
    const norm = request.tokens[i]?.norm ?? '';
    if (EXCLUSIONS.has(norm) || (norm === 'but' && /^any/.test(request.tokens[i - 1]?.norm ?? ''))) return true;
  }
  return false;
}

function unknownPlace(request: Request, isWord: (norm: string) => boolean): string | undefined {
  const allLower = !request.tokens.some((token) => token.kind === 'word' && token.raw.length > 2 && /^\p{Lu}/u.test(token.raw));
  for (let at = 1; at < request.tokens.length; at++) {
    let before = at - 1;
    if (ARTICLES.has(request.tokens[before]?.norm ?? '') && before > 0) before--;
    const [preposition, token] = [request.free(before), request.free(at)];
    if (!preposition || token?.kind !== 'word' || !STRICT.has(preposition.norm) || PREPOSITIONS.has(token.norm) || ARTICLES.has(token.norm)) continue;
    if (ORDINARY.has(token.norm) || isWord(token.norm) || request.tokens[at + 1]?.raw === "'") continue;
    const capital = /^\p{Lu}/u.test(token.raw);
    if (capital || (preposition.norm === 'in' && (allLower || before === at - 1))) return wholeName(request, at);
  }
  return undefined;
}

/** An unknown place with the capitalised words that go on: New York. */
function wholeName(request: Request, from: number): string {
  let to = from + 1;
  while (to - from < 4 && request.free(to)?.kind === 'word' && /^\p{Lu}/u.test(request.free(to)?.raw ?? '')) to++;
  return request.span({ from, to }).text.slice(0, 60);
}

function placeHint(unknown: string, cities: readonly City[]): string {
  const known = [...new Set(cities.map(({ city }) => city))].sort();
  const some = known.length > 0 ? `, or a city with nodes: ${known.slice(0, 12).join(', ')}` : '';
  const isCode = /^[A-Za-z]{2}$/.test(unknown) && isCountryCode(unknown.toUpperCase());
  return isCode ? `write ${unknown.toUpperCase()} if you mean the country` : `name a country, such as CH or Switzerland${some}`;
}

function matchName(request: Request, from: number, words: readonly string[]): number | undefined {
  let at = from;
  for (const [i, word] of words.entries()) {
    while (i > 0 && /^[-.'’,]$/.test(request.free(at)?.raw ?? '')) at++;
    const token = request.free(at);
    if (token?.norm !== word && !(token?.raw === '&' && AND.has(word))) return undefined;
    at++;
  }
  return at;
}

function reading({ countries, city }: PlaceName, from: number, to: number): PlaceReading {
  return city === undefined ? { from, to, countries } : { from, to, countries, city };
}

/** Everything in capitals: then capitals tell nothing. */
function isShouting(tokens: readonly Token[]): boolean {
  const words = tokens.filter((token) => token.kind === 'word' && token.raw.length > 3);
  return words.length >= 2 && words.every((token) => token.raw === token.raw.toUpperCase());
}
