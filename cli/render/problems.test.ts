import { describe, expect, it } from 'vitest';
import { renderProblems } from './problems.ts';

const problem = (line: number, column: number) => ({ line, column, code: 'format', message: 'wrong', severity: 'error' as const });

describe('renderProblems', () => {
  it('shows the line with a caret under the place', () => {
    expect(renderProblems('a.yaml', 'one\n  two: ${x}\n', [problem(2, 10)])).toBe('a.yaml:2:10: error: wrong (format)\n    2 |   two: ${x}\n                 ^');
  });

  it('keeps the caret under its place after tabs and wide characters, and in a line that is too long', () => {
    const tabbed = renderProblems('a.yaml', '\tx', [problem(1, 2)]).split('\n');
    expect(tabbed[1]?.indexOf('x')).toBe(tabbed[2]?.indexOf('^'));
    const paired = renderProblems('a.yaml', '𝒳y', [problem(1, 3)]).split('\n');
    expect([...paired[1] ?? ''].indexOf('y')).toBe(paired[2]?.indexOf('^'));
    const long = renderProblems('a.yaml', `${'a'.repeat(500)}!${'b'.repeat(500)}`, [problem(1, 501)]).split('\n');
    expect(long[1]?.length).toBeLessThan(180);
    expect(long[1]?.indexOf('!')).toBe(long[2]?.indexOf('^'));
  });

  it('lets nothing in a source or its name steer the terminal', () => {
    const text = renderProblems('a\u001b[2J.yaml', 'x\u001b[2J\u202ey', [problem(1, 99), problem(77, 1)]);
    expect(text).not.toMatch(/[\u001b\u202e]/);
  });
});
