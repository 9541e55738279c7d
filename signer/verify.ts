import { createPublicKey, verify as opensslVerify, type KeyObject } from 'node:crypto';
import { decodeDidKey, type DidKey } from '../contract/principal.ts';
import { isAcceptableKey } from './key-check.ts';

/** Checked keys are kept: the torsion check costs 0.5 ms, a signature 0.06 ms. */
const MAX_CACHED_KEYS = 10_000;
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const cache = new Map<DidKey, KeyObject | null>();

/**
 * The one rule for Ed25519 signatures, in OpenSSL: the key is canonical, not of small order and torsion-free; s < L;
 * R's bytes equal the encoding of sB - kA (cofactorless, RFC 8032 section 5.1.7). verify-noble.ts is the same rule
 * where there is no OpenSSL.
 */
export function verifySignature(key: DidKey, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  const publicKey = publicKeyOf(key);
  return publicKey !== null && opensslVerify(null, message, publicKey, signature);
}

function publicKeyOf(did: DidKey): KeyObject | null {
  const known = cache.get(did);
  if (known !== undefined) return known;
  const raw = decodeRaw(did);
  const key = raw && isAcceptableKey(raw) ? createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' }) : null;
  if (cache.size >= MAX_CACHED_KEYS) cache.clear();
  cache.set(did, key);
  return key;
}

function decodeRaw(did: DidKey): Uint8Array | null {
  try {
    return decodeDidKey(did);
  } catch {
    return null;
  }
}
