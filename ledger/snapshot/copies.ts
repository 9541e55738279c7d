import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Digest } from '../../contract/digest.ts';
import type { VerifySignature } from '../../contract/envelope.ts';
import { LeafCache } from '../adapters/sqlite/cache.ts';
import { LedgerError } from '../client.ts';
import { StopRecord } from '../stop-record.ts';
import { BegunCopy, removeBegun } from './begun.ts';
import { fetchSnapshot } from './fetch.ts';

const CACHE_FILE = 'log.sqlite';
const BEGUN_FILE = 'begun.sqlite';

export interface CopiesOptions {
  readonly url: string;
  /** In memory when absent. */
  readonly dir: string | undefined;
  readonly verify: VerifySignature;
  /** The grid whose snapshot may be begun from; undefined for a copy from entry 0. */
  readonly snapshotOf: Digest | undefined;
  /** For the question whether there is a snapshot; the state may take minutes. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** What a follower keeps of the log. */
export interface Copies {
  /** From entry 0 on, every step replayed. */
  readonly cache: LeafCache;
  /** From an unaudited snapshot on; undefined when there is none, or none any more. */
  readonly begun: BegunCopy | undefined;
}

/**
 * Opens the copies in a folder. An empty one is begun from the ledger's newest snapshot if that is wanted, and otherwise,
 * or when there is none that can be used, from entry 0. @throws LedgerError `grid_mismatch`, `copy_damaged`; the signal's reason.
 */
export async function openCopies(options: CopiesOptions): Promise<Copies> {
  const { dir, snapshotOf } = options;
  if (dir !== undefined) mkdirSync(dir, { recursive: true });
  const cache = new LeafCache(dir === undefined ? ':memory:' : path.join(dir, CACHE_FILE));
  try {
    return { cache, begun: snapshotOf === undefined ? undefined : await begin(cache, { ...options, grid: snapshotOf }) };
  } catch (error) {
    cache.close();
    throw error;
  }
}

/** @throws LedgerError `copy_damaged` with the name of the file; LedgerErrors as they are. */
export function explainDamage<T>(dir: string | undefined, begun: boolean, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof LedgerError || dir === undefined) throw error;
    const file = path.join(dir, begun ? BEGUN_FILE : CACHE_FILE);
    throw new LedgerError('copy_damaged', error instanceof Error ? error.message : String(error), { cause: error, hint: `remove ${file}; the log is fetched and verified again` });
  }
}

async function begin(cache: LeafCache, { url, dir, grid, verify, timeoutMs, signal }: CopiesOptions & { readonly grid: Digest }): Promise<BegunCopy | undefined> {
  const file = dir === undefined ? ':memory:' : path.join(dir, BEGUN_FILE);
  // On the word of a ledger that was caught nothing is begun, and what was begun on it is over: what was replayed counts.
  const stops = new StopRecord(cache, dir);
  const caught = stops.stopped?.code === 'ledger_forked';
  stops.close();
  const known = caught ? undefined : explainDamage(dir, true, () => BegunCopy.resume(file, cache.size(), { grid, verify }));
  if (known) return known;
  removeBegun(file);
  if (caught || cache.size() > 0) return undefined;
  const fetched = await fetchSnapshot(url, { grid, verify, timeoutMs, signal });
  if (fetched.ok) return BegunCopy.begin(file, fetched, { grid, verify });
  if (fetched.code === 'grid_mismatch') throw new LedgerError(fetched.code, fetched.message, fetched.hint === undefined ? {} : { hint: fetched.hint });
  return undefined;
}
