import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalBytes, canonicalize, MAX_DEPTH, parseCanonical } from './canonical.ts';
import { digestOf } from './digest.ts';

describe('canonical form', () => {
  it('is one encoding a value: parse and serialize are inverse', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const plain: unknown = JSON.parse(JSON.stringify(value));
      expect(parseCanonical(canonicalBytes(plain))).toEqual(plain);
    }), { seed: 1 });
  });

  it.each([
    ['undefined', { a: undefined }], ['NaN', [Number.NaN]], ['Infinity', Infinity], ['bigint', 1n], ['Date', new Date(0)], ['Map', new Map()], ['function', () => 1], ['lone surrogate', '\ud800'], ['lone surrogate in a key', { '\udc00': 1 }],
  ])('refuses %s', (_, value) => {
    expect(() => canonicalize(value)).toThrow(TypeError);
  });

  it.each([
    ['duplicate keys', '{"a":1,"a":2}'], ['key order', '{"b":1,"a":2}'], ['white space', '{"a": 1}'], ['number form', '{"a":1.0}'], ['minus zero', '[-0]'], ['huge number', '[1e999]'], ['escape', '"\\u0061"'], ['byte order mark', '\ufeff{}'], ['nothing', ''],
  ])('refuses %s in what must be canonical', (_, text) => {
    expect(() => parseCanonical(new TextEncoder().encode(text))).toThrow(TypeError);
  });

  it('refuses invalid UTF-8 and depth beyond the bound', () => {
    expect(() => parseCanonical(Uint8Array.from([0x22, 0xff, 0x22]))).toThrow(TypeError);
    const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(() => parseCanonical(new TextEncoder().encode(deep(MAX_DEPTH + 2)))).toThrow(TypeError);
    expect(() => parseCanonical(new TextEncoder().encode(deep(200_000)))).toThrow();
  });

  it('keeps the order of keys out of the digest', () => {
    expect(digestOf({ b: 1, a: 2 })).toBe(digestOf({ a: 2, b: 1 }));
    expect(digestOf([])).toBe('sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945');
  });
});
