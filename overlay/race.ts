export type Attempt<T> = (signal: AbortSignal) => Promise<T>;

/**
 * Starts the attempts one after the other, the next as soon as one fails or `staggerMs` pass, and gives the first success.
 * The others are aborted; one that succeeds all the same is given to `discard`. Rejects with the last failure.
 */
export function raceStaggered<T>(attempts: readonly Attempt<T>[], options: { staggerMs: number; signal: AbortSignal; discard: (late: T) => void }): Promise<T> {
  const controller = new AbortController();
  const follow = (): void => controller.abort();
  options.signal.addEventListener('abort', follow, { once: true });
  if (options.signal.aborted) follow();
  return new Promise<T>((resolve, reject) => {
    let next = 0;
    let running = 0;
    let done = false;
    let winner: T | undefined;
    let timer: NodeJS.Timeout | undefined;
    const finish = (): void => {
      done = true;
      clearTimeout(timer);
      options.signal.removeEventListener('abort', follow);
    };
    const start = (): void => {
      const attempt = attempts[next];
      if (done || attempt === undefined) return;
      next += 1;
      running += 1;
      clearTimeout(timer);
      timer = setTimeout(start, options.staggerMs);
      attempt(controller.signal).then(won, lost);
    };
    const won = (value: T): void => {
      if (done) {
        if (value !== winner) options.discard(value);
        return;
      }
      winner = value;
      finish();
      controller.abort();
      resolve(value);
    };
    const lost = (error: unknown): void => {
      running -= 1;
      if (done) return;
      if (next < attempts.length && !controller.signal.aborted) return start();
      if (running > 0) return;
      finish();
      reject(error instanceof Error ? error : new Error('attempt failed', { cause: error }));
    };
    if (attempts.length === 0) {
      finish();
      reject(new Error('nothing to attempt'));
    } else start();
  });
}
