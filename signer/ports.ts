import type { EntrySigner } from '../contract/envelope.ts';
import type { DhKey } from './keys.ts';

/** Opens what was sealed for this key; the identity itself stays inside. */
export interface SealingKey {
  /** `age1…` */
  readonly recipient: string;
  unseal(ciphertext: string): Promise<Uint8Array>;
}

/** Use of private keys; nothing here can show one. Methods throw KeystoreError (key_missing, key_unreadable, …). */
export interface Keystore {
  /** `name.type` of each current key, sorted. */
  list(): Promise<string[]>;
  signing(name: string): Promise<EntrySigner>;
  overlay(name: string): Promise<DhKey>;
  sealing(name: string): Promise<SealingKey>;
}

export interface KeystoreOptions {
  /** Folder of the key files. */
  readonly dir: string;
  /** File (mode 0600) with the age identity that opens them, or `<unlock>.age` with that identity under a passphrase. */
  readonly unlock: string;
  /** Make the keystore, and keys that are asked for and are not there. Default false: an error. */
  readonly create?: boolean | undefined;
  /** Who opens a keystore that has a passphrase; without one it is refused (keystore_locked). */
  readonly unlocking?: Unlocking | undefined;
}

export interface Unlocking {
  /** Path of the socket of a key agent; asked first, and passed over when it does not hold this keystore. */
  readonly agent?: string | undefined;
  /** Asked when no agent opened it; gets the file that the passphrase is for. Throws KeystoreError where nobody can answer. */
  readonly passphrase?: ((protectedFile: string) => Promise<string>) | undefined;
}
