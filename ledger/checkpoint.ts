import { sha256 } from '@noble/hashes/sha2.js';
import { base64 } from '@scure/base';
import type { Digest } from '../contract/digest.ts';
import type { EntrySigner, VerifySignature } from '../contract/envelope.ts';
import { decodeDidKey, type DidKey } from '../contract/principal.ts';
import type { Hash } from './merkle.ts';

/** C2SP tlog-checkpoint in a C2SP signed-note (https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note). */

/** Longest note with the ledger's signature alone; ours has about 340 characters. */
export const MAX_NOTE = 512;
/** Signatures beside the ledger's that a note may carry. */
export const MAX_COSIGNATURES = 16;
/** Dash, name, 76 bytes in base64, newline; one signature line of any kind that is read. */
export const MAX_SIGNATURE_LINE = 256;
/** Longest note with cosignatures. */
export const MAX_COSIGNED_NOTE = MAX_NOTE + MAX_COSIGNATURES * MAX_SIGNATURE_LINE;

/** Signature type of Ed25519 in a signed note. */
const ALGORITHM_ED25519 = 0x01;
const KEY_ID_BYTES = 4;
/** Origin, size, root, and lines that the log adds for others (`extension lines`, which are signed and mean nothing here). */
const BODY = /^(?<origin>[\x21-\x7e]{1,128})\n(?<size>0|[1-9][0-9]{0,15})\n(?<root>[A-Za-z0-9+/]{43}=)\n(?:[\x20-\x7e]{1,128}\n){0,8}$/;
const SIGNATURE_LINE = /^\u2014 (?<name>[\x21-\x7e]{1,128}) (?<payload>[A-Za-z0-9+/]{8,}={0,2})$/;

/** What a ledger says of itself: so many leaves, this root. */
export interface Checkpoint {
  readonly size: number;
  readonly root: Hash;
}

/** One line under a note: who says to have signed, four bytes of its key's hash, and what the signature type makes of the rest. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly payload: Uint8Array;
}

/** A note taken apart; nothing in it is verified. */
export interface ParsedNote {
  /** What is signed, with its last newline. */
  readonly text: string;
  readonly origin: string;
  readonly checkpoint: Checkpoint;
  readonly signatures: readonly NoteSignature[];
}

export type OpenedCheckpoint = { readonly ok: true; readonly checkpoint: Checkpoint } | CheckpointRefusal;
export interface CheckpointRefusal { readonly ok: false; readonly code: 'checkpoint_invalid'; readonly message: string }

/** Who must have signed. */
export interface LedgerName {
  readonly origin: string;
  readonly key: DidKey;
}

/** The log's name: one log a grid. */
export function originOf(grid: Digest): string {
  return `3bot/${grid.slice('sha256:'.length)}`;
}

/** The signed note over origin, size and root; the key's name is the origin. */
export function signCheckpoint(checkpoint: Checkpoint, origin: string, signer: EntrySigner): string {
  const text = `${origin}\n${checkpoint.size}\n${base64.encode(checkpoint.root)}\n`;
  const signature = signer.sign(new TextEncoder().encode(text));
  return `${text}\n${signatureLine(origin, keyId(origin, ALGORITHM_ED25519, signer.key), signature)}`;
}

/** Parses a note with exactly one signature, by this key under this origin, and nothing else; anything more is refused. */
export function openCheckpoint(note: string, expected: LedgerName & { verify: VerifySignature }): OpenedCheckpoint {
  const parsed = note.length > MAX_NOTE ? undefined : parseNote(note);
  if (parsed?.signatures.length !== 1 || parsed.text.split('\n').length !== 4) return refused('not a checkpoint note with one Ed25519 signature');
  return judge(parsed, expected);
}

/** As openCheckpoint, but lines by other keys are ignored, as signed-note wants it. */
export function openCosigned(note: string, expected: LedgerName & { verify: VerifySignature }): { readonly ok: true; readonly checkpoint: Checkpoint; readonly parsed: ParsedNote } | CheckpointRefusal {
  const parsed = parseNote(note);
  if (!parsed) return refused('not a checkpoint note');
  const opened = judge(parsed, expected);
  return opened.ok ? { ...opened, parsed } : opened;
}

/** The note as its ledger signed it, without what others added. */
export function withoutCosignatures({ text, signatures }: ParsedNote, { origin, key }: LedgerName): string {
  const id = keyId(origin, ALGORITHM_ED25519, key);
  const [own] = signatures.filter((signature) => signature.name === origin && equalBytes(signature.keyId, id));
  return own ? `${text}\n${signatureLine(own.name, own.keyId, own.payload)}` : text;
}

/** Takes a note apart; undefined when it is none, or has more than MAX_COSIGNATURES + 1 signatures. */
export function parseNote(note: string): ParsedNote | undefined {
  if (note.length > MAX_COSIGNED_NOTE) return undefined;
  const end = note.lastIndexOf('\n\n');
  if (end < 0 || !note.endsWith('\n')) return undefined;
  const text = note.slice(0, end + 1);
  const body = BODY.exec(text)?.groups;
  const signatures = note.slice(end + 2, -1).split('\n').map(parseSignatureLine);
  if (!body || signatures.length > MAX_COSIGNATURES + 1) return undefined;
  const known = signatures.filter((signature) => signature !== undefined);
  const root = decode(body['root'] ?? '');
  const size = Number(body['size']);
  if (known.length !== signatures.length || !root || !Number.isSafeInteger(size)) return undefined;
  return { text, origin: body['origin'] ?? '', checkpoint: { size, root }, signatures: known };
}

/** One signature line without its newline; undefined when it is none. */
export function parseSignatureLine(line: string): NoteSignature | undefined {
  if (line.length >= MAX_SIGNATURE_LINE) return undefined;
  const parts = SIGNATURE_LINE.exec(line)?.groups;
  const bytes = decode(parts?.['payload'] ?? '');
  if (!parts || !bytes || bytes.length <= KEY_ID_BYTES) return undefined;
  return { name: parts['name'] ?? '', keyId: bytes.slice(0, KEY_ID_BYTES), payload: bytes.slice(KEY_ID_BYTES) };
}

/** A signature line with its newline. */
export function signatureLine(name: string, id: Uint8Array, payload: Uint8Array): string {
  const bytes = new Uint8Array(id.length + payload.length);
  bytes.set(id);
  bytes.set(payload, id.length);
  return `\u2014 ${name} ${base64.encode(bytes)}\n`;
}

/** First four bytes of SHA-256(name, newline, signature type, public key). */
export function keyId(name: string, algorithm: number, key: DidKey): Uint8Array {
  const head = new TextEncoder().encode(`${name}\n`);
  const publicKey = decodeDidKey(key);
  const bytes = new Uint8Array(head.length + 1 + publicKey.length);
  bytes.set(head);
  bytes[head.length] = algorithm;
  bytes.set(publicKey, head.length + 1);
  return sha256(bytes).slice(0, KEY_ID_BYTES);
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function judge({ origin, text, checkpoint, signatures }: ParsedNote, expected: LedgerName & { verify: VerifySignature }): OpenedCheckpoint {
  if (origin !== expected.origin) return refused(`checkpoint of ${origin}, expected ${expected.origin}`);
  const id = keyId(origin, ALGORITHM_ED25519, expected.key);
  const own = signatures.filter((signature) => signature.name === origin && equalBytes(signature.keyId, id));
  if (own.length === 0) return refused(`not signed by ${expected.key}`);
  const message = new TextEncoder().encode(text);
  // Four bytes can be another key's as well, but one line that does not verify under a name is one too many.
  if (!own.every(({ payload }) => expected.verify(expected.key, message, payload))) return refused(`the signature is not one by ${expected.key}`);
  return { ok: true, checkpoint };
}

function refused(message: string): CheckpointRefusal {
  return { ok: false, code: 'checkpoint_invalid', message };
}

/** Standard base64 with its padding, and only the canonical encoding. */
function decode(text: string): Uint8Array | undefined {
  try {
    return base64.decode(text);
  } catch {
    return undefined;
  }
}
