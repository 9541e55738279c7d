import { parseCanonical } from '../contract/canonical.ts';
import type { Digest } from '../contract/digest.ts';
import { parseEntry } from '../contract/entry.ts';
import { type Envelope, openEnvelope, type VerifySignature } from '../contract/envelope.ts';
import { Leaf } from './leaf-form.ts';
import { NATIVE, sha256Digest } from './native.ts';
import type { OpenedEntry } from './state/machine.ts';

export { Leaf, MAX_LEAF } from './leaf-form.ts';

/**
 * Canonical bytes (RFC 8785) of a leaf, put together by hand: the keys are known and stand in order, and a well-formed
 * string is canonical as JSON.stringify writes it. @throws TypeError on a lone surrogate.
 */
export function leafBytes({ seq, time, envelope }: Leaf): Uint8Array {
  return Buffer.from(`{"envelope":${envelopeText(envelope)},"seq":${seq},"time":${quote(time)}}`);
}

/** Parses a stored leaf. @throws TypeError or ZodError when the bytes are not one canonical leaf. */
export function parseLeaf(bytes: Uint8Array): Leaf {
  return Leaf.parse(parseCanonical(bytes));
}

/** Same envelope, same digest: what makes submitting twice harmless. */
export function envelopeDigest(envelope: Envelope): Digest {
  return sha256Digest(envelopeText(envelope));
}

/** Canonical text of an envelope. */
function envelopeText({ payload, payloadType, signatures: [{ keyid, sig }] }: Envelope): string {
  return `{"payload":${quote(payload)},"payloadType":${quote(payloadType)},"signatures":[{"keyid":${quote(keyid)},"sig":${quote(sig)}}]}`;
}

function quote(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('string with a lone surrogate');
  return JSON.stringify(text);
}

export type OpenedEnvelopeEntry = { readonly ok: true; readonly opened: OpenedEntry } | { readonly ok: false; readonly code: string; readonly message: string; readonly hint: string };

/** Opens an envelope and parses its entry: everything that can be said without the state. */
export function openEntry(envelope: unknown, verify: VerifySignature): OpenedEnvelopeEntry {
  const envelopeOpened = openEnvelope(envelope, verify, NATIVE);
  if (!envelopeOpened.ok) return envelopeOpened;
  const parsed = parseEntry(envelopeOpened.kind, envelopeOpened.payload);
  if (!parsed.ok) return parsed;
  return { ok: true, opened: { entry: parsed.entry, payloadDigest: envelopeOpened.payloadDigest, key: envelopeOpened.key } };
}

/** For leaves whose signature was checked before they were stored. */
export const ALREADY_VERIFIED: VerifySignature = () => true;
