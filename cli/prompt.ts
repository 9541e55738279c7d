import { createInterface } from 'node:readline/promises';
import { Refusal } from './refusal.ts';

/** Asks a yes-or-no question at the terminal; where nobody can answer, the answer is a refusal that names --yes. */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Refusal({ code: 'confirmation_needed', message: `nobody is here to answer: ${question}`, hint: 'add --yes to confirm and sign as the demonstration stakeholders' });
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = (await terminal.question(`${question} [y/N] `)).trim().toLowerCase();
    return answer === 'y' || answer === 'yes';
  } finally {
    terminal.close();
  }
}
