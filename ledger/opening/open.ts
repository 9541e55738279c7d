import type { Digest } from '../../contract/digest.ts';
import type { Envelope, VerifySignature } from '../../contract/envelope.ts';
import { envelopeDigest, openEntry } from '../leaf.ts';
import type { Refusal } from '../ports.ts';
import type { OpenedEntry } from '../state/machine.ts';

/** What can be said of an envelope before its turn in the log comes: that it may not enter, or what it says and its digest. */
export type OpenedSubmission = { readonly ok: true; readonly opened: OpenedEntry; readonly envelopeDigest: Digest } | Refusal;

/** The costly part of accepting an entry, and the part that needs no state: so it may run in any thread, in any order. */
export function openSubmission(envelope: Envelope, verify: VerifySignature): OpenedSubmission {
  const result = openEntry(envelope, verify);
  return result.ok ? { ok: true, opened: result.opened, envelopeDigest: envelopeDigest(envelope) } : result;
}
