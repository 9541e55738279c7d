import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { list } from './listing.ts';
import type { KeySource, ListingQuery } from './listing.ts';
import { parseRange } from './range.ts';
import { escapeXml, parseXml, xmlDocument } from './xml.ts';
import { Refusal } from './refusal.ts';
import { z } from 'zod';

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

function sourceOf(keys: readonly string[]): KeySource<string> {
  const sorted = keys.map(bytes).sort((a, b) => Buffer.compare(a, b));
  return (from, to, limit) => sorted.filter((k) => Buffer.compare(k, from) >= 0 && Buffer.compare(k, to) < 0).slice(0, limit).map((key) => ({ key, item: '' }));
}

/** What the definition says, without any of the skipping: keys below the prefix, rolled up, each once, in order. */
function everything(keys: readonly string[], prefix: string, delimiter: string): string[] {
  const out = new Set<string>();
  for (const key of keys.map(bytes).sort((a, b) => Buffer.compare(a, b)).map((k) => k.toString('utf8'))) {
    if (!key.startsWith(prefix)) continue;
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    out.add(at < 0 ? `key ${key}` : `prefix ${key.slice(0, at + delimiter.length)}`);
  }
  return [...out];
}

const key = fc.array(fc.constantFrom('a', 'b', '/', '//', 'é', '\u{1f600}', '\uffff', ' '), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));

describe('listing', () => {
  it('gives every key and common prefix once and in byte order, whatever the page size', () => {
    fc.assert(fc.property(
      fc.uniqueArray(key, { maxLength: 40 }), fc.constantFrom('', 'a', 'a/', 'é', '/'), fc.constantFrom('', '/', '//', 'b'), fc.integer({ min: 1, max: 9 }),
      (keys, prefix, delimiter, maxKeys) => {
        const seen: { name: string; sort: Buffer }[] = [];
        let query: ListingQuery = { prefix, delimiter, after: '', maxKeys };
        for (let page = 0; ; page++) {
          const got = list(sourceOf(keys), query);
          const names = [...got.contents.map((c) => ({ name: `key ${c.key.toString('utf8')}`, sort: c.key })), ...got.prefixes.map((p) => ({ name: `prefix ${p}`, sort: bytes(p) }))];
          expect(names.length).toBeLessThanOrEqual(maxKeys);
          seen.push(...names.sort((a, b) => Buffer.compare(a.sort, b.sort)));
          if (!got.truncated) break;
          expect(page).toBeLessThan(100);
          query = { ...query, after: got.last };
        }
        expect(seen.map((s) => s.name)).toEqual(everything(keys, prefix, delimiter));
      },
    ), { seed: 2, numRuns: 400 });
  });

  it('begins after a key that need not exist', () => {
    const got = list(sourceOf(['a', 'b/1', 'b/2', 'c']), { prefix: '', delimiter: '', after: 'b/1', maxKeys: 10 });
    expect(got.contents.map((c) => c.key.toString())).toEqual(['b/2', 'c']);
    expect(list(sourceOf(['a', 'c']), { prefix: '', delimiter: '', after: 'b', maxKeys: 10 }).contents.map((c) => c.key.toString())).toEqual(['c']);
    expect(list(sourceOf(['a']), { prefix: '', delimiter: '', after: '', maxKeys: 0 })).toMatchObject({ contents: [], truncated: false });
  });
});

describe('Range headers (RFC 9110 section 14.1.2)', () => {
  it.each([
    ['bytes=0-0', 10, [0, 0]], ['bytes=5-', 10, [5, 9]], ['bytes=-3', 10, [7, 9]], ['bytes=-30', 10, [0, 9]], ['bytes=2-99', 10, [2, 9]],
  ] as const)('%s of %i bytes is %j', (header, size, [start, end]) => { expect(parseRange(header, size)).toEqual({ kind: 'part', start, end }); });
  it.each([['bytes=10-', 10], ['bytes=-0', 10], ['bytes=0-', 0], ['bytes=-1', 0]] as const)('%s of %i bytes cannot be satisfied', (header, size) => { expect(parseRange(header, size).kind).toBe('unsatisfiable'); });
  it.each([[undefined], ['bytes=5-2'], ['bytes=0-1,3-4'], ['lines=1-2'], ['bytes=-'], ['bytes=a-b']])('%s gives the whole', (header) => { expect(parseRange(header, 10).kind).toBe('whole'); });
});

describe('XML', () => {
  const schema = z.object({ R: z.object({ Key: z.array(z.string()) }) });

  it('reads back any text it wrote', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', minLength: 1 }).filter((s) => !/[\ufffe\uffff\u0000]/.test(s)), (text) => {
      const document = xmlDocument('R', { Key: text });
      expect(parseXml(document, schema, ['Key']).R.Key).toEqual([text]);
    }), { seed: 3, numRuns: 300 });
  });

  it('escapes markup and control characters', () => { expect(escapeXml('<&>"\'\r\u0001')).toBe('&#60;&#38;&#62;&#34;&#39;&#13;&#1;'); });

  it('refuses DTDs, what is not well-formed, and another shape', () => {
    for (const text of ['<!DOCTYPE R [<!ENTITY x "y">]><R><Key>&x;</Key></R>', '<R><Key>', '<R></R>', '', '<Q><Key>1</Key></Q>']) {
      expect(() => parseXml(text, schema, ['Key'])).toThrow(Refusal);
    }
  });

  it('does not decode twice', () => { expect(parseXml('<R><Key>&amp;lt;</Key></R>', schema, ['Key']).R.Key).toEqual(['&lt;']); });
});
