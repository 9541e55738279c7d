import type { VerifySignature } from '../../contract/envelope.ts';
import { hashOf } from '../blobs.ts';
import type { Refusal } from '../ports.ts';
import type { LedgerState } from '../state/machine.ts';
import type { SnapshotFiles } from './files.ts';
import { parseState } from './state-schema.ts';
import { type OpenedSnapshot, openSnapshot } from './statement.ts';

export type LoadedSnapshot = OpenedSnapshot & { readonly state: LedgerState };

/** Holds a state's bytes against the statement about them, and parses them. */
export function loadState(opened: OpenedSnapshot, bytes: Uint8Array): LoadedSnapshot | Refusal {
  const { statement } = opened;
  if (bytes.length !== statement.bytes || hashOf(bytes) !== statement.state) return { ok: false, code: 'snapshot_mismatch', message: `the state has ${bytes.length} bytes and another digest than the ledger signed (${statement.bytes} bytes, ${statement.state})`, hint: 'fetch it again' };
  const parsed = parseState(bytes);
  if (!parsed.ok) return { ok: false, code: 'snapshot_invalid', message: `the state that the ledger signed is none: ${parsed.message}`, hint: 'follow from the first entry instead' };
  const { state } = parsed;
  if (state.size !== statement.size || state.time !== statement.time || state.grid?.digest !== statement.grid || state.grid.payload.ledger !== opened.ledger) {
    return { ok: false, code: 'snapshot_invalid', message: 'the state that the ledger signed is not of the entries that the statement names', hint: 'follow from the first entry instead' };
  }
  return { ...opened, state };
}

/** The newest of the own snapshots that is in order; one that is not is passed over. */
export function loadNewest(files: SnapshotFiles, { verify, atMost }: { verify: VerifySignature; atMost: number }): LoadedSnapshot | undefined {
  for (const size of files.sizes().filter((each) => each <= atMost)) {
    const loaded = loadStored(files, size, verify);
    if (loaded?.ok) return loaded;
  }
  return undefined;
}

/** One of the own snapshots, checked but for what only a replay shows; undefined when it is not there any more. */
export function loadStored(files: SnapshotFiles, size: number, verify: VerifySignature): LoadedSnapshot | Refusal | undefined {
  let offer: ReturnType<SnapshotFiles['offer']>;
  try {
    offer = files.offer(size);
  } catch (error) {
    return { ok: false, code: 'snapshot_invalid', message: `the offer is damaged: ${error instanceof Error ? error.message.slice(0, 200) : String(error)}` };
  }
  if (!offer) return undefined;
  const opened = openSnapshot(offer, { grid: undefined, verify });
  if (!opened.ok) return opened;
  if (opened.statement.size !== size) return { ok: false, code: 'snapshot_invalid', message: `the file is named ${size}, the statement is over ${opened.statement.size} entries` };
  const bytes = files.state(size);
  if (!bytes) return { ok: false, code: 'snapshot_invalid', message: 'its state is missing' };
  return loadState(opened, bytes);
}
