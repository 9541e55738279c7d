/** A signal that aborts after `ms` or when the parent does, whichever is first; `dispose` frees its timer and listener. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Whether the time ran out, as opposed to the parent aborting. */
  readonly expired: boolean;
  dispose(): void;
}

export function startDeadline(ms: number, parent?: AbortSignal): Deadline {
  const controller = new AbortController();
  let expired = false;
  const timer = setTimeout(() => {
    expired = true;
    controller.abort();
  }, ms);
  const follow = (): void => controller.abort();
  parent?.addEventListener('abort', follow, { once: true });
  if (parent?.aborted === true) follow();
  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    dispose() {
      clearTimeout(timer);
      parent?.removeEventListener('abort', follow);
    },
  };
}
