import { InvalidArgumentError } from 'commander';

/** Values of options that are more than text. Each throws commander's InvalidArgumentError, which ends as wrong usage (2). */

/** A descriptor that can bring a passphrase: standard output and error cannot. */
export function parseFd(text: string): number {
  const fd = /^\d{1,4}$/.test(text) ? Number(text) : NaN;
  if (fd === 0 || fd > 2) return fd;
  throw new InvalidArgumentError('expected the number of an inherited file descriptor: 0, or 3 and up');
}

/** A TCP port; 0 is any free one. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= 65_535) return port;
  throw new InvalidArgumentError('expected a port from 0 to 65535');
}

/** A count or place of entries. */
export function parseWhole(text: string): number {
  if (/^(0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number');
}

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000 } as const;
const MAX_TTL_MS = 24 * UNIT_MS.h;

/** `90s`, `30m`, `8h` in milliseconds, at most a day. */
export function parseTtl(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,4})([smh])$/.exec(text) ?? [];
  const ms = unit === 's' || unit === 'm' || unit === 'h' ? Number(count) * UNIT_MS[unit] : 0;
  if (ms > 0 && ms <= MAX_TTL_MS) return ms;
  throw new InvalidArgumentError('expected a time such as 30m or 8h, at most 24h');
}
