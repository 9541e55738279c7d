import type { CountReading, Quantity } from './quantities.ts';
import type { Range, Request } from './tokens.ts';

export type Bound = 'lower' | 'upper';

/** Words that make a number the least or the most, before it or after what it counts. */
const BEFORE: Readonly<Record<Bound, readonly string[]>> = {
  lower: ['at least', 'minimum', 'min', 'no fewer than', 'no less than', 'not less than', 'starting at', 'starting from', 'start with', 'starts at', 'from', 'mindestens', 'wenigstens', 'minimal', 'ab', 'von', 'au moins', 'au minimum', 'minimum de', 'a partir de', 'de', 'almeno', 'minimo', 'come minimo', 'al menos', 'como minimo', 'por lo menos', 'minstens', 'minimaal', 'ten minste', 'tenminste', 'vanaf', 'van', 'min.'],
  upper: ['at most', 'at the most', 'at the very most', 'maximum', 'max', 'maximally', 'up to', 'no more than', 'not more than', 'never more than', 'scale to', 'scaling to', 'scales to', 'grow to', 'growing to', 'go to', 'hochstens', 'maximal', 'bis', 'bis zu', 'bis auf', 'nicht mehr als', 'auf', 'au plus', 'au maximum', 'maximum de', 'jusqu a', 'pas plus de', 'al massimo', 'tutt al piu', 'massimo', 'fino a', 'non piu di', 'como maximo', 'como mucho', 'maximo', 'hasta', 'a lo sumo', 'no mas de', 'hooguit', 'hoogstens', 'ten hoogste', 'maximaal', 'tot', 'niet meer dan', 'op', 'zu'],
};
const AFTER: Readonly<Record<Bound, readonly string[]>> = {
  lower: ['at least', 'at the very least', 'at the least', 'or more', 'minimum', 'min', 'at minimum', 'mindestens', 'oder mehr', 'au moins', 'ou plus', 'au minimum', 'almeno', 'o piu', 'minimo', 'al menos', 'o mas', 'como minimo', 'minimal', 'minstens', 'of meer', 'minimaal', 'always', 'immer'],
  upper: ['at most', 'at the most', 'at the very most', 'at the outside', 'al maximo', 'a todo tirar', 'allerhochstens', 'max', 'maximum', 'tops', 'at peak', 'at the peak', 'or fewer', 'or less', 'hochstens', 'maximal', 'oder weniger', 'au plus', 'au maximum', 'ou moins', 'tout au plus', 'grand maximum', 'al massimo', 'massimo', 'o meno', 'como maximo', 'como mucho', 'a lo sumo', 'maximo', 'tope', 'o menos', 'hooguit', 'hoogstens', 'maximaal', 'of minder', 'bei spitzenlast', 'under load', 'in der spitze'],
};
/** Said before a number these tell too little by themselves: `from 3 workers`. */
const WEAK = new Set(['from', 'von', 'de', 'van', 'ab', 'auf', 'op', 'zu', 'go to']);
/** Every word of a bound. */
export const BOUND_WORDS: readonly string[] = [...Object.values(BEFORE), ...Object.values(AFTER)].flat().flatMap((words) => words.split(' '));
const cut = (words: readonly string[]): string[][] => words.map((each) => each.split(' ')).sort((a, b) => b.length - a.length);
const PHRASES = { lower: cut(BEFORE.lower.filter((word) => !WEAK.has(word))), upper: cut(BEFORE.upper.filter((word) => !WEAK.has(word))) };
const TAILS = { lower: cut(AFTER.lower), upper: cut(AFTER.upper) };

/** Which bound the words beside a number make it: `at least two replicas`, `4 replicas max`. `end` is where what it counts ends. */
export function boundOf(request: Request, { from, to }: Range, { end = to, isNumber = () => false }: { end?: number; isNumber?: (at: number) => boolean } = {}): Bound | undefined {
  const compared = comparison(request, from);
  if (compared) return compared;
  for (const bound of ['upper', 'lower'] as const) if (PHRASES[bound].some((words) => endsAt(request, words, from))) return bound;
  for (const bound of ['upper', 'lower'] as const) if (TAILS[bound].some((words) => beginsAt(request, words, { from: end, isNumber }) || beginsAt(request, words, { from: to, isNumber }))) return bound;
  return undefined;
}

/** Whether strong words of a bound stand right before a token. */
export function boundBefore(request: Request, at: number): boolean {
  return [...PHRASES.upper, ...PHRASES.lower].some((words) => endsAt(request, words, at));
}

const LESS = cut(['less than', 'fewer than', 'under', 'below', 'weniger als', 'unter', 'moins de', 'meno di', 'menos de', 'minder dan', 'onder']);
const MORE = cut(['more than', 'over', 'above', 'mehr als', 'uber', 'plus de', 'piu di', 'mas de', 'meer dan', 'boven']);
const NEVER = new Set(['no', 'not', 'don', 'doesn', 'shouldn', 'won', 'cannot', 'never', 'nicht', 'nie', 'niemals', 'pas', 'jamais', 'non', 'mai', 'nunca', 'niet', 'nooit']);

/** `never have fewer than 3`, `fewer than 3`, `not more than 10`: the denied comparison is the other bound. */
function comparison(request: Request, from: number): Bound | undefined {
  const less = LESS.find((words) => endsAt(request, words, from));
  const more = less ? undefined : MORE.find((words) => endsAt(request, words, from));
  const words = less ?? more;
  if (!words) return undefined;
  const start = from - words.length;
  let denied = false;
  for (let at = start - 1; at >= 0 && at >= start - 5 && !/^[,;.!?]$/.test(request.tokens[at]?.raw ?? '') && request.tokens[at]?.kind !== 'number'; at--) denied ||= NEVER.has(request.tokens[at]?.norm ?? '');
  return (less !== undefined) === denied ? 'lower' : 'upper';
}

function endsAt(request: Request, words: readonly string[], end: number): boolean {
  let at = end - 1;
  // `max. 4`, `maximum of 4`, `a maximum of`
  if (/^[.:]$/.test(request.tokens[at]?.raw ?? '')) at--;
  if (['of', 'de', 'di', 'von', 'van'].includes(request.tokens[at]?.norm ?? '') && words.at(-1) !== request.tokens[at]?.norm) at--;
  for (let i = words.length - 1; i >= 0; i--) {
    while (/^['’]$/.test(request.tokens[at]?.raw ?? '')) at--;
    if (request.tokens[at]?.norm !== words[i]) return false;
    at--;
  }
  return true;
}

function beginsAt(request: Request, words: readonly string[], { from, isNumber }: { from: number; isNumber: (at: number) => boolean }): boolean {
  const at = /^[,(]$/.test(request.tokens[from]?.raw ?? '') && words.length > 1 ? from + 1 : from;
  return words.every((word, i) => request.tokens[at + i]?.norm === word) && request.tokens[at + words.length]?.kind !== 'number' && !isNumber(at + words.length);
}

const TO = new Set(['-', '–', '—', 'to', 'bis', 'tot', 'a', 'al', 'hasta', 'fino', 'through', 'till', 'until', '..', '…', 'up', 'jusqu', 'jusque', '~', '/', 'of', 'or', 'oder', 'ou', 'o', 'and', 'und', 'et', 'e', 'y', 'en', 'ad', 'zu', "'", '’', '.', 'scaling', 'growing', 'tm']);
const AND = new Set(['and', 'und', 'et', 'e', 'y', 'en', 'o', 'or', 'oder', 'ou', 'of']);
const BETWEEN = /^(?:between|betwen|beetween|zwischen|zwischn|entre|tra|fra|tussen|tusen|from|von|de|da|van|desde)$/;

/** Two neighbouring counts that are the ends of a range: `2 to 6`, `between two and ten`, `2-6`, `from 3 up to 12`. */
export function rangeOf(request: Request, first: Quantity, second: Quantity | undefined): second is CountReading {
  if (first.kind !== 'count' || second?.kind !== 'count' || first.negative || second.article) return false;
  const gap = second.from - first.to;
  if (gap < 1 || gap > 3) return second.negative && gap === 0 && request.tokens[second.from]?.attached === true;
  const joints = Array.from({ length: gap }, (_, i) => request.tokens[first.to + i]?.norm ?? '');
  if (!joints.every((word) => TO.has(word))) return false;
  // `12 or 15`: which of them is not said.
  if (joints.length === 1 && ['or', 'oder', 'ou', 'o', 'u'].includes(joints[0] ?? '')) return true;
  // `80 and 443` is a list, `between 2 and 6` is not.
  if (joints.some((word) => AND.has(word) && word !== 'a')) return joints.length === 1 && BETWEEN.test(request.tokens[first.from - 1]?.norm ?? '');
  return joints.join('') === '..' || !joints.every((word) => word === '/' || word === '.' || word === "'" || word === '’');
}
