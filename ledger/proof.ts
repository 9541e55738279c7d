import { base64 } from '@scure/base';
import { z } from 'zod';
import type { Digest } from '../contract/digest.ts';
import type { Entry } from '../contract/entry.ts';
import { Envelope, type VerifySignature } from '../contract/envelope.ts';
import type { DidKey } from '../contract/principal.ts';
import { MAX_COSIGNED_NOTE, openCosigned, originOf } from './checkpoint.ts';
import { Leaf, leafBytes, openEntry } from './leaf.ts';
import { type Hash, leafHash, MAX_PROOF, verifyInclusion } from './merkle.ts';

export const PROOF_FORMAT = '3bot-ledger-proof/1';
/** Longest proof file that is read, in bytes: two entries, a path and a note. */
export const MAX_PROOF_FILE = 1024 * 1024;

/**
 * That an entry stands in a grid's log, checkable offline by whoever knows the grid's digest: the entry, its audit path
 * (RFC 6962 section 2.1.1, base64), a signed note over the log, and the first entry, which names the key of the note.
 */
export const EntryProof = z.strictObject({
  format: z.literal(PROOF_FORMAT),
  entry: Leaf,
  path: z.array(z.string().regex(/^[A-Za-z0-9+/]{43}=$/)).max(MAX_PROOF),
  checkpoint: z.string().max(MAX_COSIGNED_NOTE),
  genesis: Envelope,
});
export type EntryProof = z.infer<typeof EntryProof>;

export type CheckedProof =
  | { readonly ok: true; readonly grid: Digest; readonly seq: number; readonly time: string; readonly entry: Entry; readonly key: DidKey; readonly size: number; readonly root: Hash }
  | { readonly ok: false; readonly code: 'proof_invalid' | 'grid_mismatch' | 'checkpoint_invalid' | 'not_included' | 'entry_invalid'; readonly message: string; readonly hint: string };

/**
 * Checks a proof against the digest of the grid. `ok` says: the ledger of that grid has signed a log of `size` entries
 * in which this one stands, and `key` has signed it. Whose key that was, the entries before it say.
 */
export function checkEntryProof(input: unknown, { grid, verify }: { grid: Digest; verify: VerifySignature }): CheckedProof {
  const parsed = EntryProof.safeParse(input);
  if (!parsed.success) return refuse('proof_invalid', `not a proof: ${z.prettifyError(parsed.error).slice(0, 500)}`);
  const { entry: leaf, path, checkpoint, genesis } = parsed.data;
  const first = openEntry(genesis, verify);
  if (!first.ok || first.opened.entry.kind !== 'grid.created') return refuse('proof_invalid', 'the first entry in it is not a signed grid.created');
  const { payloadDigest, key: founder, entry: { payload: { ledger } } } = { ...first.opened, entry: first.opened.entry };
  if (payloadDigest !== grid) return refuse('grid_mismatch', `it is of grid ${payloadDigest}, expected ${grid}`);
  if (founder !== ledger) return refuse('proof_invalid', 'its grid.created is not signed by the ledger that it names');
  const note = openCosigned(checkpoint, { origin: originOf(grid), key: ledger, verify });
  if (!note.ok) return refuse('checkpoint_invalid', note.message);
  const { size, root } = note.checkpoint;
  const hashes = decodePath(path);
  if (!hashes || !verifyInclusion({ index: leaf.seq, size, leaf: leafHash(leafBytes(leaf)), root, proof: hashes })) return refuse('not_included', `the path does not lead from entry ${leaf.seq} to the root over ${size} entries that the ledger signed`);
  const opened = openEntry(leaf.envelope, verify);
  if (!opened.ok) return refuse('entry_invalid', `entry ${leaf.seq}: ${opened.message}`);
  return { ok: true, grid, seq: leaf.seq, time: leaf.time, entry: opened.opened.entry, key: opened.opened.key, size, root };
}

/** Undefined when one is not canonical base64. */
function decodePath(path: readonly string[]): Hash[] | undefined {
  try {
    return path.map((hash) => base64.decode(hash));
  } catch {
    return undefined;
  }
}

const HINTS = {
  proof_invalid: 'expected the file that `3bot ledger proof SEQ --out FILE` writes',
  grid_mismatch: 'name the grid that you mean with --grid, or have the proof made on that grid',
  checkpoint_invalid: 'do not rely on it: the ledger of this grid has not signed this log',
  not_included: 'do not rely on it: the entry is not in the log that the ledger signed',
  entry_invalid: 'the ledger signed a log with a bad entry: keep the file, it is evidence',
} as const;

function refuse(code: keyof typeof HINTS, message: string): CheckedProof {
  return { ok: false, code, message, hint: HINTS[code] };
}
