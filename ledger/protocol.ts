import { base64 } from '@scure/base';
import { z } from 'zod';
import { MAX_COSIGNED_NOTE, MAX_NOTE } from './checkpoint.ts';
import { Leaf, MAX_LEAF } from './leaf.ts';
import { type Hash, HASH_BYTES, MAX_PROOF } from './merkle.ts';

/** What server and client agree on: shapes and bounds of what passes between them. */

/** Envelopes in one submission, and bytes of its body. */
export const MAX_SUBMISSION = 256;
export const MAX_SUBMISSION_BYTES = 4 * 1024 * 1024;

/** One frame of the feed; a frame of one entry may be longer. */
export const MAX_FRAME_ENTRIES = 256;
export const MAX_FRAME_BYTES = 1024 * 1024;
/** Nothing longer comes over the feed. */
export const MAX_FEED_MESSAGE = MAX_FRAME_BYTES + MAX_LEAF + 64 * 1024;

/** Why the server ends a feed (RFC 6455 section 7.4). */
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_POLICY = 1008;
export const CLOSE_TRY_LATER = 1013;
export const CLOSE_TOO_SLOW = 4008;
export const CLOSE_BEYOND_LOG = 4009;

/** 32 bytes in base64; parses to the bytes. */
export const HashText = z.string().length(44).transform((text, context): Hash => {
  try {
    const hash = base64.decode(text);
    if (hash.length === HASH_BYTES) return hash;
  } catch {
    // Said below.
  }
  context.addIssue({ code: 'custom', message: 'expected 32 bytes in base64' });
  return z.NEVER;
});
export const Proof = z.array(HashText).max(MAX_PROOF);

/** A note with cosignatures, and the proof that its log begins with the one that the frame's checkpoint covers. */
export const Witnessed = z.strictObject({ note: z.string().max(MAX_COSIGNED_NOTE), proof: Proof });
export type Witnessed = z.infer<typeof Witnessed>;

/** One message of the feed: entries, a signed checkpoint over exactly the log up to their end, and how long the log is now. */
export const Frame = z.strictObject({
  entries: z.array(Leaf).max(MAX_FRAME_ENTRIES),
  checkpoint: z.string().max(MAX_NOTE).nullable(),
  size: z.int().min(0),
  /** On a feed that was asked to send only what is witnessed. */
  witnessed: Witnessed.exactOptional(),
});
export type Frame = z.infer<typeof Frame>;

const Result = z.union([
  z.object({ ok: z.literal(true), seq: z.int().min(0), time: z.string().max(40), duplicate: z.literal(true).exactOptional() }),
  z.object({ ok: z.literal(false), code: z.string().max(64), message: z.string().max(4096), hint: z.string().max(1024).exactOptional() }),
]);
/** Answer to a submission: one result an envelope, in order, and a signed note over at least all that was accepted: the ledger's promise. */
export const Results = z.object({ ok: z.literal(true), results: z.array(Result).max(MAX_SUBMISSION), checkpoint: z.string().max(MAX_NOTE).nullable().exactOptional() });

/** Answer to `/v1/proof/consistency`; `fromRoot` is the older root as this log has it. */
export const Consistency = z.object({ ok: z.literal(true), from: z.int(), to: z.int(), fromRoot: HashText, proof: Proof });
export type Consistency = z.infer<typeof Consistency>;

/** The error shape of every 3bot API. */
export const Failure = z.object({ ok: z.literal(false), error: z.object({ code: z.string().max(64), message: z.string().max(4096), hint: z.string().max(1024).exactOptional() }) });
