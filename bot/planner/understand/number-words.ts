import type { Language } from './language.ts';
import { normalize } from './tokens.ts';

/** Number words by language: 0 to 19, then the tens from 20; `/` separates spellings. */
const BASIC: Readonly<Record<Language, readonly [small: string, tens: string]>> = {
  en: ['zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen', 'twenty thirty forty/fourty fifty sixty seventy eighty ninety'],
  de: ['null eins zwei/zwo drei vier fünf/fuenf sechs sieben acht neun zehn elf zwölf/zwoelf dreizehn vierzehn fünfzehn/fuenfzehn sechzehn siebzehn achtzehn neunzehn', 'zwanzig dreißig/dreissig vierzig fünfzig/fuenfzig sechzig siebzig achtzig neunzig'],
  fr: ['zéro - deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize - - -', 'vingt/vingts trente quarante cinquante soixante septante octante/huitante nonante'],
  it: ['zero - due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove', 'venti trenta quaranta cinquanta sessanta settanta ottanta novanta'],
  es: ['cero - dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve', 'veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa'],
  nl: ['nul één twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien achttien negentien', 'twintig dertig veertig vijftig zestig zeventig tachtig negentig'],
};

/** Counts that are nouns: `a dozen`, `une vingtaine`. */
const COLLECTIVES: Readonly<Record<Language, string>> = {
  en: 'dozen=12 couple=2 pair=2 score=20 trio=3 quartet=4',
  de: 'dutzend=12 trio=3',
  fr: 'dizaine=10 douzaine=12 quinzaine=15 vingtaine=20 trentaine=30 quarantaine=40 cinquantaine=50 soixantaine=60 centaine=100 couple=2 paire=2 trio=3',
  it: 'decina=10 dozzina=12 quindicina=15 ventina=20 trentina=30 quarantina=40 cinquantina=50 centinaio=100 paio=2 coppia=2 trio=3 terzetto=3',
  es: 'decena=10 docena=12 quincena=15 veintena=20 treintena=30 cincuentena=50 centenar=100 par=2 pareja=2 trio=3',
  nl: 'dozijn=12 tiental=10 twintigtal=20 tientallen=10 drietal=3 viertal=4 vijftal=5 zestal=6 achttal=8',
};

const SCALES: Readonly<Record<Language, string>> = {
  en: 'hundred=100 thousand=1000 million=1000000 millions=1000000 billion=1000000000',
  de: 'hundert=100 tausend=1000 million=1000000 millionen=1000000 milliarde=1000000000 milliarden=1000000000',
  fr: 'cent=100 cents=100 mille=1000 million=1000000 millions=1000000 milliard=1000000000 milliards=1000000000',
  it: 'cento=100 mille=1000 mila=1000 milione=1000000 milioni=1000000 miliardo=1000000000 miliardi=1000000000',
  es: 'cien=100 ciento=100 cientos=100 mil=1000 millon=1000000 millones=1000000',
  nl: 'honderd=100 duizend=1000 miljoen=1000000 miljard=1000000000',
};

const ARTICLES: Readonly<Record<Language, string>> = {
  en: 'a an', de: 'ein eine einen einem einer eines furn nen ne ner', fr: 'un une', it: 'un uno una', es: 'un uno una', nl: 'een n',
};

/** `zu dritt`, `met zijn vieren`, from two on. */
const TOGETHER: Readonly<Record<Language, string>> = { en: '', de: 'zweit dritt viert funft sechst siebt acht neunt zehnt elft zwolft', fr: '', it: '', es: '', nl: 'tweeen drieen vieren vijven zessen zevenen achten negenen tienen elven twaalven' };

/** `a single core` */
const SINGLE: Readonly<Record<Language, string>> = { en: 'single', de: 'einzige einzigen einziger einziges einzelne einzelnen einzelner ganzer ganzen voller vollen', fr: 'seul seule', it: 'singolo singola', es: 'unico unica', nl: 'enkel' };

const HUNDREDS_ES = 'doscientos/doscientas trescientos/trescientas cuatrocientos/cuatrocientas quinientos/quinientas seiscientos/seiscientas setecientos/setecientas ochocientos/ochocientas novecientos/novecientas';

/** Words that count in one language and mean something else in another: `run once`, `onze website`, `due in May`. */
const ONLY_AT_HOME = new Set(['once', 'onze', 'due', 'sei', 'an', 'a', 'ten', 'par', 'pair', 'cent', 'cents', 'nul', 'null', 'dos', 'mil', 'n', 'ne', 'ner', 'nen', 'score', 'six', 'sept', 'neuf', 'couple', 'elf', 'tre', 'mille', 'een', 'ein', 'un', 'una', 'uno', 'une', 'seul', 'seule', 'unico', 'unica', 'enkel']);
const FOREIGN_ARTICLES = new Set(['un', 'una', 'une', 'ein', 'een']);
const TWO_HOMES: ReadonlyMap<string, readonly Language[]> = new Map(Object.entries<readonly Language[]>({ six: ['en', 'fr'], couple: ['en', 'fr'], elf: ['de', 'nl'], un: ['fr', 'it', 'es'], una: ['it', 'es'], uno: ['it', 'es'], mille: ['fr', 'it'], zero: ['en', 'it'] }));

export interface NumberWord {
  readonly value: number;
  readonly kind: 'small' | 'scale' | 'collective' | 'article';
}

/** `one` inside a compound. */
const ONES: Readonly<Record<Language, readonly string[]>> = { en: ['one'], de: ['ein'], fr: ['un'], it: ['uno', 'un'], es: ['uno', 'un', 'una'], nl: ['een'] };

const words: Readonly<Record<Language, ReadonlyMap<string, NumberWord>>> = { en: table('en'), de: table('de'), fr: table('fr'), it: table('it'), es: table('es'), nl: table('nl') };
const LANGUAGES = ['en', 'de', 'fr', 'it', 'es', 'nl'] as const;

function spellings(list: string): string[][] {
  return list.split(' ').map((each) => (each === '-' ? [] : each.split('/').map(normalize)));
}

function pairsOf(list: string): [string, number][] {
  return list.split(' ').map((each) => {
    const [word = '', value] = each.split('=');
    return [word, Number(value)];
  });
}

function table(language: Language): Map<string, NumberWord> {
  const made = new Map<string, NumberWord>();
  const put = (word: string, value: number, kind: NumberWord['kind'] = 'small'): void => {
    if (!made.has(word)) made.set(word, { value, kind });
  };
  const [small, tens] = [spellings(BASIC[language][0]), spellings(BASIC[language][1])];
  for (const article of ARTICLES[language].split(' ')) put(article, 1, 'article');
  for (const [value, names] of small.entries()) for (const name of names) put(name, value);
  for (const [i, names] of tens.entries()) {
    for (const ten of names) {
      put(ten, 20 + 10 * i);
      for (const [unit, digits] of small.slice(0, 10).entries()) {
        for (const digit of unit === 1 ? ONES[language] : digits) for (const word of glued(language, ten, digit)) if (unit > 0) put(word, 20 + 10 * i + unit);
      }
    }
  }
  if (language === 'it') for (const [i, names] of tens.entries()) for (const ten of names) put(ten.slice(0, -1), 20 + 10 * i);
  if (language === 'es') for (const [i, names] of spellings(HUNDREDS_ES).entries()) for (const name of names) put(name, 200 + 100 * i);
  for (const word of SINGLE[language].split(' ')) put(word, 1);
  for (const [i, word] of TOGETHER[language].split(' ').entries()) if (word !== '') put(word, i + 2);
  for (const [word, value] of pairsOf(COLLECTIVES[language])) put(word, value, 'collective');
  for (const [word, value] of pairsOf(SCALES[language])) put(word, value, 'scale');
  return made;
}

/** A ten and a unit as one word. */
function glued(language: Language, ten: string, unit: string): string[] {
  switch (language) {
    case 'de': return [`${unit}und${ten}`];
    case 'nl': return [`${unit}en${ten}`];
    case 'it': return [/^[uo]/.test(unit) ? ten.slice(0, -1) + unit : ten + unit];
    case 'es': return ten === 'veinte' ? [`veinti${unit}`] : [`${ten.slice(0, -1)}i${unit}`];
    case 'en': return [ten + unit];
    case 'fr': return [];
  }
}

/** What a word counts; words of other languages only where they can mean nothing else. */
export function numberWord(norm: string, language: Language): NumberWord | undefined {
  const own = words[language].get(norm) ?? compound(norm, language);
  if (own) return own;
  const homes = TWO_HOMES.get(norm);
  // English is guessed where nothing tells: what is no English word may be an article of another language.
  if (ONLY_AT_HOME.has(norm) && !homes?.includes(language) && !(language === 'en' && FOREIGN_ARTICLES.has(norm))) return undefined;
  for (const other of LANGUAGES) {
    const found = other === language ? undefined : (words[other].get(norm) ?? compound(norm, other));
    if (found) return found;
  }
  return undefined;
}

const GLUED_SCALES: Readonly<Record<Language, readonly (readonly [word: string, value: number])[]>> = {
  en: [], fr: [], es: [],
  de: [['tausend', 1000], ['hundert', 100]],
  it: [['mila', 1000], ['mille', 1000], ['cento', 100]],
  nl: [['duizend', 1000], ['honderd', 100]],
};

/** zweihundertfünfzig, duecentomila, driehonderdvijftig: number words written as one. */
function compound(word: string, language: Language, depth = 0): NumberWord | undefined {
  if (depth > 3 || word.length > 40) return undefined;
  const part = (text: string): number | undefined => {
    if (ONES[language].includes(text)) return 1;
    const found = words[language].get(text) ?? compound(text, language, depth + 1);
    return found?.kind === 'small' ? found.value : undefined;
  };
  for (const [name, scale] of GLUED_SCALES[language]) {
    const at = word.indexOf(name);
    if (at < 0) continue;
    const left = at === 0 ? 1 : part(word.slice(0, at));
    const right = at + name.length === word.length ? 0 : part(word.slice(at + name.length).replace(/^(?:und|en)/, ''));
    if (left !== undefined && right !== undefined && (left > 1 || right > 0 || depth > 0)) return { value: left * scale + right, kind: 'small' };
  }
  return undefined;
}

/** Every number word of at least so many letters. */
export function longNumberWords(letters: number): string[] {
  return LANGUAGES.flatMap((language) => [...words[language].keys()]).filter((word) => word.length >= letters);
}

/** Number words of one to nine and the tens, for slips of the typist after a ten (`twenty fiv`). */
export function digitWords(language: Language): readonly (readonly [string, number])[] {
  return spellings(BASIC[language][0]).slice(0, 10).flatMap((names, value) => (value > 0 ? names.map((name) => [name, value] as const) : []));
}
