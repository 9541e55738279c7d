import type { Slot } from '../slots.ts';
import type { View } from './view.ts';

const PAGE = 1_000;
/** A shorter page of less than half the server's 8 MiB cap was not cut by the cap (a record stays below 4 MiB): it reached the end. */
const SURELY_UNCAPPED_BYTES = 4 * 1024 * 1024;

export interface Tailer {
  /** Resolves when a TAIL sent after this call has been folded to its end. */
  follow(slot: Slot): Promise<void>;
}

interface Position { cursor: string; running: Promise<void> | null; next: Promise<void> | null }

export interface TailOptions {
  readonly view: View;
  readonly isCurrent: (slot: Slot) => boolean;
  readonly round: () => number;
  readonly onMarker: (slot: Slot, key: Buffer, value: Buffer) => void;
}

/** Follows each slot's index namespace from a cursor; calls made while a TAIL is under way share the next one. */
export function createTailer({ view, isCurrent, round, onMarker }: TailOptions): Tailer {
  const positions = new WeakMap<Slot, Position>();

  const drain = async (slot: Slot, position: Position): Promise<void> => {
    for (;;) {
      const page = await slot.index.tail(position.cursor, PAGE);
      // A replaced incarnation may still be answering: what it says is no news about its successor.
      if (!isCurrent(slot)) throw new Error(`slot ${slot.slot} was replaced`);
      let bytes = 0;
      view.batch(() => {
        for (const { key, value } of page.entries) {
          bytes += value?.length ?? 0;
          if (!view.fold(slot.slot, key, value, round()) && value) onMarker(slot, key, value);
        }
      });
      position.cursor = page.cursor;
      if (page.entries.length === 0 || (page.entries.length < PAGE && bytes < SURELY_UNCAPPED_BYTES)) return;
    }
  };

  const follow = (slot: Slot): Promise<void> => {
    let position = positions.get(slot);
    if (!position) positions.set(slot, position = { cursor: '0', running: null, next: null });
    const at = position;
    if (!at.running) return at.running = drain(slot, at).finally(() => { at.running = null; });
    return at.next ??= at.running.catch(() => undefined).then(() => { at.next = null; return follow(slot); });
  };

  return { follow };
}
