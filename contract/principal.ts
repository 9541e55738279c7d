import { base58 } from '@scure/base';
import { z } from 'zod';
import { Digest } from './digest.ts';

/** A principal's id: the digest of its inception entry's payload; it outlives its keys. */
export const PrincipalId = Digest;
export type PrincipalId = Digest;

export const PrincipalKind = z.enum(['person', 'organisation', 'author', 'node', 'gateway']);
export type PrincipalKind = z.infer<typeof PrincipalKind>;

const ED25519_MULTICODEC = [0xed, 0x01];

/** An Ed25519 public key as `did:key:z6Mk…` (W3C did:key, multicodec 0xed). */
export const DidKey = z.string().regex(/^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/, 'expected did:key:z6Mk… (Ed25519)').brand<'DidKey'>();
export type DidKey = z.infer<typeof DidKey>;

/** did:key of a 32-byte Ed25519 public key. */
export function encodeDidKey(publicKey: Uint8Array): DidKey {
  if (publicKey.length !== 32) throw new TypeError(`Ed25519 public key has ${publicKey.length} bytes, expected 32`);
  return `did:key:z${base58.encode(Uint8Array.from([...ED25519_MULTICODEC, ...publicKey]))}` as DidKey;
}

/** The 32-byte Ed25519 public key of a did:key. Throws TypeError on any other form. */
export function decodeDidKey(did: DidKey): Uint8Array {
  const bytes = base58.decode(did.slice('did:key:z'.length));
  if (bytes.length !== 34 || bytes[0] !== ED25519_MULTICODEC[0] || bytes[1] !== ED25519_MULTICODEC[1]) throw new TypeError('not an Ed25519 did:key');
  return bytes.slice(2);
}

/** Who holds this role in an organisation's roster may publish blueprints for that organisation. */
export const AUTHOR_ROLE = 'author';
