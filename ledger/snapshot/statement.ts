import { base64 } from '@scure/base';
import { z } from 'zod';
import { Digest } from '../../contract/digest.ts';
import { type EntrySigner, Envelope, openEnvelope, sealEnvelope, type VerifySignature } from '../../contract/envelope.ts';
import type { DidKey } from '../../contract/principal.ts';
import { MAX_NOTE, openCheckpoint, originOf } from '../checkpoint.ts';
import { openEntry } from '../leaf.ts';
import { equalHash, Frontier, type Hash } from '../merkle.ts';
import type { Refusal } from '../ports.ts';

/** What a ledger says of its derived state, and how that is held against what it signed otherwise. */

export const SNAPSHOT_KIND = 'ledger.snapshot';
/** Longest canonical state that is written or read, in bytes. */
export const MAX_STATE_BYTES = 256 * 1024 * 1024;
/**
 * Rises when the shape of the state, a rule of the state machine, or the form of an entry changes: two versions derive
 * different states from one log, or refuse different entries, and neither lies. A snapshot of another version is not used, and
 * proves nothing; and a ledger convicted by the rules of another version is tried again.
 */
export const MACHINE_VERSION = 2;

const HashText = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'expected 32 bytes in base64');
const LogTime = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

/** The state after the first `size` entries of the log of `grid`, whose RFC 6962 root is `root`. */
export const SnapshotStatement = z.strictObject({
  grid: Digest,
  machine: z.int().min(1),
  size: z.int().min(1),
  root: HashText,
  /** The log's time at the last of these entries. */
  time: LogTime,
  /** Digest and length of the state's canonical JSON. */
  state: Digest,
  bytes: z.int().min(2).max(MAX_STATE_BYTES),
  /** Hashes of the perfect subtrees, left to right: what appending needs. */
  frontier: z.array(HashText).min(1).max(53),
});
export type SnapshotStatement = z.infer<typeof SnapshotStatement>;

/** A statement with what is needed to judge it by the grid's digest alone: the first entry, and the signed note over the same entries. */
export const SnapshotOffer = z.strictObject({ genesis: Envelope, statement: Envelope, checkpoint: z.string().max(MAX_NOTE) });
export type SnapshotOffer = z.infer<typeof SnapshotOffer>;

export interface OpenedSnapshot {
  readonly ok: true;
  readonly statement: SnapshotStatement;
  readonly frontier: Frontier;
  readonly root: Hash;
  /** The key that the grid's first entry names. */
  readonly ledger: DidKey;
}

export function sealSnapshot(statement: SnapshotStatement, signer: EntrySigner): Envelope {
  return sealEnvelope(SNAPSHOT_KIND, statement, signer);
}

/**
 * Checks everything that an offer says of itself: signatures by the ledger key that `grid.created` names, frontier
 * against root, root against the checkpoint. `grid` is what the offer must be of; undefined only for an own file, whose
 * entries are compared as well. Whether the state is the one that follows from the entries, only a replay shows.
 */
export function openSnapshot(input: unknown, expected: { grid: Digest | undefined; verify: VerifySignature }): OpenedSnapshot | Refusal {
  const { verify } = expected;
  const offer = SnapshotOffer.safeParse(input);
  if (!offer.success) return invalid(z.prettifyError(offer.error).slice(0, 500));
  const genesis = openEntry(offer.data.genesis, verify);
  if (!genesis.ok) return invalid(`first entry: ${genesis.message}`);
  const { entry, payloadDigest: grid, key } = genesis.opened;
  if (entry.kind !== 'grid.created' || entry.payload.ledger !== key) return invalid('its first entry is no grid.created by the ledger key that it names');
  if (expected.grid !== undefined && grid !== expected.grid) return { ok: false, code: 'grid_mismatch', message: `the snapshot is of grid ${grid}, expected ${expected.grid}`, hint: 'another grid answers at this address' };
  const opened = openEnvelope(offer.data.statement, verify);
  if (!opened.ok) return invalid(opened.message);
  if (opened.kind !== SNAPSHOT_KIND || opened.key !== key) return invalid(`the statement is not a ${SNAPSHOT_KIND} by ${key}`);
  const parsed = SnapshotStatement.safeParse(opened.payload);
  if (!parsed.success) return invalid(z.prettifyError(parsed.error).slice(0, 500));
  const statement = parsed.data;
  if (statement.grid !== grid) return invalid(`the statement is for grid ${statement.grid}`);
  const hashes = decodeHashes([statement.root, ...statement.frontier]);
  const frontier = hashes && Frontier.of(statement.size, hashes.slice(1));
  const root = hashes?.[0];
  if (!frontier || !root || !equalHash(frontier.root(), root)) return invalid('the frontier does not have the root');
  const note = openCheckpoint(offer.data.checkpoint, { origin: originOf(grid), key, verify });
  if (!note.ok) return invalid(note.message);
  if (note.checkpoint.size !== statement.size || !equalHash(note.checkpoint.root, root)) return invalid('the checkpoint is over another log');
  if (statement.machine !== MACHINE_VERSION) {
    return { ok: false, code: 'snapshot_version', message: `the snapshot is of state machine ${statement.machine}, this program has ${MACHINE_VERSION}`, hint: 'follow from the first entry, or use the same version of 3bot' };
  }
  return { ok: true, statement, frontier, root, ledger: key };
}

/** Undefined when one of them is not canonical base64. */
function decodeHashes(texts: readonly string[]): Hash[] | undefined {
  try {
    return texts.map((text) => base64.decode(text));
  } catch {
    return undefined;
  }
}

function invalid(message: string): Refusal {
  return { ok: false, code: 'snapshot_invalid', message: `not a snapshot that can be used: ${message}`, hint: 'follow from the first entry instead' };
}
