import { armor, Decrypter, Encrypter } from 'age-encryption';
import { KeystoreError } from './keystore-error.ts';

/**
 * Base-2 logarithm of scrypt's N (r = 8, p = 1), age's own default: 256 MiB and about a second for each guess. Opening takes
 * any factor up to age's limit of 20, because the file itself says it.
 */
export const WORK_FACTOR = 18;
const MIN_CHARACTERS = 12;
/** Bound on what is read as a passphrase, in bytes of UTF-8. */
export const MAX_PASSPHRASE = 1024;

/** Refuses a new passphrase that protects nothing, or that no terminal could type again. */
export function requireFitPassphrase(passphrase: string): void {
  if (Array.from(passphrase).length < MIN_CHARACTERS) throw new KeystoreError('passphrase_unfit', `a new passphrase has at least ${MIN_CHARACTERS} characters`, 'five random words are easy to keep and hard to guess');
  if (Buffer.byteLength(passphrase) > MAX_PASSPHRASE) throw new KeystoreError('passphrase_unfit', `a passphrase has at most ${MAX_PASSPHRASE} bytes`);
  if (/\p{Cc}/u.test(passphrase)) throw new KeystoreError('passphrase_unfit', 'a passphrase holds no control characters');
}

/** The age identity under a passphrase (scrypt): an ASCII-armoured age file, which the `age` command opens too. */
export async function protectIdentity(identity: string, passphrase: string, workFactor = WORK_FACTOR): Promise<string> {
  requireFitPassphrase(passphrase);
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  encrypter.setScryptWorkFactor(workFactor);
  return armor.encode(await encrypter.encrypt(`${identity}\n`));
}

/**
 * The identity that protectIdentity() wrapped; `file` is named in refusals. Throws KeystoreError passphrase_wrong, with the same
 * words whatever was tried, or unlock_damaged. What slows guessing down is scrypt alone.
 */
export async function openIdentity(armoured: string, passphrase: string, file: string): Promise<string> {
  const decrypter = new Decrypter();
  let bytes: Uint8Array;
  try {
    bytes = armor.decode(armoured);
    decrypter.addPassphrase(passphrase);
  } catch {
    throw damaged(file);
  }
  let identity: string;
  try {
    identity = (await decrypter.decrypt(bytes, 'text')).trim();
  } catch (error) {
    // A stanza that does not open is a wrong passphrase or a flipped bit: authenticated encryption cannot tell them apart.
    if (error instanceof Error && error.message.startsWith('no identity matched')) throw new KeystoreError('passphrase_wrong', `the passphrase does not open ${file}`, 'try again; if you are sure of it, the file is damaged: restore it from a copy');
    throw damaged(file);
  }
  if (!isIdentity(identity)) throw damaged(file);
  return identity;
}

/** Whether a text has the form of an age X25519 identity. */
export function isIdentity(text: string): boolean {
  return /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/.test(text);
}

function damaged(file: string): KeystoreError {
  return new KeystoreError('unlock_damaged', `${file} is damaged`, 'restore it from a copy: without it the keys beside it cannot be opened');
}
