import type { DidKey } from '../../contract/principal.ts';
import { Refused } from '../refusal.ts';

/** PBKDF2-HMAC-SHA-256 rounds, as OWASP asks of new passphrases. */
const ITERATIONS = 600_000;
const MIN_CHARACTERS = 12;
const MAX_CHARACTERS = 1024;

/** A signing key as it lies in the browser: readable is only what is public anyway. */
export interface SealedKey {
  readonly key: DidKey;
  /** What its owner calls it here. */
  readonly name: string;
  readonly created: string;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly iterations: number;
  readonly iv: Uint8Array<ArrayBuffer>;
  /** AES-256-GCM of the 32-byte seed; the public key is bound to it. */
  readonly sealed: Uint8Array<ArrayBuffer>;
}

/** Opens one sealed key; the browser does not give its bytes out again. */
export type Opener = Awaited<ReturnType<typeof derive>>;

/** Refuses a passphrase that protects nothing. @throws Refused `passphrase_unfit`. */
export function requireFitPassphrase(passphrase: string): void {
  const length = Array.from(passphrase).length;
  if (length < MIN_CHARACTERS || length > MAX_CHARACTERS) throw new Refused('passphrase_unfit', `a passphrase has ${MIN_CHARACTERS} to ${MAX_CHARACTERS} characters`, 'five random words are easy to keep and hard to guess');
}

/** Encrypts a seed, which stays the caller's to overwrite. */
export async function sealKey(of: { readonly key: DidKey; readonly name: string; readonly created: string; readonly seed: Uint8Array; readonly passphrase: string }): Promise<SealedKey> {
  const { key, name, created, passphrase } = of;
  requireFitPassphrase(passphrase);
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const opener = await derive(passphrase, salt, ITERATIONS);
  const seed = Uint8Array.from(of.seed);
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: bound(key) }, opener, seed));
  seed.fill(0);
  return { key, name, created, salt, iterations: ITERATIONS, iv, sealed };
}

/** @throws Refused `passphrase_wrong`. */
export async function openKey(sealed: SealedKey, passphrase: string): Promise<Opener> {
  const opener = await derive(passphrase, sealed.salt, sealed.iterations);
  await withSeed(sealed, opener, () => undefined);
  return opener;
}

/** Decrypts the seed for one use, and overwrites it. */
export async function withSeed<T>({ key, iv, sealed }: SealedKey, opener: Opener, use: (seed: Uint8Array) => T): Promise<T> {
  const seed = await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData: bound(key) }, opener, sealed).then((plain) => new Uint8Array(plain), () => undefined);
  if (!seed) throw new Refused('passphrase_wrong', 'the passphrase does not open this key', 'try again: nobody can reset it; if it is lost, import the key anew');
  try {
    return use(seed);
  } finally {
    seed.fill(0);
  }
}

async function derive(passphrase: string, salt: Uint8Array<ArrayBuffer>, iterations: number): ReturnType<typeof crypto.subtle.deriveKey> {
  const material = await crypto.subtle.importKey('raw', new TextEncoder().encode(passphrase.normalize('NFC')), 'PBKDF2', false, ['deriveKey']);
  return crypto.subtle.deriveKey({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, material, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

function bound(key: DidKey): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new TextEncoder().encode(`3bot signing key ${key}`));
}
