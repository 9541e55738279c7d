import serialize from 'canonicalize';

/** Deepest nesting of any signed document; beyond it a parser or a reader could be exhausted. */
export const MAX_DEPTH = 32;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * Canonical text of a JSON value (RFC 8785).
 * @throws TypeError on undefined, NaN, Infinity, lone surrogates, non-JSON objects or nesting over MAX_DEPTH: what
 * a serializer would silently drop must not be signed.
 */
export function canonicalize(value: unknown): string {
  assertJson(value, 0);
  const text = serialize(value);
  if (text === undefined) throw new TypeError('not a JSON value');
  return text;
}

/** UTF-8 bytes of the canonical text. */
export function canonicalBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalize(value));
}

/**
 * Parses bytes that must already be canonical, so that one document has exactly one encoding: duplicate keys, other
 * number forms, white space, key order and invalid UTF-8 all fail the comparison.
 * @throws TypeError when they are not.
 */
export function parseCanonical(bytes: Uint8Array): Json {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    throw new TypeError('not JSON');
  }
  if (canonicalize(value) !== text) throw new TypeError('JSON is not in canonical form (RFC 8785)');
  return value;
}

/**
 * Whether a key `__proto__` stands anywhere in it. Readers that build records by assignment lose such a key without a
 * word, so that two signed documents would mean the same: nothing of ours has one.
 */
export function namesProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) ? value.some(namesProto) : Object.hasOwn(value, '__proto__') || Object.values(value).some(namesProto);
}

function assertJson(value: unknown, depth: number): asserts value is Json {
  if (depth > MAX_DEPTH) throw new TypeError(`nested deeper than ${MAX_DEPTH}`);
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw new TypeError('string with a lone surrogate');
      return;
    case 'boolean':
      return;
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('number is not finite');
      return;
    case 'object': {
      if (value === null) return;
      if (Array.isArray(value)) {
        for (const item of value) assertJson(item, depth + 1);
        return;
      }
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== null) throw new TypeError('not a plain object');
      for (const [key, item] of Object.entries(value)) {
        assertJson(key, depth);
        assertJson(item, depth + 1);
      }
      return;
    }
    default:
      throw new TypeError(`${typeof value} has no canonical form`);
  }
}
