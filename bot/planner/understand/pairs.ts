import type { Mention } from './hints.ts';
import type { Range, Request } from './tokens.ts';

export interface PairReading extends Range {
  readonly key: string;
  readonly value: string;
}

const NAME = /^[A-Z_][A-Z0-9_]*$/;
const SETS = [['set', 'to'], ['to'], ['is'], ['as'], ['equals'], ['with', 'value'], ['with', 'the', 'value'], ['auf'], ['gleich'], ['mit', 'dem', 'wert'], ['mit', 'wert'], ['gesetzt', 'auf'], ['a'], ['sur'], ['egale', 'a'], ['avec', 'la', 'valeur'], ['reglee', 'sur'], ['regle', 'sur'], ['definie', 'a'], ['mise', 'a'], ['vaut'], ['con', 'valore'], ['impostata', 'a'], ['impostata', 'su'], ['impostato', 'a'], ['uguale', 'a'], ['con', 'valor'], ['con', 'el', 'valor'], ['igual', 'a'], ['op'], ['met', 'waarde'], ['met', 'de', 'waarde'], ['ingesteld', 'op'], [':'], ['=']].sort((x, y) => y.length - x.length);
const TEXT = /["'“„«]?(?<value>[^\s"'“”„«»,;]+)/uy;

/** Variables of an environment: `KEY=value` anywhere, `DEBUG set to true` in capitals. */
export function readPairs(request: Request, nouns: readonly Mention[]): PairReading[] {
  const found: PairReading[] = [];
  for (const literal of request.literals) {
    if (literal.kind !== 'pair') continue;
    const at = literal.text.indexOf('=');
    found.push({ from: literal.from, to: literal.to, key: literal.text.slice(0, at), value: unquote(literal.text.slice(at + 1)) });
  }
  for (let from = 0; from < request.tokens.length; from++) {
    const key = keyAt(request, from);
    const set = key && SETS.find((words) => words.every((word, i) => request.free(key.to + i)?.norm === word));
    const start = set && request.tokens[key.to + set.length]?.start;
    if (!key || !set || start === undefined || (set.length === 1 && !key.text.includes('_') && !nouns.some((noun) => noun.to <= from && from - noun.to <= 4))) continue;
    TEXT.lastIndex = start;
    const value = TEXT.exec(request.text)?.groups?.['value']?.replace(/[.!?]+$/, '');
    if (value === undefined || value === '') continue;
    const { to } = request.rangeOf(start, TEXT.lastIndex);
    found.push({ from, to, key: key.text, value });
    from = to - 1;
  }
  return found;
}

/** A name in capitals, `LOG_LEVEL` as one. */
function keyAt(request: Request, from: number): { text: string; to: number } | undefined {
  const token = request.free(from);
  if (token?.kind !== 'word' || !NAME.test(token.raw) || token.raw.length < 2) return undefined;
  const text = /^[A-Z_][A-Z0-9_]*/.exec(request.text.slice(token.start, token.start + 128))?.[0] ?? token.raw;
  return { text, to: request.rangeOf(token.start, token.start + text.length).to };
}

function unquote(text: string): string {
  return /^(["'„]).*["'“]$/.test(text) ? text.slice(1, -1) : text;
}
