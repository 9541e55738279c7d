import { describe, expect, it } from 'vitest';
import type { Explanation } from '../../contract/explain.ts';
import { digestOf } from '../../contract/digest.ts';
import { partsOf } from '../../web/view/parts.ts';

/** What of an explanation the page shows at once. */

const lines = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name} ${i}`);
const explanation = (count: number): Explanation => ({
  format: '3bot-explanation/2', contract: digestOf('a contract'), title: 'a contract',
  what: lines('what', count), where: lines('where', count), cost: lines('cost', count), who: lines('who', count), unasked: lines('unasked', count), changes: lines('changes', count),
});

describe('partsOf', () => {
  it('folds what and where only, and keeps every line', () => {
    const long = explanation(40);
    const parts = partsOf(long);
    expect(Object.fromEntries(parts.map(({ name, seen, folded }) => [name, [seen.length, folded.length]]))).toEqual({ changes: [40, 0], what: [12, 28], where: [12, 28], cost: [40, 0], who: [40, 0], unasked: [40, 0] });
    for (const { name, seen, folded } of parts) expect([...seen, ...folded]).toEqual(long[name as keyof Explanation]);
    expect(partsOf(explanation(12)).every(({ folded }) => folded.length === 0)).toBe(true);
  });

  it('leaves out a part that says nothing', () => {
    expect(partsOf({ ...explanation(1), changes: [] }).map(({ name }) => name)).toEqual(['what', 'where', 'cost', 'who', 'unasked']);
  });
});
