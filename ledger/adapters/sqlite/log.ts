import path from 'node:path';
import { mkdir } from 'node:fs/promises';
import type { Digest } from '../../../contract/digest.ts';
import { Envelope, type EntrySigner, type VerifySignature } from '../../../contract/envelope.ts';
import { verifySignature } from '../../../signer/verify.ts';
import { originOf, signCheckpoint } from '../../checkpoint.ts';
import { ALREADY_VERIFIED, envelopeDigest, leafBytes, openEntry, parseLeaf } from '../../leaf.ts';
import { type Hash, leafHash } from '../../merkle.ts';
import type { MerkleTree } from '../../merkle-tree.ts';
import { BUSY, type Log, type SubmitResult } from '../../ports.ts';
import { applyEntry, type LedgerState } from '../../state/machine.ts';
import { HEAD_FILE, HeadFile } from './head.ts';
import { lockFolder } from './lock.ts';
import { recover } from './recover.ts';
import { EntryStore, STORE_FILE } from './store.ts';

/** Entries that share one transaction, so one fsync. */
export const MAX_BATCH = 256;
/** Envelopes that may wait; more are answered `busy`. */
export const MAX_QUEUE = 4096;
const LOCK_FILE = 'lock';

export interface SqliteLogOptions {
  readonly dir: string;
  /** The ledger's key: signs checkpoints; grid.created must name it. */
  readonly signer: EntrySigner;
  readonly verify?: VerifySignature;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Called once when a batch could not be made durable: memory is then ahead of the disk, so the process must end. */
  readonly onFailure?: (error: Error) => void;
}

/** What is on disk is not what this ledger wrote; `3bot ledger verify` says more. */
export class StoreDamagedError extends Error {
  override readonly name = 'StoreDamagedError';
  readonly code = 'store_damaged';
  readonly hint = 'run `3bot ledger verify` on this state, then restore the ledger folder from a copy that is at least as long';
}

interface Waiting {
  readonly envelope: unknown;
  readonly settle: (result: SubmitResult) => void;
  readonly fail: (error: Error) => void;
}

/** Opens the log in a folder, replays it and checks it against its own checkpoints. @throws StoreDamagedError, or when another process holds it. */
export async function openSqliteLog(options: SqliteLogOptions): Promise<Log> {
  await mkdir(options.dir, { recursive: true });
  return new SqliteLog(options);
}

class SqliteLog implements Log {
  readonly key;
  readonly #signer; readonly #verify; readonly #now; readonly #onFailure; readonly #lock; readonly #store: EntryStore; readonly #head: HeadFile;
  readonly #state: LedgerState;
  readonly #tree: MerkleTree;
  readonly #listeners = new Set<() => void>();
  #queue: Waiting[] = [];
  #scheduled = false;
  #failure: Error | undefined;
  #latest: { size: number; note: string } | undefined;

  constructor(options: SqliteLogOptions) {
    this.key = options.signer.key;
    this.#signer = options.signer;
    this.#verify = options.verify ?? verifySignature;
    this.#now = options.now ?? Date.now;
    this.#onFailure = options.onFailure;
    this.#lock = lockFolder(path.join(options.dir, LOCK_FILE));
    let store: EntryStore | undefined;
    try {
      store = new EntryStore(path.join(options.dir, STORE_FILE));
      this.#store = store;
      const headFile = path.join(options.dir, HEAD_FILE);
      const recovered = recover({ store, headFile, verify: this.#verify, verifyEntry: ALREADY_VERIFIED, key: this.key });
      if (!recovered.ok) throw new StoreDamagedError(`${recovered.message} (${recovered.code})`);
      this.#state = recovered.state;
      this.#tree = recovered.tree;
      store.database.pragma('wal_checkpoint(TRUNCATE)');
      this.#head = new HeadFile(headFile);
      if (recovered.note !== undefined) {
        this.#latest = { size: this.#tree.size, note: recovered.note };
        this.#head.write(recovered.note);
      }
    } catch (error) {
      store?.close();
      this.#lock.close();
      throw error;
    }
  }

  size(): number {
    return this.#tree.size;
  }

  grid(): Digest | undefined {
    return this.#state.grid?.digest;
  }

  state(): LedgerState {
    return this.#state;
  }

  submit(envelopes: readonly unknown[]): Promise<SubmitResult[]> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#queue.length + envelopes.length > MAX_QUEUE) {
      return Promise.resolve(envelopes.map(() => ({ ok: false, code: BUSY, message: `${this.#queue.length} entries are waiting`, hint: 'send them again in a moment' })));
    }
    const results = envelopes.map((envelope) => new Promise<SubmitResult>((settle, fail) => this.#queue.push({ envelope, settle, fail })));
    this.#schedule();
    return Promise.all(results);
  }

  read(from: number, bounds: { entries: number; bytes: number }): Uint8Array[] {
    return this.#store.leaves(from, bounds);
  }

  checkpoint(size: number = this.size()): string | undefined {
    const { grid } = this.#state;
    if (!grid || size === 0) return undefined;
    if (this.#latest?.size === size) return this.#latest.note;
    return signCheckpoint({ size, root: this.#tree.root(size) }, originOf(grid.digest), this.#signer);
  }

  root(size?: number): Hash {
    return this.#tree.root(size);
  }

  leafHash(seq: number): Hash {
    return this.#tree.leaf(seq);
  }

  inclusionProof(seq: number, size: number): Hash[] {
    return this.#tree.inclusionProof(seq, size);
  }

  consistencyProof(from: number, to: number): Hash[] {
    return this.#tree.consistencyProof(from, to);
  }

  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    if (this.#failure === undefined) {
      while (this.#queue.length > 0 && !this.#failure) this.#commitBatch();
      this.#failure ??= new Error('the ledger is closed');
      this.#listeners.clear();
      this.#store.close();
      this.#head.close();
      this.#lock.close();
    }
    return Promise.resolve();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A turn of the event loop gathers what arrived meanwhile into one transaction.
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#failure) return;
      this.#commitBatch();
      if (this.#queue.length > 0) this.#schedule();
    });
  }

  /** One transaction; nothing is acknowledged before it is durable, and a batch that fails ends the log. */
  #commitBatch(): void {
    const batch = this.#queue.splice(0, MAX_BATCH);
    if (batch.length === 0) return;
    let results: SubmitResult[];
    const before = this.size();
    try {
      this.#store.begin();
      results = batch.map(({ envelope }) => this.#accept(envelope));
      const note = this.size() > before ? this.checkpoint() : undefined;
      this.#store.commit(note);
      if (note !== undefined) {
        this.#latest = { size: this.size(), note };
        this.#head.write(note);
      }
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)), batch);
      return;
    }
    batch.forEach(({ settle }, i) => settle(results[i]!));
    if (this.size() > before) for (const listener of [...this.#listeners]) listener();
  }

  #accept(input: unknown): SubmitResult {
    const parsed = Envelope.safeParse(input);
    const digest = parsed.success ? envelopeDigest(parsed.data) : undefined;
    const known = digest && this.#store.find(digest);
    if (known !== undefined) return { ok: true, seq: known, time: parseLeaf(this.#store.row(known)!.leaf).time, duplicate: true };
    const opened = openEntry(input, this.#verify);
    if (!opened.ok) return opened;
    if (!parsed.success || digest === undefined) throw new Error('an envelope was opened that does not parse');
    const { entry } = opened.opened;
    if (entry.kind === 'grid.created' && entry.payload.ledger !== this.key) {
      return { ok: false, code: 'not_this_ledger', message: `grid.created names ledger ${entry.payload.ledger}, this one is ${this.key}` };
    }
    const time = new Date(Math.max(this.#now(), Date.parse(this.#state.time))).toISOString();
    const applied = applyEntry(this.#state, opened.opened, time);
    if (!applied.ok) return applied;
    const seq = this.size();
    const leaf = leafBytes({ seq, time, envelope: parsed.data });
    const hash = leafHash(leaf);
    this.#store.insert({ seq, leaf, leafHash: hash, envelopeDigest: digest });
    this.#tree.append(hash);
    return { ok: true, seq, time };
  }

  #fail(error: Error, batch: readonly Waiting[]): void {
    this.#failure = new Error('the ledger failed and must be started again', { cause: error });
    try {
      this.#store.rollback();
    } catch {
      // The first error is the one that counts; a transaction that cannot be rolled back is dropped with the process.
    }
    for (const { fail } of [...batch, ...this.#queue]) fail(this.#failure);
    this.#queue = [];
    this.#store.close();
    this.#head.close();
    this.#lock.close();
    this.#onFailure?.(error);
  }
}
