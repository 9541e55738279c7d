import path from 'node:path';
import { mkdir } from 'node:fs/promises';
import type { Digest } from '../../../contract/digest.ts';
import type { EntrySigner, VerifySignature } from '../../../contract/envelope.ts';
import { verifySignature } from '../../../signer/verify.ts';
import { originOf, signCheckpoint } from '../../checkpoint.ts';
import { ALREADY_VERIFIED, leafBytes, parseLeaf } from '../../leaf.ts';
import type { Hash } from '../../merkle.ts';
import type { MerkleTree } from '../../merkle-tree.ts';
import { nativeLeafHash } from '../../native.ts';
import { type OpenerOptions, OpenerPool } from '../../opening/pool.ts';
import { OpeningQueue } from '../../opening/queue.ts';
import type { Judged, Ready } from '../../opening/submission.ts';
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
  /** Threads that open envelopes when many wait; without them, and with another `verify`, the log's own thread does. */
  readonly openers?: OpenerOptions | undefined;
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

/** The log's order is a chain's: to append to the copy here would fork it. */
export class ChainCopyError extends Error {
  override readonly name = 'ChainCopyError';
  readonly code = 'chain_mismatch';
  readonly hint = 'start it with the chain that it was read from: `3bot up --ledger ws://…`';
  constructor(dir: string) {
    super(`the ledger in ${dir} is a copy of one that lies on a chain, and is continued there only`);
  }
}

/** Opens the log in a folder, replays it and checks it against its own checkpoints. @throws StoreDamagedError, ChainCopyError, or when another process holds it. */
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
  readonly #pool: OpenerPool | undefined;
  readonly #queue: OpeningQueue;
  #scheduled = false;
  #failure: Error | undefined;
  #latest: { size: number; note: string } | undefined;

  constructor(options: SqliteLogOptions) {
    this.key = options.signer.key;
    this.#signer = options.signer;
    this.#verify = options.verify ?? verifySignature;
    this.#now = options.now ?? Date.now;
    this.#onFailure = options.onFailure;
    this.#pool = options.openers && options.verify === undefined ? new OpenerPool(options.openers) : undefined;
    this.#queue = new OpeningQueue({ verify: this.#verify, pool: this.#pool, onOpened: () => this.#schedule() });
    this.#lock = lockFolder(path.join(options.dir, LOCK_FILE));
    let store: EntryStore | undefined;
    try {
      store = new EntryStore(path.join(options.dir, STORE_FILE));
      this.#store = store;
      if (store.orderedBy === 'chain') throw new ChainCopyError(options.dir);
      const headFile = path.join(options.dir, HEAD_FILE);
      const recovered = recover({ store, headFile, verify: this.#verify, verifyEntry: ALREADY_VERIFIED, key: this.key, snapshotsOf: options.dir });
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
    const answered = this.#queue.push(envelopes);
    this.#schedule();
    return answered;
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

  async close(): Promise<void> {
    if (this.#failure === undefined) {
      while (this.#queue.length > 0 && !this.#failure) this.#commitBatch(this.#queue.takeNow(MAX_BATCH));
      this.#failure ??= new Error('the ledger is closed');
      this.#listeners.clear();
      this.#store.close();
      this.#head.close();
      this.#lock.close();
    }
    await this.#pool?.close();
  }

  #schedule(): void {
    if (this.#scheduled || this.#failure) return;
    this.#scheduled = true;
    // A turn of the event loop gathers what arrived meanwhile into one transaction.
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#failure) return;
      const batch = this.#queue.take(MAX_BATCH);
      this.#commitBatch(batch);
      // None: an opener has the first, and says when it is done.
      if (batch.length > 0 && this.#queue.length > 0) this.#schedule();
    });
  }

  /** One transaction; nothing is acknowledged before it is durable, and a batch that fails ends the log. */
  #commitBatch(batch: readonly Ready[]): void {
    if (batch.length === 0) return;
    let results: SubmitResult[];
    const before = this.size();
    try {
      this.#store.begin();
      results = batch.map(({ judged }) => this.#accept(judged));
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
    batch.forEach((ready, i) => ready.settle(results[i]!));
    if (this.size() > before) for (const listener of [...this.#listeners]) listener();
  }

  #accept(judged: Judged): SubmitResult {
    if (!judged.ok) return judged;
    const { envelope, envelopeDigest, opened } = judged;
    const known = this.#store.find(envelopeDigest);
    if (known !== undefined) return { ok: true, seq: known, time: parseLeaf(this.#store.row(known)!.leaf).time, duplicate: true };
    const { entry } = opened;
    if (entry.kind === 'grid.created' && entry.payload.ledger !== this.key) {
      return { ok: false, code: 'not_this_ledger', message: `grid.created names ledger ${entry.payload.ledger}, this one is ${this.key}`, hint: 'send it to the ledger that it names' };
    }
    const time = new Date(Math.max(this.#now(), Date.parse(this.#state.time))).toISOString();
    const applied = applyEntry(this.#state, opened, time);
    if (!applied.ok) return applied;
    const seq = this.size();
    const leaf = leafBytes({ seq, time, envelope });
    const hash = nativeLeafHash(leaf);
    this.#store.insert({ seq, leaf, leafHash: hash, envelopeDigest });
    this.#tree.append(hash);
    return { ok: true, seq, time };
  }

  #fail(error: Error, batch: readonly Ready[]): void {
    this.#failure = new Error('the ledger failed and must be started again', { cause: error });
    try {
      this.#store.rollback();
    } catch {
      // The first error is the one that counts; a transaction that cannot be rolled back is dropped with the process.
    }
    for (const ready of batch) ready.fail(this.#failure);
    this.#queue.fail(this.#failure);
    void this.#pool?.close();
    this.#store.close();
    this.#head.close();
    this.#lock.close();
    this.#onFailure?.(error);
  }
}
