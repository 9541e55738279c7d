import type { Language } from './language.ts';
import type { Range, Request, Token } from './tokens.ts';

/** An exact number that is not negative. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}
export interface NumberReading extends Range, Rational {
  readonly negative: boolean;
  /** Written as a word such as `a` or `ein`: only a unit makes it a number. */
  readonly article: boolean;
}

/** Most digits of one number. */
const MAX_DIGITS = 24;

const WORDS: Readonly<Record<string, number>> = {
  zero: 0, null: 0, nul: 0, cero: 0,
  one: 1, eins: 1, two: 2, zwei: 2, deux: 2, due: 2, dos: 2, twee: 2, three: 3, drei: 3, trois: 3, tre: 3, tres: 3, drie: 3,
  four: 4, vier: 4, quatre: 4, quattro: 4, cuatro: 4, five: 5, funf: 5, fuenf: 5, cinq: 5, cinque: 5, cinco: 5, vijf: 5,
  six: 6, sechs: 6, sei: 6, seis: 6, zes: 6, seven: 7, sieben: 7, sept: 7, sette: 7, siete: 7, zeven: 7,
  eight: 8, acht: 8, huit: 8, otto: 8, ocho: 8, nine: 9, neun: 9, neuf: 9, nove: 9, nueve: 9, negen: 9,
  ten: 10, zehn: 10, dix: 10, dieci: 10, diez: 10, tien: 10, eleven: 11, elf: 11, onze: 11, undici: 11, once: 11,
  twelve: 12, dozen: 12, zwolf: 12, dutzend: 12, douze: 12, douzaine: 12, dodici: 12, dozzina: 12, doce: 12, docena: 12, twaalf: 12, dozijn: 12,
  thirteen: 13, dreizehn: 13, treize: 13, fourteen: 14, vierzehn: 14, quatorze: 14, fifteen: 15, funfzehn: 15, quinze: 15, quindici: 15, quince: 15, vijftien: 15,
  sixteen: 16, sechzehn: 16, seize: 16, sedici: 16, zestien: 16, seventeen: 17, eighteen: 18, nineteen: 19,
  twenty: 20, zwanzig: 20, vingt: 20, venti: 20, veinte: 20, twintig: 20, thirty: 30, dreissig: 30, trente: 30, trenta: 30, treinta: 30, dertig: 30,
  forty: 40, vierzig: 40, quarante: 40, quaranta: 40, cuarenta: 40, veertig: 40, fifty: 50, funfzig: 50, fuenfzig: 50, cinquante: 50, cinquanta: 50, cincuenta: 50, vijftig: 50,
  sixty: 60, sechzig: 60, soixante: 60, sessanta: 60, sesenta: 60, zestig: 60, seventy: 70, siebzig: 70, settanta: 70, setenta: 70, zeventig: 70,
  eighty: 80, achtzig: 80, ottanta: 80, ochenta: 80, tachtig: 80, ninety: 90, neunzig: 90, novanta: 90, noventa: 90, negentig: 90,
};
const SCALES: Readonly<Record<string, number>> = {
  hundred: 100, hundert: 100, cent: 100, cents: 100, cento: 100, cien: 100, ciento: 100, cientos: 100, honderd: 100,
  thousand: 1000, tausend: 1000, mille: 1000, mila: 1000, mil: 1000, duizend: 1000, million: 1e6, millionen: 1e6, millions: 1e6, milione: 1e6, milioni: 1e6, millon: 1e6, millones: 1e6, miljoen: 1e6,
};
const ARTICLES = new Set(['a', 'an', 'ein', 'eine', 'einen', 'einem', 'un', 'une', 'uno', 'una', 'een']);
const HALVES = new Set(['half', 'halbes', 'halben', 'halbe', 'halber', 'demi', 'mezzo', 'mezza', 'medio', 'media', 'halve']);
const THREE_HALVES = new Set(['anderthalb', 'eineinhalb', 'anderhalve', 'anderhalf']);
const MINUS = new Set(['-', '−', '–']);

/** Reads a number that begins at a token: digits in the notation of the language, or words. */
export function readNumber(request: Request, from: number, language: Language): NumberReading | undefined {
  const token = request.free(from);
  if (!token) return undefined;
  if (token.norm === 'minus' || MINUS.has(token.raw)) {
    const digits = request.free(from + 1);
    // `10 - 20` and `7-year` are no negative numbers: the sign begins a word and touches its digits.
    const sign = token.norm === 'minus' || (digits?.attached === true && (!token.attached || from === 0));
    const positive = sign && digits?.kind === 'number' ? readDigits(request, from + 1, language) : undefined;
    return positive && { ...positive, from, negative: true };
  }
  return token.kind === 'number' ? readDigits(request, from, language) : token.kind === 'word' ? readWords(request, from) : undefined;
}

function readDigits(request: Request, from: number, language: Language): NumberReading | undefined {
  let text = request.free(from)?.raw ?? '';
  let to = from + 1;
  // 1 000 000: groups of three after a single space.
  while (/^\d{1,3}(?: \d{3})*$/.test(text) && !text.startsWith('0')) {
    const [last, next] = [request.tokens[to - 1], request.free(to)];
    if (!last || next?.kind !== 'number' || !/^\d{3}$/.test(next.raw) || request.text.slice(last.end, next.start) !== ' ') break;
    text += ` ${next.raw}`;
    to++;
  }
  const value = parseDigits(text, language);
  return value && { from, to, ...value, negative: false, article: false };
}

/** Value of digits with separators; undefined when they make no sense. */
export function parseDigits(text: string, language: Language): Rational | undefined {
  const plain = text.replace(/['’\u00a0\u202f ]/g, '');
  if (plain.replace(/\D/g, '').length > MAX_DIGITS) return undefined;
  const marks = [...plain.replace(/\d/g, '')];
  if (marks.length === 0) return rational(plain, '');
  const last = marks.at(-1) ?? '.';
  const cut = plain.lastIndexOf(last);
  const [whole, rest] = [plain.slice(0, cut), plain.slice(cut + 1)];
  const grouped = (digits: string, mark: string): boolean => /^[1-9]\d{0,2}$/.test(digits.split(mark)[0] ?? '') && digits.split(mark).slice(1).every((group) => group.length === 3);
  if (new Set(marks).size === 2) {
    const other = last === '.' ? ',' : '.';
    return marks.indexOf(last) === marks.length - 1 && grouped(whole, other) ? rational(whole.replaceAll(other, ''), rest) : undefined;
  }
  if (marks.length > 1) return grouped(plain, last) ? rational(plain.replaceAll(last, ''), '') : undefined;
  const thousands = last === ',' ? language === 'en' : language !== 'en';
  if (thousands && grouped(plain, last)) return rational(whole + rest, '');
  return rational(whole, rest);
}

function readWords(request: Request, from: number): NumberReading | undefined {
  const half = readHalf(request, from);
  if (half) return half;
  let total = 0;
  let current: number | undefined;
  let to = from;
  for (;;) {
    const token = request.free(to);
    const word = token?.kind === 'word' ? wordValue(token) : undefined;
    if (!word) {
      // `two hundred and fifty`
      if (current !== undefined && token?.norm === 'and' && current % 100 === 0 && WORDS[request.free(to + 1)?.norm ?? ''] !== undefined) {
        to++;
        continue;
      }
      break;
    }
    if (word.scale) {
      if (word.value >= 1000) {
        total += (current ?? 1) * word.value;
        current = 0;
      } else current = (current ?? 1) * word.value;
    } else if (current !== undefined && !(current % 100 === 0 || (current % 10 === 0 && word.value < 10))) break;
    else current = (current ?? 0) + word.value;
    to++;
  }
  if (current === undefined) {
    const article = ARTICLES.has(request.free(from)?.norm ?? '');
    return article ? { from, to: from + 1, numerator: 1n, denominator: 1n, negative: false, article: true } : undefined;
  }
  const value = total + current;
  return Number.isSafeInteger(value) ? { from, to, numerator: BigInt(value), denominator: 1n, negative: false, article: false } : undefined;
}

/** `half a`, `a half`, `ein halbes`, `anderthalb`, `one and a half`. */
function readHalf(request: Request, from: number): NumberReading | undefined {
  const norm = (i: number): string => request.free(i)?.norm ?? '';
  const is = (numerator: bigint, to: number): NumberReading => ({ from, to, numerator, denominator: 2n, negative: false, article: false });
  if (THREE_HALVES.has(norm(from))) return is(3n, from + 1);
  if (HALVES.has(norm(from))) return is(1n, ARTICLES.has(norm(from + 1)) ? from + 2 : from + 1);
  if (ARTICLES.has(norm(from)) && HALVES.has(norm(from + 1))) return is(1n, from + 2);
  const whole = WORDS[norm(from)];
  if (whole !== undefined && norm(from + 1) === 'and' && norm(from + 2) === 'a' && norm(from + 3) === 'half') return is(BigInt(2 * whole + 1), from + 4);
  return undefined;
}

function wordValue(token: Token): { value: number; scale: boolean } | undefined {
  const scale = SCALES[token.norm];
  if (scale !== undefined) return { value: scale, scale: true };
  const value = WORDS[token.norm] ?? compound(token.norm, 0);
  return value === undefined ? undefined : { value, scale: false };
}

/** fünfhundert, zweiunddreissig, vijfentwintig, duecento: number words written as one. */
function compound(word: string, depth: number): number | undefined {
  if (depth > 3 || word.length > 40) return undefined;
  const part = (text: string): number | undefined => (Object.hasOwn(WORDS, text) ? WORDS[text] : compound(text, depth + 1));
  for (const [name, scale] of [['tausend', 1000], ['duizend', 1000], ['mila', 1000], ['hundert', 100], ['honderd', 100], ['cento', 100]] as const) {
    const at = word.indexOf(name);
    if (at < 0) continue;
    const left = at === 0 ? 1 : part(word.slice(0, at));
    const right = at + name.length === word.length ? 0 : part(word.slice(at + name.length));
    if (left !== undefined && right !== undefined) return left * scale + right;
  }
  for (const joint of ['und', 'en'] as const) {
    for (let at = word.indexOf(joint); at > 0; at = word.indexOf(joint, at + 1)) {
      const unit = word.slice(0, at) === 'ein' || word.slice(0, at) === 'een' ? 1 : WORDS[word.slice(0, at)];
      const ten = WORDS[word.slice(at + joint.length)];
      if (unit !== undefined && unit < 10 && ten !== undefined && ten >= 20) return unit + ten;
    }
  }
  return undefined;
}

function rational(whole: string, fraction: string): Rational {
  return { numerator: BigInt(`${whole}${fraction}`), denominator: 10n ** BigInt(fraction.length) };
}
