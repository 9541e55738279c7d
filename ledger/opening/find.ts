import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { OpenerOptions } from './pool.ts';

/** More threads than this and the thread that applies what they opened is what all wait for. */
const MAX_OPENERS = 4;

/** The openers' program, which the build puts beside every other; without it, envelopes are opened where they are needed. */
export function findOpeners(): OpenerOptions | undefined {
  const entry = new URL('./ledger-opener.mjs', import.meta.url);
  return existsSync(entry) ? { entry, workers: Math.min(MAX_OPENERS, availableParallelism()) } : undefined;
}
