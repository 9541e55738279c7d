import { ARTICLES, GROUND, LINKS, NOWHERE, ORDINARY, ORDINARY_SMALL, PREPOSITIONS, STRICT } from './place-words.ts';
import { isCorrected } from './corrections.ts';
import type { Mention } from './place-polarity.ts';
import { normalize, type Range, type Request } from './tokens.ts';

/** Most of these open something that is no place: `grâce à Martine`. */
const NOT_PLACED = new Set(['grace', 'merci', 'dites', 'dis', 'parle', 'parler', 'demande', 'demander', 'donne', 'donner', 'envoie', 'envoyer', 'bonjour', 'salut', 'quant', 'pense', 'grazie', 'chiedi', 'manda', 'mandare', 'di', 'dillo', 'gracias', 'dile', 'pide', 'saludos', 'saluti', 'ciao', 'permet', 'permettre', 'acces', 'believe', 'interested', 'specialise', 'specialize', 'written']);
/** Endings of abstract nouns, which German writes with a capital, and of lands that it does. */
const ABSTRACT = /(?:ung|ungen|heit|keit|ion|ionen|tat|schaft|ment|ismus|zeit|form|betrieb|weise|ern|nahe|modus|mode|falle|fall|stand|auftrag|lauf|gang|ruf|grosse|hohe)$/;
const LANDISH = /(?:land|lande|reich|erde|insel|stadt|burg|dorf|berg|tal|hausen|heim|stan|ia|wald)$/;

export interface UnknownPlace extends Range {
  readonly name: string;
  /** The country said right behind it. */
  readonly within?: Mention;
}

/** What is said where a place should be and is none we know: `in Atlantis`; undefined for ordinary words, and where a known place takes it back. */
export function unknownPlace(request: Request, isWord: (norm: string) => boolean, { romance, small }: { readonly romance: boolean; readonly small: boolean }, known: readonly Mention[]): UnknownPlace | undefined {
  const { tokens } = request;
  for (let at = 1; at < tokens.length; at++) {
    const token = request.free(at);
    if (token?.kind !== 'word') continue;
    let before = at - 1;
    let article = false;
    while (before > at - 3 && before > 0 && (ARTICLES.has(tokens[before]?.norm ?? '') || /^['’]$/.test(tokens[before]?.raw ?? '')) && !PREPOSITIONS.has(tokens[before]?.norm ?? '')) { before--; article = true; }
    const preposition = request.free(before);
    if (!preposition) continue;
    const placed = PREPOSITIONS.has(preposition.norm) || preposition.raw === 'à' || (romance && preposition.norm === 'a') || preposition.norm === 'on' || preposition.norm === 'auf';
    // `archive 3 TB, Mordor`
    if (!placed && preposition.raw === ',' && before === at - 1 && NOWHERE.has(token.norm) && /^\p{Lu}/u.test(token.raw) && /^(?:[.!?,;)]|)$/.test(tokens[at + 1]?.raw ?? '')) return wholeName(request, at);
    if (!placed) continue;
    const whole = wholeName(request, at);
    const next = known.find(({ from }) => from >= whole.to);
    if (next && isCorrected(request, whole.to, next.from)) continue;
    const tale = fairyTale(request, at);
    if (tale !== undefined) return tale;
    if (NOWHERE.has(token.norm) || NOWHERE.has(normalize(whole.name))) return whole;
    if (PREPOSITIONS.has(token.norm) || ARTICLES.has(token.norm) || ORDINARY.has(token.norm) || ORDINARY_SMALL.has(token.norm) || isWord(token.norm) || token.norm.length < 2 || /\p{N}/u.test(token.raw)) continue;
    if (NOT_PLACED.has(tokens[before - 1]?.norm ?? '')) continue;
    if (!isAboutThings(request, before, isWord)) continue;
    if (/^['’]$/.test(tokens[at + 1]?.raw ?? '') || (tokens[at + 1]?.raw === '-' && isWord(tokens[at + 2]?.norm ?? ''))) continue;
    if (isUnknown(token.raw, { preposition: preposition.norm, accented: preposition.raw === 'à' || preposition.norm === 'ad' || (romance && preposition.norm === 'a'), article, small, ends: endsClause(request, at) }, token.norm)) return next && next.city === undefined && next.countries.length === 1 && isRightBehind(request, whole.to, next.from) && /^\p{Lu}/u.test(token.raw) ? { ...whole, within: next } : whole;
  }
  return undefined;
}

interface Context {
  readonly preposition: string;
  /** French `à`, Italian `a`. */
  readonly accented: boolean;
  readonly article: boolean;
  readonly small: boolean;
  readonly ends: boolean;
}

function isUnknown(raw: string, { preposition, accented, article, small, ends }: Context, norm: string): boolean {
  const strict = STRICT.has(preposition);
  const german = ['im', 'innerhalb', 'ins'].includes(preposition) || article;
  if (/^\p{Lu}/u.test(raw)) {
    if (raw === raw.toUpperCase() && raw.length > 2 && raw.length < 6) return false;
    if (strict && !german) return !ABSTRACT.test(norm);
    if (preposition === 'im' || (strict && article)) return LANDISH.test(norm) && !ABSTRACT.test(norm);
    return accented && !article;
  }
  return small && preposition === 'in' && !article && ends && norm.length >= 4 && !ABSTRACT.test(norm);
}

/** Furthest that a sentence is looked through, in tokens. */
const SENTENCE = 30;

/** True in a sentence that says what is asked for, or goes on about where: not in `you answer in rhymes only`. */
function isAboutThings(request: Request, at: number, isWord: (norm: string) => boolean): boolean {
  const { tokens } = request;
  const isEnd = (i: number): boolean => tokens[i] === undefined || (/^[.!?]$/.test(tokens[i].raw) && !tokens[i + 1]?.attached);
  if (isEnd(at - 1) || /^[,;:\u2013\u2014]$/.test(tokens[at - 1]?.raw ?? '')) return true;
  const before = tokens[at - 1]?.norm ?? '';
  if (request.free(at - 1) === undefined || isWord(before) || GROUND.has(before) || LINKS.has(before)) return true;
  let from = at;
  while (at - from < SENTENCE && !isEnd(from - 1)) from--;
  for (let i = from; i < at + SENTENCE && !isEnd(i); i++) if (request.free(i) === undefined || tokens[i]?.kind === 'number') return true;
  return false;
}

function endsClause(request: Request, at: number): boolean {
  const next = request.tokens[at + 1];
  return next === undefined || next.kind === 'number' || /^[,;.!?]$/.test(next.raw) || request.free(at + 1) === undefined;
}

/** `Gstaad, Switzerland`, `Gstaad (CH)`, `Gstaad in der Schweiz`. */
function isRightBehind(request: Request, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (!(/^[,(/]$/.test(request.tokens[at]?.raw ?? '') || PREPOSITIONS.has(request.tokens[at]?.norm ?? '') || ARTICLES.has(request.tokens[at]?.norm ?? ''))) return false;
  return to > from;
}

/** Places of tales that are said in several small words. */
const TALES = ['isola che non c e', 'paese delle meraviglie', 'paese dei balocchi', 'terra di mezzo', 'pays imaginaire', 'pays des merveilles', 'pays de nulle part', 'terre du milieu', 'pais de nunca jamas', 'pais de las maravillas', 'tierra media', 'tierra de nunca jamas', 'middle earth', 'never never land', 'cloud cuckoo land', 'land of oz', 'north pole', 'sudlichen ende der welt', 'end of the world', 'bout du monde', 'capo al mondo', 'fin del mundo', 'ende der welt', 'einde van de wereld', 'outer space', 'the moon', 'middle of nowhere'].map((tale) => tale.split(' '));

function fairyTale(request: Request, from: number): UnknownPlace | undefined {
  for (const tale of TALES) {
    let at = from;
    const fits = tale.every((word) => {
      while (/^[-'’]$/.test(request.free(at)?.raw ?? '')) at++;
      return request.free(at++)?.norm === word;
    });
    if (fits) return { from, to: at, name: request.span({ from, to: at }).text.slice(0, 60) };
  }
  return undefined;
}

/** An unknown place with the capitalised words that go on: Bikini Bottom. */
function wholeName(request: Request, from: number): UnknownPlace {
  let to = from + 1;
  while (to - from < 4) {
    const hyphen = request.free(to)?.raw === '-' ? 1 : 0;
    const next = request.free(to + hyphen);
    if (next?.kind !== 'word' || !(hyphen === 1 || /^\p{Lu}/u.test(next.raw))) break;
    to += hyphen + 1;
  }
  return { from, to, name: request.span({ from, to }).text.slice(0, 60) };
}
