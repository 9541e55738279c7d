import { link, mkdir, readdir } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { z } from 'zod';
import type { EntrySigner } from '../contract/envelope.ts';
import type { DidKey } from '../contract/principal.ts';
import { hasCode, moveFile, readOptional, syncFolder, writeNew } from './durable.ts';
import { encodePrivate, type PrivateForm } from './key-forms.ts';
import { dhKeyOf, generatePkcs8, type KeyType, signerOf } from './keys.ts';
import type { Keystore, KeystoreOptions } from './ports.ts';
import { KeystoreError } from './keystore-error.ts';
import { seal, unseal } from './seal.ts';
import { createPlain, protectionOf, readIdentity } from './unlock.ts';

const KeyFile = z.strictObject({ type: z.enum(['signing', 'overlay', 'sealing']), secret: z.string().max(1024) });
const KEY_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const KEY_FILE = /^([a-z0-9][a-z0-9-]{0,62}\.(?:signing|overlay|sealing))\.age$/;

/** A keystore in the hands of its owner: keys are made, taken in, given out and replaced, which a Keystore cannot do. */
export interface KeystoreFiles extends Keystore {
  /** Makes a signing key. Throws KeystoreError key_exists: a key is never overwritten. */
  newSigning(name: string): Promise<EntrySigner>;
  /** Takes in an Ed25519 key (PKCS#8 DER, overwritten here). Throws KeystoreError key_exists. */
  importSigning(name: string, pkcs8: Buffer): Promise<EntrySigner>;
  /** The private key as a file for other programs, encrypted when a passphrase is given. */
  exportSigning(name: string, form: PrivateForm, passphrase?: string): Promise<string>;
  /**
   * Makes the key that shall follow the current one, beside it; `signing(name)` stays what it was. Asked again before the switch,
   * also after a crash, it gives the same key again.
   */
  rotate(name: string): Promise<Rotation>;
  /** The key that rotate() made and nobody switched to yet. */
  pendingRotation(name: string): Promise<EntrySigner | undefined>;
  /**
   * Makes `next`, the key that rotate() gave, the current one, in one step, and keeps the old one under `retired/`. Done already: done.
   * Call it when the ledger has accepted the rotation. Throws KeystoreError rotation_missing when `next` is neither.
   */
  commitRotation(name: string, next: DidKey): Promise<EntrySigner>;
}

export interface Rotation { readonly current: EntrySigner; readonly next: EntrySigner }

/** Opens the files of a keystore. Throws KeystoreError when it is missing, locked or readable by others. */
export async function openKeystoreFiles(options: KeystoreOptions): Promise<KeystoreFiles> {
  const { dir, create = false } = options;
  if (create) {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    if ((await protectionOf(options)) === undefined) await createPlain(options);
  }
  const identity = await readIdentity(options, (file) => askPassphrase(options, file));
  const recipient = await identityToRecipient(identity);
  const fileOf = (name: string, type: KeyType): string => path.join(dir, `${checkName(name)}.${type}.age`);
  const nextFile = (name: string): string => path.join(dir, `${checkName(name)}.signing.next.age`);

  const write = async (file: string, type: KeyType, secret: string): Promise<boolean> => {
    const plain = Buffer.from(JSON.stringify({ type, secret }));
    try {
      return await writeNew(file, await seal(plain, recipient));
    } finally {
      plain.fill(0);
    }
  };
  const read = async (file: string, type: KeyType): Promise<string | undefined> => {
    const sealed = await readOptional(file);
    if (sealed === undefined) return undefined;
    try {
      const bytes = Buffer.from(await unseal(sealed, identity));
      const parsed = KeyFile.parse(JSON.parse(bytes.toString('utf8')));
      bytes.fill(0);
      if (parsed.type === type) return parsed.secret;
    } catch {
      // The cause could quote what it read: it stays here.
    }
    throw new KeystoreError('key_unreadable', `${file} was not made for this keystore, or is damaged`, 'restore it from a copy');
  };
  const readSigner = async (file: string): Promise<EntrySigner | undefined> => {
    const secret = await read(file, 'signing');
    return secret === undefined ? undefined : signerOf(Buffer.from(secret, 'base64'));
  };
  const load = async (name: string, type: KeyType, make = create): Promise<string> => {
    const file = fileOf(name, type);
    const secret = await read(file, type);
    if (secret !== undefined) return secret;
    if (!make) throw new KeystoreError('key_missing', `no ${type} key ${name} in this keystore`, 'see `3bot key list`');
    await write(file, type, await newSecret(type));
    // Two processes may have made it at once: the file that is there is the key.
    return load(name, type, false);
  };
  const signing = async (name: string): Promise<EntrySigner> => signerOf(Buffer.from(await load(name, 'signing'), 'base64'));
  const add = async (name: string, secret: string): Promise<EntrySigner> => {
    if (await write(fileOf(name, 'signing'), 'signing', secret)) return signerOf(Buffer.from(secret, 'base64'));
    throw new KeystoreError('key_exists', `there is a signing key ${name} already`, 'choose another name: a key is never overwritten');
  };

  return {
    list: () => listKeys(dir),
    signing,
    overlay: async (name) => dhKeyOf(Buffer.from(await load(name, 'overlay'), 'base64')),
    sealing: async (name) => {
      const own = await load(name, 'sealing');
      return { recipient: await identityToRecipient(own), unseal: (ciphertext) => unseal(ciphertext, own) };
    },
    newSigning: async (name) => add(name, await newSecret('signing')),
    importSigning: async (name, pkcs8) => {
      const secret = pkcs8.toString('base64');
      signerOf(pkcs8);
      return add(name, secret);
    },
    exportSigning: async (name, form, passphrase) => {
      const pkcs8 = Buffer.from(await load(name, 'signing', false), 'base64');
      try {
        return await encodePrivate(pkcs8, form, { comment: name, passphrase });
      } finally {
        pkcs8.fill(0);
      }
    },
    rotate: async (name) => {
      const current = signerOf(Buffer.from(await load(name, 'signing', false), 'base64'));
      const file = nextFile(name);
      const pending = await readSigner(file);
      if (!pending) await write(file, 'signing', await newSecret('signing'));
      const next = pending ?? (await readSigner(file));
      if (!next) throw new KeystoreError('rotation_missing', `another process switched ${name} to its next key at this moment`, 'look which key is current with `3bot key show`, then decide again');
      return { current, next };
    },
    pendingRotation: (name) => readSigner(nextFile(name)),
    commitRotation: async (name, next) => {
      const current = signerOf(Buffer.from(await load(name, 'signing', false), 'base64'));
      if (current.key === next) return current;
      const pending = await readSigner(nextFile(name));
      if (pending?.key !== next) throw new KeystoreError('rotation_missing', `${next} is neither the current nor the next key of ${name}`, 'make the next key with rotate first');
      await retire(fileOf(name, 'signing'), path.join(dir, 'retired', `${name}.${shortName(current.key)}.signing.age`));
      await moveFile(nextFile(name), fileOf(name, 'signing'));
      return pending;
    },
  };
}

function checkName(name: string): string {
  if (KEY_NAME.test(name)) return name;
  throw new KeystoreError('key_name_invalid', `${JSON.stringify(name.slice(0, 64))} is not a key name`, 'lower-case letters, digits and hyphens, at most 63, beginning with a letter or digit');
}

async function newSecret(type: KeyType): Promise<string> {
  if (type === 'sealing') return generateIdentity();
  const pkcs8 = generatePkcs8(type);
  const secret = pkcs8.toString('base64');
  pkcs8.fill(0);
  return secret;
}

/** Keeps the old file under a second name; named after its key, so that doing it twice is doing it once. */
async function retire(file: string, retired: string): Promise<void> {
  await mkdir(path.dirname(retired), { recursive: true, mode: 0o700 });
  await link(file, retired).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
  });
  await syncFolder(retired);
  await syncFolder(path.dirname(retired));
}

function shortName(key: DidKey): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 16);
}

function askPassphrase({ unlocking }: KeystoreOptions, file: string): Promise<string> {
  if (unlocking?.passphrase) return unlocking.passphrase(file);
  throw new KeystoreError('keystore_locked', `${file} is protected by a passphrase, and nobody here can give it`, 'start `3bot key agent` and name its socket in THREEBOT_AGENT, pass --unlock-fd N, or run this in a terminal');
}

/** `name.type` of each current key in a folder, sorted; needs no passphrase, because only names are read. */
export async function listKeys(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).flatMap((file) => KEY_FILE.exec(file)?.[1] ?? []).sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
