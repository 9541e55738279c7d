import type { Explanation } from '../../contract/explain.ts';

/** Lines of a part that can be folded which are seen at once. */
const SEEN = 12;

export interface Part {
  readonly name: string;
  readonly title: string;
  readonly seen: readonly string[];
  /** One click away. */
  readonly folded: readonly string[];
}

/** The parts of an explanation that say anything. Only *what* and *where* fold, which repeat themselves: nobody signs a change, an end, a price or a right that stood under a fold. */
export function partsOf({ changes, what, where, cost, who, unasked }: Explanation): Part[] {
  const whole = (name: string, title: string, lines: readonly string[]): Part => ({ name, title, seen: lines, folded: [] });
  const folding = (name: string, title: string, lines: readonly string[]): Part => ({ name, title, seen: lines.slice(0, SEEN), folded: lines.slice(SEEN) });
  return [
    whole('changes', 'Changes to what runs now', changes),
    folding('what', 'What', what),
    folding('where', 'Where', where),
    whole('cost', 'Cost', cost),
    whole('who', 'Who', who),
    whole('unasked', 'What may happen without asking again', unasked),
  ].filter(({ seen }) => seen.length > 0);
}
