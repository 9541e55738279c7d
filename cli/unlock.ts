import { close, fstatSync, read } from 'node:fs';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';
import { MAX_PASSPHRASE, requireFitPassphrase } from '../signer/passphrase.ts';
import type { Unlocking } from '../signer/keystore.ts';
import { currentTerminal, openTerminal } from './prompt.ts';
import { Refusal } from './refusal.ts';

/**
 * How passphrases come in: over an inherited file descriptor, from an agent that was told before, or from the terminal. There is
 * no way to put one into an argument or the environment, where every process of this user could read it.
 */

/** Names the socket of a key agent: a path, never a secret. */
const AGENT_VARIABLE = 'THREEBOT_AGENT';
const THREE_WAYS = 'run this in a terminal, or pass --unlock-fd N (for a new passphrase, or that of a file: --passphrase-fd N); to use keys, not to make or replace them, a `3bot key agent` named in THREEBOT_AGENT serves too';

let unlockFd: number | undefined;
let fromFd: Promise<string> | undefined;

/** From now on the passphrase of keystores comes over this descriptor, read once. */
export function useUnlockFd(fd: number): void {
  unlockFd = fd;
}

/** True when standard input is spoken for by --unlock-fd 0. */
export function isUnlockFd(fd: number): boolean {
  return unlockFd === fd;
}

/** Who opens keystores that have a passphrase, in this order: the descriptor, the agent, the person at the terminal. */
export function unlocking(): Unlocking {
  const fd = unlockFd;
  if (fd !== undefined) return { passphrase: () => (fromFd ??= readPassphraseFd(fd)) };
  const agent = process.env[AGENT_VARIABLE];
  return { ...(agent !== undefined && agent !== '' && { agent }), passphrase: (file) => askSecret(`passphrase of ${file}: `) };
}

/** A passphrase that is being chosen: over the descriptor, or typed twice. Throws a Refusal, or KeystoreError passphrase_unfit. */
export async function newPassphrase(fd: number | undefined, what: string): Promise<string> {
  const passphrase = fd === undefined ? await askSecret(`new passphrase for ${what}: `) : await readPassphraseFd(fd);
  requireFitPassphrase(passphrase);
  if (fd === undefined && (await askSecret('once more: ')) !== passphrase) throw new Refusal({ code: 'passphrase_unfit', message: 'the two are not the same', hint: 'nothing was changed; try again' });
  return passphrase;
}

/** The passphrase that a file already has. */
export function filePassphrase(fd: number | undefined, file: string): Promise<string> {
  return fd === undefined ? askSecret(`passphrase of ${file}: `) : readPassphraseFd(fd);
}

// One question at a time: several keystores may be opened at once.
let turn: Promise<unknown> = Promise.resolve();

function askSecret(question: string): Promise<string> {
  const answer = turn.then(async () => {
    const shown = currentTerminal();
    // Whoever handles the interrupt elsewhere must not be left with a question that nobody will answer.
    const terminal = shown ?? openTerminal(() => {
      terminal?.close();
      process.kill(process.pid, 'SIGINT');
    });
    if (!terminal) throw new Refusal({ code: 'keystore_locked', message: `nobody is here to answer: ${question.trim().replace(/:$/, '')}`, hint: THREE_WAYS });
    try {
      const typed = await terminal.askSecret(question);
      if (typed === undefined) throw new Refusal({ code: 'keystore_locked', message: 'no passphrase was typed', hint: THREE_WAYS });
      return typed;
    } finally {
      if (!shown) terminal.close();
    }
  });
  turn = answer.catch(() => undefined);
  return answer;
}

/** Reads one line from an inherited descriptor and closes it. */
async function readPassphraseFd(fd: number): Promise<string> {
  // A terminal would show what is typed.
  if (isatty(fd)) throw new Refusal({ code: 'descriptor_unusable', message: `descriptor ${fd} is a terminal`, hint: 'leave the option out to be asked without an echo' });
  const bytes = Buffer.alloc(MAX_PASSPHRASE + 2);
  try {
    const info = fstatSync(fd);
    // A number that nobody opened for us may be one of Node's own.
    if (!info.isFIFO() && !info.isFile() && !info.isSocket()) throw new RangeError('not a pipe, file or socket');
    let size = 0;
    while (size < bytes.length && bytes.indexOf(10) < 0) {
      const { bytesRead } = await promisify(read)(fd, bytes, size, bytes.length - size, null);
      if (bytesRead === 0) break;
      size += bytesRead;
    }
    const end = bytes.subarray(0, size).indexOf(10);
    if (end < 0 && size === bytes.length) throw new Refusal({ code: 'passphrase_unfit', message: `a passphrase has at most ${MAX_PASSPHRASE} bytes` });
    return bytes.toString('utf8', 0, end < 0 ? size : end).replace(/\r$/, '');
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal({ code: 'descriptor_unusable', message: `no passphrase could be read from descriptor ${fd}`, hint: `open it for this process, as in: 3bot … ${fd}< FILE` });
  } finally {
    bytes.fill(0);
    // Also so that no child process inherits what is left in it.
    await promisify(close)(fd).catch(() => undefined);
  }
}
