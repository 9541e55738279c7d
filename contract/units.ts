import { z } from 'zod';
import { UNSEEN } from './visible.ts';

/** A non-negative integer as a decimal string: JSON numbers end at 2^53, bytes and money do not. */
export const DecimalString = z.string().regex(/^(0|[1-9][0-9]{0,29})$/, 'expected a whole number as a decimal string');

/** RFC 3339 UTC, always with milliseconds: of equal width, so that the order of texts is the order of times. */
export const Time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'expected RFC 3339 UTC with milliseconds').refine((t) => Number.isFinite(Date.parse(t)), 'no such time');
const SEEN = new RegExp(`^[^${UNSEEN}]*$`, 'u');
/**
 * What people read: nothing in it that they cannot see, or that could forge lines or steer a terminal. No pattern, since JSON
 * Schema has no place for its flag.
 */
export const Text = (most: number) => z.string().min(1).max(most).refine((text) => SEEN.test(text), 'has control, format or invisible characters');

export const Country = z.string().regex(/^[A-Z]{2}$/, 'expected an ISO 3166 alpha-2 country');
/** A DNS label (RFC 1123). Labels are keys of plain objects, and `constructor` is the one label that those have by birth. */
export const Label = z.string().regex(/^(?!constructor$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'expected a DNS label');

/** What a workload takes and a node has: disk and memory in bytes, cpu in thousandths of a core. */
export const Resources = z.strictObject({ disk: DecimalString, memory: DecimalString, cpu: DecimalString });
export type Resources = z.infer<typeof Resources>;

export const NO_RESOURCES: Resources = { disk: '0', memory: '0', cpu: '0' };

export function addResources(a: Resources, b: Resources): Resources {
  return combine(a, b, (x, y) => x + y);
}

/** Never below zero. */
export function subtractResources(a: Resources, b: Resources): Resources {
  return combine(a, b, (x, y) => (x > y ? x - y : 0n));
}

/** True when every part of `need` is at most the same part of `have`. */
export function fits(need: Resources, have: Resources): boolean {
  return BigInt(need.disk) <= BigInt(have.disk) && BigInt(need.memory) <= BigInt(have.memory) && BigInt(need.cpu) <= BigInt(have.cpu);
}

function combine(a: Resources, b: Resources, op: (x: bigint, y: bigint) => bigint): Resources {
  return {
    disk: op(BigInt(a.disk), BigInt(b.disk)).toString(),
    memory: op(BigInt(a.memory), BigInt(b.memory)).toString(),
    cpu: op(BigInt(a.cpu), BigInt(b.cpu)).toString(),
  };
}

const BYTE_UNITS: Readonly<Record<string, bigint>> = {
  b: 1n, kb: 10n ** 3n, mb: 10n ** 6n, gb: 10n ** 9n, tb: 10n ** 12n, pb: 10n ** 15n, eb: 10n ** 18n,
  kib: 2n ** 10n, mib: 2n ** 20n, gib: 2n ** 30n, tib: 2n ** 40n, pib: 2n ** 50n, eib: 2n ** 60n,
};

/** Bytes of `1 PB`, `500TiB`, `1.5 GB` (decimal and binary units, SI and IEC); undefined when it is not a size. */
export function parseBytes(text: string): bigint | undefined {
  const match = /^\s*(\d{1,15})(?:\.(\d{1,9}))?\s*([a-z]{1,3})\s*$/i.exec(text);
  const unit = match?.[3] && BYTE_UNITS[match[3].toLowerCase()];
  if (!match?.[1] || !unit) return undefined;
  const fraction = match[2] ?? '';
  const scale = 10n ** BigInt(fraction.length);
  return (BigInt(match[1] + fraction) * unit) / scale;
}

/** `1 PB`, `1.5 TB`: the largest decimal unit, at most two decimals. */
export function formatBytes(bytes: bigint): string {
  for (const [unit, size] of [['EB', 10n ** 18n], ['PB', 10n ** 15n], ['TB', 10n ** 12n], ['GB', 10n ** 9n], ['MB', 10n ** 6n], ['KB', 10n ** 3n]] as const) {
    if (bytes >= size) {
      const hundredths = (bytes * 100n) / size;
      const fraction = (hundredths % 100n).toString().padStart(2, '0').replace(/0+$/, '');
      return `${hundredths / 100n}${fraction ? `.${fraction}` : ''} ${unit}`;
    }
  }
  return `${bytes} B`;
}

/** `1 node`, `2 nodes`: a number and what is counted. `many` where an s is not enough. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Money is counted in millionths of the currency: `1234560000` EUR is `1,234.56 EUR`. */
export function formatMoney(millionths: bigint, currency: string): string {
  const cents = (millionths + 5_000n) / 10_000n;
  const whole = (cents / 100n).toString().replace(/\B(?=(\d{3})+$)/g, ',');
  return `${whole}.${(cents % 100n).toString().padStart(2, '0')} ${currency}`;
}
