import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { generateIdentity } from 'age-encryption';
import { readOptional, removeOverwritten, replaceFile, writeNew } from './durable.ts';
import { KeystoreError } from './keystore-error.ts';
import { isIdentity, openIdentity, protectIdentity } from './passphrase.ts';

/**
 * One age identity opens all key files of a keystore. It lies in the unlock file: plainly (mode 0600, for what must start with
 * nobody there), or in `<unlock>.age` under a passphrase. Where both are, a change from the first to the second was
 * interrupted: the protected one counts, and the next opening removes the other.
 */
export interface UnlockPlace {
  /** Path of the plain unlock file. */
  readonly unlock: string;
}

/** Asks whoever can answer for the passphrase of a keystore. Throws KeystoreError keystore_locked where nobody can. */
export type AskPassphrase = (protectedFile: string) => Promise<string>;

export function protectedFile({ unlock }: UnlockPlace): string {
  return `${unlock}.age`;
}

/** How a keystore is opened; undefined when there is none yet. */
export async function protectionOf(place: UnlockPlace): Promise<'passphrase' | 'file' | undefined> {
  if ((await readOptional(protectedFile(place))) !== undefined) return 'passphrase';
  return (await readOptional(place.unlock)) === undefined ? undefined : 'file';
}

/** The identity that opens this keystore. Throws KeystoreError. */
export async function readIdentity(place: UnlockPlace, ask: AskPassphrase): Promise<string> {
  const file = protectedFile(place);
  const armoured = await readOptional(file);
  if (armoured === undefined) return readPlain(place);
  await requirePrivate(file);
  const identity = await openIdentity(armoured, await ask(file), file);
  await finishProtection(place, identity);
  return identity;
}

/** Makes the plain unlock file of a keystore that has none; where another process made one first, that one stays. */
export async function createPlain({ unlock }: UnlockPlace): Promise<void> {
  await mkdir(path.dirname(unlock), { recursive: true, mode: 0o700 });
  await writeNew(unlock, `${await generateIdentity()}\n`);
}

export interface ProtectOptions extends UnlockPlace {
  readonly passphrase: string;
  /** Base-2 logarithm of scrypt's N; default 18. Lower only where nothing real is kept. */
  readonly workFactor?: number;
}

/**
 * Puts a keystore under a passphrase: one that is opened by a file, or a new one, whose identity then never lay on disk in the
 * clear. A crash at any point leaves one that opens with the file or with the passphrase. Throws KeystoreError keystore_protected.
 */
export async function protectKeystore(options: ProtectOptions): Promise<void> {
  const file = protectedFile(options);
  const already = (): KeystoreError => new KeystoreError('keystore_protected', `${file} is there: this keystore has a passphrase`, 'change it with `3bot key passphrase`');
  if ((await readOptional(file)) !== undefined) throw already();
  const fresh = (await readOptional(options.unlock)) === undefined;
  if (fresh) await mkdir(path.dirname(options.unlock), { recursive: true, mode: 0o700 });
  const identity = fresh ? await generateIdentity() : await readPlain(options);
  if (!(await writeNew(file, await protectIdentity(identity, options.passphrase, options.workFactor)))) throw already();
  await finishProtection(options, identity);
}

/** Changes the passphrase; a crash leaves the old or the new one valid. Throws KeystoreError, passphrase_wrong among others. */
export async function changePassphrase(options: ProtectOptions & { readonly old: string }): Promise<void> {
  const file = protectedFile(options);
  const armoured = await readOptional(file);
  if (armoured === undefined) throw new KeystoreError('keystore_missing', `no keystore with a passphrase at ${file}`, 'give it one with `3bot key protect`');
  const identity = await openIdentity(armoured, options.old, file);
  await replaceFile(file, await protectIdentity(identity, options.passphrase, options.workFactor));
  await finishProtection(options, identity);
}

/** Only ever called when the protected file is durable: from then on a plain one with the same identity, or wiped, is a leftover. */
async function finishProtection({ unlock }: UnlockPlace, identity: string): Promise<void> {
  for (const file of await leftovers(unlock)) await removeOverwritten(file);
  const plain = (await readOptional(unlock))?.trim();
  if (plain === undefined) return;
  // Two processes that began the same new keystore: keys may hang on either identity, so neither is thrown away.
  if (isIdentity(plain) && plain !== identity) throw new KeystoreError('unlock_damaged', `${unlock} and ${protectedFile({ unlock })} hold different identities`, 'move away the one that does not open the keys beside it');
  await removeOverwritten(unlock);
}

/** Drafts of the plain file, whose writer was killed before it could remove them: they hold the identity as well. */
async function leftovers(unlock: string): Promise<string[]> {
  const folder = path.dirname(unlock);
  const isDraft = (name: string): boolean => name.startsWith(`${path.basename(unlock)}.`) && /^[0-9a-f-]{36}\.tmp$/.test(name.slice(path.basename(unlock).length + 1));
  return (await readdir(folder)).filter(isDraft).map((name) => path.join(folder, name));
}

async function readPlain({ unlock }: UnlockPlace): Promise<string> {
  const text = await readOptional(unlock);
  if (text === undefined) throw new KeystoreError('keystore_missing', `no unlock file at ${unlock}`, '`3bot key new` makes a keystore, `3bot up` those of a grid');
  await requirePrivate(unlock);
  const identity = text.trim();
  if (!isIdentity(identity)) throw new KeystoreError('unlock_damaged', `${unlock} is damaged`, 'restore it from a copy: without it the keys beside it cannot be opened');
  return identity;
}

async function requirePrivate(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0) throw new KeystoreError('unlock_unsafe', `${file} is readable by others (mode ${(mode & 0o777).toString(8)})`, `chmod 600 ${file}; if somebody may have read it, replace the keys`);
}
