import { canonicalBytes } from '../../../contract/canonical.ts';
import type { Digest } from '../../../contract/digest.ts';
import type { OpeningQueue } from '../../opening/queue.ts';
import type { Ready } from '../../opening/submission.ts';
import { BUSY, type Refusal, type SubmitResult } from '../../ports.ts';
import { applyEntry } from '../../state/machine.ts';
import type { ChainAccount, SignedBatch } from './account.ts';
import { type FeeBudget, type Speaker, speakerOf } from './budget.ts';
import type { Chain } from './chain.ts';
import { type ChainCopy, type Landed, refuseForeignGrid } from './copy.ts';
import type { ReadBlock } from './remarks.ts';
import { ConnectionError, RpcError } from './rpc.ts';

/** Envelopes that travel together. */
export const MAX_BATCH = 200;
/** Finalized blocks without an extrinsic that was sent, after which it is sent again. */
const RESEND_BLOCKS = 8;
/** So often a batch is signed anew before those who wait are told to come again. */
const MAX_SIGNINGS = 5;
/** What did not work is tried again after that, or after the next block. */
const RETRY_MS = 1_000;
/** A node that refuses a question so often will not answer it. */
const MAX_REFUSALS = 10;
/** sc_rpc_api::author::error: the pool has this very extrinsic already. */
const ALREADY_IMPORTED = 1013;
/** The same: the runtime refuses it as it is; why, stands in the message. */
const INVALID_TRANSACTION = 1010;

/** One envelope on its way, and all that wait for it. */
interface Cargo {
  readonly envelopeDigest: Digest;
  readonly bytes: Uint8Array;
  readonly waiting: Ready[];
  /** For whom the account pays. */
  readonly speaker: Speaker;
  /** It was in an extrinsic that was signed. */
  signed: boolean;
  settled: boolean;
}

type Fate = 'landed' | 'expired' | 'stale' | 'invalid';

/**
 * Brings envelopes onto the chain: one extrinsic at a time, since the order of nonces is the order of the log, and a
 * finalized block before the next. An extrinsic that does not show up is sent again as it was, until its era has ended
 * or its nonce is used; only then is the batch signed anew, so that no two can both be taken in. If they could, nothing
 * would be lost but a fee: an envelope has one place in the log.
 */
export class Sender {
  readonly #chain: Chain;
  readonly #copy: ChainCopy;
  readonly #account: ChainAccount;
  readonly #queue: OpeningQueue;
  readonly #budget: FeeBudget;
  #cargo: Cargo[] = [];
  #flight: { readonly batch: SignedBatch; landed: boolean; resend: boolean } | undefined;
  #wakes: (() => void)[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: { chain: Chain; copy: ChainCopy; account: ChainAccount; queue: OpeningQueue; budget: FeeBudget }) {
    this.#budget = options.budget;
    this.#chain = options.chain;
    this.#copy = options.copy;
    this.#account = options.account;
    this.#queue = options.queue;
  }

  /** Envelopes that wait or travel. */
  get waiting(): number {
    return this.#queue.length + this.#cargo.reduce((sum, { settled, waiting }) => sum + (settled ? 0 : waiting.length), 0);
  }

  kick(): void {
    if (this.#closed) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#queue.length > 0) this.kick();
    });
  }

  /** A finalized block was taken in. */
  onBlock(block: ReadBlock, landed: readonly Landed[]): void {
    const own = this.#flight?.batch.hash;
    for (const { envelopeDigest, extrinsic, result } of landed) {
      const cargo = this.#cargo.find((one) => one.envelopeDigest === envelopeDigest);
      // What the log refused from a stranger's hand may be accepted from ours, which comes later.
      if (!cargo || (!result.ok && extrinsic !== own)) continue;
      settle(cargo, result.ok && extrinsic !== own ? { ...result, duplicate: true } : result);
    }
    if (this.#flight && own !== undefined) {
      const failure = block.failed.get(own);
      this.#flight.landed ||= failure !== undefined || block.remarked.some(({ extrinsic }) => extrinsic === own);
      if (failure !== undefined) this.#refuseAll({ ok: false, code: 'chain_refused', message: `the chain took the entries in and failed on them: ${failure}`, hint: 'look at what this chain lets an account do' });
    }
    this.#wake();
  }

  onReconnected(): void {
    if (this.#flight) this.#flight.resend = true;
    this.#wake();
  }

  /** Waits for what is on its way, but not for long. */
  async close(graceMs: number): Promise<void> {
    const deadline = Date.now() + graceMs;
    while (this.#running && Date.now() < deadline) await Promise.race([this.#running, new Promise((resolve) => setTimeout(resolve, 50))]);
    this.#closed = true;
    this.#wake();
  }

  fail(error: Error): void {
    this.#closed = true;
    this.#queue.fail(error);
    for (const cargo of this.#cargo) {
      if (!cargo.settled) for (const ready of cargo.waiting) ready.fail(error);
      cargo.settled = true;
    }
    this.#wake();
  }

  async #run(): Promise<void> {
    // A turn of the event loop gathers what arrived meanwhile into one extrinsic.
    await new Promise((resolve) => { setImmediate(resolve); });
    while (!this.#closed) {
      const batch = this.#queue.take(MAX_BATCH);
      if (batch.length === 0) return;
      try {
        this.#cargo = await this.#screen(batch);
        await this.#deliver();
      } catch (error) {
        for (const ready of batch) ready.fail(error instanceof Error ? error : new Error(String(error)));
      }
      this.#cargo = [];
    }
  }

  /**
   * Answers what needs no chain, so that nobody can make the account pay for what the state machine refuses as things
   * stand, nor for more than the day's budget: the rest is tried on a copy of the state.
   */
  async #screen(batch: readonly Ready[]): Promise<Cargo[]> {
    const time = await this.#time();
    const state = structuredClone(this.#copy.state);
    const cargo = new Map<Digest, Cargo>();
    for (const ready of batch) {
      const { judged } = ready;
      if (!judged.ok) {
        ready.settle(judged);
        continue;
      }
      const { envelope, envelopeDigest, opened } = judged;
      const together = cargo.get(envelopeDigest);
      if (together) {
        together.waiting.push(ready);
        continue;
      }
      const known = this.#copy.find(envelopeDigest) ?? refuseForeignGrid(opened.entry, this.#copy.key);
      if (known) {
        ready.settle(known);
        continue;
      }
      const bytes = canonicalBytes(envelope);
      const speaker = speakerOf(state, opened);
      // Before it is tried, which would change the copy that those behind it are tried on.
      const unpaid = this.#budget.refuse(speaker, bytes.length);
      const applied = unpaid ?? applyEntry(state, opened, time < state.time ? state.time : time);
      if (!applied.ok) {
        ready.settle(applied);
        continue;
      }
      this.#budget.charge(speaker, bytes.length);
      cargo.set(envelopeDigest, { envelopeDigest, bytes, waiting: [ready], speaker, signed: false, settled: false });
    }
    return [...cargo.values()];
  }

  async #time(): Promise<string> {
    return new Date(await this.#persist(() => this.#chain.timeAt(this.#copy.at.hash))).toISOString();
  }

  async #deliver(): Promise<void> {
    let signings = 0;
    for (;;) {
      const left = this.#cargo.filter(({ settled }) => !settled);
      if (left.length === 0 || this.#closed) return;
      if (signings++ >= MAX_SIGNINGS) return this.#refuseAll({ ok: false, code: BUSY, message: `the chain did not take the entries in, signed ${MAX_SIGNINGS} times`, hint: 'send them again in a moment' });
      const batch = await this.#persist(() => this.#account.sign(left.map(({ bytes }) => bytes), this.#copy.at));
      if (!batch.ok) {
        for (const { speaker, bytes, signed } of left) if (!signed) this.#budget.giveBack(speaker, bytes.length);
        return this.#refuseAll(batch);
      }
      for (const cargo of left.slice(0, batch.count)) cargo.signed = true;
      const fate = await this.#land(batch);
      if (fate === 'landed' || fate === 'stale') this.#account.used(batch.nonce);
      if (fate === 'landed') signings = 0;
      // What the node refuses now it may take after the next block.
      else if (fate === 'invalid') await this.#nextEvent(RETRY_MS, () => false);
    }
  }

  async #land(batch: SignedBatch): Promise<Fate> {
    const flight = { batch, landed: false, resend: true };
    this.#flight = flight;
    let sentAt = 0;
    let refused = false;
    try {
      for (;;) {
        if (flight.landed) return 'landed';
        const { number, hash } = this.#copy.at;
        if (this.#closed) throw new Error('the ledger is closed');
        if (number > batch.lastBlock) return 'expired';
        if (!refused && (flight.resend || number - sentAt >= RESEND_BLOCKS)) {
          flight.resend = false;
          sentAt = number;
          const answer = await this.#send(batch);
          if (answer === 'invalid') return answer;
          flight.resend = answer === 'again';
          // Used it may be by this very extrinsic, in a block that is not final yet: wait and see.
          refused = answer === 'used';
        }
        await this.#nextEvent(flight.resend || refused ? RETRY_MS : undefined, () => flight.landed || this.#copy.at.number !== number);
        if (!flight.landed && (refused || this.#copy.at.hash !== hash) && await this.#isUsed(flight)) return 'stale';
      }
    } finally {
      this.#flight = undefined;
    }
  }

  /** Whether something else used the nonce, by the last block that was taken in. Unknown counts as no: it is asked again. */
  async #isUsed(flight: { readonly batch: SignedBatch; readonly landed: boolean }): Promise<boolean> {
    try {
      const { nonce } = await this.#account.funds(this.#copy.at.hash);
      return nonce > flight.batch.nonce && !flight.landed;
    } catch {
      return false;
    }
  }

  async #send({ hex }: SignedBatch): Promise<'sent' | 'again' | 'used' | 'invalid'> {
    try {
      await this.#chain.ask('author_submitExtrinsic', [hex]);
      return 'sent';
    } catch (error) {
      if (!(error instanceof RpcError)) return 'again';
      if (error.code === ALREADY_IMPORTED) return 'sent';
      if (error.code !== INVALID_TRANSACTION) return 'again';
      // An ended era, another version of the runtime, money that is gone: all show when it is signed anew.
      return /stale|outdated/i.test(error.message) ? 'used' : 'invalid';
    }
  }

  #refuseAll(refusal: Refusal): void {
    for (const cargo of this.#cargo) settle(cargo, refusal);
  }

  /** Repeats a question until there is a connection and an answer. @throws when the log is closed, or the node does not mean to answer. */
  async #persist<T>(ask: () => Promise<T>): Promise<T> {
    for (let refusals = 0; ;) {
      if (this.#closed) throw new Error('the ledger is closed');
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof ConnectionError) && !(error instanceof RpcError && refusals++ < MAX_REFUSALS)) throw error;
        await this.#nextEvent(RETRY_MS, () => false);
      }
    }
  }

  /** Resolves when something happened, or after a while; at once when it has already. */
  #nextEvent(withinMs: number | undefined, already: () => boolean): Promise<void> {
    if (already() || this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = withinMs === undefined ? undefined : setTimeout(resolve, withinMs);
      this.#wakes.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #wake(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }
}

function settle(cargo: Cargo, result: SubmitResult): void {
  if (cargo.settled) return;
  cargo.settled = true;
  cargo.waiting.forEach((ready, i) => { ready.settle(i > 0 && result.ok ? { ...result, duplicate: true } : result); });
}
