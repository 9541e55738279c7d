import { BOUND_WORDS } from './bounds.ts';
import { TAKING_BACK } from './corrections.ts';
import { UNIT_WORDS } from './durations.ts';
import type { Lexicon } from './hints.ts';
import { knows } from './hints.ts';
import { PERIOD_WORDS } from './money.ts';
import { CALL_VERBS, CALLED, NAME_NOUNS } from './names.ts';
import { longNumberWords } from './number-words.ts';
import { FRACTION_WORDS } from './numbers.ts';
import { TIMES } from './quantities.ts';
import type { Request } from './tokens.ts';
import { distance } from './typo.ts';

/** Shorter words have too many neighbours: `there` is no slip of `three`. */
const SHORTEST = 6;
/** Shortest word in which one wrong letter is a slip and not another word: `cuanto` is no `cuarto`. */
const WRONG_LETTER = 8;
/** Words that leave a place out. */
const EXCEPTING = 'except excluding excluded excepted outside without ausser ausserhalb ausgenommen ausgeschlossen hormis excepte exclus exclue tranne eccetto esclusa escluso escluse esclusi fuorche excepto salvo excluida excluido behalve buiten uitgezonderd uitgesloten'.split(' ');
const OTHERS = 'between zwischen tussen tientje tientjes budget'.split(' ');

/** Words whose slips are read although they are short. */
const WRONGABLE = new Set([...CALLED, ...EXCEPTING]);
const SHORT = new Set([...WRONGABLE, 'quarto', 'cuarto', 'nombre', 'pardon', 'moment', 'months', 'monate']);
/** Ordinary words a letter away from a word of grammar. */
const ORDINARY = new Set(['names', 'sitzen', 'haben']);

const meant = new Map<string, string | undefined>();
const MAX_MEANT = 5000;

/** The words whose every slip is worth reading: names, numbers, bounds, corrections, exceptions. */
interface Closed {
  readonly known: ReadonlySet<string>;
  readonly byFirst: ReadonlyMap<string, readonly string[]>;
}
let closed: Closed | undefined;

function closedWords(): Closed {
  if (closed) return closed;
  const known = new Set([...CALLED, ...CALL_VERBS, ...TAKING_BACK, ...BOUND_WORDS, ...UNIT_WORDS, ...FRACTION_WORDS, ...TIMES.keys(), ...NAME_NOUNS, ...PERIOD_WORDS, ...longNumberWords(0), ...EXCEPTING, ...OTHERS]);
  const byFirst = new Map<string, string[]>();
  for (const word of known) if (word.length >= SHORTEST) byFirst.set(word.charAt(0), [...(byFirst.get(word.charAt(0)) ?? []), word]);
  closed = { known, byFirst };
  return closed;
}

/** Reads slips in words of grammar as the words they were meant to be, unless the blueprint knows the word as it stands. */
export function respell(request: Request, lexicon: Lexicon): void {
  request.respell((norm) => (norm.length < SHORTEST - 1 || knows(lexicon, norm) ? undefined : spelt(norm)));
}

/** The one word of grammar that is a slip away; undefined for words of their own. */
export function spelt(norm: string): string | undefined {
  if (meant.has(norm)) return meant.get(norm);
  const { known, byFirst } = closedWords();
  const swapped = (byFirst.get(norm.charAt(1)) ?? []).filter((word) => word.charAt(1) === norm.charAt(0));
  const near = known.has(norm) || ORDINARY.has(norm) ? [] : [...(byFirst.get(norm.charAt(0)) ?? []), ...swapped].filter((word) => isSlip(norm, word) && (norm.length >= SHORTEST || SHORT.has(word)));
  const best = [...near].sort((a, b) => Math.abs(a.length - norm.length) - Math.abs(b.length - norm.length))[0];
  if (meant.size >= MAX_MEANT) meant.clear();
  meant.set(norm, best);
  return best;
}

/** One letter left out, doubled, exchanged or (in long words) wrong; another ending is another word. */
function isSlip(said: string, word: string): boolean {
  if (Math.abs(said.length - word.length) > 1 || distance(said, word) !== 1) return false;
  const [short, long] = said.length <= word.length ? [said, word] : [word, said];
  if (long.startsWith(short) || (said.length === word.length && said.slice(0, -1) === word.slice(0, -1))) return false;
  return said.length !== word.length || word.length >= WRONG_LETTER || WRONGABLE.has(word) || [...said].sort().join('') === [...word].sort().join('');
}
