import { base64 } from '@scure/base';
import { z } from 'zod';
import { canonicalBytes, parseCanonical, type Json } from './canonical.ts';
import { type Digest, digestBytes } from './digest.ts';
import { DidKey } from './principal.ts';

/** Largest payload of one entry, in bytes: a header with a few hundred assignments fits. */
export const MAX_PAYLOAD = 128 * 1024;
const MAX_BASE64 = Math.ceil(MAX_PAYLOAD / 3) * 4;
const FORM_HINT = 'send a DSSE envelope with one signature over canonical JSON (RFC 8785)';

/** DSSE envelope (https://github.com/secure-systems-lab/dsse) over canonical JSON, with exactly one signature: one entry, one voice. */
export const Envelope = z.strictObject({
  payloadType: z.string().regex(/^application\/vnd\.3bot\.[a-z]+\.[a-z]+\.v1\+json$|^application\/vnd\.3bot\.tick\.v1\+json$/),
  payload: z.string().max(MAX_BASE64),
  signatures: z.tuple([z.strictObject({ keyid: DidKey, sig: z.string().length(88) })]),
});
export type Envelope = z.infer<typeof Envelope>;

/** Signs a message of any length; returns 64 bytes (Ed25519). */
export interface EntrySigner {
  readonly key: DidKey;
  sign(message: Uint8Array): Uint8Array;
}

/** What a platform does faster than portable code; each must agree with the portable one on every input. */
export interface Codec {
  /** Canonical padded base64 only. @throws on anything else. */
  readonly decodeBase64: (text: string) => Uint8Array;
  readonly digest: (bytes: Uint8Array) => Digest;
}
const PORTABLE: Codec = { decodeBase64: base64.decode, digest: digestBytes };

/** The one verification rule (see signer/verify): 32-byte key, message, 64-byte signature. */
export type VerifySignature = (key: DidKey, message: Uint8Array, signature: Uint8Array) => boolean;

export type OpenedEnvelope =
  | { readonly ok: true; readonly kind: string; readonly payload: Json; readonly payloadDigest: Digest; readonly key: DidKey }
  | { readonly ok: false; readonly code: 'envelope_invalid' | 'signature_invalid'; readonly message: string; readonly hint: string };

/** DSSE v1 pre-authentication encoding: what is actually signed. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = new TextEncoder().encode(payloadType);
  const head = new TextEncoder().encode(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `);
  const out = new Uint8Array(head.length + payload.length);
  out.set(head);
  out.set(payload, head.length);
  return out;
}

export function payloadTypeOf(kind: string): string {
  return `application/vnd.3bot.${kind}.v1+json`;
}

/** Signs a JSON value as an entry of the given kind. */
export function sealEnvelope(kind: string, payload: unknown, signer: EntrySigner): Envelope {
  const bytes = canonicalBytes(payload);
  const payloadType = payloadTypeOf(kind);
  const sig = signer.sign(preAuthEncoding(payloadType, bytes));
  return { payloadType, payload: base64.encode(bytes), signatures: [{ keyid: signer.key, sig: base64.encode(sig) }] };
}

/** Checks form, canonical payload and signature; says nothing yet about whether the key may speak for anyone. */
export function openEnvelope(input: unknown, verify: VerifySignature, codec: Codec = PORTABLE): OpenedEnvelope {
  const parsed = Envelope.safeParse(input);
  if (!parsed.success) return { ok: false, code: 'envelope_invalid', message: z.prettifyError(parsed.error).slice(0, 1000), hint: FORM_HINT };
  const { payloadType, payload, signatures: [{ keyid, sig }] } = parsed.data;
  let bytes: Uint8Array;
  let signature: Uint8Array;
  let value: Json;
  try {
    bytes = codec.decodeBase64(payload);
    signature = codec.decodeBase64(sig);
    value = parseCanonical(bytes);
  } catch (error) {
    return { ok: false, code: 'envelope_invalid', message: error instanceof Error ? error.message : 'not an envelope', hint: FORM_HINT };
  }
  if (!verify(keyid, preAuthEncoding(payloadType, bytes), signature)) {
    return { ok: false, code: 'signature_invalid', message: `the signature is not one by ${keyid} over this payload`, hint: 'sign the payload as it is, with the key that the envelope names' };
  }
  return { ok: true, kind: payloadType.slice('application/vnd.3bot.'.length, -'.v1+json'.length), payload: value, payloadDigest: codec.digest(bytes), key: keyid };
}
