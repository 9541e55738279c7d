import { setTimeout as sleep } from 'node:timers/promises';
import type { Chain } from './chain.ts';
import type { ChainCopy } from './copy.ts';
import { describeBlock } from './cursor.ts';
import { ChainError } from './errors.ts';
import type { BlockRef } from './header.ts';
import type { RawBlock, ReadBlock } from './remarks.ts';
import { ConnectionError, RpcError } from './rpc.ts';
import type { Landed } from './copy.ts';

/** Blocks that are asked for at once and held in memory together. */
const STEP_BLOCKS = 16;
/** A node that has no answer now may have one then. */
const RETRY_MS = 1_000;

export interface WalkOptions {
  readonly chain: Chain;
  readonly copy: ChainCopy;
  /** After each block that was taken in. */
  onBlock(block: ReadBlock, landed: readonly Landed[]): void;
  /** The walk has ended: the endpoint contradicts itself, or the copy cannot be written. */
  onFailure(error: Error): void;
}

/**
 * Takes in finalized blocks one after the other, every number once, each the child of the one before. What only the best
 * chain has is never looked at, so that a reorganisation is nothing to notice; a finalized chain that changes is a lie.
 */
export class FinalizedWalk {
  readonly #options: WalkOptions;
  #target: BlockRef | undefined;
  #walking: Promise<void> | undefined;
  #ended = false;
  #failure: Error | undefined;

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  /** A finalized head, as the node tells of it. */
  onFinalized(head: BlockRef): void {
    if (this.#ended) return;
    const before = this.#target;
    if (before && (head.number < before.number || (head.number === before.number && head.hash !== before.hash))) {
      this.#fail(new ChainError('chain_rewound', `after ${describeBlock(before)} the node says that ${describeBlock(head)} is its finalized head`));
      return;
    }
    this.#target = head;
    this.#walking ??= this.#walk().catch((error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error)))).finally(() => { this.#walking = undefined; });
  }

  /** Another connection may lead to another node, which may lag: what the last one said is not held against it. */
  onReconnected(): void {
    this.#target = undefined;
  }

  /** Walks to a head that the node was asked for, and waits until there. @throws what ended the walk before. */
  async reach(head: BlockRef): Promise<void> {
    // One that the node told of meanwhile may be newer.
    if (!this.#target || this.#target.number < head.number) this.onFinalized(head);
    while (this.#walking && this.#options.copy.at.number < head.number) await this.#walking;
    if (this.#failure) throw this.#failure;
  }

  async close(): Promise<void> {
    this.#ended = true;
    await this.#walking;
  }

  async #walk(): Promise<void> {
    for (;;) {
      const target = this.#target;
      if (this.#ended || !target) return;
      const { at } = this.#options.copy;
      if (target.number < at.number) return;
      if (target.number === at.number) {
        if (target.hash !== at.hash) throw notOnChain(at, target);
        return;
      }
      await this.#step(target);
    }
  }

  /** At most STEP_BLOCKS further. Nothing is taken in before the whole step hangs together and, at its end, on the head. */
  async #step(head: BlockRef): Promise<void> {
    const { chain, copy } = this.#options;
    const from = copy.at.number + 1;
    const numbers = Array.from({ length: Math.min(STEP_BLOCKS, head.number - copy.at.number) }, (_, i) => from + i);
    let blocks: ReadBlock[];
    try {
      const raw = await Promise.all(numbers.map((number) => chain.blockAt(number)));
      if (raw.includes(undefined)) {
        await sleep(RETRY_MS);
        return;
      }
      const found = raw.filter((block) => block !== undefined);
      assertChained(copy.at, found, head);
      blocks = await Promise.all(found.map((block) => chain.read(block)));
    } catch (error) {
      if (!(error instanceof ConnectionError) && !(error instanceof RpcError)) throw error;
      await sleep(RETRY_MS);
      return;
    }
    for (const block of blocks) {
      if (this.#ended) return;
      const opened = await copy.open(block);
      // The copy may have been let go of meanwhile.
      if (this.#ended) return;
      this.#options.onBlock(block, copy.apply(opened));
    }
  }

  #fail(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = error;
    this.#options.onFailure(error);
  }
}

/** @throws ChainError `chain_inconsistent`. */
function assertChained(at: BlockRef, blocks: readonly RawBlock[], head: BlockRef): void {
  let parent = at;
  for (const block of blocks) {
    if (block.header.parentHash !== parent.hash) throw new ChainError('chain_inconsistent', `${describeBlock(block)} is not a child of ${describeBlock(parent)}`);
    if (block.number === head.number && block.hash !== head.hash) throw new ChainError('chain_inconsistent', `${describeBlock(head)} is finalized, and the node has ${describeBlock(block)} in its place`);
    parent = block;
  }
}

export function notOnChain(at: BlockRef, head: BlockRef): ChainError {
  return new ChainError('chain_mismatch', `the local copy was read up to ${describeBlock(at)}, which is not on the finalized chain of this node, whose head is ${describeBlock(head)}`);
}
