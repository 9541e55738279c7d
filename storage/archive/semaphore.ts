/** A counting semaphore, first come first served; it bounds memory, so a holder must always release. */
export interface Semaphore {
  acquire(signal?: AbortSignal): Promise<() => void>;
  tryAcquire(): (() => void) | null;
}

export function createSemaphore(permits: number): Semaphore {
  let free = permits;
  const waiting: (() => void)[] = [];

  const permit = (): (() => void) => {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = waiting.shift();
      if (next) next(); else free += 1;
    };
  };

  return {
    acquire(signal) {
      if (signal?.aborted) return Promise.reject(signal.reason as Error);
      if (free > 0) { free -= 1; return Promise.resolve(permit()); }
      return new Promise((resolve, reject) => {
        const onAbort = (): void => {
          const at = waiting.indexOf(grant);
          if (at >= 0) waiting.splice(at, 1);
          reject(signal?.reason as Error);
        };
        const grant = (): void => { signal?.removeEventListener('abort', onAbort); resolve(permit()); };
        signal?.addEventListener('abort', onAbort, { once: true });
        waiting.push(grant);
      });
    },
    tryAcquire() {
      if (free === 0) return null;
      free -= 1;
      return permit();
    },
  };
}
