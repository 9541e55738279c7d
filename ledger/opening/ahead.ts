import type { Leaf } from '../leaf.ts';
import type { Frame } from '../protocol.ts';
import type { OpenedSubmission } from './open.ts';
import { type OpenerOptions, OpenerPool } from './pool.ts';

/** A copy that lacks more than this is worth the start of threads. */
const FAR_BEHIND = 4000;
/** Shorter frames come at the end, one by one. */
const MIN_FRAME = 32;

/** Opens the envelopes of frames before their turn, while a copy of the log is far behind; then its threads end. */
export class OpenAhead {
  readonly #options: OpenerOptions;
  #pool: OpenerPool | undefined;
  #closed = false;

  constructor(options: OpenerOptions) {
    this.#options = options;
  }

  /** One answer an entry, or undefined when the copy should open them itself: it always may. */
  open({ entries, size }: Frame): Promise<readonly OpenedSubmission[] | undefined> | undefined {
    const [first] = entries;
    if (this.#closed || !first || entries.length < MIN_FRAME) return undefined;
    if (!this.#pool && size - first.seq < FAR_BEHIND) return undefined;
    const pool = (this.#pool ??= new OpenerPool(this.#options));
    if (pool.room < pool.workers) return undefined;
    const share = Math.ceil(entries.length / pool.workers);
    const chunks: Leaf[][] = Array.from({ length: pool.workers }, (_, i) => entries.slice(i * share, (i + 1) * share)).filter(({ length }) => length > 0);
    return Promise.all(chunks.map((chunk) => pool.open(chunk.map(({ envelope }) => envelope)))).then((answers) => answers.flat(), () => {
      // Threads that die are no help; the copy opens what follows itself, as it does without them.
      void this.close();
      return undefined;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#pool?.close();
  }
}
