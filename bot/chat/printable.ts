import { withoutUnseen } from '../../contract/visible.ts';

/** What others wrote, as a terminal or a page may show it: nothing in it may move the cursor, forge a line, hide or reorder what stands beside it. */
export function printable(text: string): string {
  return withoutUnseen(text, '\u00b7');
}

/** The same of a text that has lines of its own. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
