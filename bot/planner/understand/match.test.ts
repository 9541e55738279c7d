import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestMatching, type Edge } from './match.ts';

const edge = (value: number, parameter: string, mention: number, score: number): Edge => ({ value, parameter, mention, score });

describe('matching', () => {
  it('prefers the best total to the best pair', () => {
    const edges = [edge(0, 'a', 0, 9), edge(0, 'b', 1, 8), edge(1, 'a', 0, 8)];
    expect(bestMatching(edges).map(({ value, parameter }) => [value, parameter])).toEqual([[0, 'b'], [1, 'a']]);
  });

  it('gives each mention to one value, and finds as much as trying everything', () => {
    const edges = fc.array(fc.record({ value: fc.nat(4), mention: fc.nat(4), score: fc.integer({ min: 1, max: 9 }) }), { maxLength: 9 });
    fc.assert(
      fc.property(edges, (raw) => {
        const all = raw.map(({ value, mention, score }) => edge(value, `p${mention}`, mention, score));
        const best = bestMatching(all);
        const total = best.reduce((sum, { score }) => sum + score, 0);
        if (new Set(best.map(({ value }) => value)).size < best.length || new Set(best.map(({ mention }) => mention)).size < best.length) return false;
        const most = (at: number, used: readonly number[]): number => {
          if (at > 4) return 0;
          return Math.max(most(at + 1, used), ...all.filter(({ value, mention }) => value === at && !used.includes(mention ?? -1)).map(({ mention, score }) => score + most(at + 1, [...used, mention ?? -1])));
        };
        return total === most(0, []);
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it('avoids two values for one parameter, unless nothing else is left', () => {
    expect(bestMatching([edge(0, 'a', 0, 7), edge(0, 'b', 1, 8), edge(1, 'b', 2, 8)]).map(({ parameter }) => parameter)).toEqual(['a', 'b']);
    expect(bestMatching([edge(0, 'b', 1, 8), edge(1, 'b', 2, 8)]).length).toBe(2);
  });

  it('ends soon however many there are', () => {
    const edges = Array.from({ length: 64 }, (_, value) => Array.from({ length: 64 }, (__, mention) => edge(value, 'p', mention, 5))).flat();
    const started = performance.now();
    expect(bestMatching(edges).length).toBeGreaterThan(0);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
