import type { Language } from './language.ts';
import { digitWords, type NumberWord, numberWord } from './number-words.ts';
import type { Range, Request } from './tokens.ts';
import { distance } from './typo.ts';

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

const MINUS = new Set(['-', '−', '–']);
/** `un volume de moins 5 Go`; `au moins 5` is none. */
const LESS = new Set(['moins', 'meno', 'menos', 'min']);
const OF = new Set(['de', 'di', 'da', 'von', 'van', 'of', 'mit', 'met', 'con', 'avec', 'd']);
/** `half`, `quarter` by themselves, as [numerator, denominator]. */
const FRACTIONS = fractions({
  '1/2': 'half halb halbe halber halbes halben demi demie mezzo mezza mezz medio media halve',
  '1/4': 'quarter viertel quart quarto cuarto kwart',
  '3/4': 'dreiviertel driekwart threequarters',
  '3/2': 'anderthalb anderthalbe anderthalbes eineinhalb einundeinhalb anderhalf anderhalve',
  '5/2': 'zweieinhalb zweiundeinhalb tweeenhalf tweeenhalve',
  '7/2': 'dreieinhalb dreiundeinhalb drieenhalf drieenhalve',
  '9/2': 'viereinhalb vierenhalf vierenhalve',
});
const QUARTERS = new Set(['quarters', 'viertel', 'quarts', 'quarti', 'cuartos', 'kwart']);
/** Every fraction. */
export const FRACTION_WORDS: readonly string[] = [...FRACTIONS.keys(), ...QUARTERS];
const HALF_ONLY_AT_HOME: ReadonlyMap<string, readonly Language[]> = new Map([['media', ['es']], ['medio', ['es', 'it']], ['quart', ['fr']], ['quarto', ['it']]]);
const GLYPHS: ReadonlyMap<string, readonly [bigint, bigint]> = new Map([['½', [1n, 2n]], ['¼', [1n, 4n]], ['¾', [3n, 4n]]]);
/** Between a fraction and its unit: `half a terabyte`, `trois quarts de téraoctet`. */
const PARTITIVES = new Set(['a', 'an', 'of', 'de', 'd', 'di', 'van', 'ein', 'eine', 'einem', 'einen', 'eines', 'een', 'un', 'une', 'uno', 'una', "'", '’', '-']);
/** `twenty-four`, `vingt et un`, `treinta y dos`, `two hundred and fifty`. */
const JOINTS = new Set(['-', 'and', 'et', 'y', 'und', 'en', 'e']);

function fractions(lists: Readonly<Record<string, string>>): ReadonlyMap<string, readonly [bigint, bigint]> {
  return new Map(Object.entries(lists).flatMap(([value, words]) => {
    const [above = '0', below = '1'] = value.split('/');
    return words.split(' ').map((word) => [word, [BigInt(above), BigInt(below)] as const]);
  }));
}

/** Reads a number that begins at a token: digits in the notation of the language, or words. */
export function readNumber(request: Request, from: number, language: Language): NumberReading | undefined {
  const token = request.free(from);
  if (!token) return undefined;
  if (MINUS.has(token.raw) || token.norm === 'minus' || (LESS.has(token.norm) && OF.has(request.tokens[from - 1]?.norm ?? ''))) {
    const digits = request.free(from + 1);
    // `10 - 20` and `7-year` are no negative numbers: the sign begins a word and touches its digits.
    const sign = token.kind === 'word' ? isAlone(request, from) : digits?.attached === true && (!token.attached || from === 0);
    const positive = !sign ? undefined : digits?.kind === 'number' ? readDigits(request, from + 1, language) : token.kind === 'word' ? readWords(request, from + 1, language) : undefined;
    return positive && !positive.article ? { ...positive, from, negative: true } : undefined;
  }
  if (token.kind === 'number') return readDigits(request, from, language);
  return readFraction(request, from, language) ?? (token.kind === 'word' ? readWords(request, from, language) : undefined);
}

/** `minus 5`, but not `4 minus 5` nor `at minus 5`. */
function isAlone(request: Request, at: number): boolean {
  return request.tokens[at - 1]?.kind !== 'number';
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
  if (!value) return undefined;
  const part = partOf(request, from);
  if (part) return part;
  const glyph = GLYPHS.get(request.free(to)?.raw ?? '');
  if (glyph && value.denominator === 1n) return plain(from, to + 1, value.numerator * glyph[1] + glyph[0], glyph[1]);
  const half = halfAfter(request, to);
  if (half !== undefined && value.denominator === 1n) return plain(from, half, 2n * value.numerator + 1n, 2n);
  const scale = scaleAt(request, to, language);
  return scale ? plain(from, to + 1, value.numerator * BigInt(scale), value.denominator) : plain(from, to, value.numerator, value.denominator);
}

/** `3/4 TB`: a fraction in digits, before a unit of size only, since `3/4` may be a list. */
function partOf(request: Request, from: number): NumberReading | undefined {
  const [above, slash, below] = [request.free(from), request.free(from + 1), request.free(from + 2)];
  if (!/^[1-9]$/.test(above?.raw ?? '') || slash?.raw !== '/' || !slash.attached || !/^[2-8]$/.test(below?.raw ?? '') || below?.attached !== true) return undefined;
  if (request.tokens[from - 1]?.raw === '/' || Number(above?.raw) >= Number(below.raw)) return undefined;
  const to = skipPartitives(request, from + 3);
  return /^(?:[kmgtp]i?[bo]|(?:tera|giga|peta|mega|tebi|gibi|pebi)\p{L}*|teras?|gigs?)$/u.test(request.free(to)?.norm ?? '') ? plain(from, to, BigInt(above?.raw ?? '0'), BigInt(below.raw)) : undefined;
}

/** `2 million`, `2k`: what stands after digits and multiplies them. */
function scaleAt(request: Request, at: number, language: Language): number | undefined {
  const token = request.free(at);
  if (token?.kind !== 'word') return undefined;
  if (token.norm === 'k') return token.attached ? 1000 : undefined;
  const word = numberWord(token.norm, language);
  if (word?.kind === 'collective' && word.value === 12) return 12;
  return word?.kind === 'scale' && word.value >= 1000 ? word.value : undefined;
}

/** Value of digits with separators; undefined when they make no sense. */
export function parseDigits(text: string, language: Language): Rational | undefined {
  const plainText = text.replace(/['’\u00a0\u202f ]/g, '');
  if (plainText.replace(/\D/g, '').length > MAX_DIGITS) return undefined;
  const marks = [...plainText.replace(/\d/g, '')];
  if (marks.length === 0) return rational(plainText, '');
  const last = marks.at(-1) ?? '.';
  const cut = plainText.lastIndexOf(last);
  const [whole, rest] = [plainText.slice(0, cut), plainText.slice(cut + 1)];
  const grouped = (digits: string, mark: string): boolean => /^[1-9]\d{0,2}$/.test(digits.split(mark)[0] ?? '') && digits.split(mark).slice(1).every((group) => group.length === 3);
  if (new Set(marks).size === 2) {
    const other = last === '.' ? ',' : '.';
    return marks.indexOf(last) === marks.length - 1 && grouped(whole, other) ? rational(whole.replaceAll(other, ''), rest) : undefined;
  }
  if (marks.length > 1) return grouped(plainText, last) ? rational(plainText.replaceAll(last, ''), '') : undefined;
  const thousands = last === ',' ? language === 'en' : language !== 'en';
  if (thousands && grouped(plainText, last)) return rational(whole + rest, '');
  return rational(whole, rest);
}

function readWords(request: Request, from: number, language: Language): NumberReading | undefined {
  let total = 0;
  let current: number | undefined;
  let to = from;
  for (;;) {
    const joint = current !== undefined && JOINTS.has(request.free(to)?.norm ?? '') ? 1 : 0;
    const word = atomAt(request, to + joint, language, current);
    const next = word && combine(current, word, joint === 1 ? (request.free(to)?.norm ?? '') : '');
    if (!word || next === undefined) break;
    if (word.kind === 'scale' && word.value >= 1000) {
      total += next;
      current = 0;
    } else current = next;
    to += joint + 1;
  }
  if (current === undefined) return readArticle(request, from, language);
  const value = total + current;
  if (!Number.isSafeInteger(value)) return undefined;
  // vent'anni
  if (language === 'it' && /^['’]$/.test(request.free(to)?.raw ?? '') && request.free(to)?.attached === true && request.free(to + 1)?.attached === true) to++;
  const half = halfAfter(request, to);
  return half === undefined ? plain(from, to, BigInt(value), 1n) : plain(from, half, 2n * BigInt(value) + 1n, 2n);
}

function atomAt(request: Request, at: number, language: Language, current: number | undefined): NumberWord | undefined {
  const token = request.free(at);
  if (token?.kind !== 'word') return undefined;
  const word = numberWord(token.norm, language);
  if (word && word.kind !== 'article') return word;
  if (current !== undefined && current >= 20 && current % 10 === 0) {
    const slip = digitWords(language).find(([name]) => token.norm.length >= 3 && token.norm[0] === name[0] && distance(token.norm, name) === 1);
    if (slip) return { value: slip[1], kind: 'small' };
  }
  return undefined;
}

/** The number so far and the next word; undefined where they are two numbers. */
function combine(current: number | undefined, { value, kind }: NumberWord, joint: string): number | undefined {
  if (kind === 'collective') return current === undefined ? value : joint === '' && current < 20 && value >= 10 ? current * value : undefined;
  if (kind === 'scale') return joint === '' || joint === '-' ? (current === undefined || current === 0 ? 1 : current) * value : undefined;
  if (current === undefined || (current === 0 && joint === '')) return value;
  if (joint !== '' && joint !== '-' && joint !== 'and' && !(current % 10 === 0 && current < 100) && !(current % 100 === 0)) return undefined;
  // dix-sept
  if (current === 10 && value >= 7 && value <= 9) return joint === '-' || joint === '' ? current + value : undefined;
  if (current === 4 && value === 20 && joint !== 'and') return 80;
  if (current % 100 === 0 && value < 100) return current === 0 || joint === '' || joint === 'and' || joint === '-' || joint === 'e' || joint === 'und' || joint === 'en' ? current + value : undefined;
  if ([60, 80].includes(current % 100) && value >= 10 && value < 20 && joint !== 'and') return current + value;
  return current % 10 === 0 && current % 100 >= 20 && value < 10 && joint !== 'and' && joint !== 'en' && joint !== 'und' ? current + value : undefined;
}

/** `a`, `ein`; and `half a dozen`, `a dozen`, `un par de`. */
function readArticle(request: Request, from: number, language: Language): NumberReading | undefined {
  const word = numberWord(request.free(from)?.norm ?? '', language);
  if (word?.kind !== 'article') return undefined;
  const next = numberWord(request.free(from + 1)?.norm ?? '', language);
  if (next?.kind === 'collective' || next?.kind === 'scale' || (next?.kind === 'small' && next.value === 1)) return readWords(request, from + 1, language) && { ...(readWords(request, from + 1, language) ?? plain(from, from, 0n, 1n)), from };
  return { ...plain(from, from + 1, 1n, 1n), article: true };
}

/** `half a`, `ein halbes`, `three quarters of a`, `anderthalb`; a fraction may multiply: `half a dozen`, `eine halbe Million`. */
function readFraction(request: Request, from: number, language: Language): NumberReading | undefined {
  const norm = (i: number): string => request.free(i)?.norm ?? '';
  const glyph = GLYPHS.get(request.free(from)?.raw ?? '');
  if (glyph) return plain(from, skipPartitives(request, from + 1), glyph[0], glyph[1]);
  const article = numberWord(norm(from), language)?.kind === 'article' || norm(from) === 'd' ? 1 : 0;
  let at = from + article;
  if (article === 1 && /^['’]$/.test(norm(at))) at++;
  let value = homeFraction(norm(at), language);
  const count = numberWord(norm(from), language);
  if (!value && count?.kind === 'small' && count.value < 4 && QUARTERS.has(norm(from + 1)) && norm(from + 2) !== '' ) {
    // `two quarters` is a time: three months twice.
    const partitive = PARTITIVES.has(norm(from + 2)) || count.value === 3;
    if (partitive) [value, at] = [[BigInt(count.value), 4n], from + 1];
  }
  if (!value) return undefined;
  const behind = skipPartitives(request, at + 1);
  const multiplied = numberWord(norm(behind), language);
  if (multiplied && (multiplied.kind === 'collective' || multiplied.kind === 'scale')) {
    const to = behind + 1;
    const numerator = value[0] * BigInt(multiplied.value);
    return numerator % value[1] === 0n ? plain(from, to, numerator / value[1], 1n) : plain(from, to, numerator, value[1]);
  }
  // Alone, `quarter` is three months, `media` is a noun: the words after it decide.
  return plain(from, skipPartitives(request, at + 1), value[0], value[1]);
}

function homeFraction(norm: string, language: Language): readonly [bigint, bigint] | undefined {
  const homes = HALF_ONLY_AT_HOME.get(norm);
  return homes && !homes.includes(language) ? undefined : FRACTIONS.get(norm);
}

function skipPartitives(request: Request, from: number): number {
  let at = from;
  while (at < from + 3 && PARTITIVES.has(request.free(at)?.norm ?? '')) at++;
  return request.free(at)?.kind === 'word' ? at : from;
}

/** Index after `and a half`, `et demi`, `e mezzo`, `y medio` that begins at a token. */
export function halfAfter(request: Request, at: number): number | undefined {
  const norm = (i: number): string => request.free(i)?.norm ?? '';
  if (!['and', 'et', 'e', 'y', 'und', 'en'].includes(norm(at))) return undefined;
  const article = ['a', 'ein', 'einen', 'eine', 'een', 'one'].includes(norm(at + 1)) ? 1 : 0;
  const word = norm(at + 1 + article);
  if (!['half', 'demi', 'demie', 'mezzo', 'mezza', 'medio', 'media', 'halbes', 'halben', 'halbe', 'halb'].includes(word)) return undefined;
  // `two and half a terabyte` is not said; `2 cores and half a gig` is.
  const after = norm(at + 2 + article);
  return word === 'half' && article === 0 && (after === 'a' || after === 'an') ? undefined : at + 2 + article;
}

function plain(from: number, to: number, numerator: bigint, denominator: bigint): NumberReading {
  return { from, to, numerator, denominator, negative: false, article: false };
}

function rational(whole: string, fraction: string): Rational {
  return { numerator: BigInt(`${whole}${fraction}`), denominator: 10n ** BigInt(fraction.length) };
}
