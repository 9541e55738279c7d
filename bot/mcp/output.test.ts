import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clean, cleanText } from './clean.ts';
import { shorten, textOf } from './output.ts';

describe('shorten', () => {
  it('keeps what fits as it is', () => {
    const value = { a: [1, 2], b: 'x' };
    expect(shorten(value, 100)).toEqual({ value, left: [] });
  });

  it('never gives more than asked for, and says what it left out', () => {
    const values = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.oneof(fc.string({ maxLength: 4000 }), fc.array(fc.record({ id: fc.integer(), text: fc.string({ maxLength: 300 }) }), { maxLength: 60 })), { maxKeys: 8 });
    fc.assert(fc.property(values, (result) => {
      const { value, left } = shorten(result, 2000);
      const whole = JSON.stringify(result).length <= 2000;
      expect(JSON.stringify(value).length).toBeLessThanOrEqual(2000);
      expect(left.length === 0).toBe(whole);
      expect(Object.keys(value)).toEqual(Object.keys(result));
    }), { seed: 3, numRuns: 60 });
  });

  it('does not touch what it was given', () => {
    const result = { rows: Array.from({ length: 100 }, (_, i) => ({ i, text: 'x'.repeat(50) })) };
    shorten(result, 2000);
    expect(result.rows).toHaveLength(100);
  });
});

describe('textOf', () => {
  it('is shorter than JSON, with a line for each row', () => {
    const result = { total: 2, nodes: [{ label: 'a', types: ['zdb', 'archive'], alive: true }, { label: 'b', types: [], alive: false }], price: { month: '1', text: '1 EUR' } };
    expect(textOf(result)).toBe('total: 2\nnodes:\n- label a; types (zdb, archive); alive true\n- label b; types (none); alive false\nprice:\n  month: 1\n  text: 1 EUR');
    expect(textOf(result).length).toBeLessThan(JSON.stringify(result).length);
  });

  it('lets no value forge a line', () => {
    expect(textOf({ title: 'mine\nprice: 0' })).toBe('title: mine price: 0');
  });
});

describe('clean', () => {
  it.each(['\u001b[2J', '\u202eevil', 'a\u0000b', '\u200bhidden', '\u2028', '\ue000'])('shows %j as it is not', (text) => {
    expect(cleanText(text)).toContain('·');
    expect(clean({ [text]: [text, { deep: text }] })).toEqual({ [cleanText(text)]: [cleanText(text), { deep: cleanText(text) }] });
  });

  it('keeps people\'s writing, lines and tabs', () => {
    const text = 'Zürich, 日本\n\tÅ 👍';
    expect(cleanText(text)).toBe(text);
  });
});
