import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** Length in bytes of X25519 public keys, private keys and shared secrets. */
export const DH_LENGTH = 32;

/** A Diffie-Hellman key pair seen from outside: the private half stays behind `dh`. */
export interface DhKey {
  readonly publicKey: Uint8Array;
  dh(peer: Uint8Array): Uint8Array;
}

// DER prefixes of RFC 8410: SubjectPublicKeyInfo and PKCS #8 for X25519, followed by the raw 32 bytes.
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

function fromKeyObject(privateKey: KeyObject): DhKey {
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-DH_LENGTH);
  return {
    publicKey,
    dh(peer) {
      if (peer.length !== DH_LENGTH) throw new RangeError('an X25519 public key has 32 bytes');
      const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, peer]), format: 'der', type: 'spki' });
      return diffieHellman({ privateKey, publicKey: key });
    },
  };
}

/** A fresh key pair for one handshake. */
export function generateDhKey(): DhKey {
  return fromKeyObject(generateKeyPairSync('x25519').privateKey);
}

/** A key pair from its raw 32-byte private key. */
export function dhKeyFromPrivate(raw: Uint8Array): DhKey {
  if (raw.length !== DH_LENGTH) throw new RangeError('an X25519 private key has 32 bytes');
  return fromKeyObject(createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, raw]), format: 'der', type: 'pkcs8' }));
}

/** The port's answer, checked: 32 bytes and not all zero, which a peer's point of small order would give (RFC 7748 section 6.1). */
export function sharedSecret(key: DhKey, peer: Uint8Array): Uint8Array {
  const secret = key.dh(peer);
  if (secret.length !== DH_LENGTH || secret.every((byte) => byte === 0)) throw new Error('X25519 gave no shared secret');
  return secret;
}
