import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Digest } from '../../../contract/digest.ts';
import type { EntrySigner, VerifySignature } from '../../../contract/envelope.ts';
import { verifySignature } from '../../../signer/verify.ts';
import type { Hash } from '../../merkle.ts';
import { type OpenerOptions, OpenerPool } from '../../opening/pool.ts';
import { OpeningQueue } from '../../opening/queue.ts';
import { BUSY, type Log, type SubmitResult } from '../../ports.ts';
import type { LedgerState } from '../../state/machine.ts';
import { ChainAccount, type Funds } from './account.ts';
import { type BudgetLimits, FeeBudget, SPENT_FILE } from './budget.ts';
import { Chain } from './chain.ts';
import { ChainCopy } from './copy.ts';
import { ChainError } from './errors.ts';
import type { BlockRef } from './header.ts';
import { Sender } from './sender.ts';
import { FinalizedWalk, notOnChain } from './walk.ts';

/** Envelopes that may wait; more are answered `busy`. */
export const MAX_QUEUE = 4096;
/** How long closing waits for an extrinsic that is on its way. */
const CLOSE_GRACE_MS = 3_000;

export interface SubstrateLogOptions {
  /** Folder of the local copy. */
  readonly dir: string;
  /** WebSocket address of a node of the chain, `ws://` or `wss://`. */
  readonly url: string;
  /** The ledger's key: signs checkpoints; grid.created must name it. */
  readonly signer: EntrySigner;
  /** Whose account on the chain pays; the ledger's key by default. */
  readonly payer?: EntrySigner;
  /** For a copy that does not exist yet: the first block that may hold the grid, or `head`: none before now. Default 1. */
  readonly from?: number | 'head';
  /** What the account pays for a day; DEFAULT_BUDGET for what is not given. */
  readonly budget?: Partial<BudgetLimits>;
  readonly verify?: VerifySignature;
  /** Threads that open envelopes when many wait. */
  readonly openers?: OpenerOptions | undefined;
  /** Called once when the log cannot go on: the endpoint contradicts itself, or the copy cannot be written. The process must end. */
  readonly onFailure?: (error: Error) => void;
}

/** A log whose order and time are a chain's. */
export interface SubstrateLog extends Log {
  readonly chain: {
    readonly name: string;
    /** Hash of the chain's first block. */
    readonly genesis: string;
    /** The first block that this copy was read from. */
    readonly from: number;
    /** What the paying account has now; amounts in the chain's smallest unit, and as text. */
    account(): Promise<Funds & { readonly text: string }>;
  };
}

/**
 * Opens the log on a chain: checks that the local copy lies on its finalized part, and reads on to the finalized head.
 * @throws ChainError `chain_unreachable`, `chain_unsupported`, `chain_mismatch`, `chain_inconsistent`; StoreDamagedError; or when another process holds the folder.
 */
export async function openSubstrateLog(options: SubstrateLogOptions): Promise<SubstrateLog> {
  await mkdir(options.dir, { recursive: true });
  const copy = new ChainCopy({ dir: options.dir, signer: options.signer, verify: options.verify ?? verifySignature });
  let log: ChainLog | undefined;
  let chain: Chain | undefined;
  try {
    let told: BlockRef | undefined;
    const onFinalized = (head: BlockRef): void => {
      told = head;
      log?.onFinalized(head);
    };
    chain = await Chain.connect({ url: options.url, onFinalized, onReconnected: () => log?.onReconnected() });
    const head = await chain.finalizedHead();
    await place(copy, chain, { from: options.from ?? 1, head });
    copy.pinCalls(chain.calls());
    log = new ChainLog(options, copy, chain);
    await log.reach(head);
    if (told) log.onFinalized(told);
    return log;
  } catch (error) {
    chain?.close();
    if (!log?.failed) copy.abandon();
    throw error;
  }
}

/** Binds a new copy to the chain, or checks that an old one lies on it. @throws ChainError `chain_mismatch`. */
async function place(copy: ChainCopy, chain: Chain, { from, head }: { from: number | 'head'; head: BlockRef }): Promise<void> {
  if (!copy.origin) {
    const before = from === 'head' ? head.number : Math.max(1, from) - 1;
    const hash = before > head.number ? undefined : await chain.hashAt(before);
    if (hash === undefined) throw new ChainError('chain_mismatch', `the grid is said to begin at block ${before + 1}, the finalized chain of ${chain.name} ends at ${head.number}`);
    copy.begin(chain.genesis, { number: before, hash });
    return;
  }
  if (copy.origin.genesis !== chain.genesis) throw new ChainError('chain_mismatch', `the local copy was read from the chain with first block ${copy.origin.genesis}, ${chain.name} begins with ${chain.genesis}`);
  const { at } = copy;
  if (at.number > head.number || await chain.hashAt(at.number) !== at.hash) throw notOnChain(at, head);
}

class ChainLog implements SubstrateLog {
  readonly key;
  readonly chain;
  readonly #copy: ChainCopy;
  readonly #chain: Chain;
  readonly #walk: FinalizedWalk;
  readonly #sender: Sender;
  readonly #pool: OpenerPool | undefined;
  readonly #queue: OpeningQueue;
  readonly #onFailure: ((error: Error) => void) | undefined;
  readonly #listeners = new Set<() => void>();
  #failure: Error | undefined;

  constructor(options: SubstrateLogOptions, copy: ChainCopy, chain: Chain) {
    this.key = options.signer.key;
    this.#copy = copy;
    this.#chain = chain;
    this.#onFailure = options.onFailure;
    this.#pool = options.openers && options.verify === undefined ? new OpenerPool(options.openers) : undefined;
    this.#queue = new OpeningQueue({ verify: options.verify ?? verifySignature, pool: this.#pool, onOpened: () => this.#sender.kick() });
    const budget = new FeeBudget({ file: path.join(options.dir, SPENT_FILE), limits: options.budget });
    const account = new ChainAccount({ chain, signer: options.payer ?? options.signer, budget, isKnownCall: (calls) => copy.pinCalls(calls) });
    this.#sender = new Sender({ chain, copy, account, queue: this.#queue, budget });
    this.#walk = new FinalizedWalk({
      chain, copy,
      onBlock: (block, landed) => {
        this.#sender.onBlock(block, landed);
        if (landed.some(({ result }) => result.ok && !result.duplicate)) for (const listener of [...this.#listeners]) listener();
      },
      onFailure: (error) => this.#fail(error),
    });
    this.chain = {
      name: chain.name, genesis: chain.genesis, from: copy.origin?.from ?? 1,
      account: async () => {
        const funds = await account.funds(copy.at.hash);
        return { ...funds, text: account.amount(funds.free) };
      },
    };
  }

  /** It has let go of the copy already. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  onFinalized(head: BlockRef): void {
    this.#walk.onFinalized(head);
  }

  onReconnected(): void {
    this.#walk.onReconnected();
    this.#sender.onReconnected();
  }

  reach(head: BlockRef): Promise<void> {
    return this.#walk.reach(head);
  }

  size(): number {
    return this.#copy.tree.size;
  }

  grid(): Digest | undefined {
    return this.#copy.state.grid?.digest;
  }

  state(): LedgerState {
    return this.#copy.state;
  }

  submit(envelopes: readonly unknown[]): Promise<SubmitResult[]> {
    if (this.#failure) return Promise.reject(this.#failure);
    const { waiting } = this.#sender;
    if (waiting + envelopes.length > MAX_QUEUE) {
      return Promise.resolve(envelopes.map(() => ({ ok: false, code: BUSY, message: `${waiting} entries are waiting`, hint: 'send them again in a moment' })));
    }
    const answered = this.#queue.push(envelopes);
    this.#sender.kick();
    return answered;
  }

  read(from: number, bounds: { entries: number; bytes: number }): Uint8Array[] {
    return this.#copy.store.leaves(from, bounds);
  }

  checkpoint(size?: number): string | undefined {
    return this.#copy.checkpoint(size);
  }

  root(size?: number): Hash {
    return this.#copy.tree.root(size);
  }

  leafHash(seq: number): Hash {
    return this.#copy.tree.leaf(seq);
  }

  inclusionProof(seq: number, size: number): Hash[] {
    return this.#copy.tree.inclusionProof(seq, size);
  }

  consistencyProof(from: number, to: number): Hash[] {
    return this.#copy.tree.consistencyProof(from, to);
  }

  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#failure) return;
    this.#failure = new Error('the ledger is closed');
    await this.#sender.close(CLOSE_GRACE_MS);
    this.#sender.fail(this.#failure);
    this.#chain.close();
    await this.#walk.close();
    this.#listeners.clear();
    this.#copy.close();
    await this.#pool?.close();
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = new Error('the ledger failed and must be started again', { cause: error });
    this.#sender.fail(this.#failure);
    this.#chain.close();
    this.#copy.abandon();
    void this.#pool?.close();
    this.#onFailure?.(error);
  }
}
