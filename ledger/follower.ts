import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Digest } from '../contract/digest.ts';
import type { Envelope, VerifySignature } from '../contract/envelope.ts';
import { verifySignature } from '../signer/verify.ts';
import { LeafCache } from './adapters/sqlite/cache.ts';
import { BlobCache } from './blob-cache.ts';
import { hashOf, MAX_BLOB } from './blobs.ts';
import { type CallOptions, LedgerClient, LedgerError } from './client.ts';
import { FeedClient } from './feed-client.ts';
import { envelopeDigest, type Leaf, parseLeaf } from './leaf.ts';
import type { SubmitResult } from './ports.ts';
import type { Frame } from './protocol.ts';
import type { LedgerState } from './state/machine.ts';
import { type Accepted, type Evidence, VerifiedLog } from './verified-log.ts';
import { Watch } from './watch.ts';

export { LedgerError } from './client.ts';

const CACHE_FILE = 'log.sqlite';
const STOPPED = 'stopped';
/** How long `openFollower` waits for the ledger when it has nothing on disk. */
const CATCH_UP_MS = 5000;
const SUBMIT_MS = 30_000;

const Stopped = z.strictObject({ code: z.literal('ledger_forked'), message: z.string(), evidence: z.string().exactOptional() });

export interface FollowerStatus {
  readonly connected: boolean;
  readonly size: number;
  /** The last signed note that was verified. */
  readonly lastCheckpoint?: string;
  /** Why there is no connection, or what was wrong with what came over it. */
  readonly trouble?: { readonly code: string; readonly message: string };
  /** The ledger was convicted of lying: nothing is applied any more. `evidence` is the file that shows it. */
  readonly stopped?: z.infer<typeof Stopped>;
}

/** A verifying copy of the ledger, live. `state()` is what was verified, never what was merely said. */
export interface Follower {
  /** The live state: read it at once, never change or keep it. */
  state(): LedgerState;
  size(): number;
  /** Root over `size()` entries, 64 hex digits. */
  root(): string;
  onChange(listener: () => void): () => void;
  /** One result an envelope, in order, when the own state contains the accepted ones; retries while the ledger is away. @throws LedgerError `ledger_unreachable`, `ledger_forked`, `closed`. */
  submit(envelopes: readonly Envelope[], options?: CallOptions): Promise<SubmitResult[]>;
  /** Resolves with the first defined answer, now or after a change. @throws LedgerError `timeout`, `ledger_forked`, `closed`; the signal's reason. */
  waitFor<T>(predicate: (state: LedgerState) => T | undefined, options?: CallOptions): Promise<T>;
  /** Resolves when everything that the ledger had at the time of the call's connection is applied. */
  caughtUp(options?: CallOptions): Promise<void>;
  stateAt(size: number): LedgerState;
  entries(from: number, to: number): Iterable<Leaf>;
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
  /** Ends the waiting of `openFollower`. */
  readonly signal?: AbortSignal | undefined;
  readonly catchUpMs?: number | undefined;
}

/**
 * Opens a copy and follows the ledger. Resolves when it has caught up; with a copy on disk also when the ledger cannot
 * be reached, without one after `catchUpMs` (5 s) at the latest. @throws LedgerError `grid_mismatch`, `copy_damaged`.
 */
export async function openFollower(options: FollowerOptions): Promise<Follower> {
  const follower = new LiveFollower(options);
  try {
    await follower.start(options);
  } catch (error) {
    await follower.close();
    throw error;
  }
  return follower;
}

class LiveFollower implements Follower {
  readonly #dir: string | undefined;
  readonly #cache: LeafCache; readonly #log: VerifiedLog; readonly #client: LedgerClient; readonly #blobs: BlobCache; readonly #feed: FeedClient | undefined;
  readonly #watch = new Watch();
  #connected = false;
  #caughtUp = false;
  #closed = false;
  #trouble: FollowerStatus['trouble'];
  #stopped: FollowerStatus['stopped'];

  constructor(options: FollowerOptions) {
    const { dir, url } = options;
    this.#dir = dir;
    if (dir !== undefined) mkdirSync(dir, { recursive: true });
    this.#cache = new LeafCache(dir === undefined ? ':memory:' : path.join(dir, CACHE_FILE));
    try {
      this.#log = new VerifiedLog({ cache: this.#cache, verify: options.verify ?? verifySignature, pin: options.pin?.grid });
    } catch (error) {
      this.#cache.close();
      if (error instanceof LedgerError || dir === undefined) throw error;
      throw new LedgerError('copy_damaged', error instanceof Error ? error.message : String(error), { cause: error, hint: `remove ${path.join(dir, CACHE_FILE)}; the log is fetched and verified again` });
    }
    const stopped = this.#cache.text(STOPPED);
    if (stopped !== undefined) this.#stopped = Stopped.parse(JSON.parse(stopped));
    this.#blobs = new BlobCache(dir === undefined ? undefined : path.join(dir, 'blobs'));
    this.#client = new LedgerClient(url);
    if (this.#stopped) return;
    this.#feed = new FeedClient(url, {
      position: () => this.#log.size,
      frame: (frame) => this.#accept(frame),
      connected: (yes, why) => {
        const changed = yes !== this.#connected;
        this.#connected = yes;
        if (yes) this.#trouble = undefined;
        else if (why !== undefined) this.#trouble = { code: 'ledger_unreachable', message: why };
        if (changed || !yes) this.#watch.notify();
      },
    });
  }

  async start({ signal, catchUpMs = CATCH_UP_MS }: FollowerOptions): Promise<void> {
    const ready = await this.#watch.until(() => {
      if (this.#caughtUp || this.#stopped || this.#trouble?.code === 'grid_mismatch') return true;
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
    for (const bytes of this.#cache.leaves(from, Math.min(to, this.size()))) yield parseLeaf(bytes);
  }

  waitFor<T>(predicate: (state: LedgerState) => T | undefined, options: CallOptions = {}): Promise<T> {
    return this.#watch.until(() => {
      const answer = predicate(this.#log.state);
      if (answer === undefined && this.#stopped) throw new LedgerError(this.#stopped.code, this.#stopped.message);
      return answer;
    }, options);
  }

  async caughtUp(options: CallOptions = {}): Promise<void> {
    await this.waitFor(() => (this.#caughtUp && this.#connected ? true : undefined), options);
  }

  async submit(envelopes: readonly Envelope[], options: CallOptions = {}): Promise<SubmitResult[]> {
    if (this.#stopped) throw new LedgerError(this.#stopped.code, this.#stopped.message);
    const timeoutMs = options.timeoutMs ?? SUBMIT_MS;
    const started = Date.now();
    const results = await this.#client.submit(envelopes, { ...options, timeoutMs });
    const last = Math.max(-1, ...results.map((result) => (result.ok ? result.seq : -1)));
    try {
      await this.waitFor((state) => (state.size > last ? true : undefined), { ...options, timeoutMs: Math.max(1000, timeoutMs - (Date.now() - started)) });
    } catch (error) {
      if (!(error instanceof LedgerError && error.code === 'timeout')) throw error;
    }
    return results.map((result, i) => this.#confirm(envelopes[i]!, result));
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

  status(): FollowerStatus {
    const lastCheckpoint = this.#log.checkpointNote;
    return {
      connected: this.#connected,
      size: this.size(),
      ...(lastCheckpoint === undefined ? {} : { lastCheckpoint }),
      ...(this.#trouble ? { trouble: this.#trouble } : {}),
      ...(this.#stopped ? { stopped: this.#stopped } : {}),
    };
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#connected = false;
      this.#feed?.close();
      this.#client.close();
      this.#watch.close();
      this.#cache.close();
    }
    return Promise.resolve();
  }

  #accept(frame: Frame): boolean {
    if (this.#stopped) return false;
    let accepted: Accepted;
    try {
      accepted = this.#log.accept(frame);
    } catch (error) {
      this.#trouble = { code: 'copy_failed', message: error instanceof Error ? error.message : String(error) };
      return false;
    }
    if (!accepted.ok) {
      if (accepted.proven) this.#stop(accepted.evidence);
      else this.#trouble = { code: accepted.code, message: accepted.message };
      this.#watch.notify();
      return false;
    }
    const caughtUp = this.#log.size >= frame.size;
    const changed = accepted.added > 0 || (caughtUp && !this.#caughtUp);
    if (caughtUp) this.#caughtUp = true;
    if (changed) this.#watch.notify();
    return true;
  }

  /** An acknowledgement counts when the entry stands where the ledger said; if another one stands there, the ledger lied. */
  #confirm(envelope: Envelope, result: SubmitResult): SubmitResult {
    if (!result.ok) return result;
    if (this.size() <= result.seq) return { ok: false, code: 'entries_withheld', message: `the ledger acknowledged entry ${result.seq}, but does not show it`, hint: 'submit it again: an entry has one place' };
    const [leaf] = this.entries(result.seq, result.seq + 1);
    if (leaf && envelopeDigest(leaf.envelope) === envelopeDigest(envelope)) return result;
    const message = `the ledger acknowledged an entry at ${result.seq}, where another one stands`;
    this.#stop({ kind: 'acknowledged_elsewhere', message, trusted: this.#log.checkpointNote ?? null, offered: null, entries: [], offending: leaf ?? null });
    throw new LedgerError('ledger_forked', message);
  }

  #stop(evidence: Evidence): void {
    if (this.#stopped) return;
    const file = this.#dir === undefined ? undefined : path.join(this.#dir, `evidence-${this.size()}-${evidence.kind}.json`);
    if (file !== undefined) writeFileSync(file, `${JSON.stringify(evidence, null, 2)}\n`);
    this.#stopped = { code: 'ledger_forked', message: evidence.message, ...(file === undefined ? {} : { evidence: file }) };
    this.#cache.setText(STOPPED, JSON.stringify(this.#stopped));
    this.#connected = false;
    this.#feed?.close();
    this.#watch.notify();
  }
}
