import { sha256 } from '@noble/hashes/sha2.js';
import { base64 } from '@scure/base';
import type { Digest } from '../contract/digest.ts';
import type { EntrySigner, VerifySignature } from '../contract/envelope.ts';
import { decodeDidKey, type DidKey } from '../contract/principal.ts';
import type { Hash } from './merkle.ts';

/** C2SP tlog-checkpoint in a C2SP signed-note (https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note). */

/** Longest note that is read; ours has about 340 characters. */
export const MAX_NOTE = 512;

/** Signature type of Ed25519 in a signed note. */
const ALGORITHM_ED25519 = 0x01;
const NOTE = /^(?<text>(?<origin>[\x21-\x7e]{1,128})\n(?<size>0|[1-9][0-9]{0,15})\n(?<root>[A-Za-z0-9+/]{43}=)\n)\n\u2014 (?<name>[\x21-\x7e]{1,128}) (?<signature>[A-Za-z0-9+/]{91}=)\n$/;

/** What a ledger says of itself: so many leaves, this root. */
export interface Checkpoint {
  readonly size: number;
  readonly root: Hash;
}

export type OpenedCheckpoint = { readonly ok: true; readonly checkpoint: Checkpoint } | { readonly ok: false; readonly code: 'checkpoint_invalid'; readonly message: string };

/** The log's name: one log a grid. */
export function originOf(grid: Digest): string {
  return `3bot/${grid.slice('sha256:'.length)}`;
}

/** The signed note over origin, size and root; the key's name is the origin. */
export function signCheckpoint(checkpoint: Checkpoint, origin: string, signer: EntrySigner): string {
  const text = `${origin}\n${checkpoint.size}\n${base64.encode(checkpoint.root)}\n`;
  const signature = signer.sign(new TextEncoder().encode(text));
  const line = new Uint8Array(4 + signature.length);
  line.set(keyHash(origin, signer.key));
  line.set(signature, 4);
  return `${text}\n\u2014 ${origin} ${base64.encode(line)}\n`;
}

/** Parses a note with exactly one signature, by this key under this origin; anything else is refused. */
export function openCheckpoint(note: string, expected: { origin: string; key: DidKey; verify: VerifySignature }): OpenedCheckpoint {
  const parts = note.length > MAX_NOTE ? undefined : NOTE.exec(note)?.groups;
  if (!parts) return refused('not a checkpoint note with one Ed25519 signature');
  const { text = '', origin, name, size, root = '', signature = '' } = parts;
  if (origin !== expected.origin || name !== expected.origin) return refused(`checkpoint of ${origin}, expected ${expected.origin}`);
  if (!Number.isSafeInteger(Number(size))) return refused('size is out of range');
  let line: Uint8Array;
  let hash: Uint8Array;
  try {
    line = base64.decode(signature);
    hash = base64.decode(root);
  } catch {
    return refused('not base64');
  }
  if (keyHash(expected.origin, expected.key).some((byte, i) => byte !== line[i])) return refused(`not signed by ${expected.key}`);
  if (!expected.verify(expected.key, new TextEncoder().encode(text), line.slice(4))) return refused(`the signature is not one by ${expected.key}`);
  return { ok: true, checkpoint: { size: Number(size), root: hash } };
}

function refused(message: string): OpenedCheckpoint {
  return { ok: false, code: 'checkpoint_invalid', message };
}

/** First four bytes of SHA-256(name, newline, algorithm, public key). */
function keyHash(name: string, key: DidKey): Uint8Array {
  const head = new TextEncoder().encode(`${name}\n`);
  const publicKey = decodeDidKey(key);
  const bytes = new Uint8Array(head.length + 1 + publicKey.length);
  bytes.set(head);
  bytes[head.length] = ALGORITHM_ED25519;
  bytes.set(publicKey, head.length + 1);
  return sha256(bytes).slice(0, 4);
}
