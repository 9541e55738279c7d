import { equalHash, Frontier } from '../merkle.ts';
import { nativeLeafHash as leafHash } from '../native.ts';
import type { Refusal } from '../ports.ts';
import { replayLeaf } from '../replay.ts';
import { emptyState, stateDigest } from '../state/machine.ts';
import type { VerifySignature } from '../../contract/envelope.ts';
import { openSnapshot, type SnapshotOffer } from './statement.ts';

export type JudgedSnapshot = { readonly ok: true; readonly proves: string } | (Refusal & { readonly code: 'proves_nothing' | 'needs_log' | 'other_rules' });

/**
 * Whether a ledger has signed a state that does not follow from the entries that it signed. `log` are the leaves of any
 * copy, from 0 on; they are checked against the signed root, so that nobody can be convicted by false ones. Pure.
 */
export function judgeSnapshot(offer: SnapshotOffer, { verify, log }: { verify: VerifySignature; log?: Iterable<Uint8Array> | undefined }): JudgedSnapshot {
  const opened = openSnapshot(offer, { grid: undefined, verify });
  if (!opened.ok) return { ok: false, code: opened.code === 'snapshot_version' ? 'other_rules' : 'proves_nothing', message: opened.message };
  const { statement, root, ledger } = opened;
  if (!log) return { ok: false, code: 'needs_log', message: `whether the state follows from the first ${statement.size} entries depends on all of them`, hint: 'give a copy of the log as well' };
  const state = emptyState();
  const frontier = new Frontier();
  for (const bytes of log) {
    if (frontier.size === statement.size) break;
    const replayed = replayLeaf(state, bytes, frontier.size, verify);
    if (!replayed.ok) return { ok: false, code: 'proves_nothing', message: `the entries given are not a log: ${replayed.message}` };
    frontier.append(leafHash(bytes));
  }
  if (frontier.size !== statement.size) return { ok: false, code: 'needs_log', message: `the statement is over ${statement.size} entries, the log given has ${frontier.size}` };
  if (!equalHash(frontier.root(), root)) return { ok: false, code: 'proves_nothing', message: 'the entries given are not those of the signed log' };
  const digest = stateDigest(state);
  if (digest === statement.state && state.time === statement.time) return { ok: false, code: 'proves_nothing', message: 'the state is the one that follows from the entries' };
  return { ok: true, proves: `${ledger} signed state ${statement.state} for its log of ${statement.size} entries, from which ${digest} follows` };
}
