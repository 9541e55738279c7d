import { z } from 'zod';
import { Envelope, MAX_PAYLOAD } from '../contract/envelope.ts';

/** Largest leaf in bytes: an envelope's payload in base64, and what is around it. */
export const MAX_LEAF = Math.ceil(MAX_PAYLOAD / 3) * 4 + 1024;

/** One accepted entry: its place, the log's time (RFC 3339 UTC, always with milliseconds, so text order is time order) and what was signed. */
export const Leaf = z.strictObject({
  seq: z.int().min(0),
  time: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/).refine((t) => Number.isFinite(Date.parse(t)), 'no such time'),
  envelope: Envelope,
});
export type Leaf = z.infer<typeof Leaf>;
