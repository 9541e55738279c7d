import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { canonicalBytes } from './canonical.ts';

/** `sha256:` and 64 lower-case hex digits. */
export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256:<64 hex digits>').brand<'Digest'>();
export type Digest = z.infer<typeof Digest>;

/** SHA-256 of bytes. */
export function digestBytes(bytes: Uint8Array): Digest {
  return `sha256:${bytesToHex(sha256(bytes))}` as Digest;
}

/** SHA-256 of the canonical form (RFC 8785) of a JSON value; throws as canonicalize does. */
export function digestOf(value: unknown): Digest {
  return digestBytes(canonicalBytes(value));
}
