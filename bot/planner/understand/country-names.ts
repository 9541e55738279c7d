/** Names that the ISO lists lack: short forms, inflected forms, older names, parts that stand for the whole. */
export const MORE_COUNTRY_NAMES: Readonly<Record<string, readonly string[]>> = {
  GB: ['UK', 'U.K.', 'Great Britain', 'Britain', 'England', 'Scotland', 'Wales', 'Northern Ireland', 'Großbritannien', 'Schottland', 'Nordirland', 'Vereinigten Königreich', 'Vereinigtes Königreich', 'Grande-Bretagne', 'Angleterre', 'Écosse', 'Pays de Galles', 'Irlande du Nord', 'Gran Bretagna', 'Inghilterra', 'Scozia', 'Galles', 'Irlanda del Nord', 'Gran Bretaña', 'Inglaterra', 'Escocia', 'Gales', 'Groot-Brittannië', 'Engeland', 'Schotland', 'Noord-Ierland', 'Verenigd Koninkrijk'],
  US: ['USA', 'U.S.', 'U.S.A.', 'US', 'America', 'the States', 'United States', 'Vereinigte Staaten', 'Vereinigten Staaten', 'Amerika', 'États-Unis', 'Amérique', 'Stati Uniti', 'Estados Unidos', 'EE. UU.', 'EEUU', 'Verenigde Staten', 'VS', 'VSA'],
  NL: ['Holland', 'the Netherlands', 'Niederlanden', 'Hollande', 'Olanda', 'Holanda', 'Nederlanden'],
  CZ: ['Czechia', 'Czech Republic', 'Tschechien', 'Tschechischen Republik', 'Tchéquie', 'République tchèque', 'Cechia', 'Repubblica Ceca', 'Chequia', 'República Checa', 'Tsjechië'],
  CH: ['Suisse', 'Schweiz', 'Svizzera', 'Suiza', 'Zwitserland', 'Swiss Confederation', 'Confoederatio Helvetica'],
  DE: ['Allemagne', 'Deutschlands', 'Bundesrepublik', 'BRD'],
  AT: ['Österreichs', 'Oesterreich'],
  AE: ['UAE', 'Emirates', 'Emirate', 'Émirats', 'Emirati', 'Emiratos', 'Emiraten', 'VAE'],
  KR: ['South Korea', 'Korea', 'Südkorea', 'Corée', 'Corea', 'Corea del Sur'],
  KP: ['Corea del Norte'],
  LU: ['Luxemburg', 'Luxembourg', 'Lussemburgo', 'Luxemburgo', 'Großherzogtum', 'Grand-Duché'],
  TR: ['Türkei', 'Turkey'],
  RU: ['Russland', 'Russia'],
  SK: ['Slowakei', 'Slovaquie', 'Slowakischen Republik', 'Eslovaquia', 'Slowakije', 'Slovacchia'],
  SY: ['Syria', 'Syrien', 'Syrie', 'Siria'],
  MD: ['Moldova', 'Moldau', 'Republik Moldau'],
  MK: ['Macedonia', 'Mazedonien', 'Macédoine'],
  BY: ['Belarus', 'Weißrussland', 'Biélorussie', 'Bielorussia', 'Bielorrusia', 'Wit-Rusland'],
  VA: ['Vatican', 'Vatikan', 'Vaticano', 'Vaticaan'],
  TW: ['Taiwan'],
  MO: ['Macau'],
  CN: ['PRC', 'Volksrepublik China', 'mainland China'],
  VN: ['Viet Nam', 'Viêt Nam'],
  CV: ['Cape Verde', 'Kap Verde'],
  CI: ['Ivory Coast', 'Elfenbeinküste', 'Costa de Marfil', 'Costa d’Avorio', 'Ivoorkust'],
  TZ: ['Tanzania', 'Tansania'],
  IR: ['Iran'],
  BO: ['Bolivia'],
  VE: ['Venezuela'],
  ZA: ['South Africa', 'Südafrika', 'Afrique du Sud', 'Sudafrica', 'Sudáfrica', 'Zuid-Afrika'],
  NZ: ['New Zealand', 'Neuseeland'],
  RO: ['Rumanía', 'Rumania'],
  HU: ['Ungheria', 'Hungría'],
  LI: ['Fürstentum Liechtenstein'],
  XK: ['Kosovo'],
};

/** Countries that are words, written small. */
export const WORDS_AND_COUNTRIES: ReadonlySet<string> = new Set('china turkey jersey jordan chad guinea georgia reunion niger panama chili polen man cuba mali malte india norden bundesrepublik emirate moldau grenada dominica'.split(' '));

const EU = 'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK';
const EEA = 'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK';
const NORDICS = 'DK FI IS NO SE';
const SCANDINAVIA = 'DK NO SE';
const BALTICS = 'EE LT LV';

/** Groups of countries, by the names people use in six languages. */
export const REGIONS: readonly (readonly [codes: string, names: readonly string[]])[] = [
  [EU, ['EU', 'E.U.', 'UE', 'European Union', 'EU countries', 'EU member states', 'EU states', 'EU-Raum', 'EU-Länder', 'EU-Ländern', 'EU-Staaten', 'EU-Ausland', 'EU-Mitgliedstaaten', 'EU-Mitgliedsstaaten', 'Europäische Union', 'Europäischen Union', 'Union européenne', 'pays de l’UE', 'Unione europea', 'Paesi UE', 'Unión Europea', 'Europese Unie', 'EU-landen', 'EU-lidstaten', 'EU-lidstaat', 'EU-land']],
  [EEA, ['EEA', 'EWR', 'EEE', 'SEE', 'EER', 'European Economic Area', 'EWR-Raum', 'EWR-Länder', 'EWR-Staaten', 'Europäischer Wirtschaftsraum', 'Europäischen Wirtschaftsraum', 'Europäischen Wirtschaftsraums', 'Espace économique européen', 'Spazio economico europeo', 'Espacio Económico Europeo', 'Europese Economische Ruimte', 'EER-landen']],
  ['AT CH DE', ['DACH', 'D-A-CH', 'DACH-Region', 'DACH region', 'DACH-Raum', 'DACH-regio', 'DACH-Länder', 'région DACH', 'area DACH', 'regione DACH', 'región DACH', 'zone DACH']],
  ['BE LU NL', ['Benelux', 'Benelux-Raum', 'Beneluxstaaten', 'Benelux-Staaten', 'Beneluxländer', 'Beneluxländern', 'Benelux-Länder', 'Benelux countries', 'Beneluxlanden', 'Benelux-landen', 'Bénélux']],
  [NORDICS, ['Nordics', 'the Nordics', 'Nordic countries', 'Nordic region', 'Nordic states', 'nordische Länder', 'nordischen Länder', 'nordischen Ländern', 'nordischen Staaten', 'nordischen Raum', 'Norden Europas', 'pays nordiques', 'pays nordique', 'Paesi nordici', 'Paese nordico', 'Stati nordici', 'países nórdicos', 'país nórdico', 'Noordse landen', 'Noordse land', 'Noords land', 'Noordse regio']],
  [SCANDINAVIA, ['Scandinavia', 'Scandinavian countries', 'Scandinavian country', 'Skandinavien', 'Skandinaviens', 'skandinavische Länder', 'skandinavischen Länder', 'skandinavischen Ländern', 'skandinavischen Raum', 'Scandinavie', 'pays scandinaves', 'pays scandinave', 'Paesi scandinavi', 'Paese scandinavo', 'Escandinavia', 'países escandinavos', 'país escandinavo', 'Scandinavië', 'Scandinavische landen', 'Scandinavisch land']],
  [BALTICS, ['Baltics', 'the Baltics', 'Baltic states', 'Baltic countries', 'Baltic state', 'Baltic country', 'Baltikum', 'Baltikums', 'baltische Staaten', 'baltischen Staaten', 'baltischen Ländern', 'baltische Länder', 'pays baltes', 'pays balte', 'États baltes', 'Baltique', 'Paesi baltici', 'Stati baltici', 'Repubbliche baltiche', 'países bálticos', 'estados bálticos', 'repúblicas bálticas', 'país báltico', 'Baltische staten', 'Baltische landen', 'Baltische staat', 'Baltische Republiken', 'Baltische republieken']],
  ['ES PT', ['Iberia', 'Iberian peninsula', 'Iberien', 'Iberische Halbinsel', 'Iberischen Halbinsel', 'Ibérie', 'péninsule ibérique', 'penisola iberica', 'península ibérica', 'Iberisch schiereiland', 'Iberische schiereiland']],
];

/** Adjectives of these groups: Nordic data centres. */
export const REGION_ADJECTIVES: readonly (readonly [codes: string, names: readonly string[]])[] = [
  [NORDICS, ['Nordic', 'nordisch', 'nordische', 'nordischen', 'nordischer', 'nordisches', 'nordique', 'nordiques', 'nordico', 'nordici', 'nórdico', 'nórdicos', 'Noords', 'Noordse']],
  [SCANDINAVIA, ['Scandinavian', 'skandinavisch', 'skandinavische', 'skandinavischen', 'skandinavischem', 'skandinavischer', 'skandinavisches', 'scandinave', 'scandinaves', 'scandinavo', 'scandinava', 'scandinavi', 'escandinavo', 'escandinava', 'escandinavos', 'Scandinavisch', 'Scandinavische']],
  [BALTICS, ['Baltic', 'baltisch', 'baltische', 'baltischen', 'balte', 'baltes', 'baltico', 'baltici', 'báltico', 'bálticos']],
  ['ES PT', ['Iberian', 'iberisch', 'iberische', 'iberischen', 'ibérique', 'iberico', 'ibérico']],
];
