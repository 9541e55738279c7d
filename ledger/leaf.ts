import { z } from 'zod';
import { canonicalBytes, parseCanonical } from '../contract/canonical.ts';
import { type Digest, digestOf } from '../contract/digest.ts';
import { parseEntry } from '../contract/entry.ts';
import { Envelope, MAX_PAYLOAD, openEnvelope, type VerifySignature } from '../contract/envelope.ts';
import type { OpenedEntry } from './state/machine.ts';

/** Largest leaf in bytes: an envelope's payload in base64, and what is around it. */
export const MAX_LEAF = Math.ceil(MAX_PAYLOAD / 3) * 4 + 1024;

/** One accepted entry: its place, the log's time (RFC 3339 UTC, always with milliseconds, so text order is time order) and what was signed. */
export const Leaf = z.strictObject({
  seq: z.int().min(0),
  time: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/).refine((t) => Number.isFinite(Date.parse(t)), 'no such time'),
  envelope: Envelope,
});
export type Leaf = z.infer<typeof Leaf>;

export function leafBytes(leaf: Leaf): Uint8Array {
  return canonicalBytes(leaf);
}

/** Parses a stored leaf. @throws TypeError or ZodError when the bytes are not one canonical leaf. */
export function parseLeaf(bytes: Uint8Array): Leaf {
  return Leaf.parse(parseCanonical(bytes));
}

/** Same envelope, same digest: what makes submitting twice harmless. */
export function envelopeDigest(envelope: Envelope): Digest {
  return digestOf(envelope);
}

export type OpenedEnvelopeEntry = { readonly ok: true; readonly opened: OpenedEntry } | { readonly ok: false; readonly code: string; readonly message: string; readonly hint: string };

/** Opens an envelope and parses its entry: everything that can be said without the state. */
export function openEntry(envelope: unknown, verify: VerifySignature): OpenedEnvelopeEntry {
  const envelopeOpened = openEnvelope(envelope, verify);
  if (!envelopeOpened.ok) return envelopeOpened;
  const parsed = parseEntry(envelopeOpened.kind, envelopeOpened.payload);
  if (!parsed.ok) return parsed;
  return { ok: true, opened: { entry: parsed.entry, payloadDigest: envelopeOpened.payloadDigest, key: envelopeOpened.key } };
}

/** For leaves whose signature was checked before they were stored. */
export const ALREADY_VERIFIED: VerifySignature = () => true;
