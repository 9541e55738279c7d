import { setImmediate as nextTurn } from 'node:timers/promises';

/** Work between two turns of the event loop: a few milliseconds of opening envelopes. */
const SLICE_ITEMS = 16;
const SLICE_BYTES = 512 * 1024;

/** Lets everything else have its turn while a block of strangers' making is looked through. */
export class Pace {
  #items = 0;
  #bytes = 0;

  /** Before each piece of work. */
  async step(bytes: number): Promise<void> {
    this.#items += 1;
    this.#bytes += bytes;
    if (this.#items <= SLICE_ITEMS && this.#bytes <= SLICE_BYTES) return;
    this.#items = 1;
    this.#bytes = bytes;
    await nextTurn();
  }
}
