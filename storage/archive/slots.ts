import { ZdbError } from './zdb-port.ts';
import type { ZdbPort } from './zdb-port.ts';

/** Where a shard slot lives now; the ledger raises `epoch` each time it moves the slot to another, empty, zdb. */
export interface SlotSpec {
  readonly slot: number;
  readonly epoch: number;
  readonly address: string;
}

export type OpenZdb = (address: string, namespace: 'index' | 'data') => ZdbPort;

const PROBE_INTERVAL_MS = 400;
const SLOW_PENALTY_MS = 5_000;

/**
 * One incarnation of a slot: (slot, epoch) at one address. While it is down every call fails at once and a probe
 * looks for its return, so no request pays for a dead node twice.
 */
export class Slot {
  readonly slot: number;
  readonly epoch: number;
  readonly address: string;
  readonly index: ZdbPort;
  readonly data: ZdbPort;
  up = true;
  closed = false;
  full = false;
  /** Holds the whole index, so its answers count toward a read quorum. */
  synced: boolean;
  /** A full pass found every chunk's shard here. */
  repaired = false;
  missing = 0;
  /** How often a shard did not reach it; a pass that began before the last time proves nothing. */
  misses = 0;
  private slowUntil = 0;
  private probe: NodeJS.Timeout | null = null;
  private readonly onChange: () => void;
  private readonly ports: ZdbPort[];

  constructor(spec: SlotSpec, open: OpenZdb, onChange: () => void) {
    this.slot = spec.slot;
    this.epoch = spec.epoch;
    this.address = spec.address;
    // Epoch 1 is the archive's birth: nothing had been acknowledged before it, so it lacks nothing.
    this.synced = spec.epoch === 1;
    this.onChange = onChange;
    const index = open(spec.address, 'index');
    const data = open(spec.address, 'data');
    this.ports = [index, data];
    this.index = this.guard(index, false);
    this.data = this.guard(data, true);
  }

  get slow(): boolean { return performance.now() < this.slowUntil; }

  /** Remembered after a silence: for a while nobody waits for this slot beyond the quorum. */
  markSlow(): void { this.slowUntil = performance.now() + SLOW_PENALTY_MS; this.onChange(); }

  /** A shard that belongs here is absent or rotten. */
  markIncomplete(): void { this.misses += 1; this.repaired = false; this.onChange(); }

  close(): void {
    this.closed = true;
    this.up = false;
    if (this.probe) clearTimeout(this.probe);
    for (const port of this.ports) port.close();
  }

  private setFull(full: boolean): void {
    if (this.full === full) return;
    this.full = full;
    this.onChange();
  }

  /** Watches the calls of one namespace; `fills` when its writes tell whether there is space for data. */
  private guard(port: ZdbPort, fills: boolean): ZdbPort {
    const run = async <T>(call: () => Promise<T>): Promise<T> => {
      if (!this.up) throw new ZdbError('unavailable', `slot ${this.slot} is down`);
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof ZdbError) || error.code === 'unavailable' || error.code === 'fenced') this.down();
        throw error;
      }
    };
    return {
      set: async (key, value) => {
        try {
          await run(() => port.set(key, value));
          if (fills) this.setFull(false);
        } catch (error) {
          if (fills && error instanceof ZdbError && error.code === 'nospace') this.setFull(true);
          throw error;
        }
      },
      get: (key) => run(() => port.get(key)),
      exists: (key) => run(() => port.exists(key)),
      del: (key) => run(() => port.del(key)),
      scan: (cursor, count) => run(() => port.scan(cursor, count)),
      tail: (cursor, count) => run(() => port.tail(cursor, count)),
      probe: () => run(() => port.probe()),
      close: () => { port.close(); },
    };
  }

  private down(): void {
    if (this.closed || !this.up) return;
    this.up = false;
    this.onChange();
    this.scheduleProbe();
  }

  private scheduleProbe(): void {
    if (this.closed) return;
    this.probe = setTimeout(() => {
      Promise.all(this.ports.map((port) => port.probe())).then(
        () => { if (!this.closed) { this.up = true; this.onChange(); } },
        () => { this.scheduleProbe(); },
      );
    }, PROBE_INTERVAL_MS);
    this.probe.unref();
  }
}

/** The archive's slots in order. `changed` listeners hear of every health or membership change. */
export class SlotSet {
  private readonly slots: Slot[] = [];
  private readonly open: OpenZdb;
  private readonly listeners = new Set<() => void>();
  private readonly replacedListeners = new Set<(slot: Slot) => void>();

  constructor(specs: readonly SlotSpec[], total: number, open: OpenZdb) {
    this.open = open;
    const ordered = [...specs].sort((a, b) => a.slot - b.slot);
    if (ordered.length !== total || ordered.some((s, i) => s.slot !== i)) throw new RangeError(`need slots 0..${total - 1}, each once`);
    for (const spec of ordered) this.slots.push(new Slot(spec, open, this.changed));
  }

  get current(): readonly Slot[] { return this.slots; }

  isCurrent(slot: Slot): boolean { return this.slots[slot.slot] === slot; }

  onChange(listener: () => void): void { this.listeners.add(listener); }

  /** Called with each new incarnation, before anything is asked of it. */
  onReplaced(listener: (slot: Slot) => void): void { this.replacedListeners.add(listener); }

  /** Takes the ledger's newer assignments; an epoch never goes back, so a late message changes nothing. */
  update(specs: readonly SlotSpec[]): void {
    for (const spec of specs) {
      const old = this.slots[spec.slot];
      if (!old || spec.epoch <= old.epoch) continue;
      const slot = new Slot(spec, this.open, this.changed);
      this.slots[spec.slot] = slot;
      old.close();
      for (const listener of this.replacedListeners) listener(slot);
    }
    this.changed();
  }

  close(): void { for (const slot of this.slots) slot.close(); }

  private readonly changed = (): void => { for (const listener of this.listeners) listener(); };
}
