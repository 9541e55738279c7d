import type { Digest } from '../contract/digest.ts';
import type { VerifySignature } from '../contract/envelope.ts';
import type { LeafCache } from './adapters/sqlite/cache.ts';
import { type Checkpoint, openCheckpoint, originOf } from './checkpoint.ts';
import { LedgerError } from './client.ts';
import { ALREADY_VERIFIED, type Leaf, leafBytes, openEntry } from './leaf.ts';
import { equalHash, Frontier, type Hash, leafHash } from './merkle.ts';
import type { Frame } from './protocol.ts';
import { replayLeaf } from './replay.ts';
import { applyEntry, emptyState, type LedgerState, type OpenedEntry } from './state/machine.ts';

/** What convicts a ledger: two statements that cannot both be true, or a signed log with an entry that may not be in one. */
export interface Evidence {
  readonly kind: 'root_mismatch' | 'truncated' | 'entry_invalid' | 'acknowledged_elsewhere';
  readonly message: string;
  /** Signed note that was accepted before, over a prefix of the log. */
  readonly trusted: string | null;
  /** Signed note that came with what was offered now. */
  readonly offered: string | null;
  /** The offered entries, and the offending one if one can be named. */
  readonly entries: readonly Leaf[];
  readonly offending: Leaf | null;
}

export type Accepted =
  | { readonly ok: true; readonly added: number }
  /** Proves nothing against the ledger (whoever answered may not be the ledger): try another connection. */
  | { readonly ok: false; readonly proven: false; readonly code: 'grid_mismatch' | 'checkpoint_invalid' | 'feed_invalid' | 'entries_withheld'; readonly message: string }
  | { readonly ok: false; readonly proven: true; readonly evidence: Evidence };

interface Trusted { readonly note: string; readonly checkpoint: Checkpoint }

const CHECKPOINT = 'checkpoint';

/** The log as far as it was verified here: every signature, every step of the state machine, every root. */
export class VerifiedLog {
  readonly #cache: LeafCache;
  readonly #verify: VerifySignature;
  readonly #pin: Digest | undefined;
  #state: LedgerState = emptyState();
  #frontier = new Frontier();
  #trusted: Trusted | undefined;

  /** Replays the copy on disk, which was verified when it was written, and checks its root. @throws LedgerError `grid_mismatch`; Error when the copy is damaged. */
  constructor(options: { cache: LeafCache; verify: VerifySignature; pin?: Digest | undefined }) {
    this.#cache = options.cache;
    this.#verify = options.verify;
    this.#pin = options.pin;
    this.#load();
  }

  get state(): LedgerState { return this.#state; }
  get size(): number { return this.#frontier.size; }
  get checkpointNote(): string | undefined { return this.#trusted?.note; }

  root(): Hash {
    return this.#frontier.root();
  }

  /** All or nothing: a frame that is not accepted changes nothing. */
  accept(frame: Frame): Accepted {
    if (frame.checkpoint === null) {
      if (frame.entries.length > 0) return unproven('feed_invalid', 'entries without a checkpoint');
      return this.size === 0 ? { ok: true, added: 0 } : this.#convict('truncated', `the ledger says that its log is empty; it has signed ${this.size} entries`, frame);
    }
    const bytes = frame.entries.map(leafBytes);
    const grid = this.#gridOf(frame);
    if (!grid.ok) return grid;
    const opened = openCheckpoint(frame.checkpoint, { origin: originOf(grid.digest), key: grid.ledger, verify: this.#verify });
    if (!opened.ok) return unproven(opened.code, opened.message);
    const { checkpoint } = opened;
    if (checkpoint.size < this.size) return this.#convict('truncated', `the ledger shows ${checkpoint.size} entries; it has signed ${this.size}`, frame);
    if (frame.entries.some(({ seq }, i) => seq !== this.size + i) || checkpoint.size !== this.size + frame.entries.length) {
      return unproven('entries_withheld', `expected every entry from ${this.size} to ${checkpoint.size}, the frame has others`);
    }
    const frontier = this.#frontier.clone();
    for (const leaf of bytes) frontier.append(leafHash(leaf));
    if (!equalHash(frontier.root(), checkpoint.root)) return this.#convict('root_mismatch', `the entries up to ${checkpoint.size} do not have the root that the ledger signed: history was rewritten`, frame);
    const entries: OpenedEntry[] = [];
    for (const leaf of frame.entries) {
      const entry = openEntry(leaf.envelope, this.#verify);
      if (!entry.ok) return this.#convict('entry_invalid', `entry ${leaf.seq}: ${entry.message}`, frame, leaf);
      entries.push(entry.opened);
    }
    const refused = this.#apply(frame, entries, bytes);
    if (refused) return refused;
    this.#frontier = frontier;
    this.#trusted = { note: frame.checkpoint, checkpoint };
    return { ok: true, added: bytes.length };
  }

  /** State after the first `size` entries, replayed from the own copy. @throws RangeError beyond it. */
  stateAt(size: number): LedgerState {
    if (!Number.isSafeInteger(size) || size < 0 || size > this.size) throw new RangeError(`this copy has ${this.size} entries, not ${size}`);
    return this.#replay(size).state;
  }

  #apply(frame: Frame, entries: readonly OpenedEntry[], bytes: readonly Uint8Array[]): Accepted | undefined {
    const from = this.size;
    let refused: Accepted | undefined;
    try {
      this.#cache.atomically(() => {
        this.#cache.append(from, bytes);
        if (frame.checkpoint !== null && this.#cache.size() === from + bytes.length) this.#cache.setText(CHECKPOINT, frame.checkpoint);
        for (const [i, entry] of entries.entries()) {
          const leaf = frame.entries[i]!;
          const applied = applyEntry(this.#state, entry, leaf.time);
          if (applied.ok) continue;
          refused = this.#convict('entry_invalid', `entry ${leaf.seq} is in the log, but the state machine refuses it: ${applied.message}`, frame, leaf);
          throw new Error('undo the transaction');
        }
      });
    } catch (error) {
      // Some entries may have been applied in memory: back to what was verified.
      this.#state = this.#replay(from).state;
      if (!refused) throw error;
    }
    return refused;
  }

  #gridOf(frame: Frame): { ok: true; digest: Digest; ledger: Parameters<VerifySignature>[0] } | Extract<Accepted, { proven: false }> {
    const known = this.#state.grid;
    if (known) return { ok: true, digest: known.digest, ledger: known.payload.ledger };
    const [first] = frame.entries;
    const opened = first && openEntry(first.envelope, this.#verify);
    if (!opened?.ok || opened.opened.entry.kind !== 'grid.created') return unproven('feed_invalid', 'the log does not begin with grid.created');
    const digest = opened.opened.payloadDigest;
    if (this.#pin !== undefined && digest !== this.#pin) return unproven('grid_mismatch', `this ledger keeps grid ${digest}, expected ${this.#pin}`);
    return { ok: true, digest, ledger: opened.opened.entry.payload.ledger };
  }

  #load(): void {
    const size = this.#cache.size();
    const { state, frontier } = this.#replay(size);
    if (size > 0) {
      const note = this.#cache.text(CHECKPOINT);
      if (!state.grid || note === undefined) throw new Error('the copy of the log has no checkpoint');
      if (this.#pin !== undefined && state.grid.digest !== this.#pin) throw new LedgerError('grid_mismatch', `this copy is of grid ${state.grid.digest}, expected ${this.#pin}`);
      const opened = openCheckpoint(note, { origin: originOf(state.grid.digest), key: state.grid.payload.ledger, verify: this.#verify });
      if (!opened.ok || opened.checkpoint.size !== size || !equalHash(opened.checkpoint.root, frontier.root())) throw new Error('the copy of the log does not have the root that the ledger signed');
      this.#trusted = { note, checkpoint: opened.checkpoint };
    }
    this.#state = state;
    this.#frontier = frontier;
  }

  #replay(size: number): { state: LedgerState; frontier: Frontier } {
    const state = emptyState();
    const frontier = new Frontier();
    for (const leaf of this.#cache.leaves(0, size)) {
      const replayed = replayLeaf(state, leaf, frontier.size, ALREADY_VERIFIED);
      if (!replayed.ok) throw new Error(`the copy of the log is damaged: ${replayed.message}`);
      frontier.append(leafHash(leaf));
    }
    return { state, frontier };
  }

  #convict(kind: Evidence['kind'], message: string, frame: Frame, offending: Leaf | null = null): Accepted {
    return { ok: false, proven: true, evidence: { kind, message, trusted: this.#trusted?.note ?? null, offered: frame.checkpoint, entries: frame.entries, offending } };
  }
}

function unproven(code: Extract<Accepted, { proven: false }>['code'], message: string): Extract<Accepted, { proven: false }> {
  return { ok: false, proven: false, code, message };
}
