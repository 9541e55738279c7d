import type { Digest } from '../contract/digest.ts';
import type { DidKey } from '../contract/principal.ts';
import type { Hash } from './merkle.ts';
import type { LedgerState } from './state/machine.ts';

/** An expected refusal: what, why, and what to do next. */
export interface Refusal {
  readonly ok: false;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** What became of one submitted envelope; `duplicate` when it was in the log before, at the same place. */
export type SubmitResult = { readonly ok: true; readonly seq: number; readonly time: string; readonly duplicate?: true } | Refusal;

/** Answer to a submission that was not looked at: try again later. */
export const BUSY = 'busy';

/**
 * An append-only log with one order, whatever keeps that order (a local database, a chain). Reading is from the local
 * copy, so it is synchronous; an entry that can be read is durable.
 */
export interface Log {
  /** The key that signs checkpoints and ticks. */
  readonly key: DidKey;
  size(): number;
  grid(): Digest | undefined;
  /** The live state: read it, never change or keep it. */
  state(): LedgerState;
  /** One result an envelope, in order, after all of them are durable. @throws when the log has failed or is closed. */
  submit(envelopes: readonly unknown[]): Promise<SubmitResult[]>;
  /** Canonical leaves from `from` on, as many as the bounds allow (at least one if there is one). */
  read(from: number, bounds: { entries: number; bytes: number }): Uint8Array[];
  /** Signed note over the first `size` leaves; undefined while the log is empty. @throws RangeError beyond the log. */
  checkpoint(size?: number): string | undefined;
  root(size?: number): Hash;
  leafHash(seq: number): Hash;
  inclusionProof(seq: number, size: number): Hash[];
  consistencyProof(from: number, to: number): Hash[];
  /** Called after each durable batch; returns how to stop it. */
  onCommit(listener: () => void): () => void;
  close(): Promise<void>;
}

/** Content-addressed bytes; what is read is what its digest says. */
export interface BlobStore {
  get(digest: Digest): Promise<Uint8Array | undefined>;
  put(digest: Digest, content: AsyncIterable<Uint8Array>): Promise<{ readonly ok: true } | Refusal>;
}
