import { z } from 'zod';
import { MAX_NOTE } from './checkpoint.ts';
import { Leaf, MAX_LEAF } from './leaf.ts';

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

/** One message of the feed: entries, a signed checkpoint over exactly the log up to their end, and how long the log is now. */
export const Frame = z.strictObject({
  entries: z.array(Leaf).max(MAX_FRAME_ENTRIES),
  checkpoint: z.string().max(MAX_NOTE).nullable(),
  size: z.int().min(0),
});
export type Frame = z.infer<typeof Frame>;

const Result = z.union([
  z.object({ ok: z.literal(true), seq: z.int().min(0), time: z.string().max(40), duplicate: z.literal(true).exactOptional() }),
  z.object({ ok: z.literal(false), code: z.string().max(64), message: z.string().max(4096), hint: z.string().max(1024).exactOptional() }),
]);
/** Answer to a submission: one result an envelope, in order. */
export const Results = z.object({ ok: z.literal(true), results: z.array(Result).max(MAX_SUBMISSION) });

/** The error shape of every 3bot API. */
export const Failure = z.object({ ok: z.literal(false), error: z.object({ code: z.string().max(64), message: z.string().max(4096), hint: z.string().max(1024).exactOptional() }) });
