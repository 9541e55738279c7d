import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { Digest } from '../../contract/digest.ts';

/** What a client was promised: an entry's place and time, or a signed note over the log. */
const Acknowledged = z.union([
  z.strictObject({ digest: Digest, seq: z.int().min(0), time: z.string() }),
  z.strictObject({ note: z.string() }),
]);
export type Acknowledged = z.infer<typeof Acknowledged>;

/** One client's own notebook: what it was promised is on disk before it says anything more. */
export class Notebook {
  readonly #fd: number;

  constructor(file: string) {
    this.#fd = openSync(file, 'a', 0o600);
  }

  write(promises: readonly Acknowledged[]): void {
    if (promises.length === 0) return;
    const bytes = Buffer.from(promises.map((promise) => `${JSON.stringify(promise)}\n`).join(''));
    if (writeSync(this.#fd, bytes) !== bytes.length) throw new Error('short write of a notebook');
    fsyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

export function readNotebook(file: string): Acknowledged[] {
  return readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line) => Acknowledged.parse(JSON.parse(line)));
}
