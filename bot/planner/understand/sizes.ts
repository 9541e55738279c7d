import { parseBytes } from '../../../contract/units.ts';
import type { Language } from './language.ts';
import { readNumber } from './numbers.ts';
import type { Range, Request, Token } from './tokens.ts';
import { isTypoOf } from './typo.ts';

export interface SizeReading extends Range {
  readonly bytes: bigint;
  readonly negative: boolean;
  /** `2 x 500 TB`, `1-2 PB`: more than one size can be meant. */
  readonly unclear: boolean;
}

const PREFIXES: Readonly<Record<string, string>> = { kilo: 'kB', mega: 'MB', giga: 'GB', tera: 'TB', peta: 'PB', exa: 'EB', kibi: 'KiB', mebi: 'MiB', gibi: 'GiB', tebi: 'TiB', pebi: 'PiB', exbi: 'EiB' };
const SHORT: Readonly<Record<string, string>> = { gig: 'GB', gigs: 'GB', tera: 'TB', teras: 'TB', peta: 'PB', petas: 'PB', giga: 'GB', byte: 'B', bytes: 'B', octets: 'B' };

/** Every size in a request: a number and a unit of bytes. */
export function readSizes(request: Request, language: Language): SizeReading[] {
  const found: SizeReading[] = [];
  for (let from = 0; from < request.tokens.length; from++) {
    const number = readNumber(request, from, language);
    if (!number) continue;
    const hyphen = request.free(number.to)?.raw === '-' ? 1 : 0;
    const at = number.to + hyphen;
    const unit = unitAt(request, at);
    if (unit === undefined) continue;
    const range = { from, to: at + 1 };
    found.push({ ...range, bytes: (number.numerator * unit) / number.denominator, negative: number.negative, unclear: isFactor(request, from) });
    request.take(range);
    from = range.to - 1;
  }
  return found;
}

function unitAt(request: Request, at: number): bigint | undefined {
  const token = request.free(at);
  const name = token?.kind === 'word' ? unitName(token) : undefined;
  return name === undefined ? undefined : parseBytes(`1 ${name}`);
}

function unitName(token: Token): string | undefined {
  const { raw, norm, attached } = token;
  if (/^[kmgtpe]i?b$/.test(norm)) return norm;
  // French octets; the case tells `To` from the word `to`.
  if (/^[KMGTPE]i?o$/.test(raw)) return raw.replace('o', 'B');
  if (attached && /^[GTPE]$/.test(raw)) return `${raw}B`;
  const short = SHORT[norm];
  if (short !== undefined) return short;
  for (const [prefix, unit] of Object.entries(PREFIXES)) {
    for (const stem of ['byte', 'bytes', 'octet', 'octets', 'bite', 'bites']) {
      if (norm === prefix + stem || (prefix.length + stem.length >= 8 && isTypoOf(norm, prefix + stem))) return unit;
    }
  }
  return undefined;
}

/** `2 x` or `1 -` or `between 1 and` just before a size. */
function isFactor(request: Request, from: number): boolean {
  const [before, earlier] = [request.tokens[from - 1], request.tokens[from - 2]];
  if (!before || earlier?.kind !== 'number') return /^x\d/.test(before?.norm ?? '');
  return ['x', '×', '*', 'times', 'mal', 'fois', 'volte', 'veces', 'keer', '-', '–', 'to', 'or', 'and', 'bis', 'oder', 'und', 'ou', 'a', 'o', 'tot', 'of'].includes(before.norm);
}
