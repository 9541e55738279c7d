import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { EntrySigner } from '../contract/envelope.ts';
import { encodeDidKey } from '../contract/principal.ts';

const X25519_SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');

/** What the overlay needs of a node's key: the public half and the Diffie-Hellman operation. */
export interface DhKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** X25519 with a peer's 32 bytes; returns 32 bytes. Throws on a key of small order. */
  dh(peer: Uint8Array): Uint8Array;
}

export type KeyType = 'signing' | 'overlay' | 'sealing';

/** PKCS#8 DER of a new Ed25519 or X25519 key. */
export function generatePkcs8(type: 'signing' | 'overlay'): Buffer {
  const { privateKey } = type === 'signing' ? generateKeyPairSync('ed25519') : generateKeyPairSync('x25519');
  return privateKey.export({ format: 'der', type: 'pkcs8' });
}

/** A signer from PKCS#8 DER, which is overwritten: from then on the key is OpenSSL's alone. */
export function signerOf(pkcs8: Buffer): EntrySigner {
  const key = privateKeyOf(pkcs8, 'ed25519');
  return { key: encodeDidKey(rawPublic(key)), sign: (message) => new Uint8Array(sign(null, message, key)) };
}

/** A Diffie-Hellman key from PKCS#8 DER, which is overwritten. */
export function dhKeyOf(pkcs8: Buffer): DhKey {
  const privateKey = privateKeyOf(pkcs8, 'x25519');
  return {
    publicKey: rawPublic(privateKey),
    dh: (peer) => {
      if (peer.length !== 32) throw new TypeError(`X25519 public key has ${peer.length} bytes, expected 32`);
      return new Uint8Array(diffieHellman({ privateKey, publicKey: createPublicKey({ key: Buffer.concat([X25519_SPKI_PREFIX, peer]), format: 'der', type: 'spki' }) }));
    },
  };
}

function privateKeyOf(pkcs8: Buffer, type: 'ed25519' | 'x25519'): KeyObject {
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  pkcs8.fill(0);
  if (key.asymmetricKeyType !== type) throw new TypeError(`expected an ${type} key, got ${key.asymmetricKeyType ?? 'none'}`);
  return key;
}

function rawPublic(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32));
}
