import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Places, readPlaces } from './places.ts';
import { Request } from './tokens.ts';

const THINGS = new Set(['archive', 'archiv', 'archivio', 'archivo', 'archief', 'crm']);
const isThing = (norm: string): boolean => THINGS.has(norm);
const read = (text: string, from?: readonly string[]): Places => readPlaces(new Request(text), [], { isWord: isThing, isThing, from });
const said = (places: Places): string => (places.ok ? [...new Set([...places.countries.flatMap(({ countries }) => countries), ...places.cities.flatMap(({ city }) => city ?? [])])].sort().join(' ') : places.code);
const EU = 'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK'.split(' ');
const eu = (...without: readonly string[]): string => EU.filter((code) => !without.includes(code)).join(' ');

const table: readonly (readonly [text: string, places: string])[] = [
  // Countries by name, adjective, code
  ['archive in Switzerland', 'CH'], ['Archiv in der Schweiz', 'CH'], ['archive en Suisse', 'CH'], ['archivio in Svizzera', 'CH'], ['archivo en Suiza', 'CH'], ['archief in Zwitserland', 'CH'],
  ['archive on Norwegian soil', 'NO'], ['Archiv auf deutschem Boden', 'DE'], ['archivio su suolo tedesco', 'DE'], ['archivo en suelo sueco', 'SE'], ['archief op Nederlandse bodem', 'NL'], ['a Swiss archive', 'CH'], ['kept on Swedish or Finnish soil', 'FI SE'],
  ['archive CH/DE', 'CH DE'], ['archive in CH and AT', 'AT CH'], ['archive in the US', 'US'], ['give us an archive', ''], ['archive for our IT department', ''], ['archive in IT', 'IT'], ['archive in the States', 'US'], ['archive in turkey', 'TR'],
  // Groups and exceptions
  ['archive in the EU', eu()], ['archive, EU-wide', eu()], ['archivo dentro de la Unión Europea', eu()], ['anywhere in the EU except France', eu('FR')], ['Archiv in der EU ohne Ungarn und Polen', eu('HU', 'PL')], ["archive dans l'UE, hors Irlande", eu('IE')], ["archivio nell'UE tranne l'Italia", eu('IT')],
  ['archivo en la UE, salvo Rumanía', eu('RO')], ['archief in de EU behalve Duitsland', eu('DE')], ['inside the EU but neither in Germany nor in France', eu('DE', 'FR')], ['nell’Unione europea, Grecia e Bulgaria escluse', eu('BG', 'GR')], ['within the Benelux, Luxembourg excepted', 'BE NL'],
  ['skandinavische Rechenzentren, nur Schweden nicht', 'DK NO'], ['in den nordischen Ländern, Island ausgeschlossen', 'DK FI NO SE'], ['dans les pays baltes', 'EE LT LV'], ['en la península ibérica', 'ES PT'], ['DACH region only', 'AT CH DE'], ['not in Spain but anywhere else in Iberia', 'PT'],
  ['in qualunque Paese del SEE fuorché l’Islanda', [...EU, 'LI', 'NO'].sort().join(' ')], ['you see an archive', ''],
  // Excluded alone; and what is denied twice
  ['archive anywhere but China', 'invalid_value'], ['Archiv, nur nicht in Russland', 'invalid_value'], ['une archive, pas aux États-Unis', 'invalid_value'], ['un archivio fuori dalla Cina', 'invalid_value'], ['un archivo que no esté en China', 'invalid_value'], ['een archief, overal behalve in China', 'invalid_value'],
  ['archive that never leaves Switzerland', 'CH'], ['nowhere but Switzerland', 'CH'], ['rien en dehors de la Suisse', 'CH'], ['in France except France', 'invalid_value'],
  // Cities
  ['archive in Zürich', 'Zurich'], ['Archiv in Zuerich', 'Zurich'], ['archivio a Zurigo', 'Zurich'], ['archive à Genève', 'Geneva'], ['Archiv in München', 'Munich'], ['archivio a Monaco di Baviera', 'Munich'], ['archivio a Monaco', 'MC'], ["un archivio all'Aia", 'The Hague'], ['archief in Den Haag', 'The Hague'],
  ['archive à Anvers', 'Antwerp'], ['archivo en Sevilla', 'Seville'], ['archief in Keulen', 'Cologne'], ['Archiv in Mailand', 'Milan'], ['archive in Vienna, Austria', 'AT Vienna'], ['archive in New York', 'New York'], ['archive in Gstaad, Switzerland', 'CH Gstaad'],
  // Words that are places too
  ['a nice archive', ''], ['archive à Nice', 'Nice'], ['archive for reading', ''], ['archive in Reading', 'Reading'], ['Archiv für das Essen', ''], ['Archiv in Essen', 'Essen'], ['VPN between berlin-office and paris-office', ''], ['an archive for our Italian restaurant', ''], ['CRM for 20 German users', ''],
  ['Greetings from Munich! An archive in Sweden', 'SE'],
  // Slips
  ['archive in Swizerland', 'CH'], ['Archiv in Östereich', 'AT'], ['archivio in Gremania', 'DE'], ['archief in Amsterdma', 'Amsterdam'], ['archivo en la Unon Europea', eu()],
  // Taken back
  ['archive in Germany, no, in France', 'FR'], ['archive à Paris, pardon, à Lyon', 'Lyon'], ['archivio a Milano, anzi a Torino', 'Turin'], ['Archiv in Hintertupfingen? Nein: in Deutschland', 'DE'], ['in Deutschland, aber nicht in Berlin? Nein, egal wo in Deutschland', 'DE'],
  // Unknown; and ordinary words
  ['archive in Atlantis', 'unknown_place'], ['archive in Middle-earth', 'unknown_place'], ['archive on the Moon', 'unknown_place'], ['Archiv in Hintertupfingen', 'unknown_place'], ['une archive de 2 To à Trifouillis', 'unknown_place'], ['un archivio a Paperopoli', 'unknown_place'], ['un archivo en Villaconejitos', 'unknown_place'], ['een archief in Verweggistan', 'unknown_place'], ['archive in XX', 'unknown_place'], ['archive in Europe', 'unknown_place'],
  ['archive for use in production', ''], ['Archiv in der Cloud', ''], ['Archiv im eigenen Rechenzentrum', ''], ['archivo en producción', ''], ['archivio nel cloud', ''], ['archive in total 3 TB', ''], ['archief in de cloud', ''], ['please answer in English', ''],
];

describe('readPlaces', () => {
  it.each(table)('%s', (text, places) => expect(said(read(text))).toBe(places));

  it('takes exclusions from countries that are known already', () => {
    expect(said(read('without Austria', ['AT', 'CH', 'DE']))).toBe('CH DE');
    expect(said(read('without Austria', ['AT']))).toBe('invalid_value');
  });

  it('knows the cities of the market, by their other names too', () => {
    const market = [{ city: 'Zürich', country: 'CH' }, { city: 'Bikini Bottom', country: 'MH' }];
    const places = readPlaces(new Request('archive in Bikini Bottom or Zurigo'), market, { isWord: isThing, isThing });
    expect(said(places)).toBe('Bikini Bottom Zürich');
  });

  it('never throws, and gives ranges inside the request', () => {
    const words = fc.constantFrom('in', 'the', 'EU', 'except', 'not', 'France', 'Zürich', ',', 'and', 'nicht', 'sauf', 'à', 'Nowhereland', 'no', 'but', 'CH', 'Swiss', "'", '-', '.');
    fc.assert(
      fc.property(fc.array(words, { maxLength: 30 }), (list) => {
        const request = new Request(list.join(' '));
        const places = readPlaces(request, [], { isWord: () => false, isThing: () => false });
        return !places.ok || [...places.countries, ...places.cities].every(({ from, to }) => from >= 0 && from < to && to <= request.tokens.length);
      }),
      { seed: 43, numRuns: 300 },
    );
  });
});
