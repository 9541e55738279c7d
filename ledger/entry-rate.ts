import { isIPv6 } from 'node:net';
import type { Refusal } from './ports.ts';
import { BUSY } from './ports.ts';
import { TokenBucket } from './rate.ts';

export interface EntryRateOptions {
  /** Entries a second from one address, on average; default 20,000. */
  readonly perSecond?: number | undefined;
  /** Entries at once; default 40,000. */
  readonly burst?: number | undefined;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
}

const PER_SECOND = 20_000;
const BURST = 40_000;
/** Addresses that are remembered; the one that was quiet for longest is forgotten first, and begins anew with a full bucket. */
const MAX_ADDRESSES = 4096;

/** How many entries each remote address may submit, accepted or not: what costs the ledger is looking at them. */
export class EntryRate {
  readonly #options: { capacity: number; perSecond: number; now?: () => number };
  readonly #buckets = new Map<string, TokenBucket>();

  constructor({ perSecond = PER_SECOND, burst = BURST, now }: EntryRateOptions = {}) {
    this.#options = { capacity: burst, perSecond, ...(now ? { now } : {}) };
  }

  /** Undefined when these entries may come; else all of them are refused. */
  refuse(address: string | undefined, entries: number): Refusal | undefined {
    const source = sourceOf(address ?? '');
    const bucket = this.#buckets.get(source) ?? new TokenBucket(this.#options);
    this.#buckets.delete(source);
    this.#buckets.set(source, bucket);
    const [quietest] = this.#buckets.keys();
    if (this.#buckets.size > MAX_ADDRESSES && quietest !== undefined) this.#buckets.delete(quietest);
    if (bucket.take(entries)) return undefined;
    return { ok: false, code: BUSY, message: `more than ${this.#options.perSecond} entries a second came from this address`, hint: 'send them again in a moment, and fewer at a time' };
  }
}

/** One source: an IPv4 address, or the /64 that one holder of IPv6 has (RFC 6177). */
export function sourceOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = tail === undefined ? left : [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  return `${groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(':')}::/64`;
}
