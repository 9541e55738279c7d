import { normalize, type Range, type Request } from './tokens.ts';
import { isTypoOf } from './typo.ts';

/** Shortest word that may be the tail of a compound (Backuparchiv) or take an ending (archives). */
const STEM = 5;

/** A word or group of words to look for, cut as requests are. */
export type Term = readonly string[];

/** Words of a name as requests are cut: normalized, without symbols. */
export function wordsOf(text: string): string[] {
  return normalize(text).match(/\d+|\p{L}[\p{L}\p{N}]*/gu) ?? [];
}

const terms = new Map<string, Term>();
/** Terms kept; blueprints on a machine have far fewer words. */
const MAX_TERMS = 20_000;

export function termOf(words: string): Term {
  const known = terms.get(words);
  if (known) return known;
  const term = wordsOf(words);
  if (terms.size >= MAX_TERMS) terms.clear();
  terms.set(words, term);
  return term;
}

export interface Occurrence extends Range {
  readonly term: Term;
  readonly exact: boolean;
}

/** Every place where a term is said; symbols between its words (write-once) are stepped over. */
export function occurrences(request: Request, words: readonly string[]): Occurrence[] {
  const found: Occurrence[] = [];
  for (const word of words) {
    const term = termOf(word);
    if (term.length === 0) continue;
    for (let from = 0; from < request.tokens.length; from++) {
      const match = matchAt(request, term, from);
      if (match) found.push({ from, to: match.to, term, exact: match.exact });
    }
  }
  return found;
}

function matchAt(request: Request, term: Term, from: number): { to: number; exact: boolean } | undefined {
  let exact = true;
  let at = from;
  for (const [i, word] of term.entries()) {
    if (i > 0 && request.tokens[at]?.raw === '-') at++;
    const token = request.free(at);
    if (!token || token.kind === 'symbol') return undefined;
    const same = sameWord(token.norm, word);
    if (same === 'no') return undefined;
    if (same === 'near') exact = false;
    at++;
  }
  return { to: at, exact };
}

function sameWord(said: string, word: string): 'exact' | 'near' | 'no' {
  if (said === word) return 'exact';
  if (word.length >= STEM) {
    if (said.startsWith(word) && said.length - word.length <= 2) return 'exact';
    if (said.endsWith(word) && said.length - word.length >= 3) return 'near';
  }
  return isTypoOf(said, word) ? 'near' : 'no';
}

const NEGATIONS = new Set(['not', 'no', 'non', 'never', 'without', 'isn', 'don', 'nicht', 'kein', 'keine', 'keinen', 'nie', 'ohne', 'pas', 'sans', 'jamais', 'senza', 'sin', 'niet', 'geen', 'zonder', 'nooit', 'nobody', 'niemand', 'personne', 'nessuno', 'nadie', 'cannot', 'can’t', 'neither', 'nor']);

/** True when one of the `reach` words before a place denies it; a comma ends the reach. */
export function isDenied(request: Request, from: number, reach = 2): boolean {
  for (let i = from - 1; i >= 0 && i >= from - reach; i--) {
    const token = request.tokens[i];
    if (!token || /^[,;.:!?]$/.test(token.raw)) return false;
    if (NEGATIONS.has(token.norm)) return true;
  }
  return false;
}
