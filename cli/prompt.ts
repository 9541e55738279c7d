import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Refusal } from './refusal.ts';

/** The person at the terminal: one reader for everything that is asked, so that no answer is read twice. */
export interface Terminal {
  /** What is typed in answer; undefined when the input has ended. */
  ask(question: string): Promise<string | undefined>;
  /** The same, without showing or remembering what is typed. */
  askSecret(question: string): Promise<string | undefined>;
  close(): void;
}

let opened: Terminal | undefined;
let secretAsked = false;

/** True while somebody types what is not shown: nobody else draws on the terminal then. */
export function isSecretAsked(): boolean {
  return secretAsked;
}

/** The terminal that is open at this moment, so that nobody opens a second reader of the same input. */
export function currentTerminal(): Terminal | undefined {
  return opened;
}

/** Opens the terminal; undefined where nobody can answer. `history`: what the arrow keys bring back, newest first. */
export function openTerminal(onInterrupt: () => void = () => process.kill(process.pid, 'SIGINT'), history: readonly string[] = []): Terminal | undefined {
  if (!process.stdin.isTTY) return undefined;
  const echo = createEcho();
  const reader = createInterface({ input: process.stdin, output: echo.output, terminal: true, history: [...history], removeHistoryDuplicates: true });
  let ended = false;
  reader.on('SIGINT', onInterrupt);
  // What is typed without an echo must not come back with the arrow key either.
  reader.on('history', (history: string[]) => { if (echo.isMuted()) history.shift(); });
  const ask = (question: string): Promise<string | undefined> => new Promise((resolve) => {
    if (ended) return resolve(undefined);
    const onEnd = (): void => { resolve(undefined); };
    reader.once('close', onEnd);
    reader.question(question, (answer) => {
      reader.off('close', onEnd);
      resolve(answer);
    });
  });
  const terminal: Terminal = {
    ask,
    askSecret: async (question) => {
      secretAsked = true;
      process.stderr.write(`${process.stderr.isTTY ? '\r\x1b[2K' : ''}${question}`);
      echo.mute(true);
      try {
        return await ask('');
      } finally {
        echo.mute(false);
        secretAsked = false;
        process.stderr.write('\n');
      }
    },
    close: () => { reader.close(); },
  };
  reader.once('close', () => {
    ended = true;
    if (opened === terminal) opened = undefined;
  });
  opened = terminal;
  return terminal;
}

/** Standard error as readline writes to it, which can be silenced while the terminal stays in raw mode and so echoes nothing itself. */
function createEcho(): { output: Writable; mute: (on: boolean) => void; isMuted: () => boolean } {
  let muted = false;
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (muted) done();
      else process.stderr.write(chunk, done);
    },
  });
  Object.defineProperty(output, 'columns', { get: () => process.stderr.columns });
  return { output, mute: (on) => { muted = on; }, isMuted: () => muted };
}

/** Asks a yes-or-no question; where nobody can answer, the end is a refusal that names --yes. */
export async function confirm(terminal: Terminal | undefined, question: string): Promise<boolean> {
  if (!terminal) throw new Refusal({ code: 'confirmation_needed', message: `nobody is here to answer: ${question}`, hint: 'run it in a terminal, or add --yes to go on without being asked' });
  const answer = (await terminal.ask(`${question} [y/N] `))?.trim().toLowerCase();
  return answer === 'y' || answer === 'yes';
}

/** Opens the terminal for one question. Throws a Refusal when the answer is no, or nobody is there. */
export async function askFirst(question: string): Promise<void> {
  const terminal = openTerminal();
  try {
    if (!(await confirm(terminal, question))) throw new Refusal({ code: 'not_confirmed', message: 'nothing was signed' });
  } finally {
    terminal?.close();
  }
}
