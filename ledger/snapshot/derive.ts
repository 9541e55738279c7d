import path from 'node:path';
import { base64 } from '@scure/base';
import { canonicalize } from '../../contract/canonical.ts';
import type { Envelope } from '../../contract/envelope.ts';
import { verifySignature } from '../../signer/verify.ts';
import { EntryStore, STORE_FILE } from '../adapters/sqlite/store.ts';
import { hashOf } from '../blobs.ts';
import { openCheckpoint, originOf } from '../checkpoint.ts';
import { ALREADY_VERIFIED, parseLeaf } from '../leaf.ts';
import { equalHash, Frontier } from '../merkle.ts';
import { nativeLeafHash as leafHash } from '../native.ts';
import type { Refusal } from '../ports.ts';
import { replayLeaf } from '../replay.ts';
import { emptyState, type LedgerState } from '../state/machine.ts';
import { SnapshotFiles } from './files.ts';
import { loadNewest } from './load.ts';
import { MACHINE_VERSION, MAX_STATE_BYTES, type SnapshotOffer, type SnapshotStatement } from './statement.ts';

/** All but the signature: what a ledger would have to sign. */
export type Derived = { readonly ok: true; readonly statement: SnapshotStatement; readonly genesis: Envelope; readonly checkpoint: string } | Refusal;

/**
 * Derives the state from the entries that a ledger's folder holds, beside a running server, and writes its canonical
 * JSON durably to the snapshots. Begins at the newest snapshot that is in order. Takes its time (50 us an entry, 50 ms
 * a megabyte of state): a server has it done in a thread of its own.
 */
export function deriveState(dir: string): Derived {
  const store = new EntryStore(path.join(dir, STORE_FILE), { readonly: true });
  try {
    // One view of the log for all that follows.
    store.database.exec('BEGIN');
    return deriveFrom(store, new SnapshotFiles(dir));
  } finally {
    store.close();
  }
}

function deriveFrom(store: EntryStore, files: SnapshotFiles): Derived {
  const first = store.row(0);
  const checkpoint = store.note();
  if (!first || checkpoint === undefined) return { ok: false, code: 'grid_missing', message: 'the log is empty: no grid was created yet', hint: 'begin the grid first: `3bot up` does' };
  const known = loadNewest(files, { verify: verifySignature, atMost: store.count() });
  const { state, frontier } = (known && replayRest(store, known)) ?? replayRest(store, { state: emptyState(), frontier: new Frontier() }) ?? {};
  if (!state?.grid || !frontier) return damaged('an entry cannot be replayed');
  const note = openCheckpoint(checkpoint, { origin: originOf(state.grid.digest), key: state.grid.payload.ledger, verify: verifySignature });
  if (!note.ok || note.checkpoint.size !== frontier.size || !equalHash(note.checkpoint.root, frontier.root())) return damaged('the entries do not have the root of the stored checkpoint');
  const bytes = Buffer.from(canonicalize(state));
  if (bytes.length > MAX_STATE_BYTES) return { ok: false, code: 'snapshot_too_large', message: `the state has ${bytes.length} bytes, a snapshot has at most ${MAX_STATE_BYTES}`, hint: 'nodes follow this grid from its first entry' };
  files.writeState(frontier.size, bytes);
  const statement: SnapshotStatement = {
    grid: state.grid.digest, machine: MACHINE_VERSION, size: frontier.size, root: base64.encode(frontier.root()), time: state.time,
    state: hashOf(bytes), bytes: bytes.length, frontier: frontier.peaks.map((hash) => base64.encode(hash)),
  };
  return { ok: true, statement, genesis: parseLeaf(first.leaf).envelope, checkpoint };
}

/** Undefined when an entry does not fit what was there before. */
function replayRest(store: EntryStore, { state, frontier: known }: { state: LedgerState; frontier: Frontier }): { state: LedgerState; frontier: Frontier } | undefined {
  const frontier = known.clone();
  for (const row of store.database.prepare<[number], { leaf: Uint8Array }>('SELECT leaf FROM entries WHERE seq >= ? ORDER BY seq').iterate(frontier.size)) {
    if (!replayLeaf(state, row.leaf, frontier.size, ALREADY_VERIFIED).ok) return undefined;
    frontier.append(leafHash(row.leaf));
  }
  return { state, frontier };
}

function damaged(message: string): Refusal {
  return { ok: false, code: 'store_damaged', message, hint: 'run `3bot ledger verify` on this state' };
}

/** The offer that a derivation becomes once its statement is signed. */
export function offerOf({ genesis, checkpoint }: Extract<Derived, { ok: true }>, statement: Envelope): SnapshotOffer {
  return { genesis, statement, checkpoint };
}
