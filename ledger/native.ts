import { hash } from 'node:crypto';
import type { Digest } from '../contract/digest.ts';
import type { Codec } from '../contract/envelope.ts';
import { type Hash, HASH_BYTES } from './merkle.ts';

/** OpenSSL and Buffer where the pure rooms use portable code: the same answers on every input, several times faster. */

const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;
/** Inputs of node hashes; one is enough, hashing is synchronous. */
const node = Buffer.alloc(1 + 2 * HASH_BYTES, NODE_PREFIX);

/** SHA-256 of bytes or of a text's UTF-8. */
export function sha256Digest(of: Uint8Array | string): Digest {
  return `sha256:${hash('sha256', of, 'hex')}` as Digest;
}

/** `leafHash` of merkle.ts (RFC 6962 section 2.1). */
export function nativeLeafHash(leaf: Uint8Array): Hash {
  const prefixed = Buffer.allocUnsafe(1 + leaf.length);
  prefixed[0] = LEAF_PREFIX;
  prefixed.set(leaf, 1);
  return hash('sha256', prefixed, 'buffer');
}

/** `nodeHash` of merkle.ts. */
export function nativeNodeHash(left: Hash, right: Hash): Hash {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) throw new TypeError(`a node has two hashes of ${HASH_BYTES} bytes`);
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return hash('sha256', node, 'buffer');
}

/** Buffer reads any base64 leniently, so what it read is written again and compared. */
export function decodeBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new TypeError('not canonical base64');
  return bytes;
}

export const NATIVE: Codec = { decodeBase64, digest: sha256Digest };
