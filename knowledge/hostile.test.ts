import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { shippedDirectory } from './library.ts';
import { checkedBlueprint, lintBlueprint } from './lint.ts';
import { Seeded } from './random.ts';
import { runBlueprintTests } from './test.ts';

const SEED = process.env['THREEBOT_SEED'] ?? '20261120';
const MUTATIONS = 2000;
/** Far above what any needs on a busy machine; a bomb would take minutes or all memory. */
const SLOWEST_MS = 3000;

const source = readFileSync(join(shippedDirectory(), 'archive.yaml'), 'utf8');
/** Short, so that many can be tried: the parts where most can go wrong. */
const SMALL = source.replace(/nouns: \[[^\]]*\]/g, 'nouns: [archive]').split('\n').filter((line, i, all) => !/^ {8}- \S/.test(line) || !/^ {8}- \S/.test(all[i - 1] ?? '')).join('\n');

const TOKENS = [
  '${', '}', '{', '[', ']', '"', "'", ': ', '- ', '|', '>', '&a ', '*a', '!!js/function ', '!!binary ', '<<: ', '#', '%YAML 1.1', '---', '...', '\t', '\0', '\r', '\u2028', '\ufeff', '\ud800', '𝒳', '-1', '9'.repeat(40), '1e400', '.nan', '0x7fffffffffffffffff', '~', 'null', 'true',
  '__proto__: {}', 'constructor: 1', 'toString', 'range(9223372036854775807)', 'size(', '.map(x, ', ' in ', ' ? : ', '/ 0', '% 0', '"".matches("(a+)+$")', 'KiB * KiB * KiB * KiB * KiB * KiB * KiB', '\n', '\n  ', '        ',
];

/** One to four changes: characters, words and lines taken out, doubled, exchanged or put in. */
function mutate(text: string, random: Seeded): string {
  let out = text;
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const at = random.below(out.length + 1);
    const lines = out.split('\n');
    const line = random.below(lines.length);
    switch (random.below(8)) {
      case 0: out = out.slice(0, at) + out.slice(at + 1 + random.below(40)); break;
      case 1: out = out.slice(0, at) + (random.pick(TOKENS) ?? '') + out.slice(at); break;
      case 2: out = out.slice(0, at) + (random.pick(TOKENS) ?? '') + out.slice(at + random.below(12)); break;
      case 3: out = [...lines.slice(0, line), ...lines.slice(line + 1 + random.below(5))].join('\n'); break;
      case 4: out = [...lines.slice(0, line), ...lines.slice(line, line + 1 + random.below(5)), ...lines.slice(line)].join('\n'); break;
      case 5: { const other = random.below(lines.length); [lines[line], lines[other]] = [lines[other] ?? '', lines[line] ?? '']; out = lines.join('\n'); break; }
      case 6: lines[line] = `${' '.repeat(random.below(6))}${(lines[line] ?? '').trimStart()}`; out = lines.join('\n'); break;
      default: out = out.slice(0, at) + String.fromCharCode(random.below(0xffff)) + out.slice(at + 1); break;
    }
  }
  return out;
}

function look(text: string | Uint8Array, again = true): { problems: ReturnType<typeof lintBlueprint>; ms: number } {
  const start = performance.now();
  const problems = lintBlueprint(text);
  const ms = performance.now() - start;
  // Lint says everything that would keep it from being used.
  if (again && !checkedBlueprint(text).ok) expect(problems.some(({ severity }) => severity === 'error')).toBe(true);
  const height = typeof text === 'string' ? text.split(/\r\n|\r|\n/).length : Infinity;
  for (const { line, column, message, code } of problems) {
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(height);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(message.length).toBeGreaterThan(0);
    expect(message.length).toBeLessThan(3000);
    expect(code).toMatch(/^[a-z_]+$/);
  }
  return { problems, ms };
}

describe('what somebody else wrote', () => {
  it(`is linted without a throw, ${MUTATIONS} mutations, seed ${SEED}`, () => {
    const random = new Seeded(`lint ${SEED}`);
    let [clean, slowest] = [0, 0];
    const codes = new Map<string, number>();
    for (let i = 0; i < MUTATIONS; i++) {
      const text = mutate(i % 10 === 0 ? source : SMALL, random);
      const { problems, ms } = look(text, i % 10 === 0);
      if (problems.length === 0) clean += 1;
      for (const { code } of problems) codes.set(code, (codes.get(code) ?? 0) + 1);
      slowest = Math.max(slowest, ms);
      // What passes runs its own tests, which must not throw either.
      const checked = i % 20 === 0 ? checkedBlueprint(text) : undefined;
      if (checked?.ok) runBlueprintTests(checked.blueprint);
    }
    expect(slowest).toBeLessThan(SLOWEST_MS);
    // Neither all broken at once, nor hardly touched.
    expect(clean).toBeGreaterThan(MUTATIONS / 100);
    expect(clean).toBeLessThan(MUTATIONS / 2);
    expect([...codes.keys()]).toEqual(expect.arrayContaining(['yaml', 'format', 'unknown_key', 'expression', 'unused']));
  }, 240_000);

  it.each<[string, string | Uint8Array]>([
    ['nothing', ''],
    ['white space', ' \n\t\n'],
    ['a scalar', '42'],
    ['a list', '- 1\n- 2'],
    ['many documents', 'a: 1\n---\nb: 2\n'.repeat(50)],
    ['aliases that double', Array.from({ length: 40 }, (_, i) => (i === 0 ? 'a0: &a0 [x, x]' : `a${i}: &a${i} [*a${i - 1}, *a${i - 1}]`)).join('\n')],
    ['an alias to itself', 'a: &a [*a]'],
    ['merge keys', 'a: &a {x: 1}\nb: {<<: *a}'],
    ['deep flow lists', '['.repeat(100_000)],
    ['deep flow maps', '{a: '.repeat(50_000)],
    ['deep block lists', `${'- '.repeat(50_000)}x`],
    ['deep block maps', Array.from({ length: 2000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['deep block maps in one line', `${'? '.repeat(10_000)}x`],
    ['a huge document', `a: ${'x'.repeat(2 ** 20)}`],
    ['a huge key', `${'k'.repeat(200_000)}: 1`],
    ['many keys', Array.from({ length: 9000 }, (_, i) => `k${i}: 1`).join('\n')],
    ['the same key many times', 'k: 1\n'.repeat(9000)],
    ['huge numbers', `blueprint: ${'9'.repeat(100_000)}`],
    ['numbers that are none', source.replace('minimum: 1\n', 'minimum: .inf\n')],
    ['a number too large', source.replace('maximum: 30', 'maximum: 99999999999999999999')],
    ['a fraction', source.replace('default: 4', 'default: 4.5')],
    ['lone surrogates', '\ud800: \udfff'],
    ['not UTF-8', Uint8Array.from([0x61, 0x3a, 0xff, 0xfe])],
    ['NUL', 'a: "\0"\0'],
    ['a byte order mark', `\ufeff${source}`],
    ['other line ends', source.replaceAll('\n', '\r\n')],
    ['tags', 'a: !!js/function "function () { process.exit() }"'],
    ['a directive', '%YAML 1.1\n---\na: yes'],
    ['keys by birth', source.replace('parameters:\n', 'parameters:\n  constructor: {type: integer, description: x}\n  __proto__: {type: integer, description: x}\n')],
    ['an expression without end', source.replace('shards: data_shards + parity_shards', `shards: ${'('.repeat(2000)}`)],
    ['an expression of many parts', source.replace('shards: data_shards + parity_shards', `shards: ${'1 + '.repeat(500)}1`)],
    ['loops in loops in loops', source.replace('shards: data_shards + parity_shards', 'shards: range(500).map(a, range(500).map(b, range(500).map(c, a * b * c).size()).size()).size()')],
    ['a phrase of many forms', source.replace('say: "{a} + {b}"', `say: "${'a|'.repeat(190)}b {a} + {b}"`)],
  ])('ends with problems in time: %s', (_, text) => {
    const { ms } = look(text);
    expect(ms).toBeLessThan(SLOWEST_MS);
  });

  it('is clean where only line ends differ, and refused where text is hidden', () => {
    expect(lintBlueprint(source.replaceAll('\n', '\r\n'))).toEqual([]);
    expect(lintBlueprint('').length).toBeGreaterThan(0);
  });
});
