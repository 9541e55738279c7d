import { type EntrySigner, sealEnvelope } from '../contract/envelope.ts';
import type { Log } from './ports.ts';

/** How often the ticker looks, at least; a look costs nothing. */
const MIN_LOOK_MS = 100;

/**
 * Adds a `tick` whenever nothing was accepted for half a lease (or `quietMs`), so that time moves on a quiet log:
 * leases lapse and proposals expire although nobody says anything.
 */
export function startTicker(options: { log: Log; signer: EntrySigner; quietMs?: number; now?: () => number }): { stop(): void } {
  const { log, signer } = options;
  const now = options.now ?? Date.now;
  let pending = false;
  let timer: NodeJS.Timeout;
  const look = (): void => {
    const { grid, time, tick } = log.state();
    const quietMs = options.quietMs ?? (grid ? grid.payload.leaseSeconds * 500 : 1000);
    timer = setTimeout(look, Math.max(MIN_LOOK_MS, quietMs / 4)).unref();
    if (!grid || pending || now() - Date.parse(time) < quietMs) return;
    pending = true;
    const envelope = sealEnvelope('tick', { grid: grid.digest, beat: tick + 1 }, signer);
    log.submit([envelope]).catch(() => undefined).finally(() => { pending = false; });
  };
  timer = setTimeout(look, MIN_LOOK_MS).unref();
  return { stop: () => clearTimeout(timer) };
}

/** Says that the ledger was away, if it was ever there: before anybody else says anything, so that no lease lapses by it. */
export async function sayResumed(log: Log, signer: EntrySigner): Promise<void> {
  const { grid, tick } = log.state();
  if (grid) await log.submit([sealEnvelope('tick', { grid: grid.digest, beat: tick + 1, resumed: true }, signer)]);
}
