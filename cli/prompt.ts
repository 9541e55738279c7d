import { createInterface } from 'node:readline';
import { Refusal } from './refusal.ts';

/** The person at the terminal: one reader for everything that is asked, so that no answer is read twice. */
export interface Terminal {
  /** What is typed in answer; undefined when the input has ended. */
  ask(question: string): Promise<string | undefined>;
  close(): void;
}

/** Opens the terminal; undefined where nobody can answer. */
export function openTerminal(onInterrupt: () => void = () => process.kill(process.pid, 'SIGINT')): Terminal | undefined {
  if (!process.stdin.isTTY) return undefined;
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  let ended = false;
  reader.on('SIGINT', onInterrupt);
  reader.once('close', () => { ended = true; });
  return {
    ask: (question) => new Promise((resolve) => {
      if (ended) return resolve(undefined);
      const onEnd = (): void => { resolve(undefined); };
      reader.once('close', onEnd);
      reader.question(question, (answer) => {
        reader.off('close', onEnd);
        resolve(answer);
      });
    }),
    close: () => { reader.close(); },
  };
}

/** Asks a yes-or-no question; where nobody can answer, the end is a refusal that names --yes. */
export async function confirm(terminal: Terminal | undefined, question: string): Promise<boolean> {
  if (!terminal) throw new Refusal({ code: 'confirmation_needed', message: `nobody is here to answer: ${question}`, hint: 'add --yes to confirm and sign as the demonstration stakeholders' });
  const answer = (await terminal.ask(`${question} [y/N] `))?.trim().toLowerCase();
  return answer === 'y' || answer === 'yes';
}
