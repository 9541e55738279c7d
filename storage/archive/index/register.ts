import { randomBytes } from 'node:crypto';
import { Unavailable } from '../unavailable.ts';
import type { Sealer } from '../seal.ts';
import type { Slot, SlotSet } from '../slots.ts';
import { encodeRecord, encodeVersion } from './record.ts';
import type { RecordState } from './record.ts';
import { createTailer } from './tail.ts';
import type { Tailer } from './tail.ts';
import { View, bitOf } from './view.ts';
import type { Entry } from './view.ts';

/**
 * Every record is an atomic register over n slots after Attiya, Bar-Noy and Dolev (JACM 1995), with append semantics:
 * a version has its own zdb key, so a late writer can never overwrite a newer version.
 *
 * A write is COMPLETE when a write quorum W of slot incarnations has it durably AND each of them answered once more
 * after the last of those acknowledgements ("confirmed"). W = R = floor(n/2)+1.
 *
 * Claim: whoever completes a catch-up round that began after a record r was complete has r, or a newer version, in its
 * view. Let C be r's W confirmed slots.
 *  1. Incarnation e of a slot in C was alive after all of C had r, and e+1 exists only once e is fenced. So e+1 was born
 *     after C had r, and the round by which e+1 is synced (sync.ts) begins later still.
 *  2. By induction over the moments at which incarnations become synced, every synced incarnation of a slot in C holds r
 *     or newer: a first one because it acknowledged r; a later one because its round read R synced slots, R + W > n puts
 *     one of C among them, which was synced earlier and so holds r, and all that was read is copied before the marker.
 *  3. The reader's round also reads R synced slots, and meets C. Without the confirmation step 1 fails: a slot could
 *     acknowledge, be replaced and be synced between the first acknowledgement and the last.
 * Versions are deleted only when superseded by a complete one. A reader completes what it reads before it answers
 * (write-back), so no later reader sees an older version.
 */
export interface IndexOptions {
  readonly slots: SlotSet;
  readonly sealer: Sealer;
  readonly onMarker: (slot: Slot, key: Buffer, value: Buffer) => void;
  /** How long a round or a write waits for its quorum. */
  readonly patienceMs: number;
}

/** A round that has run so long lacks slots; who comes now gets one of its own instead of waiting for its end. */
const STUCK_MS = 300;
const RETRY_MS = 100;
/** Beyond this many unconfirmed records in one answer, one more round settles most of them at once. */
const SETTLE_BY_ROUND = 8;

const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

export class Register {
  readonly view: View;
  readonly quorum: number;
  private readonly slots: SlotSet;
  private readonly sealer: Sealer;
  private readonly tailer: Tailer;
  private readonly writerId = randomBytes(4);
  private readonly patienceMs: number;
  private closed = false;
  private activeSince = 0;
  private writes = 0;
  private round = 0;
  private active: Promise<void> | null = null;
  private queued: Promise<void> | null = null;
  private readonly completing = new Map<string, Promise<void>>();

  constructor({ slots, sealer, onMarker, patienceMs }: IndexOptions) {
    this.patienceMs = patienceMs;
    this.slots = slots;
    this.sealer = sealer;
    this.view = new View(sealer);
    this.quorum = Math.floor(slots.current.length / 2) + 1;
    slots.onReplaced((slot) => { this.view.forgetSlot(slot.slot); });
    this.tailer = createTailer({ view: this.view, isCurrent: (slot) => slots.isCurrent(slot), round: () => this.round, onMarker });
  }

  /** Number of the newest round; what is learned now may only be trusted as settled by a later one. */
  get currentRound(): number { return this.round; }

  /** Brings the view to at least everything complete before this call; one round serves all callers that came before it began. */
  catchUp(): Promise<void> {
    if (!this.active || performance.now() - this.activeSince > STUCK_MS) {
      const round: Promise<void> = this.runRound().finally(() => { if (this.active === round) this.active = null; });
      this.activeSince = performance.now();
      return this.active = round;
    }
    return this.queued ??= this.active.catch(() => undefined).then(() => { this.queued = null; return this.catchUp(); });
  }

  private async runRound(): Promise<void> {
    const round = ++this.round;
    const deadline = performance.now() + this.patienceMs;
    const answered = new Set<Slot>();
    let over = false;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => { over = true; reject(new Unavailable(`fewer than ${this.quorum} index slots answered`)); }, this.patienceMs);
      const ask = async (index: number): Promise<void> => {
        while (!over && performance.now() < deadline) {
          if (this.closed) { over = true; clearTimeout(timer); reject(new Unavailable('closed')); return; }
          const slot = this.slots.current[index] as Slot;
          try {
            await this.tailer.follow(slot);
            answered.add(slot);
            const synced = [...answered].filter((s) => s.synced && this.slots.isCurrent(s)).length;
            if (synced >= this.quorum && !over) { over = true; clearTimeout(timer); resolve(); }
            return;
          } catch {
            await pause(RETRY_MS);
          }
        }
      };
      for (const slot of this.slots.current) void ask(slot.slot);
    });
    let bits = 0;
    for (const slot of answered) if (this.slots.isCurrent(slot)) bits |= bitOf(slot.slot);
    if (this.view.unstable.size > 0) this.view.settle(bits, round, this.quorum);
  }

  /** The complete, newest version of a name. Call after catchUp; throws Unavailable when it cannot be completed. */
  async read(name: string): Promise<Entry | null> {
    const entry = this.view.get(name);
    // If a newer version comes while this one is completed, answering with this one is still right: it was the newest at the round.
    if (entry && !entry.stable) await this.complete(entry);
    return entry;
  }

  /** Completes every listed record that is not known to be complete. */
  async completeAll(hashes: readonly Buffer[]): Promise<void> {
    const pending = (): Entry[] => hashes.map((h) => this.view.entryByHash(h)).filter((e): e is Entry => e !== null && !e.stable);
    let left = pending();
    if (left.length > SETTLE_BY_ROUND) { await this.catchUp(); left = pending(); }
    for (let i = 0; i < left.length; i += 64) await Promise.all(left.slice(i, i + 64).map((e) => this.complete(e)));
  }

  /** Writes the next version of a name; resolves when it is complete. A rejected write may still take effect later. */
  async write(name: string, state: RecordState): Promise<void> {
    await this.catchUp();
    const current = this.view.get(name)?.version;
    const counter = (current ? current.readBigUInt64BE(0) : 0n) + 1n;
    const unique = Buffer.allocUnsafe(8);
    this.writerId.copy(unique, 0);
    unique.writeUInt32BE(++this.writes >>> 0, 4);
    const zdbKey = Buffer.concat([this.sealer.recordHash(name), encodeVersion(counter, unique)]);
    const sealed = this.sealer.sealRecord(zdbKey, encodeRecord({ name, state }));
    await this.install(zdbKey, sealed, new Set());
  }

  private complete(entry: Entry): Promise<void> {
    const key = entry.zdbKey.toString('latin1');
    let running = this.completing.get(key);
    if (!running) {
      const holders = new Set(this.slots.current.filter((slot) => entry.holders & bitOf(slot.slot)));
      running = this.install(entry.zdbKey, entry.sealed, holders).finally(() => { this.completing.delete(key); });
      this.completing.set(key, running);
    }
    return running;
  }

  private async install(zdbKey: Buffer, sealed: Buffer, holders: Set<Slot>): Promise<void> {
    const deadline = performance.now() + this.patienceMs;
    const asked = new Set<Slot>();
    const current = (): Slot[] => [...holders].filter((slot) => this.slots.isCurrent(slot));
    let wake = (): void => undefined;
    while (performance.now() < deadline && !this.closed) {
      for (const slot of this.slots.current) {
        if (holders.has(slot) || asked.has(slot) || !slot.up) continue;
        asked.add(slot);
        slot.index.set(zdbKey, sealed).then(() => {
          if (!this.slots.isCurrent(slot) || this.closed) return;
          holders.add(slot);
          this.view.fold(slot.slot, zdbKey, sealed, this.round);
          wake();
        }, () => { setTimeout(() => { asked.delete(slot); wake(); }, RETRY_MS); });
      }
      if (current().length >= this.quorum && await this.confirm(zdbKey, current())) { this.view.markStable(zdbKey); return; }
      await new Promise<void>((resolve) => { const timer = setTimeout(resolve, RETRY_MS); wake = () => { clearTimeout(timer); resolve(); }; });
    }
    throw new Unavailable(`fewer than ${this.quorum} index slots took a record`);
  }

  /** Asks the holders once more, all of them after the last acknowledgement; true when a quorum is alive and has the record. */
  private confirm(zdbKey: Buffer, holders: readonly Slot[]): Promise<boolean> {
    return new Promise((resolve) => {
      let yes = 0; let left = holders.length;
      const vote = (slot: Slot, has: boolean): void => {
        left -= 1;
        if (has && this.slots.isCurrent(slot)) yes += 1;
        if (yes >= this.quorum) resolve(true);
        else if (left === 0) resolve(false);
      };
      for (const slot of holders) slot.index.exists(zdbKey).then((has) => { vote(slot, has); }, () => { vote(slot, false); });
    });
  }

  /** No new round or write begins, and those under way are rejected. */
  stop(): void { this.closed = true; }

  close(): void {
    this.stop();
    this.view.close();
  }
}
