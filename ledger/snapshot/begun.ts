import { existsSync, rmSync } from 'node:fs';
import type { Digest } from '../../contract/digest.ts';
import type { VerifySignature } from '../../contract/envelope.ts';
import { LeafCache } from '../adapters/sqlite/cache.ts';
import { LedgerError } from '../client.ts';
import type { LedgerState } from '../state/machine.ts';
import { CHECKPOINT, type LogBase } from '../verified-log.ts';
import type { FetchedSnapshot } from './fetch.ts';
import { loadState } from './load.ts';
import { openSnapshot, SnapshotOffer, type SnapshotStatement } from './statement.ts';

const OFFER = 'offer';
const STATE = 'state';
const MEMORY = ':memory:';

interface Expected { readonly grid: Digest; readonly verify: VerifySignature }

/**
 * The part of a copy that lies after a snapshot which is not audited yet, with the snapshot: beside the copy from entry 0
 * on that the audit makes, into which it goes when the audit agrees.
 */
export class BegunCopy {
  readonly cache: LeafCache;
  readonly offer: SnapshotOffer;
  readonly statement: SnapshotStatement;
  readonly base: LogBase;
  readonly #file: string;

  /** @throws LedgerError `grid_mismatch`; Error when the copy is damaged. */
  private constructor(file: string, cache: LeafCache, { grid, verify }: Expected) {
    const offer = SnapshotOffer.parse(JSON.parse(cache.text(OFFER) ?? 'null'));
    const opened = openSnapshot(offer, { grid, verify });
    if (!opened.ok) throw new LedgerError(opened.code, opened.message, opened.hint === undefined ? {} : { hint: opened.hint });
    const load = (): LedgerState => {
      const loaded = loadState(opened, Buffer.from(cache.text(STATE) ?? ''));
      if (!loaded.ok) throw new Error(loaded.message);
      return loaded.state;
    };
    this.#file = file;
    this.cache = cache;
    this.offer = offer;
    this.statement = opened.statement;
    this.base = { genesis: offer.genesis, frontier: opened.frontier, load };
  }

  /** Writes a fetched snapshot into a new copy, whole or not at all. */
  static begin(file: string, fetched: FetchedSnapshot, expected: Expected): BegunCopy {
    removeBegun(file);
    return closingOnError(new LeafCache(file), (cache) => {
      cache.atomically(() => {
        cache.beginAt(fetched.statement.size);
        cache.setText(OFFER, JSON.stringify(fetched.offer));
        cache.setText(STATE, Buffer.from(fetched.bytes).toString('utf8'));
        cache.setText(CHECKPOINT, fetched.offer.checkpoint);
      });
      return new BegunCopy(file, cache, expected);
    });
  }

  /**
   * One that was begun before; undefined when there is none with which to go on: it was not written whole, is of
   * another state machine, or the copy from entry 0, which has `audited` entries, goes beyond its snapshot.
   * @throws LedgerError `grid_mismatch`; Error when it is damaged.
   */
  static resume(file: string, audited: number, expected: Expected): BegunCopy | undefined {
    if (file === MEMORY || !existsSync(file)) return undefined;
    return closingOnError(new LeafCache(file), (cache) => {
      const worth = cache.base > 0 && cache.base >= audited;
      if (!worth) cache.close();
      return worth ? new BegunCopy(file, cache, expected) : undefined;
    }, 'snapshot_version');
  }

  /** What is in it was moved, or is worth nothing: the next start begins without it. It can be read until it is closed. */
  forget(): void {
    removeBegun(this.#file);
  }
}

/** Removes a copy that was begun, and what the database keeps beside it. */
export function removeBegun(file: string): void {
  if (file !== MEMORY) for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
}

/** Undefined when `work` ends with a LedgerError of this code. */
function closingOnError<T>(cache: LeafCache, work: (cache: LeafCache) => T): T;
function closingOnError<T>(cache: LeafCache, work: (cache: LeafCache) => T, ignored: string): T | undefined;
function closingOnError<T>(cache: LeafCache, work: (cache: LeafCache) => T, ignored?: string): T | undefined {
  try {
    return work(cache);
  } catch (error) {
    cache.close();
    if (error instanceof LedgerError && error.code === ignored) return undefined;
    throw error;
  }
}
