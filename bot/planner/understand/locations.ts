import type { TextReading } from './images.ts';
import type { Mention } from './hints.ts';
import type { Request } from './tokens.ts';

/** Furthest that the word for it may stand before an address, in tokens. */
const REACH = 5;
const SKIPPED = new Set([':', '=', '"', '“', '„', '«', "'", '`', '‘', 'is', 'in', 'ist', 'est', 'es', 'called', 'named', 'namens']);

/** Addresses that a request gives: URLs, git addresses, buckets and paths; and what stands right behind `source:` or `dataset =`. */
export function readLocations(request: Request, nouns: readonly Mention[]): TextReading[] {
  const found: TextReading[] = request.literals.filter(({ kind }) => kind === 'location').map(({ from, to, text }) => ({ from, to, text, named: nouns.some((noun) => noun.to <= from && from - noun.to <= REACH) }));
  if (found.length > 0) return found;
  for (const noun of nouns) {
    const colon = /^[:=]$/.test(request.free(noun.to)?.raw ?? '');
    let at = noun.to;
    while (SKIPPED.has(request.free(at)?.norm ?? '')) at++;
    const start = request.tokens[at]?.start;
    if (start === undefined || !request.free(at)) continue;
    const text = /^[\p{L}\p{N}][\p{L}\p{N}._/@:~-]*[\p{L}\p{N}/]/u.exec(request.text.slice(start, start + 500))?.[0];
    // A plain word is an address only where it cannot be anything else.
    if (text !== undefined && (/[./]/.test(text) || (colon && /[-_\d]/.test(text)))) found.push({ ...request.rangeOf(start, start + text.length), text, named: true });
  }
  return found;
}
