import type { VerifySignature } from '../../contract/envelope.ts';
import { equalHash, type Hash } from '../merkle.ts';
import type { Refusal } from '../ports.ts';
import { type LedgerState, stateDigest } from '../state/machine.ts';
import type { SnapshotFiles } from './files.ts';
import { loadStored } from './load.ts';
import type { OpenedSnapshot } from './statement.ts';

type Judged = { readonly size: number; readonly opened: OpenedSnapshot } | { readonly size: number; readonly refusal: Refusal };

/** The snapshots beside a log, held against the log while it is replayed. */
export class StoredSnapshots {
  readonly #judged: readonly Judged[];

  /** Reads and checks each for itself: signatures, digest and shape of the state. */
  constructor(files: SnapshotFiles, verify: VerifySignature) {
    this.#judged = files.sizes().flatMap((size): Judged[] => {
      const loaded = loadStored(files, size, verify);
      // Gone between listing and reading: a running server keeps the last two only.
      if (!loaded || (!loaded.ok && !files.sizes().includes(size))) return [];
      if (loaded.ok) return [{ size, opened: { ok: true, statement: loaded.statement, frontier: loaded.frontier, root: loaded.root, ledger: loaded.ledger } }];
      // Another version's says nothing that could be compared.
      return loaded.code === 'snapshot_version' ? [] : [{ size, refusal: loaded }];
    });
  }

  /** The state after `state.size` entries, replayed, against the snapshot of that size. */
  examine(state: LedgerState): (Refusal & { seq?: number }) | undefined {
    for (const judged of this.#judged) {
      if (judged.size !== state.size || !('opened' in judged)) continue;
      const digest = stateDigest(state);
      if (digest !== judged.opened.statement.state) return { ok: false, code: 'snapshot_mismatch', message: `the snapshot over ${state.size} entries has state ${judged.opened.statement.state}, the entries make ${digest}` };
    }
    return undefined;
  }

  /** What is wrong with a snapshot itself, or with its place in the log. `rootOf` is undefined beyond the log. */
  examineRoots(rootOf: (size: number) => Hash | undefined): Refusal | undefined {
    for (const judged of this.#judged) {
      if ('refusal' in judged) return { ok: false, code: 'snapshot_damaged', message: `the snapshot over ${judged.size} entries: ${judged.refusal.message}`, hint: 'remove it from the folder of snapshots; the next one is made from the entries' };
      const root = rootOf(judged.size);
      if (!root || !equalHash(root, judged.opened.root)) return { ok: false, code: 'snapshot_mismatch', message: `the snapshot over ${judged.size} entries is of another log` };
    }
    return undefined;
  }
}
