import path from 'node:path';
import { parseCanonical } from '../../../contract/canonical.ts';
import type { Digest } from '../../../contract/digest.ts';
import { Envelope, type EntrySigner, type VerifySignature } from '../../../contract/envelope.ts';
import type { DidKey } from '../../../contract/principal.ts';
import { originOf, signCheckpoint } from '../../checkpoint.ts';
import { ALREADY_VERIFIED, leafBytes, parseLeaf } from '../../leaf.ts';
import type { MerkleTree } from '../../merkle-tree.ts';
import { nativeLeafHash } from '../../native.ts';
import { openSubmission } from '../../opening/open.ts';
import type { Judged } from '../../opening/submission.ts';
import type { SubmitResult } from '../../ports.ts';
import { applyEntry, type LedgerState } from '../../state/machine.ts';
import { HEAD_FILE, HeadFile } from '../sqlite/head.ts';
import { lockFolder } from '../sqlite/lock.ts';
import { StoreDamagedError } from '../sqlite/log.ts';
import { recover } from '../sqlite/recover.ts';
import { EntryStore, STORE_FILE } from '../sqlite/store.ts';
import { type CallIndices, sameIndices } from './call-layout.ts';
import { type Cursor, positionOf, readCursor, writeCursor } from './cursor.ts';
import { ChainError } from './errors.ts';
import type { BlockRef } from './header.ts';
import { Pace } from './pace.ts';
import { MAX_REMARK, type ReadBlock } from './remarks.ts';

const LOCK_FILE = 'lock';
/** Blocks without entries after which the cursor is written all the same; so many are read again at most. */
const IDLE_BLOCKS = 64;

/** What became of an envelope on the chain: in which extrinsic it came, and the state machine's answer. */
export interface Landed { readonly envelopeDigest: Digest; readonly extrinsic: string; readonly result: SubmitResult }

/** A block whose envelopes were opened: form and signatures are checked, nothing else. */
export interface OpenedBlock extends ReadBlock { readonly envelopes: readonly { readonly extrinsic: string; readonly judged: Extract<Judged, { ok: true }> }[] }

export interface CopyOptions { readonly dir: string; readonly signer: EntrySigner; readonly verify: VerifySignature }

/**
 * The log as this machine derived it from the finalized chain: the same folder as the SQLite log's, so that `ledger
 * verify`, snapshots and backups treat it alike, and a cursor that says up to which block.
 */
export class ChainCopy {
  readonly store: EntryStore;
  readonly state: LedgerState;
  readonly tree: MerkleTree;
  readonly #options: CopyOptions;
  readonly #lock: { close(): void };
  readonly #head: HeadFile;
  #cursor: Cursor | undefined;
  #at: BlockRef | undefined;
  #idle = 0;
  #latest: { size: number; note: string } | undefined;

  /** @throws StoreDamagedError, ChainError `chain_mismatch`, or when another process holds the folder. */
  constructor(options: CopyOptions) {
    const { dir, signer, verify } = options;
    this.#options = options;
    this.#lock = lockFolder(path.join(dir, LOCK_FILE));
    let store: EntryStore | undefined;
    try {
      store = new EntryStore(path.join(dir, STORE_FILE));
      const headFile = path.join(dir, HEAD_FILE);
      const recovered = recover({ store, headFile, verify, verifyEntry: ALREADY_VERIFIED, key: signer.key, snapshotsOf: dir });
      if (!recovered.ok) throw new StoreDamagedError(`${recovered.message} (${recovered.code})`);
      this.store = store;
      this.state = recovered.state;
      this.tree = recovered.tree;
      this.#cursor = openCursor(dir, this.tree.size);
      store.markAsChainCopy();
      this.#at = this.#cursor && positionOf(this.#cursor, this.tree.size);
      this.#head = new HeadFile(headFile);
      if (recovered.note !== undefined) {
        this.#latest = { size: this.tree.size, note: recovered.note };
        this.#head.write(recovered.note);
      }
    } catch (error) {
      store?.close();
      this.#lock.close();
      throw error;
    }
  }

  get key(): DidKey {
    return this.#options.signer.key;
  }

  /** Which chain, and from which block on; undefined for a copy that was just made. */
  get origin(): { readonly genesis: string; readonly from: number } | undefined {
    return this.#cursor;
  }

  /** The last block that was taken in. @throws before `begin`. */
  get at(): BlockRef {
    if (!this.#at) throw new Error('the copy does not know its chain yet');
    return this.#at;
  }

  /** Binds a new copy to a chain: the block after `at` is the first that is read. */
  begin(genesis: string, at: BlockRef): void {
    const position = { number: at.number, hash: at.hash, size: 0 };
    this.#cursor = { genesis, from: at.number + 1, before: position, after: position };
    writeCursor(this.#options.dir, this.#cursor);
    this.#at = at;
  }

  /** Remembers the first indices that it is told; false for others later. What a signed call means must not change with what an endpoint says. */
  pinCalls(calls: CallIndices): boolean {
    const cursor = this.#bound();
    if (cursor.calls) return sameIndices(cursor.calls, calls);
    const { batchAll, remark } = calls;
    this.#cursor = { ...cursor, calls: { batchAll, remark } };
    writeCursor(this.#options.dir, this.#cursor);
    return true;
  }

  /** Opens the envelopes of a block, without looking at the state: in slices, since strangers fill blocks for little. */
  async open(block: ReadBlock): Promise<OpenedBlock> {
    const pace = new Pace();
    const envelopes: { extrinsic: string; judged: Extract<Judged, { ok: true }> }[] = [];
    for (const { extrinsic, remarks } of block.remarked) {
      for (const remark of remarks) {
        await pace.step(remark.length);
        const judged = judgeRemark(remark, this.#options.verify);
        if (judged?.ok) envelopes.push({ extrinsic, judged });
      }
    }
    return { ...block, envelopes };
  }

  /** Takes in the next finalized block, durably; says what became of each envelope in it. @throws when it cannot: memory is then ahead of the disk. */
  apply(block: OpenedBlock): Landed[] {
    const landed: Landed[] = [];
    const before = this.tree.size;
    const { time } = block;
    if (time !== undefined && block.envelopes.length > 0) {
      if (time < this.state.time) throw new ChainError('chain_inconsistent', `block ${block.number} has time ${time}, an entry before it ${this.state.time}`);
      this.store.begin();
      for (const { extrinsic, judged } of block.envelopes) landed.push({ envelopeDigest: judged.envelopeDigest, extrinsic, result: this.#accept(judged, time) });
      if (this.tree.size > before) this.#commit(block, before);
      else this.store.rollback();
    }
    this.#at = { number: block.number, hash: block.hash };
    this.#idle = this.tree.size > before ? 0 : this.#idle + 1;
    if (this.#idle >= IDLE_BLOCKS) this.#keepPlace();
    return landed;
  }

  /** The place of an envelope that is in the log. */
  find(envelopeDigest: Digest): SubmitResult | undefined {
    const seq = this.store.find(envelopeDigest);
    return seq === undefined ? undefined : { ok: true, seq, time: parseLeaf(this.store.row(seq)!.leaf).time, duplicate: true };
  }

  /** As Log.checkpoint. */
  checkpoint(size: number = this.tree.size): string | undefined {
    const { grid } = this.state;
    if (!grid || size === 0) return undefined;
    if (this.#latest?.size === size) return this.#latest.note;
    return signCheckpoint({ size, root: this.tree.root(size) }, originOf(grid.digest), this.#options.signer);
  }

  close(): void {
    try {
      this.store.rollback();
      if (this.#idle > 0) this.#keepPlace();
    } finally {
      this.store.close();
      this.#head.close();
      this.#lock.close();
    }
  }

  /** Without touching the cursor: memory may be ahead of the disk. */
  abandon(): void {
    this.#idle = 0;
    this.close();
  }

  #accept({ envelope, envelopeDigest, opened }: Extract<Judged, { ok: true }>, time: string): SubmitResult {
    const known = this.find(envelopeDigest);
    if (known) return known;
    const foreign = refuseForeignGrid(opened.entry, this.#options.signer.key);
    if (foreign) return foreign;
    const applied = applyEntry(this.state, opened, time);
    if (!applied.ok) return applied;
    const seq = this.tree.size;
    const leaf = leafBytes({ seq, time, envelope });
    const leafHash = nativeLeafHash(leaf);
    this.store.insert({ seq, leaf, leafHash, envelopeDigest });
    this.tree.append(leafHash);
    return { ok: true, seq, time };
  }

  #commit({ number, hash }: BlockRef, sizeBefore: number): void {
    const note = this.checkpoint();
    const cursor = this.#bound();
    this.#cursor = { ...cursor, before: { ...this.at, size: sizeBefore }, after: { number, hash, size: this.tree.size } };
    writeCursor(this.#options.dir, this.#cursor);
    this.store.commit(note);
    if (note === undefined) return;
    this.#latest = { size: this.tree.size, note };
    this.#head.write(note);
  }

  #keepPlace(): void {
    const position = { ...this.at, size: this.tree.size };
    this.#cursor = { ...this.#bound(), before: position, after: position };
    writeCursor(this.#options.dir, this.#cursor);
    this.#idle = 0;
  }

  #bound(): Cursor {
    if (!this.#cursor) throw new Error('the copy does not know its chain yet');
    return this.#cursor;
  }
}

/** A log begins with a grid of its own key, and with no other's. */
export function refuseForeignGrid(entry: Extract<Judged, { ok: true }>['opened']['entry'], key: DidKey): SubmitResult | undefined {
  if (entry.kind !== 'grid.created' || entry.payload.ledger === key) return undefined;
  return { ok: false, code: 'not_this_ledger', message: `grid.created names ledger ${entry.payload.ledger}, this one is ${key}` };
}

/** A remark is any stranger's bytes: undefined unless it is one canonical envelope, which its digest then names. */
function judgeRemark(remark: Uint8Array, verify: VerifySignature): Judged | undefined {
  if (remark.length > MAX_REMARK) return undefined;
  let value: unknown;
  try {
    value = parseCanonical(remark);
  } catch {
    return undefined;
  }
  const envelope = Envelope.safeParse(value);
  if (!envelope.success) return undefined;
  const judged = openSubmission(envelope.data, verify);
  return judged.ok ? { ...judged, envelope: envelope.data } : judged;
}

function openCursor(dir: string, size: number): Cursor | undefined {
  let cursor: Cursor | undefined;
  try {
    cursor = readCursor(dir);
  } catch (cause) {
    throw new StoreDamagedError('the file that says which block was read last is damaged', { cause });
  }
  if (!cursor && size > 0) throw new ChainError('chain_mismatch', `the ledger in ${dir} has ${size} entries that come from no chain that this folder names`);
  if (cursor && !positionOf(cursor, size)) throw new StoreDamagedError(`the log has ${size} entries, its place on the chain is after ${cursor.before.size} or ${cursor.after.size}`);
  return cursor;
}
