import type { Digest } from '../contract/digest.ts';
import type { Envelope, VerifySignature } from '../contract/envelope.ts';
import { CopyDiffers, type LeafCache } from './adapters/sqlite/cache.ts';
import { type Checkpoint, type LedgerName, openCosigned, openCheckpoint, originOf, withoutCosignatures } from './checkpoint.ts';
import { LedgerError } from './client.ts';
import { type Evidence, isKnownKind } from './evidence.ts';
import { ALREADY_VERIFIED, leafBytes, openEntry } from './leaf.ts';
import { equalHash, Frontier, type Hash, verifyConsistency, verifyInclusion } from './merkle.ts';
import { nativeLeafHash as leafHash } from './native.ts';
import type { OpenedSubmission } from './opening/open.ts';
import { Prosecution, type Suspicion, type Trusted, type WithheldFacts } from './prosecution.ts';
import type { Frame } from './protocol.ts';
import { replayLeaf } from './replay.ts';
import { Roots } from './roots.ts';
import { MACHINE_VERSION, type SnapshotOffer } from './snapshot/statement.ts';
import { applyEntry, emptyState, type LedgerState, type OpenedEntry } from './state/machine.ts';

export type UnprovenCode = 'grid_mismatch' | 'checkpoint_invalid' | 'feed_invalid' | 'entries_withheld' | 'log_shorter' | 'root_unproven' | 'entry_unknown' | 'not_witnessed' | 'not_here_yet';

/** Proves nothing against the ledger (whoever answered may not be the ledger): act on nothing of it, try another connection. */
export interface Unproven {
  readonly ok: false;
  readonly proven: false;
  readonly code: UnprovenCode;
  readonly message: string;
  /** Fewer entries than this copy has, all of them the same, and the note over them that the ledger did sign; null for an empty log. */
  readonly shown?: { readonly note: string | null; readonly size: number };
  /** A note whose root is not the one of this log with the entries offered: only a proof can say which of them is false. */
  readonly suspicion?: Suspicion;
  /** A note that can be judged once the entries before the snapshot are here. */
  readonly later?: string;
}

export type { Suspicion, Trusted } from './prosecution.ts';
export interface Convicted { readonly ok: false; readonly proven: true; readonly evidence: Evidence }
export type Accepted = { readonly ok: true; readonly added: number } | Unproven | Convicted;
/** `ahead`: the note covers more than this copy has; it can be examined when the copy has it. */
export type Examined = { readonly ok: true; readonly note: string; readonly size: number; readonly ahead: boolean } | Unproven | Convicted;

/** A further condition on what may be applied, beyond the ledger's word. */
export type Admit = (frame: Frame, checkpoint: Checkpoint, ledger: LedgerName) => { readonly ok: true } | { readonly ok: false; readonly code: UnprovenCode; readonly message: string };

/** Where a copy begins that was begun from a snapshot. Nothing that the ledger signs can be held against entries before it. */
export interface LogBase {
  readonly genesis: Envelope;
  readonly frontier: Frontier;
  /** The state that the ledger signed; a new object each time. */
  load(): LedgerState;
}

export interface VerifiedLogOptions {
  readonly cache: LeafCache;
  readonly verify: VerifySignature;
  readonly pin?: Digest | undefined;
  readonly admit?: Admit | undefined;
  /** Of a copy that does not begin at entry 0. */
  readonly base?: LogBase | undefined;
  /** Told that the ledger is convicted before the proof is made, which reads the whole log; `machine` when by rules of that version. */
  readonly onCaught?: ((message: string, machine: number | undefined) => void) | undefined;
}

/** The text of a copy that is the signed note over all of it. */
export const CHECKPOINT = 'checkpoint';

/**
 * The log as far as it was verified here: every signature, every step of the state machine, every root. It convicts its
 * ledger only by statements that the ledger signed and that cannot both be true; all else is unproven and changes nothing.
 */
export class VerifiedLog {
  readonly #verify: VerifySignature;
  readonly #pin: Digest | undefined;
  readonly #admit: Admit;
  readonly #onCaught: VerifiedLogOptions['onCaught'];
  #cache: LeafCache;
  #roots: Roots;
  #prosecution: Prosecution;
  #base: LogBase | undefined;
  #state: LedgerState = emptyState();
  #frontier = new Frontier();
  #trusted: Trusted | undefined;
  #doubt: Unproven | undefined;

  /** Replays the copy on disk, which was verified when it was written, and checks its root. @throws LedgerError `grid_mismatch`; Error when the copy is damaged. */
  constructor(options: VerifiedLogOptions, load: 'load' | 'later' = 'load') {
    const { cache, verify, base } = options;
    this.#cache = cache;
    this.#verify = verify;
    this.#pin = options.pin;
    this.#admit = options.admit ?? (() => ({ ok: true }));
    this.#onCaught = options.onCaught;
    this.#base = base;
    this.#roots = new Roots((from, to) => cache.leaves(from, to), base?.frontier);
    this.#prosecution = new Prosecution({ cache, roots: this.#roots, verify, genesis: base?.genesis });
    if (load === 'load') finish(this.#load());
  }

  /** As the constructor, for who has other things to do meanwhile: `pause` is awaited every few milliseconds. */
  static async openPaced(options: VerifiedLogOptions, pause: () => Promise<void>): Promise<VerifiedLog> {
    const log = new VerifiedLog(options, 'later');
    for (const steps = log.#load(); !steps.next().done;) await pause();
    return log;
  }

  get state(): LedgerState { return this.#state; }
  get size(): number { return this.#frontier.size; }
  get checkpointNote(): string | undefined { return this.#trusted?.note; }
  get trusted(): Trusted | undefined { return this.#trusted; }
  /** Entries before the first one here; 0 but for a copy that was begun from a snapshot. */
  get base(): number { return this.#base?.frontier.size ?? 0; }

  /** Whose notes count; undefined while the copy is empty. */
  get ledger(): LedgerName | undefined {
    const { grid } = this.#state;
    return grid ? { origin: originOf(grid.digest), key: grid.payload.ledger } : undefined;
  }

  root(): Hash {
    return this.#frontier.root();
  }

  /** Canonical leaves of the own copy. @throws LedgerError `not_here_yet` below the base. */
  leaves(from: number, to: number): Iterable<Uint8Array> {
    this.#expectHere(from);
    return this.#cache.leaves(from, to);
  }

  /**
   * The entries before the base have come, and the state there follows from them: what was built on it was verified, so
   * that all of it is now. `audited` ends at the base; its copy gets the entries from there on, in one transaction (some
   * microseconds an entry), and is this log's copy from now on.
   */
  complete(audited: VerifiedLog): void {
    if (audited.size < this.base || audited.base > 0 || !equalHash(audited.#roots.at(this.base), this.#roots.at(this.base))) throw new Error('the audited log does not lead to the base');
    const [cache, note, to] = [audited.#cache, this.#trusted?.note, this.size];
    cache.atomically(() => {
      for (let from = this.base; from < to; from += MOVED_AT_ONCE) cache.append(from, [...this.#cache.leaves(from, Math.min(from + MOVED_AT_ONCE, to))]);
      if (note !== undefined && cache.size() === to) cache.setText(CHECKPOINT, note);
    });
    audited.#roots.goOnWith(this.#roots);
    this.#cache = cache;
    this.#roots = audited.#roots;
    this.#prosecution = audited.#prosecution;
    this.#base = undefined;
    this.#doubt = undefined;
  }

  /** True when the proof shows that this leaf stands there, before the base. */
  hasBelowBase(index: number, leaf: Uint8Array, proof: readonly Hash[]): boolean {
    return verifyInclusion({ index, size: this.base, leaf: leafHash(leaf), root: this.#roots.at(this.base), proof });
  }

  /** A state that the ledger signed for a prefix of this log, from which another one follows. */
  falseSnapshot(offer: SnapshotOffer, of: { readonly size: number; readonly derived: Digest }): Evidence {
    return this.#prosecution.falseSnapshot(offer, of);
  }

  /** All or nothing: a frame that is not accepted changes nothing. `opened`: its envelopes, opened by another thread of this process. */
  accept(frame: Frame, opened?: readonly OpenedSubmission[]): Accepted {
    if (this.#doubt) return this.#doubt;
    if (frame.checkpoint === null) {
      if (frame.entries.length > 0) return unproven('feed_invalid', 'entries without a checkpoint');
      return this.size === 0 ? { ok: true, added: 0 } : { ...unproven('log_shorter', `whoever answers says that the log is empty; the ledger has signed ${this.size} entries`), shown: { note: null, size: 0 } };
    }
    const ledger = this.#ledgerOf(frame);
    if (!ledger.ok) return ledger;
    const noted = openCheckpoint(frame.checkpoint, { ...ledger.name, verify: this.#verify });
    if (!noted.ok) return unproven(noted.code, noted.message);
    const offered: Trusted = { note: frame.checkpoint, checkpoint: noted.checkpoint };
    const { size } = offered.checkpoint;
    if (size < this.size) return this.#compareShorter(offered);
    if (size !== this.size + frame.entries.length) return unproven('entries_withheld', `expected every entry from ${this.size} to ${size}, the frame has ${frame.entries.length}`);
    const bytes = frame.entries.map(leafBytes);
    const frontier = this.#frontier.clone();
    for (const leaf of bytes) frontier.append(leafHash(leaf));
    if (!equalHash(frontier.root(), offered.checkpoint.root)) return this.#mismatch(offered);
    const admitted = this.#admit(frame, offered.checkpoint, ledger.name);
    if (!admitted.ok) return unproven(admitted.code, admitted.message);
    const entries = this.#open(frame, bytes, opened);
    if ('ok' in entries) return entries;
    const refused = this.#apply({ frame, entries, bytes, offered, ledger: ledger.name });
    if (refused) return refused;
    this.#frontier = frontier;
    this.#roots.passed(frontier);
    this.#trusted = offered;
    return { ok: true, added: bytes.length };
  }

  /** Holds a note that came another way (an acknowledgement, another client) against this copy. */
  examine(note: string): Examined {
    const name = this.ledger;
    if (!name) return unproven('feed_invalid', 'nothing is known of the log yet');
    const opened = openCosigned(note, { ...name, verify: this.#verify });
    if (!opened.ok) return unproven(opened.code, opened.message);
    const offered: Trusted = { note: withoutCosignatures(opened.parsed, name), checkpoint: opened.checkpoint };
    const { size, root } = opened.checkpoint;
    if (size > this.size) return { ok: true, note: offered.note, size, ahead: true };
    if (size < this.base) return { ...unproven('not_here_yet', `the note is over ${size} entries, and the first ${this.base} are not here yet`), later: offered.note };
    if (size > 0 && !equalHash(this.#roots.at(size), root)) return this.#convictFork(offered);
    return { ok: true, note: offered.note, size, ahead: false };
  }

  /** What a proof from the ledger makes of a suspicion: a conviction when it shows that the signed log is not one that begins with what was trusted. */
  investigate(suspicion: Suspicion, shown: { olderRoot: Hash; proof: readonly Hash[] }): Unproven | Convicted {
    const { older, newer } = { older: suspicion.trusted.checkpoint, newer: suspicion.offered.checkpoint };
    const evidence = this.#prosecution.rewritten(suspicion, shown);
    if (evidence) return { ok: false, proven: true, evidence };
    if (verifyConsistency({ from: older.size, to: newer.size, fromRoot: older.root, toRoot: newer.root, proof: shown.proof })) return unproven('root_unproven', 'the entries that came are not those that the ledger signed: somebody changed them on the way');
    return unproven('root_unproven', `the entries up to ${newer.size} do not have the root that the ledger signed, and it does not show why`);
  }

  /** A statement of this ledger's that shows less than it signed; the times are this follower's word. */
  withholding(facts: WithheldFacts, message: string): Evidence {
    return this.#prosecution.withholding(facts, message);
  }

  /** State after the first `size` entries, replayed from the own copy. @throws RangeError beyond it; LedgerError `not_here_yet` below the base. */
  stateAt(size: number): LedgerState {
    if (!Number.isSafeInteger(size) || size < 0 || size > this.size) throw new RangeError(`this copy has ${this.size} entries, not ${size}`);
    this.#expectHere(size);
    return this.#replay(size).state;
  }

  /** Opens every envelope: the step that costs, and that needs nothing but the frame. */
  #open(frame: Frame, bytes: readonly Uint8Array[], opened: readonly OpenedSubmission[] = []): readonly OpenedEntry[] | Unproven | Convicted {
    const entries: OpenedEntry[] = [];
    for (const [i, leaf] of frame.entries.entries()) {
      const index = this.size + i;
      if (leaf.seq !== index) return this.#convictEntry(frame, { index, bytes, machine: undefined }, `entry ${index} says that it is entry ${leaf.seq}`);
      const entry = opened[i] ?? openEntry(leaf.envelope, this.#verify);
      if (entry.ok) entries.push(entry.opened);
      else if (isKnownKind(leaf.envelope)) return this.#convictEntry(frame, { index, bytes, machine: entry.code === 'signature_invalid' ? undefined : MACHINE_VERSION }, `entry ${index}: ${entry.message}`);
      else return unproven('entry_unknown', `entry ${index} is of a kind that this version does not know: install the version that the ledger has`);
    }
    return entries;
  }

  #apply({ frame, entries, bytes, offered, ledger }: { frame: Frame; entries: readonly OpenedEntry[]; bytes: readonly Uint8Array[]; offered: Trusted; ledger: LedgerName }): Convicted | Unproven | undefined {
    const from = this.size;
    let refused: { index: number; message: string } | undefined;
    try {
      this.#cache.atomically(() => {
        this.#cache.append(from, bytes);
        if (this.#cache.size() === from + bytes.length) this.#cache.setText(CHECKPOINT, offered.note);
        for (const [i, entry] of entries.entries()) {
          const applied = applyEntry(this.#state, entry, frame.entries[i]!.time);
          if (applied.ok) continue;
          refused = { index: from + i, message: applied.message };
          throw new Error('undo the transaction');
        }
      });
    } catch (error) {
      // Some entries may have been applied in memory: back to what was verified.
      this.#state = this.#replay(from).state;
      if (error instanceof CopyDiffers) return this.#convictContradiction(offered, { size: from, more: bytes }, ledger, error);
      if (!refused) throw error;
    }
    return refused && this.#convictEntry(frame, { index: refused.index, bytes, machine: MACHINE_VERSION }, `entry ${refused.index} is in the log, but the state machine refuses it: ${refused.message}`);
  }

  /** An older note proves nothing: it was true once, and whoever has it can show it again. One with another root does. */
  #compareShorter(offered: Trusted): Unproven | Convicted {
    const { size, root } = offered.checkpoint;
    const here = size >= this.base;
    if (size > 0 && here && !equalHash(this.#roots.at(size), root)) return this.#convictFork(offered);
    return { ...unproven('log_shorter', `the ledger shows ${size} entries; it has signed ${this.size}`), shown: { note: offered.note, size }, ...(here ? {} : { later: offered.note }) };
  }

  #mismatch(offered: Trusted): Unproven | Convicted {
    const { size } = offered.checkpoint;
    const trusted = this.#trusted;
    if (trusted && size === this.size) return this.#convictFork(offered);
    return { ...unproven('root_unproven', `the entries up to ${size} do not have the root that the ledger signed`), ...(trusted ? { suspicion: { trusted, offered } } : {}) };
  }

  /** The offered note is over no more than this copy has: its own tree is the proof. */
  #convictFork(offered: Trusted): Convicted | Unproven {
    if (!this.#trusted) return unproven('root_unproven', 'nothing was signed before');
    if (this.#base) return this.#doubtUntilHere(`the ledger signed two logs that differ within the first ${offered.checkpoint.size} entries`, offered.note);
    this.#onCaught?.(`the ledger signed two logs that differ within the first ${offered.checkpoint.size} entries`, undefined);
    return { ok: false, proven: true, evidence: this.#prosecution.fork(offered, this.#trusted) };
  }

  /** Somebody else with this copy was shown another log, under another signed note: with the one offered here it convicts. @throws the error when there is no such note. */
  #convictContradiction(offered: Trusted, own: { size: number; more: readonly Uint8Array[] }, ledger: LedgerName, differs: CopyDiffers): Convicted | Unproven {
    const { size, note } = this.#cache.atomically(() => ({ size: this.#cache.size(), note: this.#cache.text(CHECKPOINT) }));
    const opened = note === undefined ? undefined : openCheckpoint(note, { ...ledger, verify: this.#verify });
    if (note === undefined || !opened?.ok || opened.checkpoint.size !== size) throw differs;
    if (this.#base) return this.#doubtUntilHere(differs.message, note);
    if (!equalHash(this.#roots.tree(size).root(), opened.checkpoint.root)) throw differs;
    this.#onCaught?.(differs.message, undefined);
    return { ok: false, proven: true, evidence: this.#prosecution.contradiction(offered, own, { note, checkpoint: opened.checkpoint }) };
  }

  #convictEntry(frame: Frame, at: { index: number; bytes: readonly Uint8Array[]; machine: number | undefined }, what: string): Convicted | Unproven {
    const message = at.machine === undefined ? what : `${what} (by the rules of machine version ${at.machine})`;
    if (this.#base) return this.#doubtUntilHere(message);
    this.#onCaught?.(message, at.machine);
    return { ok: false, proven: true, evidence: this.#prosecution.entry({ ...at, note: frame.checkpoint ?? '', size: this.size, entries: frame.entries }, message) };
  }

  /**
   * The ledger contradicts itself, or signed a false state: which of them, and the proof of it, needs the entries before
   * the base. Until they are here nothing more is believed.
   */
  #doubtUntilHere(message: string, later?: string): Unproven {
    this.#doubt = unproven('not_here_yet', `${message}; nothing more is applied until the audit of the snapshot shows what is false`);
    return { ...this.#doubt, ...(later === undefined ? {} : { later }) };
  }

  #expectHere(from: number): void {
    if (from < this.base) throw new LedgerError('not_here_yet', `this copy was begun from a snapshot over ${this.base} entries; entry ${from} is not here until the snapshot is audited`, { hint: 'wait for the audit, which is said by the status' });
  }

  #ledgerOf(frame: Frame): { ok: true; name: LedgerName } | Unproven {
    const known = this.ledger;
    if (known) return { ok: true, name: known };
    const [first] = frame.entries;
    const opened = first && openEntry(first.envelope, this.#verify);
    if (!opened?.ok || opened.opened.entry.kind !== 'grid.created') return unproven('feed_invalid', 'the log does not begin with grid.created');
    const digest = opened.opened.payloadDigest;
    if (this.#pin !== undefined && digest !== this.#pin) return unproven('grid_mismatch', `this ledger keeps grid ${digest}, expected ${this.#pin}`);
    return { ok: true, name: { origin: originOf(digest), key: opened.opened.entry.payload.ledger } };
  }

  *#load(): Steps<void> {
    // Read together: another process may write to the same copy while this one replays.
    const { size, note } = this.#cache.atomically(() => ({ size: this.#cache.size(), note: this.#cache.text(CHECKPOINT) }));
    const { state, frontier } = yield* this.#replaying(size, true);
    if (size > 0) {
      if (!state.grid || note === undefined) throw new Error('the copy of the log has no checkpoint');
      if (this.#pin !== undefined && state.grid.digest !== this.#pin) throw new LedgerError('grid_mismatch', `this copy is of grid ${state.grid.digest}, expected ${this.#pin}`);
      const opened = openCheckpoint(note, { origin: originOf(state.grid.digest), key: state.grid.payload.ledger, verify: this.#verify });
      if (!opened.ok || opened.checkpoint.size !== size || !equalHash(opened.checkpoint.root, frontier.root())) throw new Error('the copy of the log does not have the root that the ledger signed');
      this.#trusted = { note, checkpoint: opened.checkpoint };
    }
    this.#state = state;
    this.#frontier = frontier;
  }

  #replay(size: number): Replay {
    return finish(this.#replaying(size, false));
  }

  *#replaying(size: number, remember: boolean): Steps<Replay> {
    const state = this.#base?.load() ?? emptyState();
    const frontier = this.#base?.frontier.clone() ?? new Frontier();
    for (const leaf of this.#cache.leaves(frontier.size, size)) {
      const replayed = replayLeaf(state, leaf, frontier.size, ALREADY_VERIFIED);
      if (!replayed.ok) throw new Error(`the copy of the log is damaged: ${replayed.message}`);
      frontier.append(leafHash(leaf));
      if (remember && frontier.size % REMEMBER_EVERY === 0) this.#roots.passed(frontier.clone());
      if (frontier.size % STEP === 0) yield;
    }
    return { state, frontier };
  }
}

interface Replay { readonly state: LedgerState; readonly frontier: Frontier }
/** Work that can pause after each step. */
type Steps<T> = Generator<undefined, T, undefined>;

/** Entries between the frontiers that loading keeps. */
const REMEMBER_EVERY = 4096;
/** Entries in one step of loading: about 5 ms. */
const STEP = 128;
/** Leaves in memory at once while a copy is completed. */
const MOVED_AT_ONCE = 1024;

function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

function unproven(code: UnprovenCode, message: string): Unproven {
  return { ok: false, proven: false, code, message };
}

