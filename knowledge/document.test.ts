import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_DOCUMENT, parseYaml } from './document.ts';

function firstProblem(source: string): string {
  const parsed = parseYaml(source);
  if (parsed.ok) return 'ok';
  const [problem] = parsed.problems;
  return problem ? `${problem.line}:${problem.column} ${problem.message}` : 'none';
}

describe('parseYaml', () => {
  it.each([
    ['a: &x 1\nb: *x\n', /^1:7 anchors/],
    ['a: 1\nb: *nobody\n', /^2:4/],
    ['b: 1\na: &x {c: 1}\n', /^2:7 anchors/],
    ['b: 1\na: &x\n  c: 1\n', /anchors/],
    ['a:\n  b: 1\n  c: 2\n  b: 3\n', /^4:3 .*unique/i],
    ['a: 1\nb: 2\na: 3\n', /^3:1 .*unique/i],
    ['a: !!str 1\n', /tag/],
    ['a: !secret 1\n', /tag/i],
    ['a: 1\nb: [1, 2\n', /^\d+:\d+ /],
    ['a: 1.5\n', /^1:4 number/],
    ['a: 12345678901234567890\n', /^1:4 number/],
    ['1: a\n', /keys must be texts/],
    ['a: 1\n---\nb: 2\n', /document/],
  ])('refuses %j at its place', (source, expected) => {
    expect(firstProblem(source)).toMatch(expected);
  });

  it('bounds size and depth', () => {
    expect(firstProblem(`a: ${'x'.repeat(MAX_DOCUMENT)}`)).toMatch(/larger/);
    expect(firstProblem(`a: ${'['.repeat(100_000)}`)).toMatch(/nested/);
    expect(firstProblem('- '.repeat(60_000))).toMatch(/nested|parts/);
    expect(firstProblem(Array.from({ length: 60 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'))).toMatch(/nested/);
    expect(firstProblem(Array.from({ length: 25_000 }, () => '- 1').join('\n'))).toMatch(/parts/);
    expect(firstProblem(`{${'a,'.repeat(25_000)}}`)).toMatch(/parts/);
  });

  it('refuses what is not UTF-8', () => {
    const parsed = parseYaml(Uint8Array.of(0x61, 0x3a, 0x20, 0xff));
    expect(parsed.ok).toBe(false);
  });

  it('locates values and texts inside them', () => {
    const parsed = parseYaml('a:\n  - b: "x ${y} z"\n    c: 2\n');
    expect(parsed.ok).toBe(true);
    if (!parsed.ok) return;
    expect(parsed.document.locate(['a', 0, 'c'])).toEqual({ line: 3, column: 8 });
    expect(parsed.document.locate(['a', 0, 'b'], { find: '${y}', offset: 2 })).toEqual({ line: 2, column: 13 });
    expect(parsed.document.locate(['a', 0, 'absent', 'deeper'])).toEqual({ line: 2, column: 5 });
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => typeof parseYaml(text).ok === 'boolean'), { seed: 7, numRuns: 500 });
    fc.assert(fc.property(fc.stringMatching(/^[-\s:[\]{}&*!|>'"#a?,%@`~0-9]{0,60}$/), (text) => typeof parseYaml(text).ok === 'boolean'), { seed: 8, numRuns: 1000 });
  });
});
