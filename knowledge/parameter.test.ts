import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalValue, celValue, formatValue, Parameter } from './parameter.ts';

const make = (fields: Record<string, unknown>): Parameter => Parameter.parse({ description: 'x', ...fields });
const bytes = make({ type: 'bytes', minimum: '1 GB', maximum: '1 EB' });
const days = make({ type: 'integer', unit: 'days', minimum: 0, maximum: 100 });
const countries = make({ type: 'countries' });
const money = make({ type: 'money' });

describe('canonicalValue', () => {
  it.each<[Parameter, unknown, unknown]>([
    [bytes, '1 PB', '1000000000000000'],
    [bytes, '500TiB', '549755813888000'],
    [bytes, '1500000000', '1500000000'],
    [bytes, 2_000_000_000, '2000000000'],
    [days, '90', 90],
    [days, -0, 0],
    [countries, 'ch, DE,CH', ['CH', 'DE']],
    [countries, ['DE', 'AT'], ['AT', 'DE']],
    [countries, '', []],
    [make({ type: 'cities' }), 'Zurich, Bern', ['Bern', 'Zurich']],
    [make({ type: 'name' }), 'my-archive', 'my-archive'],
    [make({ type: 'boolean' }), 'true', true],
    [make({ type: 'choice', choices: { user: { nouns: [] }, seq: { nouns: [] } } }), 'seq', 'seq'],
    [money, '500 EUR', '500000000'],
    [money, '0.05 EUR', '50000'],
    [money, '500000000', '500000000'],
  ])('%o %o', (parameter, raw, expected) => {
    expect(canonicalValue(parameter, raw)).toEqual({ ok: true, value: expected });
  });

  it.each<[Parameter, unknown]>([
    [bytes, '1 MB'], [bytes, '2 EB'], [bytes, '-1 PB'], [bytes, 1.5], [bytes, '1e9'], [bytes, null], [bytes, '007'],
    [days, 101], [days, -1], [days, 1.5], [days, '1.0'], [days, NaN],
    [countries, 'Switzerland'], [countries, ['CH', 3]], [countries, { CH: true }], [countries, Array.from({ length: 65 }, () => 'CH')],
    [make({ type: 'name' }), 'My_Archive'], [make({ type: 'name' }), ''], [make({ type: 'boolean' }), 'yes'], [make({ type: 'boolean' }), 1],
    [make({ type: 'choice', choices: { user: { nouns: [] } } }), 'constructor'],
    [money, '500 CHF'], [money, 500], [money, '-5 EUR'], [money, '99999999999999999999'], [money, '1.2345678 EUR'],
    [make({ type: 'text', maxLength: 3 }), 'long'], [make({ type: 'text' }), '\ud800'],
  ])('refuses %o %o', (parameter, raw) => {
    const result = canonicalValue(parameter, raw);
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.hint.length).toBeGreaterThan(3);
  });

  it('is idempotent, and never throws', () => {
    const all = [bytes, days, countries, money, make({ type: 'cities' }), make({ type: 'name' }), make({ type: 'text' }), make({ type: 'boolean' })];
    const raw = fc.oneof(fc.jsonValue(), fc.bigInt({ min: 0n, max: 10n ** 20n }).map(String), fc.constantFrom('3 TB', '1 PB', '70', 'CH,DE', '12.5 EUR', 'a', 'true'));
    fc.assert(
      fc.property(fc.constantFrom(...all), raw, (parameter, value) => {
        const once = canonicalValue(parameter, value);
        if (!once.ok) return true;
        celValue(parameter, once.value);
        formatValue(parameter, once.value);
        const twice = canonicalValue(parameter, once.value);
        return twice.ok && JSON.stringify(twice.value) === JSON.stringify(once.value);
      }),
      { seed: 21, numRuns: 1000 },
    );
  });

  it('shows values as people read them', () => {
    expect([formatValue(bytes, '1500000000000'), formatValue(days, 90), formatValue(countries, ['CH', 'DE']), formatValue(money, '500000000')]).toEqual(['1.5 TB', '90 days', 'CH, DE', '500.00 EUR']);
  });
});
