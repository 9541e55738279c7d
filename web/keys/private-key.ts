import { getPublicKey, hashes } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import { type DidKey, encodeDidKey } from '../../contract/principal.ts';
import { Refused } from '../refusal.ts';
import { parseOpenSsh } from './openssh.ts';
import { MAX_KEY_FILE, parsePem } from './pem.ts';
import { openPbes2, parsePbes2, seedOfPkcs8 } from './pkcs8.ts';
import { equalBytes } from './reader.ts';

hashes.sha512 = sha512;

const ONLY_ED25519 = 'only Ed25519 signs here: `3bot key export NAME --format pkcs8`, or `ssh-keygen -t ed25519`';

/** Whether a key file asks for a passphrase of its own before it can be read here. */
export function isEncryptedFile(text: string): boolean {
  return parsePem(text)?.label === 'ENCRYPTED PRIVATE KEY';
}

/**
 * The 32-byte seed in a private key file: OpenSSH or PKCS#8 PEM, the latter encrypted too. The caller overwrites it after use.
 * @throws Refused `key_unreadable`, `passphrase_wrong`, which say nothing of what was read.
 */
export async function readPrivateKey(text: string, passphrase: string): Promise<Uint8Array> {
  if (text.length > MAX_KEY_FILE) throw unreadable(`a private key file has at most ${MAX_KEY_FILE} characters`);
  const pem = parsePem(text);
  if (!pem) throw /^(ssh-|ecdsa-|sk-|did:key:)/.test(text.trim()) ? unreadable('this is a public key', 'the private half is needed') : unreadable('this is no private key that is known here', 'OpenSSH and PKCS#8 PEM files are read');
  switch (pem.label) {
    case 'OPENSSH PRIVATE KEY': return openSshSeed(pem.bytes);
    case 'PRIVATE KEY': return pkcs8Seed(pem.bytes);
    case 'ENCRYPTED PRIVATE KEY': {
      const form = parsePbes2(pem.bytes);
      if (!form) throw unreadable('this PKCS#8 file is encrypted in a way that is not read here', 'write it again with `openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE`');
      const der = await openPbes2(form, passphrase);
      if (!der) throw new Refused('passphrase_wrong', 'the passphrase does not open this file', 'it is the one that the file was exported with');
      try {
        return pkcs8Seed(der);
      } finally {
        der.fill(0);
      }
    }
    default: throw unreadable(`got a file labelled ${pem.label}`, /PUBLIC|CERTIFICATE/.test(pem.label) ? 'the private half is needed' : ONLY_ED25519);
  }
}

/** The public half, as the ledger names it. */
export function didOf(seed: Uint8Array): DidKey {
  return encodeDidKey(getPublicKey(seed));
}

function pkcs8Seed(der: Uint8Array): Uint8Array {
  const seed = seedOfPkcs8(der);
  if (!seed) throw unreadable('this PKCS#8 file holds no Ed25519 key, or is damaged', ONLY_ED25519);
  return seed;
}

function openSshSeed(blob: Uint8Array): Uint8Array {
  const read = parseOpenSsh(blob);
  if (!read.ok) {
    switch (read.why) {
      case 'encrypted': throw unreadable('this OpenSSH key is encrypted, which is not read here', 'take the passphrase off a copy with `ssh-keygen -p -N "" -f COPY`, import it, and delete the copy; or use `3bot key export NAME --format pkcs8`');
      case 'other': throw unreadable(`got ${JSON.stringify((read.type ?? '').slice(0, 40))}`, ONLY_ED25519);
      case 'damaged': throw unreadable('this OpenSSH key file is damaged');
    }
  }
  // A file whose public half is another key's would make this key sign under a name that is not its own.
  if (!equalBytes(getPublicKey(read.seed), read.publicKey)) throw unreadable('the two halves of this OpenSSH key do not belong together');
  return read.seed;
}

function unreadable(message: string, hint = 'choose another file'): Refused {
  return new Refused('key_unreadable', message, hint);
}
