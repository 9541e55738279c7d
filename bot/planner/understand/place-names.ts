import de from 'i18n-iso-countries/langs/de.json' with { type: 'json' };
import en from 'i18n-iso-countries/langs/en.json' with { type: 'json' };
import es from 'i18n-iso-countries/langs/es.json' with { type: 'json' };
import fr from 'i18n-iso-countries/langs/fr.json' with { type: 'json' };
import it from 'i18n-iso-countries/langs/it.json' with { type: 'json' };
import nl from 'i18n-iso-countries/langs/nl.json' with { type: 'json' };
import { CITIES } from './cities.ts';
import { MORE_COUNTRY_NAMES, REGION_ADJECTIVES, REGIONS } from './country-names.ts';
import { demonyms } from './demonyms.ts';
import { wordsOf } from './vocabulary.ts';

type Names = Readonly<Record<string, string | readonly string[]>>;

export interface PlaceName {
  readonly words: readonly string[];
  /** Countries it stands for; of a city those where one of its name lies. */
  readonly countries: readonly string[];
  readonly city?: string;
  /** `Swiss`: a place only beside something that can lie there. */
  readonly adjective?: true;
  /** `US`, `SEE`: only as it is written here, since it is a word too. */
  readonly exactly?: string;
}

export interface City {
  readonly city: string;
  readonly country: string;
}

/** Words of a name as requests are cut: normalized, without symbols. */
function nameWords(name: string): string[] {
  return wordsOf(name);
}

/** Names by their first word, longest first; and those in which slips are looked for, by their first letter. */
export interface Gazetteer {
  readonly byFirst: ReadonlyMap<string, readonly PlaceName[]>;
  readonly singles: ReadonlyMap<string, readonly PlaceName[]>;
}

/** Short names that are words of some language when they are written small. */
const AS_WRITTEN = new Set(['US', 'SEE', 'VS']);

function gazetteer(unsorted: readonly PlaceName[]): Gazetteer {
  const names = [...unsorted].sort((a, b) => b.words.length - a.words.length);
  return {
    byFirst: groupBy(names, ({ words }) => words[0] ?? ''),
    singles: groupBy(names.filter(({ words }) => words.length === 1), ({ words }) => words[0]?.charAt(0) ?? ''),
  };
}

function groupBy(names: readonly PlaceName[], keyOf: (name: PlaceName) => string): Map<string, PlaceName[]> {
  const groups = new Map<string, PlaceName[]>();
  for (const name of names) {
    const key = keyOf(name);
    const group = groups.get(key);
    if (group) group.push(name);
    else groups.set(key, [name]);
  }
  return groups;
}

/** A name, and the same with the umlauts written out: Zürich, Zuerich. */
function spellings(name: string): string[] {
  const written = name.replace(/[äöüÄÖÜ]/g, (letter) => `${letter.normalize('NFD').charAt(0)}e`);
  return written === name ? [name] : [name, written];
}

let world: Gazetteer | undefined;

/** Countries, groups of them, their adjectives and the larger cities, in six languages; made once. */
export function worldPlaces(): Gazetteer {
  if (world) return world;
  const names = new Map<string, PlaceName>();
  // The first list wins: a name that two countries share stays with the one of the earlier list.
  const add = (said: string, place: Omit<PlaceName, 'words'>): void => {
    for (const spelling of spellings(said)) {
      const words = nameWords(spelling);
      const key = words.join(' ');
      if (key && !names.has(key)) names.set(key, { words, ...place, ...(AS_WRITTEN.has(said) ? { exactly: said } : {}) });
    }
  };
  for (const list of [MORE_COUNTRY_NAMES, en.countries, de.countries, fr.countries, it.countries, es.countries, nl.countries] as readonly Names[]) {
    for (const [code, said] of Object.entries(list)) for (const name of typeof said === 'string' ? [said] : said) add(name, { countries: [code] });
  }
  for (const [codes, said] of REGIONS) for (const name of said) add(name, { countries: codes.split(' ') });
  for (const [codes, said] of REGION_ADJECTIVES) for (const name of said) add(name, { countries: codes.split(' '), adjective: true });
  for (const [code, words] of demonyms()) for (const word of words) add(word, { countries: [code], adjective: true });
  addCities(names, Object.entries(CITIES).flatMap(([country, list]) => list.split(';').map((group) => ({ country, said: group.split('|').map((name) => name.trim()) }))));
  world = gazetteer([...names.values()]);
  return world;
}

function addCities(names: Map<string, PlaceName>, cities: readonly { readonly country: string; readonly said: readonly string[] }[]): void {
  for (const { country, said } of cities) {
    const city = said[0];
    if (city === undefined) continue;
    for (const name of said.flatMap(spellings)) {
      const words = nameWords(name);
      const known = names.get(words.join(' '));
      if (!known) names.set(words.join(' '), { words, countries: [country], city });
      else if (known.city === city && !known.countries.includes(country)) names.set(words.join(' '), { ...known, countries: [...known.countries, country] });
    }
  }
}

const markets = new WeakMap<readonly City[], Gazetteer>();

/** Cities where the market has nodes, by every name we know for them. */
export function marketPlaces(cities: readonly City[]): Gazetteer {
  const made = markets.get(cities);
  if (made) return made;
  const names = new Map<string, PlaceName>();
  const all = worldPlaces();
  addCities(names, cities.map(({ city, country }) => {
    const words = nameWords(city);
    const known = all.byFirst.get(words[0] ?? '')?.find((name) => name.city !== undefined && name.words.join(' ') === words.join(' ') && name.countries.includes(country));
    const others = known === undefined ? [] : [...all.byFirst.values()].flat().filter((name) => name.city === known.city && name.countries.includes(country)).map((name) => name.words.join(' '));
    return { country, said: [city, ...others] };
  }));
  const result = gazetteer([...names.values()]);
  markets.set(cities, result);
  return result;
}

/** Codes assigned by ISO 3166. */
export function isCountryCode(code: string): boolean {
  return Object.hasOwn(en.countries, code);
}
