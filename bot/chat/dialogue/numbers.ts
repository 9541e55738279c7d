import { normalize } from '../../planner/understand/tokens.ts';

/** A number that a question names, and what stands beside it. */
export interface AskedNumber {
  /** As it was said. */
  readonly said: string;
  readonly value: number;
  /** `255 TB` in bytes, when a unit of bytes follows. */
  readonly bytes: number | undefined;
  readonly money: boolean;
  /** The word behind it, without case and accents. */
  readonly noun: string;
}

const POWERS: Readonly<Record<string, number>> = { k: 1, m: 2, g: 3, t: 4, p: 5, e: 6 };

/** The first number of a question: `why 10 workloads?`, `woher kommen die 255 TB?`, `pourquoi 1 234,50 EUR ?` */
export function askedNumber(text: string): AskedNumber | undefined {
  const found = /(?<money>[€$]\s*)?(?<number>\d+(?:[.,'’\u00a0\u202f ]\d{3})*(?:[.,]\d+)?)\s*(?:(?<prefix>[kmgtpe])(?<binary>i?)(?<byte>b|o)(?![\p{L}\p{N}])|(?<currency>€|eur\w*))?\s*(?<noun>[\p{L}-]*)/iu.exec(text);
  const { money, number, prefix, binary, currency, noun } = found?.groups ?? {};
  if (number === undefined) return undefined;
  const value = Number(plain(number));
  const power = prefix === undefined ? undefined : POWERS[prefix.toLowerCase()];
  return {
    said: found?.[0].trim() ?? number, value,
    bytes: power === undefined ? undefined : value * (binary ? 1024 : 1000) ** power,
    money: money !== undefined || currency !== undefined,
    noun: normalize(noun ?? ''),
  };
}

/** `1.234,50` and `1,234.50` as `1234.50`: the last sign is the decimal one unless three digits follow it alone. */
function plain(number: string): string {
  const last = Math.max(number.lastIndexOf('.'), number.lastIndexOf(','));
  const decimals = last < 0 ? '' : number.slice(last + 1);
  const isGroup = decimals.length === 3 && /^[1-9]\d{0,2}(?:[.,'’\u00a0\u202f ]\d{3})+$/.test(number);
  const digits = (part: string): string => part.replace(/\D/g, '');
  return last < 0 || isGroup ? digits(number) : `${digits(number.slice(0, last))}.${digits(decimals)}`;
}

/** Equal as far as people write numbers: two figures behind the point are enough. */
export function near(asked: number, value: number): boolean {
  return asked === value || Math.abs(asked - value) <= Math.abs(value) * 0.005 || Math.abs(asked - value) < 0.01;
}
