import type { Digest } from '../../contract/digest.ts';

/** Where the page's material comes from. Nothing that it gives is believed: every byte is held against a digest or a root. */
export interface LedgerSource {
  /** The signed note over the log as it is now. */
  checkpoint(): Promise<string>;
  /** Leaves from `from` on, at least one, in order. */
  entries(from: number): Promise<readonly unknown[]>;
  /** The header of a contract. */
  header(contract: Digest): Promise<unknown>;
  /** Bytes from the blob store, at most `most`. */
  blob(digest: Digest, most: number): Promise<Uint8Array>;
}
