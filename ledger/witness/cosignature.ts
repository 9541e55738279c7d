import { base64 } from '@scure/base';
import { z } from 'zod';
import type { EntrySigner, VerifySignature } from '../../contract/envelope.ts';
import { decodeDidKey, DidKey, encodeDidKey } from '../../contract/principal.ts';
import { equalBytes, keyId, MAX_COSIGNATURES, type NoteSignature, type ParsedNote, signatureLine } from '../checkpoint.ts';

/** C2SP tlog-cosignature, the Ed25519 type `cosignature/v1` (https://c2sp.org/tlog-cosignature). Pure. */

/** Signature type of a timestamped Ed25519 cosignature in a signed note. */
const ALGORITHM_COSIGNATURE = 0x04;
const TIMESTAMP_BYTES = 8;
const SIGNATURE_BYTES = 64;
/** A witness's clock may be ahead of a client's by so much. */
export const SKEW_MS = 60_000;

/** Who cosigns: a name without scheme, as in `witness.example.org/w1` (no space, no plus), and its key. */
export const Witness = z.strictObject({ name: z.string().regex(/^[\x21-\x2a\x2c-\x7e]{1,128}$/, 'expected a name without spaces and plus signs'), key: DidKey });
export type Witness = z.infer<typeof Witness>;

/** Cosignature line over a note's text: seen at that time (seconds since 1970), and nothing bigger before. */
export function cosign(text: string, { name, signer, seconds }: { name: string; signer: EntrySigner; seconds: number }): string {
  const payload = new Uint8Array(TIMESTAMP_BYTES + SIGNATURE_BYTES);
  new DataView(payload.buffer).setBigUint64(0, BigInt(seconds));
  payload.set(signer.sign(messageOf(text, BigInt(seconds))), TIMESTAMP_BYTES);
  return signatureLine(name, keyId(name, ALGORITHM_COSIGNATURE, signer.key), payload);
}

/** Seconds since 1970 that this witness signed this text at; undefined when it did not, or when the line is another's. */
export function openCosignature(text: string, signature: NoteSignature, { witness, verify }: { witness: Witness; verify: VerifySignature }): number | undefined {
  if (signature.name !== witness.name || !equalBytes(signature.keyId, keyId(witness.name, ALGORITHM_COSIGNATURE, witness.key))) return undefined;
  const { payload } = signature;
  if (payload.length !== TIMESTAMP_BYTES + SIGNATURE_BYTES) return undefined;
  const seconds = new DataView(payload.buffer, payload.byteOffset, payload.length).getBigUint64(0);
  if (seconds > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return verify(witness.key, messageOf(text, seconds), payload.slice(TIMESTAMP_BYTES)) ? Number(seconds) : undefined;
}

/** Latest time in seconds for each witness key that cosigned the note, none of them after `latest`. One key counts once, under however many names. */
export function cosignersOf(note: ParsedNote, { witnesses, verify, latest }: { witnesses: readonly Witness[]; verify: VerifySignature; latest: number }): Map<DidKey, number> {
  const times = new Map<DidKey, number>();
  for (const signature of note.signatures.slice(0, MAX_COSIGNATURES + 1)) {
    for (const witness of witnesses) {
      const seconds = openCosignature(note.text, signature, { witness, verify });
      if (seconds !== undefined && seconds <= latest) times.set(witness.key, Math.max(seconds, times.get(witness.key) ?? 0));
    }
  }
  return times;
}

/** Eight hex digits that stand for the witness in `/v1/feed?by=`. */
export function witnessId({ name, key }: Witness): string {
  return [...keyId(name, ALGORITHM_COSIGNATURE, key)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The key in the form that other implementations take: `name+keyid+base64` (https://c2sp.org/signed-note#verifier-keys). */
export function verifierKeyOf(witness: Witness): string {
  return `${witness.name}+${witnessId(witness)}+${base64.encode(Uint8Array.from([ALGORITHM_COSIGNATURE, ...decodeDidKey(witness.key)]))}`;
}

/** The witness that a verifier key is of; undefined when it is none, or its id is not the one of name and key. */
export function parseVerifierKey(text: string): Witness | undefined {
  const [, name = '', id, encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? [];
  let bytes: Uint8Array;
  try {
    bytes = base64.decode(encoded);
  } catch {
    return undefined;
  }
  if (bytes.length !== 33 || bytes[0] !== ALGORITHM_COSIGNATURE) return undefined;
  const parsed = Witness.safeParse({ name, key: encodeDidKey(bytes.slice(1)) });
  return parsed.success && witnessId(parsed.data) === id ? parsed.data : undefined;
}

/** The two lines that separate it from every other use of the key, and the whole text of the checkpoint. */
function messageOf(text: string, seconds: bigint): Uint8Array {
  return new TextEncoder().encode(`cosignature/v1\ntime ${seconds}\n${text}`);
}
