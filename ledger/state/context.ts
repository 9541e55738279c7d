import type { Digest } from '../../contract/digest.ts';
import type { DidKey } from '../../contract/principal.ts';

/** What an applier sees besides the state: who signed, and the log's time. */
export interface EntryContext {
  readonly payloadDigest: Digest;
  readonly key: DidKey;
  readonly time: string;
}
