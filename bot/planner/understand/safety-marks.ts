import { guessLanguage, type Language } from './language.ts';
import { type Concept, NOT_THESE, safetyLexicon } from './safety-words.ts';
import type { Range, Request } from './tokens.ts';
import { isTypoOf } from './typo.ts';

/** A stretch of a request that means a concept. */
export interface Mark extends Range {
  readonly concept: Concept;
}

const SENTENCE_END = /^[.!?;]$/;
const PAUSE = /^[,.!?;:()\u2013\u2014]$/;
/** Helping words, which do not count when a denial looks for its verb. */
const HELPING = new Set('can could may might must should shall will would ever even be able to else ever allowed darf durfen kann konnen soll sollen muss mussen je jemals peut peuvent doit doivent pouvoir devrait puo possono deve devono poter puede pueden debe deben poder mag mogen kan kunnen moet moeten ooit i you we they it he she and or the a se s t en y e ne que dass che dat si lo la le les'.split(' '));
const ARTICLES = new Set('the a an my our your his her their der die das den dem des ein eine einen einem einer mein meine meiner meinem unser unsere unserer le la les l un une ma mon mes notre nos votre il lo gli i uno una mio mia nostra el los las mi mis nuestra nuestro su tu het de een mijn onze ons jullie per para'.split(' '));

/** The concepts in a request, and what stands between and before them. */
export class Marks {
  readonly request: Request;
  readonly language: Language;
  readonly #marks: ReadonlyMap<Concept, readonly Mark[]>;
  /** Number of the sentence that each token stands in. */
  readonly #sentence: readonly number[];

  constructor(request: Request) {
    this.request = request;
    this.language = guessLanguage(request.tokens);
    let sentence = 0;
    this.#sentence = request.tokens.map((token, at) => {
      if (SENTENCE_END.test(token.raw) && !request.tokens[at + 1]?.attached) sentence++;
      return sentence;
    });
    const marks = new Map<Concept, Mark[]>();
    for (const mark of findMarks(request)) {
      const list = marks.get(mark.concept);
      if (list) list.push(mark);
      else marks.set(mark.concept, [mark]);
    }
    this.#marks = marks;
  }

  of(...concepts: readonly Concept[]): readonly Mark[] {
    return concepts.flatMap((concept) => this.#marks.get(concept) ?? []);
  }

  has(concept: Concept): boolean {
    return this.#marks.has(concept);
  }

  /** Marks of the concepts at most so many tokens before or behind, in the same sentence. */
  near(mark: Range, reach: { readonly before?: number; readonly after?: number }, ...concepts: readonly Concept[]): readonly Mark[] {
    const { before = 0, after = 0 } = reach;
    const found: Mark[] = [];
    for (const concept of concepts) {
      const marks = this.#marks.get(concept) ?? [];
      // In order of place: nothing that ends here begins further back than the longest group of words.
      for (let i = firstFrom(marks, mark.from - before - LONGEST); i < marks.length; i++) {
        const other = marks[i];
        if (!other || other.from > mark.to + after) break;
        if (this.#sentence[other.from] !== this.#sentence[mark.from]) continue;
        if (other.from >= mark.to ? other.from - mark.to < after : other.to <= mark.from && mark.from - other.to < before) found.push(other);
      }
    }
    return found;
  }

  /** True when a mark of a concept covers a token. */
  #covered(concept: Concept, at: number): boolean {
    const marks = this.#marks.get(concept) ?? [];
    for (let i = firstFrom(marks, at - LONGEST); i < marks.length; i++) {
      const mark = marks[i];
      if (!mark || mark.from > at) return false;
      if (mark.to > at) return true;
    }
    return false;
  }

  word(at: number): string {
    return this.request.tokens[at]?.norm ?? '';
  }

  /** True when an article stands before: then it is a noun, no demand. */
  isNoun(mark: Range): boolean {
    return ARTICLES.has(this.word(mark.from - 1));
  }

  /** True at the beginning of a clause, perhaps after a word of politeness. */
  opens(mark: Range, slack = 0): boolean {
    for (let at = mark.from - 1, steps = 0; ; at--, steps++) {
      const token = this.request.tokens[at];
      if (!token || token.kind === 'symbol' || ['and', 'then', 'und', 'dann', 'et', 'puis', 'e', 'poi', 'y', 'luego', 'en', 'dan', 'please', 'bitte', 'so', 'just'].includes(token.norm)) return true;
      if (steps >= slack) return false;
    }
  }

  /** True when what is meant is that it shall not be, or that nobody can: `nobody may log in`, `never delete`. */
  isDenied(mark: Range): boolean {
    let words = 0;
    for (let at = mark.from - 1; at >= Math.max(0, mark.from - CLAUSE); at--) {
      const token = this.request.tokens[at];
      if (!token || PAUSE.test(token.raw) || ['but', 'aber', 'mais', 'ma', 'pero', 'maar', 'sondern'].includes(token.norm)) return false;
      if (this.#covered('nobody', at)) return true;
      if (words < 4 && this.#covered('not', at)) return true;
      if (!HELPING.has(token.norm) && token.kind === 'word') words++;
    }
    return false;
  }
}

/** Furthest that a clause is looked through for a denial, in tokens. */
const CLAUSE = 30;
/** Longest group of words, in tokens with the symbols between them. */
const LONGEST = 12;

/** Position of the first mark that begins at a token or behind it. */
function firstFrom(marks: readonly Mark[], token: number): number {
  let [low, high] = [0, marks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((marks[middle]?.from ?? 0) < token) low = middle + 1;
    else high = middle;
  }
  return low;
}

function findMarks(request: Request): Mark[] {
  const { words, groups, stems, long } = safetyLexicon();
  const found: Mark[] = [];
  const quoted = (at: number): boolean => request.quotes.some(({ from, to }) => at >= from && at < to);
  for (let at = 0; at < request.tokens.length; at++) {
    const token = request.free(at);
    // What is quoted is a name or a command, and nothing that is asked of us.
    if (token?.kind !== 'word' || quoted(at)) continue;
    for (const { words: rest, concept } of groups.get(token.norm) ?? []) {
      const to = follow(request, rest, at);
      if (to !== undefined) found.push({ concept, from: at, to });
    }
    // French participles end in é, which tells them from demands: supprimé, supprime.
    const exact = /é$/.test(token.raw) ? words.get(token.norm)?.filter((concept) => concept !== 'end' && concept !== 'approve' && concept !== 'sign') : words.get(token.norm);
    if (exact) found.push(...exact.map((concept) => ({ concept, from: at, to: at + 1 })));
    else {
      const stem = stems.find(([start]) => token.norm.startsWith(start) && token.norm.length - start.length <= 8);
      if (stem) found.push({ concept: stem[1], from: at, to: at + 1 });
      else if (token.norm.length >= 6 && !NOT_THESE.has(token.norm)) {
        const meant = long.get(token.norm.charAt(0))?.find((word) => isTypoOf(token.norm, word));
        if (meant !== undefined) found.push(...(words.get(meant) ?? []).map((concept) => ({ concept, from: at, to: at + 1 })));
      }
    }
  }
  return found;
}

function follow(request: Request, words: readonly string[], from: number): number | undefined {
  let at = from + 1;
  for (const word of words.slice(1)) {
    while (/^[-'’]$/.test(request.free(at)?.raw ?? '')) at++;
    if (request.free(at)?.norm !== word) return undefined;
    at++;
  }
  return at;
}
