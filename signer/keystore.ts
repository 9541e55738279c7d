import { link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { z } from 'zod';
import type { EntrySigner } from '../contract/envelope.ts';
import { type DhKey, dhKeyOf, generatePkcs8, type KeyType, signerOf, signingPkcs8 } from './keys.ts';
import { seal, unseal } from './seal.ts';

const KeyFile = z.strictObject({ type: z.enum(['signing', 'overlay', 'sealing']), secret: z.string().max(1024) });
const KEY_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Opens what was sealed for this key; the identity itself stays inside. */
export interface SealingKey {
  /** `age1…` */
  readonly recipient: string;
  unseal(ciphertext: string): Promise<Uint8Array>;
}

/** Private keys at rest, one age-encrypted file each; what is handed out can use a key, not show it. */
export interface Keystore {
  list(): Promise<string[]>;
  signing(name: string): Promise<EntrySigner>;
  overlay(name: string): Promise<DhKey>;
  sealing(name: string): Promise<SealingKey>;
  /** Takes in an Ed25519 private key (PKCS#8 PEM). Throws KeystoreError key_exists, or key_unreadable for anything else. */
  importSigning(name: string, pem: string): Promise<EntrySigner>;
}

export class KeystoreError extends Error {
  override readonly name = 'KeystoreError';
  readonly code: 'key_missing' | 'key_exists' | 'key_unreadable' | 'unlock_unsafe';
  constructor(code: KeystoreError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface KeystoreOptions {
  readonly dir: string;
  /** File (mode 0600) with the age identity that opens the key files; made when absent and `create` is set. */
  readonly unlock: string;
  /** Make keys that are asked for and are not there. Default false: an error. */
  readonly create?: boolean;
}

/** Opens a keystore. Throws KeystoreError when the unlock file is missing or readable by others. */
export async function openKeystore(options: KeystoreOptions): Promise<Keystore> {
  if (options.create) await mkdir(options.dir, { recursive: true, mode: 0o700 });
  const identity = await readUnlock(options);
  const load = async (name: string, type: KeyType): Promise<string> => {
    if (!KEY_NAME.test(name)) throw new KeystoreError('key_missing', `${JSON.stringify(name)} is not a key name`);
    const file = path.join(options.dir, `${name}.${type}.age`);
    const sealed = await readOptional(file);
    if (sealed === undefined) {
      if (!options.create) throw new KeystoreError('key_missing', `no ${type} key ${name} in this keystore`);
      const secret = type === 'sealing' ? await generateIdentity() : generatePkcs8(type).toString('base64');
      await writeNew(file, await seal(Buffer.from(JSON.stringify({ type, secret })), await identityToRecipient(identity)));
      // Two processes may have made it at once: the file that is there is the key.
      return load(name, type);
    }
    try {
      const parsed = KeyFile.parse(JSON.parse(Buffer.from(await unseal(sealed, identity)).toString('utf8')));
      if (parsed.type === type) return parsed.secret;
    } catch {
      // The cause could quote what it read: it stays here.
    }
    throw new KeystoreError('key_unreadable', `${type} key ${name} cannot be opened with this unlock file, or is damaged`);
  };
  return {
    list: async () => (await readdir(options.dir)).filter((f) => f.endsWith('.age')).map((f) => f.slice(0, -'.age'.length)).sort(),
    signing: async (name) => signerOf(Buffer.from(await load(name, 'signing'), 'base64')),
    overlay: async (name) => dhKeyOf(Buffer.from(await load(name, 'overlay'), 'base64')),
    importSigning: async (name, pem) => {
      if (!KEY_NAME.test(name)) throw new KeystoreError('key_missing', `${JSON.stringify(name)} is not a key name`);
      const file = path.join(options.dir, `${name}.signing.age`);
      if ((await readOptional(file)) !== undefined) throw new KeystoreError('key_exists', `there is a signing key ${name} already; a key is never overwritten`);
      const pkcs8 = signingPkcs8(pem);
      if (!pkcs8) throw new KeystoreError('key_unreadable', 'expected an Ed25519 private key in PKCS#8 PEM');
      await writeNew(file, await seal(Buffer.from(JSON.stringify({ type: 'signing', secret: pkcs8.toString('base64') })), await identityToRecipient(identity)));
      return signerOf(Buffer.from(await load(name, 'signing'), 'base64'));
    },
    sealing: async (name) => {
      const own = await load(name, 'sealing');
      return { recipient: await identityToRecipient(own), unseal: (ciphertext) => unseal(ciphertext, own) };
    },
  };
}

async function readUnlock({ unlock, create }: KeystoreOptions): Promise<string> {
  let text = await readOptional(unlock);
  if (text === undefined && create) {
    await mkdir(path.dirname(unlock), { recursive: true, mode: 0o700 });
    await writeNew(unlock, `${await generateIdentity()}\n`);
    text = await readFile(unlock, 'utf8');
  }
  if (text === undefined) throw new KeystoreError('key_missing', `no unlock file at ${unlock}`);
  const { mode } = await stat(unlock);
  if ((mode & 0o077) !== 0) throw new KeystoreError('unlock_unsafe', `${unlock} is readable by others (mode ${(mode & 0o777).toString(8)}); chmod 600 it`);
  return text.trim();
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whole and durable or not there; keeps a file that another process made first. */
async function writeNew(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(temporary, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await unlink(temporary);
  }
}
