import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elementType, isExpression, MAX_EXPRESSION, Scope, type Value } from './expression.ts';

const scope = new Scope([['n', 'int'], ['countries', 'list<string>'], ['name', 'string']]);
const values = { n: 5n, countries: ['CH', 'DE'], name: 'x' };

function run(text: string, seen: Record<string, Value> = values): unknown {
  const expression = scope.compile(text);
  if (!isExpression(expression)) return `refused: ${expression.message}`;
  const result = expression.evaluate(seen);
  return result.ok ? result.value : `failed: ${result.message}`;
}

describe('expressions', () => {
  it.each<[string, unknown]>([
    ['n * 102 / 100 + 64 * MiB', 67108869n],
    ['ceilDiv(10, 4)', 3n],
    ['-7 / 2', -3n],
    ['-7 % 2', -1n],
    ['min(n, 3) + max(n, 9)', 12n],
    ['range(3).map(i, "zdb-" + string(i))', ['zdb-0', 'zdb-1', 'zdb-2']],
    ['size(countries) > 0 ? countries[0].lowerAscii() : "grid"', 'ch'],
    ['countries.exists(c, c == "DE") && !countries.all(c, c == "DE")', true],
    ['joined(countries, "+")', 'CH+DE'],
    ['range(2).map(i, i + i).exists(i, string(i) + "" == "2")', true],
    ['formatBytes(1500000000)', '1.5 GB'],
    ['9223372036854775807 - 1', 9223372036854775806n],
  ])('%s', (text, expected) => {
    expect(run(text)).toEqual(expected);
  });

  it.each([
    '9223372036854775807 + 1', '9223372036854775807 * n', 'n / 0', 'n % 0', 'ceilDiv(1, 0)', 'countries[7]', 'range(-1)', 'range(513)', '-(-9223372036854775807 - 1)',
    'range(400).map(i, range(400))', 'joined(range(500).map(i, "aaaaaaaaaa"), "")', 'range(200).map(i, countries.map(c, countries))',
    '["' + 'a'.repeat(80) + '"].map(a, a + a + a + a + a + a + a + a).map(b, b + b + b + b + b + b + b + b)',
  ])('fails, not wraps: %s', (text) => {
    expect(run(text)).toMatch(/^failed/);
  });

  it.each([
    'name.matches("(a+)+$")', 'timestamp("2026-01-01T00:00:00Z")', 'duration("1h")', 'dyn(n)', 'cel.bind(x, n, x)', 'double(n)', '1.5', '2u', 'b"x"', 'null', 'now()', 'name.split("")', 'countries.join(name)', 'countries + countries', 'range(2).map(i, countries + countries)', '(countries + countries).map(c, c)', '[countries].map(c, c + c)', 'type(n)', 'bytes(name)',
    'n + "a"', 'unknown + 1', 'n +', 'range("3")', 'countries.map(a, countries.map(b, countries.map(c, c)))', `"${'x'.repeat(MAX_EXPRESSION)}"`, '('.repeat(200), '[1, "a"]',
  ])('refuses before running: %s', (text) => {
    expect(run(text)).toMatch(/^refused/);
  });

  it('points into the expression', () => {
    expect(scope.compile('n + 1 + nobody')).toMatchObject({ ok: false, offset: 8 });
    expect(scope.compile('n == 1 && name.matches("x")')).toMatchObject({ ok: false, offset: 10 });
  });

  it('knows what it reads', () => {
    const expression = scope.compile('countries.map(c, c + name)');
    expect(isExpression(expression) && [...expression.reads].sort()).toEqual(['countries', 'name']);
    expect(isExpression(expression) && expression.type).toBe('list<string>');
  });

  it('resets the list budget for every evaluation', () => {
    for (let i = 0; i < 3; i++) expect(run('size(range(512))')).toBe(512n);
  });

  it('tells element types', () => {
    expect([elementType('list<int>'), elementType('list<list<int>>'), elementType('list'), elementType('int')]).toEqual(['int', 'list<int>', 'dyn', undefined]);
  });

  it('never throws, and computes integers as BigInt does', () => {
    fc.assert(fc.property(fc.string({ maxLength: 80 }), (text) => ['string', 'bigint', 'boolean', 'object'].includes(typeof run(text))), { seed: 11, numRuns: 1000 });
    const small = fc.bigInt({ min: -(2n ** 31n), max: 2n ** 31n });
    const inner = new Scope([['a', 'int'], ['b', 'int']]);
    const sum = inner.compile('a * b + a - b');
    fc.assert(
      fc.property(small, small, (a, b) => {
        const result = isExpression(sum) ? sum.evaluate({ a, b }) : sum;
        return result.ok && result.value === a * b + a - b;
      }),
      { seed: 12 },
    );
  });
});
