import type { Sealer } from '../seal.ts';
import type { Slot, SlotSet } from '../slots.ts';
import type { Register } from './register.ts';

const COPY_BATCH = 128;
const START_OF_HASHES = Buffer.alloc(0);

/**
 * Brings a replaced slot back into the read quorum: one catch-up round that begins after its incarnation is known,
 * then a copy of every record it lacks, then the marker, each durable before the next. Several front ends may do it
 * at once: all steps only add. What the round cannot have seen was completed later, and such a write counted this
 * incarnation or none of this slot (see register.ts).
 */
export class IndexSync {
  private readonly running = new Set<Slot>();
  private readonly slots: SlotSet;
  private readonly register: () => Register;
  private readonly sealer: Sealer;

  constructor(options: { slots: SlotSet; register: () => Register; sealer: Sealer }) {
    this.slots = options.slots;
    this.register = options.register;
    this.sealer = options.sealer;
  }

  /** A TAIL entry that is no record: trusts it as marker only when this archive sealed it for this very incarnation. */
  readonly onMarker = (slot: Slot, key: Buffer, value: Buffer): void => {
    if (!key.equals(markerKey(slot))) return;
    if (this.sealer.openRecord(key, value)?.equals(markerBody(slot))) slot.synced = true;
  };

  /** Copies records to the slot and marks it synced; rejects when interrupted, and may be called again. */
  async sync(slot: Slot): Promise<void> {
    if (this.running.has(slot)) return;
    this.running.add(slot);
    try {
      await this.register().catchUp();
      await this.fill(slot);
      if (slot.synced || !this.slots.isCurrent(slot)) return;
      await slot.index.set(markerKey(slot), this.sealer.sealRecord(markerKey(slot), markerBody(slot)));
      if (this.slots.isCurrent(slot)) slot.synced = true;
    } finally {
      this.running.delete(slot);
    }
  }

  /** Copies every newest record that the slot is not known to hold. */
  async fill(slot: Slot): Promise<number> {
    const { view } = this.register();
    let after: Buffer = START_OF_HASHES;
    let copied = 0;
    for (;;) {
      const page = view.lacking(slot.slot, after, COPY_BATCH);
      const last = page.at(-1);
      if (!last) return copied;
      await Promise.all(page.map((record) => slot.index.set(record.zdbKey, record.sealed)));
      if (!this.slots.isCurrent(slot)) throw new Error(`slot ${slot.slot} was replaced`);
      view.batch(() => { for (const record of page) view.fold(slot.slot, record.zdbKey, record.sealed, this.register().currentRound); });
      copied += page.length;
      after = last.hash;
    }
  }
}

function markerKey(slot: Slot): Buffer { return Buffer.from(`synced@${slot.epoch}`); }
function markerBody(slot: Slot): Buffer { return Buffer.from(`slot ${slot.slot} epoch ${slot.epoch}`); }
