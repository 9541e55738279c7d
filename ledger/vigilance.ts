import type { LeafCache } from './adapters/sqlite/cache.ts';
import { type LedgerClient, LedgerError } from './client.ts';
import type { Evidence } from './evidence.ts';
import { Freshness } from './freshness.ts';
import type { Frame } from './protocol.ts';
import { Shortfall } from './shortfall.ts';
import { type FollowerTrouble, type Stopped, StopRecord } from './stop-record.ts';
import type { Convicted, Examined, Suspicion, Unproven, VerifiedLog } from './verified-log.ts';

/** A ledger that shows less than it signed for so many leases, and at least for the time below, withholds. */
const WITHHOLDING_LEASES = 6;
const MIN_WITHHOLDING_MS = 30_000;
const INVESTIGATION_MS = 5000;
/** Notes over more than the copy has, or over less than a snapshot that it began from, kept until they can be held against it. */
const MAX_AHEAD = 64;

export interface VigilanceOptions {
  readonly log: VerifiedLog;
  readonly cache: LeafCache;
  readonly client: LedgerClient;
  /** Where evidence is written; nowhere when absent. */
  readonly dir: string | undefined;
  readonly delayMs: number | undefined;
  readonly withholdingMs: number | undefined;
  /** False when the feed shows only what was witnessed: what is acknowledged may then take its time. */
  readonly expectPromised: boolean;
  /** Told when something about the ledger changed that is no entry. */
  readonly onChange: () => void;
  /** Told when an investigation has ended without a conviction. */
  readonly onTrouble: (trouble: FollowerTrouble) => void;
  /** Told when the ledger is convicted: for good. */
  readonly onConvicted: () => void;
}

/** Holds what a ledger shows against all that it signed before: its notes, its acknowledgements, the time that passes. */
export class Vigilance {
  readonly #o: VigilanceOptions;
  readonly #stop: StopRecord;
  readonly #freshness: Freshness;
  readonly #shortfall: Shortfall;
  readonly #looks: NodeJS.Timeout;
  #shown: { readonly size: number; readonly note: string | null } | undefined;
  #ahead: string[] = [];
  /** Whether what is in `#ahead` was remembered before the log was known whose notes count. */
  #unread = false;
  #announced = false;
  #investigating = false;
  #closed = false;

  constructor(options: VigilanceOptions) {
    this.#o = options;
    this.#stop = new StopRecord(options.cache, options.dir);
    this.#announced = this.#stop.stopped?.code === 'ledger_forked';
    this.#freshness = new Freshness({ delayMs: options.delayMs, onLate: options.onChange });
    const boundMs = (): number => options.withholdingMs ?? Math.max(MIN_WITHHOLDING_MS, WITHHOLDING_LEASES * 1000 * (options.log.state.grid?.payload.leaseSeconds ?? 0));
    this.#shortfall = new Shortfall(boundMs);
    const { stopped } = this.#stop;
    if (stopped?.code === 'ledger_withholding') this.#shortfall.promise(stopped.promised, stopped.size);
    this.#ahead = this.#stop.promises().slice(0, MAX_AHEAD);
    this.#recall();
    this.#looks = setInterval(() => {
      this.#heed();
      this.#look();
    }, Math.min(1000, boundMs() / 16)).unref();
  }

  get stopped(): Stopped | undefined { return this.#stop.stopped; }
  get late(): boolean { return this.#freshness.late(); }
  get trouble(): FollowerTrouble | undefined { return this.#freshness.trouble(); }

  /** @throws LedgerError `ledger_forked` or `ledger_withholding` when nothing may be decided on this ledger's word. */
  refuseStopped(): void {
    const { stopped } = this.#stop;
    if (stopped) throw new LedgerError(stopped.code, stopped.message);
  }

  /** After a frame was accepted: the time it brought, the promises that it keeps, and those that it breaks. */
  accepted(frame: Frame): void {
    const { state, size, trusted } = this.#o.log;
    if (state.grid) this.#freshness.heard(state.time, state.grid.payload.leaseSeconds);
    if (trusted) this.#shortfall.promise(trusted.note, trusted.checkpoint.size);
    if (this.#unread) this.#recall();
    this.#look({ size, note: frame.checkpoint });
    this.recheck();
  }

  /** Holds the notes that could not be judged before against the copy, which has grown at one of its ends. */
  recheck(): void {
    const { base, size } = this.#o.log;
    const due = this.#ahead.filter((note) => sizeOf(note) >= base && sizeOf(note) <= size);
    if (due.length === 0) return;
    this.#ahead = this.#ahead.filter((note) => !due.includes(note));
    for (const note of due) {
      this.examine(note);
      if (!this.#ahead.includes(note)) this.#stop.settle(note);
    }
  }

  /** The ledger is convicted, and the proof of it is about to be made: whatever becomes of that, it stays stopped at. */
  caught(message: string, machine: number | undefined): void {
    if (!this.#closed && !this.#announced) this.#stop.caught(message, machine);
  }

  /** The ledger was caught by who looked elsewhere: by the audit of its snapshot. */
  convicted(evidence: Evidence): void {
    this.#convict(evidence);
  }

  /** After a frame was not accepted. */
  refused(why: Unproven | Convicted): void {
    if (why.proven) {
      this.#convict(why.evidence);
      return;
    }
    if (why.later !== undefined) this.#keep(why.later);
    if (why.shown) this.#look(why.shown);
    if (why.suspicion) void this.#investigate(why.suspicion);
  }

  /** Nobody shows anything any more; silence is not counted. */
  disconnected(): void {
    this.#shown = undefined;
  }

  examine(note: string): Examined {
    if (this.#closed) return { ok: false, proven: false, code: 'feed_invalid', message: 'the follower is closed' };
    const examined = this.#o.log.examine(note);
    if (!examined.ok) {
      if (examined.proven) this.#convict(examined.evidence);
      else if (examined.later !== undefined) this.#keep(examined.later);
      return examined;
    }
    if (this.#o.expectPromised) this.#shortfall.promise(examined.note, examined.size);
    if (examined.ahead) this.#keep(examined.note);
    return examined;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#looks);
    this.#freshness.close();
    this.#stop.close();
  }

  #keep(note: string): void {
    if (this.#ahead.includes(note)) return;
    // The oldest stay: the ledger cannot have one forgotten by signing more of them.
    for (const evicted of this.#ahead.splice(MAX_AHEAD - 1)) this.#stop.settle(evicted);
    this.#ahead.push(note);
    this.#stop.promise(note);
  }

  /** What was promised to an earlier run is expected of this one. */
  #recall(): void {
    this.#unread = this.#o.log.ledger === undefined;
    if (this.#unread) return;
    this.recheck();
    for (const note of [...this.#ahead]) this.examine(note);
  }

  /** What another process with the same copy found out counts here as well; and so does a conviction whose proof could not be made. */
  #heed(): void {
    if (this.#stop.refresh()) this.#o.onChange();
    if (this.#stop.stopped?.code === 'ledger_forked') this.#announce();
  }

  /** Whether the log goes on as this note says; when it does not, the ledger is convicted. */
  #isKept(note: string): boolean {
    const examined = this.#o.log.examine(note);
    if (!examined.ok && examined.proven) this.#convict(examined.evidence);
    return examined.ok && !examined.ahead;
  }

  /** Compares what the feed shows with what the ledger signed: when a frame came, and from time to time while it is quiet. */
  #look(shown = this.#shown): void {
    if (!shown || this.#closed) return;
    this.#shown = shown;
    const withheld = this.#shortfall.look(shown.size, shown.note);
    const { stopped } = this.#stop;
    if (stopped?.code === 'ledger_withholding' && shown.size >= stopped.size && this.#isKept(stopped.promised)) {
      this.#stop.lift();
      this.#o.onChange();
    }
    if (!withheld || stopped) return;
    const { log } = this.#o;
    this.#stop.stop(log.withholding(withheld, `the ledger signed a log of ${this.#shortfall.promised?.size ?? 0} entries, and goes on showing ${shown.size}`), log.size);
    this.#o.onChange();
  }

  /** Asks the ledger itself for the proof of what it signed: a forger has none, and a liar convicts itself. */
  async #investigate(suspicion: Suspicion): Promise<void> {
    if (this.#investigating) return;
    this.#investigating = true;
    try {
      const { fromRoot, proof } = await this.#o.client.consistency(suspicion.trusted.checkpoint.size, suspicion.offered.checkpoint.size, { timeoutMs: INVESTIGATION_MS });
      if (this.#closed) return;
      const found = this.#o.log.investigate(suspicion, { olderRoot: fromRoot, proof });
      if (found.proven) this.#convict(found.evidence);
      else this.#o.onTrouble({ code: found.code, message: found.message });
    } catch (error) {
      if (!this.#closed) this.#o.onTrouble({ code: 'root_unproven', message: `the ledger does not prove the root that it signed: ${error instanceof Error ? error.message : String(error)}` });
    } finally {
      this.#investigating = false;
    }
  }

  #convict(evidence: Evidence): void {
    if (this.#announced || this.#closed) return;
    this.#stop.stop(evidence, this.#o.log.size);
    this.#announce();
  }

  #announce(): void {
    if (this.#announced || this.#closed) return;
    this.#announced = true;
    this.#o.onConvicted();
  }
}

/** Of a verified note, which has its size in the second line. */
function sizeOf(note: string): number {
  return Number(note.split('\n')[1]);
}
