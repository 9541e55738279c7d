import type { Problem } from '../../knowledge/document.ts';
import { paint } from '../output.ts';
import { printable } from './printable.ts';

/** Longest part of a source line that is shown. */
const MAX_SHOWN = 160;

/** `file:line:column: error: message`, the line of the source, and a caret under the place. */
export function renderProblems(file: string, source: string, problems: readonly Problem[]): string {
  const lines = source.split(/\r\n|\r|\n/);
  return problems.map(({ line, column, severity, message, code }) => {
    const head = `${printable(file)}:${line}:${column}: ${paint(severity === 'error' ? 'red' : 'yellow', severity, process.stdout)}: ${printable(message)} ${paint('dim', `(${code})`, process.stdout)}`;
    const text = lines[line - 1] ?? '';
    // Of a long line the part around the place.
    const from = column > MAX_SHOWN ? column - Math.floor(MAX_SHOWN / 2) : 0;
    const shown = text.slice(from, from + MAX_SHOWN);
    const gutter = `${String(line).padStart(5)} | `;
    // A tab moves the caret as far as it moves the text; a pair of surrogates is one column.
    const before = [...shown.slice(0, Math.max(0, column - 1 - from))].map((c) => (c === '\t' ? ' ' : printable(c))).map((c) => ' '.repeat([...c].length)).join('');
    return `${head}\n${gutter}${printable(shown.replaceAll('\t', ' '))}\n${' '.repeat(gutter.length)}${before}^`;
  }).join('\n');
}
