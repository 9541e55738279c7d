import { type CallOptions, LedgerError } from './client.ts';

/** Who waits for a change, and who is told of one. */
export class Watch {
  readonly #listeners = new Set<() => void>();
  #closed = false;

  on(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Those who still wait are told that it is over. */
  close(): void {
    this.#closed = true;
    this.notify();
    this.#listeners.clear();
  }

  /** Resolves with the first defined answer, asked now and after each change. @throws what `test` throws; LedgerError `timeout`, `closed`; the signal's reason. */
  until<T>(test: () => T | undefined, { signal, timeoutMs }: CallOptions = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', look);
        this.#listeners.delete(look);
        outcome();
      };
      const look = (): void => {
        try {
          signal?.throwIfAborted();
          if (this.#closed) throw new LedgerError('closed', 'the follower is closed');
          const answer = test();
          if (answer !== undefined) settle(() => resolve(answer));
        } catch (error) {
          settle(() => reject(error instanceof Error ? error : new Error(String(error))));
        }
      };
      this.#listeners.add(look);
      signal?.addEventListener('abort', look);
      if (timeoutMs !== undefined) timer = setTimeout(() => settle(() => reject(new LedgerError('timeout', `nothing in ${timeoutMs} ms`))), timeoutMs);
      look();
    });
  }
}
