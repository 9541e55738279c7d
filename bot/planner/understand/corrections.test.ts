import { describe, expect, it } from 'vitest';
import { isCorrected } from './corrections.ts';
import { Request } from './tokens.ts';

/** Whether the words between two numbers take the first back. */
function corrected(text: string): boolean {
  const request = new Request(text);
  const [first, second] = request.tokens.flatMap(({ kind }, at) => (kind === 'number' ? [at] : []));
  return isCorrected(request, (first ?? 0) + 1, second ?? 0);
}

describe('corrections', () => {
  it.each([
    '1 TB, no, make it 2 TB', '4 cores — no wait, 2 cores', '20 users, actually 24', '3 workers, hmm, rather 4', '9000... I mean 9090', '40 euro. Scratch that, budget is 55', '2 months... sorry, 3 months',
    '500 GB, ach nein, lieber 800 GB', '50 €, äh, sagen wir 65 €', '80 … Moment, 443', '10 oder doch besser 12', '80 Go, pardon, 120', '22, non, sur le port 2222', '8 Go, enfin non, 12', '1 To, ou plutôt 2',
    '5 TB, anzi no, 7 TB', '5000, scusa, 5001', '10, anzi facciamo 14', '10 GB... no, mejor de 25', '6 nodos, mejor dicho 8', '80 GB, perdón, de 120', '2 cores nee 4', '64 GB, o nee, 128', '2 kopieën, wacht, doe maar 3', '12, ik bedoel 21',
  ])('%s', (text) => {
    expect(corrected(text)).toBe(true);
  });

  it.each(['1 TB or 2 TB', '3 workers and 4 cores', '2 GB, no retention, 5 GB', '50 GB in Italia. Il database deve essere da 90', '8 Nutzer in Bern. Das CRM soll für 30', '2 cores, not immutable, 4 GB', '10 TB no más de 20'])('takes nothing back: %s', (text) => {
    expect(corrected(text)).toBe(false);
  });
});
