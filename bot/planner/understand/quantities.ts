import { boundBefore } from './bounds.ts';
import type { Language } from './language.ts';
import { type DurationReading, readAdjective, readDuration, readGluedDuration } from './durations.ts';
import { type MoneyReading, readMoney } from './money.ts';
import { numberWord } from './number-words.ts';
import { type NumberReading, readNumber } from './numbers.ts';
import { readSize, type SizeReading } from './sizes.ts';
import type { Request } from './tokens.ts';

export interface CountReading extends NumberReading {
  readonly kind: 'count';
}
/** A number and what its own words make of it. */
export type Quantity = SizeReading | DurationReading | MoneyReading | CountReading;

/** Most numbers of one request that are looked at. */
const MAX_QUANTITIES = 64;

/** Every quantity of a request in order; those with a unit are taken, plain counts are left for who needs them. */
export function readQuantities(request: Request, language: Language): Quantity[] {
  const found: Quantity[] = [];
  for (let from = 0; from < request.tokens.length && found.length < MAX_QUANTITIES; from++) {
    const read = readNumber(request, from, language);
    // `mindestens eine, höchstens sechs`: behind a bound it is no article.
    const number = read?.article === true && language !== 'en' && boundBefore(request, from) ? { ...read, article: false } : read;
    // `1 a 5`: between numbers it is no article.
    if (number?.article === true && request.tokens[number.to]?.kind === 'number') continue;
    const times = number ? undefined : timesAt(request, from, language);
    const quantity = times ?? readMoney(request, from, language, number) ?? (number ? withUnit(request, number, language) : (readGluedDuration(request, from, language) ?? readAdjective(request, from)));
    if (!quantity) continue;
    if (!isDisowned(request, from) && !(quantity.kind === 'size' && isPeriodic(request, quantity.to))) found.push(quantity);
    if (quantity.kind !== 'count') request.take(quantity.kind === 'size' && isPeriodic(request, quantity.to) ? { from, to: quantity.to + 2 } : quantity);
    if (quantity.kind !== 'count' || !quantity.article) from = quantity.to - 1;
  }
  return found;
}

function withUnit(request: Request, number: NumberReading, language: Language): Quantity {
  const measured = readSize(request, number, language) ?? readDuration(request, number, language);
  if (measured) return measured;
  // `a quarter`: of nothing else, so it is three months.
  const one = { ...number, numerator: 1n, denominator: 1n, article: true };
  const quarter = number.denominator === 4n ? (readDuration(request, { ...one, to: number.from + 1 }, language) ?? readDuration(request, { ...one, to: number.from }, language)) : undefined;
  return quarter ?? { ...number, kind: 'count' };
}

/** How often something is kept. */
export const TIMES: ReadonlyMap<string, bigint> = new Map(Object.entries({
  2: 'twice twofold double doubly duplicated duplicate doppelt doppelte doppelter doppelten dupliziert zweifach zweifache zweifacher zweimal doublement double doublee doppio doppia doppie duplice doble duplicado duplicada dubbel dubbele tweevoud tweevoudig tweemaal duplo gedupliceerd',
  3: 'thrice threefold triple triply treble triplicate dreifach dreifache dreifacher dreimal triplement triplee triplo tripla triplice triplicado triplicada drievoud drievoudig drievoudige driedubbel driemaal',
  4: 'fourfold quadruple quadruplicate vierfach vierfache vierfacher viermal quadruplo quadruplice cuadruple cuadruplicado viervoud viervoudig viermaal',
  5: 'fivefold quintuple funffach funffache quintuplo vijfvoud vijfvoudig',
}).flatMap(([count, words]) => words.split(' ').map((word) => [word, BigInt(count)] as const)));

const CORES: ReadonlyMap<string, bigint> = new Map([['dual', 2n], ['quad', 4n], ['hexa', 6n], ['octa', 8n], ['octo', 8n]]);

/** `dreifach`, `twice`, `quad-core`: how often something is kept. */
function timesAt(request: Request, at: number, language: Language): CountReading | undefined {
  const norm = request.free(at)?.norm ?? '';
  // zwölfköpfig, vijfkoppig
  const headed = /^(\p{L}+)(?:kopfig|koppig)/u.exec(norm)?.[1];
  const word = headed === undefined ? undefined : numberWord(headed, language);
  const cores = CORES.get(norm);
  if (cores !== undefined && /^(?:core|cores|kern|kerne|kernen)$/.test(request.free(at + 1)?.raw === '-' ? (request.free(at + 2)?.norm ?? '') : (request.free(at + 1)?.norm ?? ''))) return { kind: 'count', from: at, to: request.free(at + 1)?.raw === '-' ? at + 2 : at + 1, numerator: cores, denominator: 1n, negative: false, article: false };
  const count = word?.kind === 'small' ? BigInt(word.value) : TIMES.get(norm);
  return count === undefined ? undefined : { kind: 'count', from: at, to: at + 1, numerator: count, denominator: 1n, negative: false, article: false };
}

const EVERY = new Set(['a', 'per', 'every', 'each', 'pro', 'im', 'am', 'par', 'al', 'por', 'je', 'cada', 'ogni', 'chaque', 'elke', 'jeden', '/']);
const PERIOD = new Set('day week month year hour second tag woche monat jahr stunde sekunde jour semaine mois an heure seconde giorno settimana mese anno ora secondo dia semana mes ano hora segundo dag maand jaar uur seconde'.split(' '));

/** `2 TB a month`: how fast something grows, not how large it is. */
function isPeriodic(request: Request, at: number): boolean {
  return EVERY.has(request.free(at)?.norm ?? '') && PERIOD.has(request.free(at + 1)?.norm ?? '');
}

const DISOWNING = new Set(['not', 'nicht', 'niet', 'statt', 'anstatt', 'anstelle']);
const INSTEAD = [['instead', 'of'], ['rather', 'than'], ['au', 'lieu', 'de'], ['invece', 'di'], ['en', 'vez', 'de'], ['en', 'lugar', 'de'], ['in', 'plaats', 'van']];

/** `not 5 TB`, `instead of 5 TB`: said only to be denied. */
function isDisowned(request: Request, from: number): boolean {
  const norm = (i: number): string => request.tokens[i]?.norm ?? '';
  if (DISOWNING.has(norm(from - 1))) return true;
  return INSTEAD.some((words) => words.every((word, i) => norm(from - words.length + i) === word));
}
