import { ENDING_LAST, OTHER_WISHES, POLITE, PRICES, QUESTIONS, SENTENCE_END } from './intent-words.ts';
import type { Range, Request } from './tokens.ts';

/** `niemand mag iets wissen` asks that things stay. */
const NOBODY = new Set(['niemand', 'nobody', 'personne', 'nessuno', 'nadie', 'nicht', 'niet', 'nichts', 'nie', 'nooit', 'keiner']);

/** The word by which the sentence around a noun asks to look, explain or end instead of for something new. */
export function otherWish(request: Request, noun: Range | undefined): string | undefined {
  const { tokens } = request;
  const isEnd = (at: number): boolean => tokens[at] === undefined || (SENTENCE_END.test(tokens[at].raw) && !tokens[at + 1]?.attached);
  let from = noun?.from ?? 0;
  while (from > 0 && !isEnd(from - 1) && !/^[:\u2013\u2014]$/.test(tokens[from - 1]?.raw ?? '')) from--;
  let to = noun?.to ?? from;
  while (to < tokens.length && !isEnd(to)) to++;
  const sentence = tokens.slice(from, to).filter(({ kind }) => kind !== 'symbol');
  const said = sentence.map(({ norm }) => norm).join(' ');
  const question = QUESTIONS.some((pattern) => pattern.test(said));
  if (!/\d/.test(request.text) && PRICES.some((pattern) => pattern.test(said))) return 'tell prices';
  const opening = sentence.find(({ norm }) => !POLITE.has(norm));
  if (opening && OTHER_WISHES.has(opening.norm)) return opening.raw.slice(0, 20);
  const closing = sentence.at(-1);
  const denied = sentence.some(({ norm }) => NOBODY.has(norm));
  if (!denied && closing && ENDING_LAST.has(closing.norm) && sentence.slice(0, 3).some(({ norm }) => POLITE.has(norm))) return closing.raw.slice(0, 20);
  return question ? 'explain' : undefined;
}
