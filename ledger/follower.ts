import path from 'node:path';
import type { Digest } from '../contract/digest.ts';
import type { Envelope, VerifySignature } from '../contract/envelope.ts';
import { verifySignature } from '../signer/verify.ts';
import { BlobCache } from './blob-cache.ts';
import { hashOf, MAX_BLOB } from './blobs.ts';
import { type CallOptions, LedgerClient, LedgerError } from './client.ts';
import { FeedClient } from './feed-client.ts';
import { envelopeDigest, type Leaf, leafBytes, parseLeaf } from './leaf.ts';
import { OpenAhead } from './opening/ahead.ts';
import type { OpenedSubmission } from './opening/open.ts';
import type { OpenerOptions } from './opening/pool.ts';
import type { SubmitResult } from './ports.ts';
import type { Frame } from './protocol.ts';
import { auditBegun } from './snapshot/auditor.ts';
import { type Copies, explainDamage, openCopies } from './snapshot/copies.ts';
import type { LedgerState } from './state/machine.ts';
import type { FollowerTrouble, Stopped } from './stop-record.ts';
import { type Accepted, type Examined, VerifiedLog } from './verified-log.ts';
import { Vigilance } from './vigilance.ts';
import { Watch } from './watch.ts';
import { WitnessGate, type WitnessPolicy } from './witness/gate.ts';

export { LedgerError } from './client.ts';

/** How long `openFollower` waits for the ledger when it has nothing on disk. */
const CATCH_UP_MS = 5000;
const SUBMIT_MS = 30_000;
const LOOK_UP_MS = 5000;

export interface FollowerStatus {
  readonly connected: boolean;
  readonly size: number;
  /** The last signed note that was verified. */
  readonly lastCheckpoint?: string;
  /** Why there is no connection, what was wrong with what came over it, or why it is not up to date (`ledger_delayed`, `clock_behind`, `not_witnessed`, `witnesses_stale`). */
  readonly trouble?: FollowerTrouble;
  /** The ledger was caught lying. `evidence` is the file that shows it. `ledger_forked` is for good and nothing is applied any more (with `machine`: until a program with other rules judges anew); `ledger_withholding` ends when all is shown again. */
  readonly stopped?: Stopped;
  /** Absent when the copy was made from entry 0. False while the snapshot that it was begun from is only the ledger's word, true once the whole log was replayed and agrees. */
  readonly audited?: boolean;
}

/** A verifying copy of the ledger, live. `state()` is what was verified, never what was merely said. */
export interface Follower {
  /** The live state: read it at once, never change or keep it. */
  state(): LedgerState;
  size(): number;
  /** Root over `size()` entries, 64 hex digits. */
  root(): string;
  onChange(listener: () => void): () => void;
  /** One result an envelope, in order, when the own state contains the accepted ones; retries while the ledger is away. @throws LedgerError `ledger_unreachable`, `ledger_forked`, `ledger_withholding`, `closed`. */
  submit(envelopes: readonly Envelope[], options?: CallOptions): Promise<SubmitResult[]>;
  /** Resolves with the first defined answer, now or after a change. @throws LedgerError `timeout`, `ledger_forked`, `ledger_withholding`, `closed`; the signal's reason. */
  waitFor<T>(predicate: (state: LedgerState) => T | undefined, options?: CallOptions): Promise<T>;
  /** Resolves when everything that the ledger had when this connection began is applied, and the log's time moves. */
  caughtUp(options?: CallOptions): Promise<void>;
  /** @throws RangeError beyond the copy; LedgerError `not_here_yet` before the snapshot that it was begun from, until that is audited. */
  stateAt(size: number): LedgerState;
  /** In order, as far as the copy goes. @throws LedgerError `not_here_yet`, as stateAt. */
  entries(from: number, to: number): Iterable<Leaf>;
  /** Holds a note that somebody else was shown against this copy; a contradiction stops this follower, with the proof. */
  examine(note: string): Examined;
  /** Bytes that have this digest. @throws LedgerError `blob_missing`, `blob_mismatch`, `ledger_unreachable`. */
  getBlob(digest: Digest, options?: CallOptions): Promise<Uint8Array>;
  putBlob(bytes: Uint8Array, options?: CallOptions): Promise<Digest>;
  status(): FollowerStatus;
  close(): Promise<void>;
}

export interface FollowerOptions {
  readonly url: string;
  /** Where the copy and the evidence lie; in memory when absent. */
  readonly dir?: string | undefined;
  /** The grid that must be there; when absent, the first one seen is pinned by the copy on disk. */
  readonly pin?: { readonly grid: Digest } | undefined;
  readonly verify?: VerifySignature | undefined;
  /** Threads that open envelopes while the copy is far behind; not with another `verify`. */
  readonly openers?: OpenerOptions | undefined;
  /** Ends the waiting of `openFollower`. */
  readonly signal?: AbortSignal | undefined;
  readonly catchUpMs?: number | undefined;
  /** Apply only what so many of these witnesses have cosigned. */
  readonly witnesses?: WitnessPolicy | undefined;
  /** After so long without new log time the ledger is late; default 3 leases. */
  readonly delayMs?: number | undefined;
  /** After so long of showing less than it signed the ledger is stopped at; default 6 leases, at least 30 s. */
  readonly withholdingMs?: number | undefined;
  /**
   * Begin an empty copy at the ledger's newest snapshot, and audit that while following (see `status().audited`): what is
   * in the state is the ledger's word until then. Without `pin`, with `witnesses` (they cosigned the log, not the state), and
   * when there is no snapshot that can be used, the copy begins at entry 0.
   */
  readonly snapshot?: boolean | undefined;
  /** Part of one core that the audit may take, above 0, at most 1; default 0.5. */
  readonly auditShare?: number | undefined;
}

/**
 * Opens a copy and follows the ledger. Resolves when it has caught up; with a copy on disk also when the ledger cannot
 * be reached, without one after `catchUpMs` (5 s) at the latest. @throws LedgerError `grid_mismatch`, `copy_damaged`, `stops_damaged`.
 */
export async function openFollower(options: FollowerOptions): Promise<Follower> {
  const { url, dir, verify = verifySignature, pin, signal, catchUpMs: timeoutMs = CATCH_UP_MS } = options;
  const copies = await openCopies({ url, dir, verify, snapshotOf: options.snapshot && !options.witnesses ? pin?.grid : undefined, timeoutMs, signal });
  let follower: LiveFollower;
  try {
    follower = new LiveFollower(options, copies);
  } catch (error) {
    copies.cache.close();
    copies.begun?.cache.close();
    throw error;
  }
  try {
    await follower.start(options);
  } catch (error) {
    await follower.close();
    throw error;
  }
  return follower;
}

class LiveFollower implements Follower {
  readonly #copies: Copies; readonly #log: VerifiedLog; readonly #client: LedgerClient; readonly #blobs: BlobCache; readonly #feed: FeedClient | undefined;
  readonly #gate: WitnessGate | undefined; readonly #vigilance: Vigilance;
  readonly #ahead: OpenAhead | undefined;
  readonly #watch = new Watch();
  #connected = false;
  #caughtUp = false;
  #closed = false;
  #trouble: FollowerTrouble | undefined;
  readonly #closing = new AbortController();
  #audited: boolean | undefined;
  #auditTrouble: FollowerTrouble | undefined;

  constructor(options: FollowerOptions, copies: Copies) {
    const { dir, url, verify = verifySignature } = options;
    const { cache, begun } = copies;
    this.#copies = copies;
    this.#ahead = options.openers && options.verify === undefined ? new OpenAhead(options.openers) : undefined;
    this.#gate = options.witnesses && new WitnessGate(options.witnesses, { verify });
    try {
      this.#log = explainDamage(dir, begun !== undefined, () => new VerifiedLog({ cache: begun?.cache ?? cache, base: begun?.base, verify, pin: options.pin?.grid, admit: this.#gate?.admit, onCaught: (message, machine) => this.#vigilance.caught(message, machine) }));
    } catch (error) {
      this.#closeCopies();
      throw error;
    }
    this.#blobs = new BlobCache(dir === undefined ? undefined : path.join(dir, 'blobs'));
    this.#client = new LedgerClient(url);
    this.#vigilance = new Vigilance({
      log: this.#log, cache, client: this.#client, dir, delayMs: options.delayMs, withholdingMs: options.withholdingMs,
      expectPromised: this.#gate === undefined,
      onChange: () => this.#watch.notify(),
      onTrouble: (trouble) => { this.#trouble = trouble; },
      onConvicted: () => {
        this.#connected = false;
        this.#feed?.close();
        this.#watch.notify();
      },
    });
    if (this.#vigilance.stopped?.code === 'ledger_forked') return;
    this.#feed = new FeedClient(url, {
      query: this.#gate?.query ?? '',
      position: () => this.#log.size,
      openAhead: (frame) => this.#ahead?.open(frame),
      frame: (frame, opened) => this.#accept(frame, opened),
      connected: (yes, why) => {
        const changed = yes !== this.#connected;
        this.#connected = yes;
        if (yes) this.#trouble = undefined;
        else {
          this.#caughtUp = false;
          this.#vigilance.disconnected();
          if (why !== undefined) this.#trouble = { code: 'ledger_unreachable', message: why };
        }
        if (changed || !yes) this.#watch.notify();
      },
    });
    if (begun) void this.#audit(options);
  }

  async start({ signal, catchUpMs = CATCH_UP_MS }: FollowerOptions): Promise<void> {
    const ready = await this.#watch.until(() => {
      if (this.#caughtUp || this.#vigilance.stopped || this.#trouble?.code === 'grid_mismatch') return true;
      return this.#trouble && this.#log.size > 0 ? true : undefined;
    }, { signal, timeoutMs: catchUpMs }).catch((error: unknown) => {
      if (error instanceof LedgerError && error.code === 'timeout') return true;
      throw error;
    });
    if (ready && this.#trouble?.code === 'grid_mismatch') throw new LedgerError('grid_mismatch', this.#trouble.message, { hint: 'another grid answers at this address' });
  }

  state(): LedgerState { return this.#log.state; }
  size(): number { return this.#log.size; }
  root(): string { return Buffer.from(this.#log.root()).toString('hex'); }
  stateAt(size: number): LedgerState { return this.#log.stateAt(size); }

  onChange(listener: () => void): () => void {
    return this.#watch.on(listener);
  }

  *entries(from: number, to: number): Generator<Leaf> {
    for (const bytes of this.#log.leaves(from, Math.min(to, this.size()))) yield parseLeaf(bytes);
  }

  waitFor<T>(predicate: (state: LedgerState) => T | undefined, options: CallOptions = {}): Promise<T> {
    return this.#watch.until(() => {
      const answer = predicate(this.#log.state);
      if (answer === undefined) this.#vigilance.refuseStopped();
      return answer;
    }, options);
  }

  async caughtUp(options: CallOptions = {}): Promise<void> {
    await this.waitFor(() => (this.#caughtUp && this.#connected && !this.#vigilance.late && !this.#gate?.trouble() ? true : undefined), options);
  }

  async submit(envelopes: readonly Envelope[], options: CallOptions = {}): Promise<SubmitResult[]> {
    this.#vigilance.refuseStopped();
    const timeoutMs = options.timeoutMs ?? SUBMIT_MS;
    const started = Date.now();
    const results = await this.#client.submit(envelopes, { ...options, timeoutMs, onCheckpoint: (note) => this.examine(note) });
    this.#vigilance.refuseStopped();
    const last = Math.max(-1, ...results.map((result) => (result.ok ? result.seq : -1)));
    try {
      await this.waitFor((state) => (state.size > last ? true : undefined), { ...options, timeoutMs: Math.max(1000, timeoutMs - (Date.now() - started)) });
    } catch (error) {
      if (!(error instanceof LedgerError && error.code === 'timeout')) throw error;
    }
    this.#vigilance.refuseStopped();
    return Promise.all(results.map((result, i) => this.#confirm(envelopes[i]!, result, options.signal)));
  }

  async getBlob(digest: Digest, options: CallOptions = {}): Promise<Uint8Array> {
    const kept = await this.#blobs.get(digest);
    if (kept) return kept;
    const bytes = await this.#client.getBlob(digest, options);
    await this.#blobs.put(digest, bytes);
    return bytes;
  }

  async putBlob(bytes: Uint8Array, options: CallOptions = {}): Promise<Digest> {
    if (bytes.length > MAX_BLOB) throw new LedgerError('blob_too_large', `a blob has at most ${MAX_BLOB} bytes, this one has ${bytes.length}`);
    const digest = hashOf(bytes);
    await this.#client.putBlob(digest, bytes, options);
    await this.#blobs.put(digest, bytes);
    return digest;
  }

  examine(note: string): Examined {
    return this.#vigilance.examine(note);
  }

  status(): FollowerStatus {
    const lastCheckpoint = this.#log.checkpointNote;
    const trouble = this.#trouble ?? this.#vigilance.trouble ?? this.#gate?.trouble() ?? this.#auditTrouble;
    const { stopped } = this.#vigilance;
    return {
      connected: this.#connected,
      size: this.size(),
      ...(lastCheckpoint === undefined ? {} : { lastCheckpoint }),
      ...(trouble ? { trouble } : {}),
      ...(stopped ? { stopped } : {}),
      ...(this.#audited === undefined ? {} : { audited: this.#audited }),
    };
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#connected = false;
      this.#closing.abort(new LedgerError('closed', 'the follower is closed'));
      this.#vigilance.close();
      this.#feed?.close();
      this.#client.close();
      this.#watch.close();
      this.#closeCopies();
    }
    await this.#ahead?.close();
  }

  #closeCopies(): void {
    this.#copies.cache.close();
    this.#copies.begun?.cache.close();
  }

  /** Makes the copy from entry 0 on beside the one that was begun from a snapshot, until the one can take the other's place. */
  async #audit({ url, pin, verify = verifySignature, auditShare: share }: FollowerOptions): Promise<void> {
    const { cache, begun } = this.#copies;
    const grid = pin?.grid;
    if (!begun || !grid) return;
    const { signal } = this.#closing;
    const say = (trouble?: FollowerTrouble): void => { this.#auditTrouble = trouble; };
    this.#audited = false;
    try {
      const evidence = await auditBegun({
        url, log: this.#log, begun, cache, grid, verify, signal, ...(share === undefined ? {} : { share }),
        onCaught: (message, machine) => this.#vigilance.caught(message, machine),
        onProgress: () => say(),
        onTrouble: (message) => say({ code: 'audit_waits', message }),
      });
      if (evidence) {
        this.#vigilance.convicted(evidence);
        begun.forget();
        return;
      }
      this.#audited = true;
      this.#vigilance.recheck();
    } catch (error) {
      if (this.#closed) return;
      say({ code: 'copy_failed', message: `the snapshot is not audited: ${error instanceof Error ? error.message : String(error)}` });
    }
    this.#watch.notify();
  }

  #accept(frame: Frame, opened?: readonly OpenedSubmission[]): boolean {
    if (this.#vigilance.stopped?.code === 'ledger_forked') return false;
    let accepted: Accepted;
    try {
      accepted = this.#log.accept(frame, opened);
    } catch (error) {
      this.#trouble = { code: 'copy_failed', message: error instanceof Error ? error.message : String(error) };
      return false;
    }
    if (!accepted.ok) {
      if (!accepted.proven) this.#trouble = { code: accepted.code, message: accepted.message };
      this.#vigilance.refused(accepted);
      this.#watch.notify();
      return false;
    }
    this.#vigilance.accepted(frame);
    const caughtUp = this.#log.size >= (this.#gate ? (this.#gate.size ?? Infinity) : frame.size);
    const changed = accepted.added > 0 || (caughtUp && !this.#caughtUp);
    if (caughtUp) {
      this.#caughtUp = true;
      void this.#ahead?.close();
    }
    if (changed) this.#watch.notify();
    return true;
  }

  /** An acknowledgement counts when the entry stands where the ledger said. Who answers is not signed: if another one stands there, the answer is worth nothing. */
  async #confirm(envelope: Envelope, result: SubmitResult, signal: AbortSignal | undefined): Promise<SubmitResult> {
    if (!result.ok) return result;
    const unseen = (message: string): SubmitResult => ({ ok: false, code: 'entries_withheld', message, hint: 'submit it again: an entry has one place' });
    if (this.size() <= result.seq) return unseen(`the ledger acknowledged entry ${result.seq}, but does not show it`);
    const [leaf] = result.seq < this.#log.base ? await this.#lookUp(result.seq, signal) : this.entries(result.seq, result.seq + 1);
    if (leaf && envelopeDigest(leaf.envelope) === envelopeDigest(envelope)) return result;
    return unseen(`the ledger acknowledged an entry at ${result.seq}, where another one stands`);
  }

  /** An entry before the snapshot, with the ledger's proof that it stands under the snapshot's root; none when it shows none. */
  async #lookUp(seq: number, signal: AbortSignal | undefined): Promise<Leaf[]> {
    const { base } = this.#log;
    const shown = await this.#client.entry(seq, base, { signal, timeoutMs: LOOK_UP_MS }).catch(() => undefined);
    signal?.throwIfAborted();
    if (this.#closed || !shown) return [];
    // Meanwhile the audit may have brought the entries themselves.
    if (this.#log.base === 0) return [...this.entries(seq, seq + 1)];
    return this.#log.hasBelowBase(seq, leafBytes(shown.leaf), shown.proof) ? [shown.leaf] : [];
  }
}
