import type { Explanation } from '../../contract/explain.ts';
import type { LedgerState } from '../../ledger/state/state.ts';
import { paint } from '../output.ts';
import { printable } from './printable.ts';

/** An explanation for people; beside each id stands the name that the ledger knows for it. */
export function renderExplanation(explanation: Explanation, state: LedgerState): string {
  const parts: [string, readonly string[]][] = [
    ['changes to what runs now', explanation.changes], ['what', explanation.what], ['where', explanation.where], ['cost', explanation.cost], ['who', explanation.who],
    ['what may happen without asking again', explanation.unasked],
  ];
  const sections = parts.filter(([, lines]) => lines.length > 0).map(([name, lines]) => `${paint('bold', name)}\n${lines.map((line) => `  ${nameIds(printable(line), state)}`).join('\n')}`);
  return [paint('bold', printable(explanation.title)), ...sections, paint('dim', `contract ${explanation.contract}`)].join('\n');
}

/** `sha256:…` as `node-3 (sha256:1a2b3c4d)` where the ledger has a name for it. */
function nameIds(line: string, state: LedgerState): string {
  return line.replace(/sha256:[0-9a-f]{64}/g, (id) => {
    const key = id as keyof typeof state.principals;
    const node = state.nodes[key];
    const place = node?.attested ? `, ${node.attested.city}, ${node.attested.country}` : '';
    const name = node?.offer?.label ?? state.principals[key]?.name;
    return name === undefined ? `${id.slice(0, 19)}…` : `${printable(`${name}${place}`)} ${paint('dim', `(${id.slice(7, 15)})`)}`;
  });
}
