import type { Explanation } from '../../contract/explain.ts';
import { h, section } from './dom.ts';
import { line } from './identifier.ts';
import { type Part, partsOf } from './parts.ts';

/** The explanation, part by part and line by line, as `3bot contract explain` prints it. */
export function explanationView(explanation: Explanation, names: ReadonlyMap<string, string>): HTMLElement {
  return h('div', { class: 'explanation' }, ...partsOf(explanation).map((part) => section(part.name, part.title, ...listOf(part, names))));
}

function listOf({ seen, folded }: Part, names: ReadonlyMap<string, string>): HTMLElement[] {
  const list = (lines: readonly string[]): HTMLElement => h('ul', {}, ...lines.map((text) => h('li', {}, ...line(text, names))));
  return folded.length === 0 ? [list(seen)] : [list(seen), h('details', {}, h('summary', {}, `${folded.length} more`), list(folded))];
}
