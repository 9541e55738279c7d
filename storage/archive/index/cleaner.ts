import { RECORD_HASH_BYTES } from '../seal.ts';
import type { SlotSet } from '../slots.ts';
import type { Register } from './register.ts';
import { bitOf } from './view.ts';

/** Longer than any install can run (Register's patience), so no writer still waits for confirmation of what is deleted. */
const MIN_AGE_MS = 20_000;
const MAX_PER_PASS = 5_000;

/** Deletes record versions that a complete newer one has superseded; whichever front end comes first does it. */
export async function deleteSuperseded(register: Register, slots: SlotSet, minAgeMs = MIN_AGE_MS): Promise<number> {
  const { view } = register;
  const oldest = performance.now() - minAgeMs;
  const work: Promise<void>[] = [];
  let deleted = 0;
  for (const [key, entry] of view.superseded) {
    if (entry.since > oldest || work.length >= MAX_PER_PASS) break;
    const zdbKey = Buffer.from(key, 'latin1');
    if (!view.entryByHash(zdbKey.subarray(0, RECORD_HASH_BYTES))?.stable) continue;
    for (const slot of slots.current) {
      if (!(entry.slots & bitOf(slot.slot)) || !slot.up) continue;
      work.push(slot.index.del(zdbKey).then(() => {
        deleted += 1;
        if (slots.isCurrent(slot)) view.dropSuperseded(slot.slot, zdbKey);
      }, () => undefined));
    }
  }
  await Promise.all(work);
  return deleted;
}
