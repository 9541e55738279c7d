import de from 'i18n-iso-countries/langs/de.json' with { type: 'json' };
import en from 'i18n-iso-countries/langs/en.json' with { type: 'json' };
import es from 'i18n-iso-countries/langs/es.json' with { type: 'json' };
import fr from 'i18n-iso-countries/langs/fr.json' with { type: 'json' };
import it from 'i18n-iso-countries/langs/it.json' with { type: 'json' };
import nl from 'i18n-iso-countries/langs/nl.json' with { type: 'json' };
import { tokenize } from './tokens.ts';

type Names = Readonly<Record<string, string | readonly string[]>>;

/** Names that the ISO lists lack: short forms, older names. */
const MORE: Names = {
  GB: ['UK', 'U.K.', 'Great Britain', 'Britain', 'England', 'Grossbritannien', 'Grande-Bretagne', 'Gran Bretagna', 'Gran Bretaña', 'Groot-Brittannië', 'Engeland'],
  US: ['USA', 'U.S.', 'U.S.A.', 'America', 'United States', 'Vereinigte Staaten', 'États-Unis', 'Stati Uniti', 'Estados Unidos', 'Verenigde Staten'],
  NL: ['Holland', 'the Netherlands', 'Hollande', 'Olanda', 'Holanda'],
  CZ: ['Czechia', 'Czech Republic', 'Tschechien', 'République tchèque', 'Repubblica Ceca', 'República Checa', 'Tsjechië'],
  CH: ['Suisse', 'Schweiz', 'Svizzera', 'Suiza', 'Zwitserland', 'Swiss Confederation', 'Confoederatio Helvetica'],
  AE: ['UAE', 'Emirates'],
  KR: ['South Korea', 'Südkorea'],
  LU: ['Luxemburg', 'Luxembourg'],
};

/** Adjectives, which people use as places: a Swiss archive. */
const ADJECTIVES: Names = {
  CH: ['Swiss', 'Schweizer', 'schweizerisch', 'schweizerische', 'schweizerisches', 'suisses', 'svizzero', 'svizzeri', 'svizzere', 'suizo', 'suiza', 'suizos', 'Zwitsers', 'Zwitserse'],
  DE: ['German', 'deutsch', 'deutsche', 'deutsches', 'deutschen', 'allemand', 'allemande', 'tedesco', 'tedesca', 'alemán', 'alemana', 'Duits', 'Duitse'],
  FR: ['French', 'französisch', 'französische', 'französisches', 'français', 'française', 'francese', 'francés', 'francesa', 'Frans', 'Franse'],
  IT: ['Italian', 'italienisch', 'italienisches', 'italienische', 'italien', 'italienne', 'italiano', 'italiana', 'Italiaans', 'Italiaanse'],
  ES: ['Spanish', 'spanisch', 'spanisches', 'spanische', 'espagnol', 'espagnole', 'spagnolo', 'spagnola', 'español', 'española', 'Spaans', 'Spaanse'],
  NL: ['Dutch', 'niederländisch', 'niederländisches', 'niederländische', 'néerlandais', 'néerlandaise', 'olandese', 'holandés', 'holandesa', 'Nederlands', 'Nederlandse'],
  BE: ['Belgian', 'belgisch', 'belgisches', 'belgische', 'belge', 'belga'],
  AT: ['Austrian', 'österreichisch', 'österreichisches', 'österreichische', 'autrichien', 'autrichienne', 'austriaco', 'austriaca', 'Oostenrijks', 'Oostenrijkse'],
  GB: ['British', 'britisch', 'britisches', 'britannique', 'britannico', 'británico', 'Brits', 'Britse'],
  US: ['American', 'amerikanisch', 'amerikanisches', 'américain', 'américaine', 'americano', 'americana', 'Amerikaans'],
  SE: ['Swedish', 'schwedisch', 'suédois', 'svedese', 'sueco', 'Zweeds'],
  NO: ['Norwegian', 'norwegisch', 'norvégien', 'norvegese', 'noruego', 'Noors'],
  DK: ['Danish', 'dänisch', 'danois', 'danese', 'danés', 'Deens'],
  FI: ['Finnish', 'finnisch', 'finlandais', 'finlandese', 'finlandés'],
  PL: ['Polish', 'polnisch', 'polonais', 'polacco', 'polaco'],
  PT: ['Portuguese', 'portugiesisch', 'portugais', 'portoghese', 'portugués', 'Portugees'],
  IE: ['Irish', 'irisch', 'irlandais', 'irlandese', 'irlandés', 'Iers'],
  IS: ['Icelandic', 'isländisch', 'islandais', 'islandese', 'islandés', 'IJslands'],
};

/** Groups of countries, by the names people use. */
const GROUPS: readonly (readonly [codes: string, names: readonly string[]])[] = [
  ['AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK', ['EU', 'European Union', 'Europäische Union', 'Europäischen Union', 'Union européenne', 'Unione europea', 'Unión Europea', 'Europese Unie', 'UE']],
  ['AT CH DE', ['DACH', 'D-A-CH']],
  ['BE LU NL', ['Benelux']],
  ['DK FI IS NO SE', ['Nordics', 'Nordic countries']],
];

/** The same city in other languages, by the normalized name of one of them. */
const CITY_NAMES: readonly (readonly string[])[] = [
  ['geneva', 'geneve', 'genf', 'ginevra', 'ginebra'],
  ['zurich', 'zuerich', 'zurigo'],
  ['basel', 'basle', 'bale', 'basilea', 'bazel'],
  ['bern', 'berne', 'berna'],
  ['lausanne', 'losanna', 'lausana'],
  ['lucerne', 'luzern', 'lucerna'],
  ['munich', 'munchen', 'muenchen', 'monaco di baviera'],
  ['cologne', 'koln', 'koeln', 'colonia', 'keulen'],
  ['vienna', 'wien', 'vienne', 'viena', 'wenen'],
  ['milan', 'milano', 'mailand', 'milaan'],
  ['paris', 'parigi', 'parijs'],
  ['brussels', 'bruxelles', 'brussel', 'bruselas'],
  ['ghent', 'gent', 'gand', 'gante'],
  ['london', 'londres', 'londra', 'londen'],
  ['lyon', 'lyons', 'lione'],
];

export interface PlaceName {
  readonly words: readonly string[];
  readonly countries: readonly string[];
  readonly city?: string;
}

export interface City {
  readonly city: string;
  readonly country: string;
}

/** Words of a name as requests are cut: normalized, without symbols. */
export function nameWords(name: string): string[] {
  return tokenize(name).filter((token) => token.kind !== 'symbol').map((token) => token.norm);
}

/** Names by their first word, longest first; and those of one word by their first letter, where slips are looked for. */
export interface Gazetteer {
  readonly byFirst: ReadonlyMap<string, readonly PlaceName[]>;
  readonly singles: ReadonlyMap<string, readonly PlaceName[]>;
}

let countryNames: Gazetteer | undefined;

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

/** Names of countries and groups of them in six languages; made once. */
export function countries(): Gazetteer {
  if (countryNames) return countryNames;
  const names = new Map<string, PlaceName>();
  const add = (name: string, codes: readonly string[]): void => {
    const words = nameWords(name);
    const key = words.join(' ');
    // The first list wins: a name that two countries share stays with the one of the earlier language.
    if (key && !names.has(key)) names.set(key, { words, countries: codes });
  };
  for (const list of [MORE, en.countries, de.countries, fr.countries, it.countries, es.countries, nl.countries, ADJECTIVES] as readonly Names[]) {
    for (const [code, said] of Object.entries(list)) for (const name of typeof said === 'string' ? [said] : said) add(name, [code]);
  }
  for (const [codes, said] of GROUPS) for (const name of said) add(name, codes.split(' '));
  countryNames = gazetteer([...names.values()]);
  return countryNames;
}

/** Names of the cities where the market has nodes, in the languages known. */
export function cityNames(cities: readonly City[]): Gazetteer {
  const names = cities.flatMap(({ city, country }) => {
    const own = nameWords(city).join(' ');
    const others = CITY_NAMES.find((group) => group.includes(own)) ?? [];
    return [...new Set([own, ...others])].map((name) => ({ words: name.split(' '), countries: [country], city }));
  });
  return gazetteer(names);
}

/** Codes assigned by ISO 3166. */
export function isCountryCode(code: string): boolean {
  return Object.hasOwn(en.countries, code);
}
