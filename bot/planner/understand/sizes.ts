import { parseBytes } from '../../../contract/units.ts';
import type { Language } from './language.ts';
import { halfAfter, type NumberReading } from './numbers.ts';
import type { Range, Request, Token } from './tokens.ts';
import { isTypoOf } from './typo.ts';

export interface SizeReading extends Range {
  readonly kind: 'size';
  readonly bytes: bigint;
  /** The same where GB means GiB, as it does for memory. */
  readonly memory: bigint;
  readonly negative: boolean;
  /** `2 x 500 TB`, `1-2 PB`: more than one size can be meant. */
  readonly unclear: boolean;
  /** The same with another number: `5 TB, no, 6`. */
  readonly retold: (number: NumberReading) => SizeReading;
}

const PREFIXES: Readonly<Record<string, string>> = { kilo: 'kB', mega: 'MB', giga: 'GB', tera: 'TB', peta: 'PB', exa: 'EB', kibi: 'KiB', mebi: 'MiB', gibi: 'GiB', tebi: 'TiB', pebi: 'PiB', exbi: 'EiB' };
const SHORT: Readonly<Record<string, string>> = {
  gig: 'GB', gigs: 'GB', giga: 'GB', gigas: 'GB', tera: 'TB', teras: 'TB', terra: 'TB', terras: 'TB', peta: 'PB', petas: 'PB', mega: 'MB', megas: 'MB', meg: 'MB', megs: 'MB',
  byte: 'B', bytes: 'B', octets: 'B', octet: 'B', kbyte: 'kB', mbyte: 'MB', gbyte: 'GB', tbyte: 'TB', pbyte: 'PB',
};
const STEMS = ['byte', 'bytes', 'octet', 'octets', 'bite', 'bites', 'ottetto', 'ottetti'];
const WORDS = new Map(Object.entries(PREFIXES).flatMap(([prefix, unit]) => STEMS.map((stem) => [prefix + stem, unit] as const)));

/** `a whole terabyte` */
const WHOLE = new Set('whole full entire ganzes ganze ganzer volles volle hele volledige intero intera entier entiere entero entera'.split(' '));

/** The size that a number says together with what follows it. */
export function readSize(request: Request, number: NumberReading, language: Language): SizeReading | undefined {
  let at = number.to;
  if (request.free(at)?.raw === '-') at++;
  if (WHOLE.has(request.free(at)?.norm ?? '')) at++;
  const token = request.free(at);
  const unit = token?.kind === 'word' ? unitOf(token, language) : undefined;
  if (unit === undefined) return undefined;
  const half = number.denominator === 1n ? halfAfter(request, at + 1) : undefined;
  const said = half === undefined ? number : { ...number, numerator: number.numerator * 2n + 1n, denominator: 2n };
  return sizeOf(said, unit, { to: half ?? at + 1, unclear: isFactor(request, number.from) });
}

function sizeOf({ from, numerator, denominator, negative }: NumberReading, unit: string, { to, unclear }: { to: number; unclear: boolean }): SizeReading {
  const bytes = (name: string): bigint => (numerator * (parseBytes(`1 ${name}`) ?? 0n)) / denominator;
  return { kind: 'size', from, to, bytes: bytes(unit), memory: bytes(unit.replace(/^([kmgtpe])b$/i, '$1iB')), negative, unclear, retold: (number) => sizeOf(number, unit, { to: number.to, unclear: false }) };
}

function unitOf(token: Token, language: Language): string | undefined {
  const { raw, norm, attached } = token;
  if (/^[kmgtpe]i?bs?$/.test(norm)) return norm.replace(/s$/, '');
  // French octets; the case tells `To` from the word `to`, unless the language does.
  if (/^[KMGTPE]i?o$/.test(raw) || (language === 'fr' && /^[kmgtp]i?o$/.test(norm))) return norm.replace('o', 'B');
  if (/^[KMGTPE]i?O$/.test(raw) && attached) return norm.replace('o', 'B');
  if (attached && /^[GTPEM]i?$/.test(raw)) return `${raw}B`;
  if (attached && /^[gt]$/.test(raw)) return `${raw}B`;
  if (Object.hasOwn(SHORT, norm)) return SHORT[norm];
  const word = WORDS.get(norm);
  if (word !== undefined) return word;
  if (norm.length < 7) return undefined;
  for (const [name, unit] of WORDS) if (name.length >= 8 && (isTypoOf(norm, name) || (norm.startsWith(name) && norm.length - name.length <= 1))) return unit;
  return undefined;
}

/** `2 x` or `1 -` or `between 1 and` just before a size. */
function isFactor(request: Request, from: number): boolean {
  const [before, earlier] = [request.tokens[from - 1], request.tokens[from - 2]];
  if (!before || earlier?.kind !== 'number' || request.free(from - 2) === undefined) return /^x\d/.test(before?.norm ?? '');
  return ['x', '×', '*', 'times', 'mal', 'fois', 'volte', 'veces', 'keer', '-', '–', 'to', 'or', 'bis', 'oder', 'ou', 'o', 'tot'].includes(before.norm);
}
