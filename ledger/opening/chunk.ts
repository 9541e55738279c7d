import type { Envelope } from '../../contract/envelope.ts';
import type { OpenedSubmission } from './open.ts';

/** What passes between the log's thread and its openers. JSON texts: V8 copies one string faster than it clones many small objects. */
export interface Chunk { readonly id: number; readonly envelopes: string }
/** One answer an envelope, in order. */
export interface ChunkAnswer { readonly id: number; readonly answers: string }

export function encodeChunk(id: number, envelopes: readonly Envelope[]): Chunk {
  return { id, envelopes: JSON.stringify(envelopes) };
}

/** Both ends are this program, and the log's thread parsed every envelope before: the shapes are not checked again. */
export function chunkEnvelopes({ envelopes }: Chunk): Envelope[] {
  return JSON.parse(envelopes) as Envelope[];
}

export function encodeAnswers(id: number, answers: readonly OpenedSubmission[]): ChunkAnswer {
  return { id, answers: JSON.stringify(answers) };
}

/** Payloads are JSON by nature, so that what comes back equals what was sent. */
export function chunkAnswers({ answers }: ChunkAnswer): OpenedSubmission[] {
  return JSON.parse(answers) as OpenedSubmission[];
}
