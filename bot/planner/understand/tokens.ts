import { findLiterals, findQuotes, type LiteralRange, type Quote } from './literals.ts';

/** Longest request, in UTF-16 units. */
export const MAX_TEXT = 2000;

export interface Token {
  readonly kind: 'word' | 'number' | 'symbol';
  readonly raw: string;
  /** Without case and accents; what words are compared by. */
  readonly norm: string;
  /** UTF-16 offsets in the request. */
  readonly start: number;
  readonly end: number;
  /** Nothing stands between this token and the one before. */
  readonly attached: boolean;
}

/** A stretch of tokens, `to` excluded. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

const TOKEN = /(?<number>\d+(?:[.,'’\u00a0\u202f]\d+)*)|(?<word>\p{L}[\p{L}\p{M}\p{N}]*)|(?<symbol>[^\s_])/gu;

/** Lower case, no accents, `ß` as `ss`. */
export function normalize(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ß', 'ss');
}

/** A request cut into words, numbers and symbols, and which of them were understood already. */
export class Request {
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly #tokens: Token[];
  /** What is written for machines (addresses, images, dates); taken from the beginning. */
  readonly literals: readonly LiteralRange[];
  readonly quotes: readonly Quote[];
  readonly #used: boolean[];

  constructor(text: string) {
    this.text = text;
    this.#tokens = tokenize(text);
    this.tokens = this.#tokens;
    this.#used = this.tokens.map(() => false);
    this.literals = findLiterals(text).map(({ kind, text: said, start, end }) => ({ kind, text: said, ...this.rangeOf(start, end) }));
    this.quotes = findQuotes(text).map(({ text: said, start, end }) => ({ text: said, ...this.rangeOf(start, end) }));
    for (const literal of this.literals) this.take(literal);
  }

  /** The token at an index, unless another reading took it. */
  free(index: number): Token | undefined {
    return this.#used[index] ? undefined : this.tokens[index];
  }

  /** Takes a stretch out of further readings. */
  take({ from, to }: Range): void {
    this.#used.fill(true, Math.max(0, from), to);
  }

  /** Lets words be read as what their typist meant. */
  respell(meant: (norm: string) => string | undefined): void {
    for (const [at, token] of this.tokens.entries()) {
      const norm = token.kind === 'word' && this.free(at) ? meant(token.norm) : undefined;
      if (norm !== undefined) this.#tokens[at] = { ...token, norm };
    }
  }

  /** Gives a stretch back to further readings. */
  release({ from, to }: Range): void {
    this.#used.fill(false, Math.max(0, from), to);
  }

  /** True when no reading took any token of a stretch. */
  isFree({ from, to }: Range): boolean {
    for (let at = from; at < to; at++) if (this.#used[at]) return false;
    return true;
  }

  /** The tokens that touch a stretch of the text. */
  rangeOf(start: number, end: number): Range {
    // Tokens stand in order: the first that ends behind the start, by halving.
    let [low, high] = [0, this.tokens.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.tokens[middle]?.end ?? 0) > start) high = middle;
      else low = middle + 1;
    }
    let to = low;
    while ((this.tokens[to]?.start ?? Infinity) < end) to++;
    return { from: low, to };
  }

  span({ from, to }: Range): Span {
    const start = this.tokens[from]?.start ?? 0;
    const end = this.tokens[to - 1]?.end ?? start;
    return { start, end, text: this.text.slice(start, end) };
  }
}

/** Where something was said: UTF-16 offsets, end excluded, and the text between them. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(TOKEN)) {
    const { number, word } = match.groups ?? {};
    const raw = match[0];
    const previous = tokens.at(-1);
    tokens.push({ kind: number !== undefined ? 'number' : word !== undefined ? 'word' : 'symbol', raw, norm: normalize(raw), start: match.index, end: match.index + raw.length, attached: previous?.end === match.index });
  }
  return tokens;
}
