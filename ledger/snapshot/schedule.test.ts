import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { newGrid, removeTemporaryFolders, temporaryFolder } from '../grid.fixture.ts';
import { QUIET_ENTRIES, QUIET_MS, scheduleSnapshots, type ScheduleOptions, SNAPSHOT_AT_MOST, SNAPSHOT_EVERY, type SnapshotSchedule } from './schedule.ts';

const grid = newGrid();
let schedule: SnapshotSchedule | undefined;
/** Tries, by the size of the log; an empty folder has nothing to derive from, so that each ends with a refusal. */
let tries: number[];

/** What a schedule sees of a log: that it grows. */
class GrowingLog {
  #size: number;
  #listener: () => void = () => undefined;
  constructor(size: number) { this.#size = size; }
  size(): number { return this.#size; }
  root(): Uint8Array { return new Uint8Array(32); }
  onCommit(listener: () => void): () => void {
    this.#listener = listener;
    return () => { this.#listener = () => undefined; };
  }
  grow(by: number): void {
    this.#size += by;
    this.#listener();
  }
}

function begin(size = 0, options: Partial<ScheduleOptions> = {}): GrowingLog {
  const log = new GrowingLog(size);
  schedule = scheduleSnapshots({ dir: temporaryFolder(), log, signer: grid.signer, onTaken: () => { tries.push(log.size()); }, ...options });
  return log;
}

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  tries = [];
  vi.useFakeTimers();
});
afterEach(async () => {
  await schedule?.close();
  vi.useRealTimers();
});
afterAll(removeTemporaryFolders);

describe('snapshots are taken', () => {
  it('when there are enough new entries and the log is quiet, heartbeats or not', async () => {
    const log = begin();
    log.grow(SNAPSHOT_EVERY - 1);
    await pass(QUIET_MS * 10);
    expect(tries).toEqual([]);
    log.grow(1);
    await pass(QUIET_MS - 1);
    log.grow(QUIET_ENTRIES - 1);
    expect(tries).toEqual([]);
    await pass(1);
    const at = SNAPSHOT_EVERY + QUIET_ENTRIES - 1;
    expect(tries).toEqual([at]);
    // The next one needs as many again, also after one that failed.
    log.grow(SNAPSHOT_EVERY - 1);
    await pass(QUIET_MS * 10);
    expect(tries).toEqual([at]);
    log.grow(1);
    await pass(QUIET_MS);
    expect(tries).toEqual([at, at + SNAPSHOT_EVERY]);
  });

  it('not during a burst, however long, and once it is over', async () => {
    const log = begin();
    const aSecond = 10_000;
    for (let second = 0; second < 19; second++) {
      log.grow(aSecond);
      await pass(1000);
    }
    expect(tries).toEqual([]);
    await pass(2 * QUIET_MS);
    expect(tries).toEqual([19 * aSecond]);
  });

  it('during a burst when the tail is long', async () => {
    const log = begin();
    for (let at = 0; at < 2 * SNAPSHOT_AT_MOST; at += 10_000) {
      log.grow(10_000);
      await pass(100);
    }
    expect(tries).toEqual([SNAPSHOT_AT_MOST, 2 * SNAPSHOT_AT_MOST]);
  });

  it('of a log that was begun with a long tail, and of none that is closed', async () => {
    begin(SNAPSHOT_EVERY);
    expect(tries).toEqual([]);
    await pass(QUIET_MS);
    expect(tries).toEqual([SNAPSHOT_EVERY]);
    await schedule?.close();
    const log = begin(SNAPSHOT_EVERY);
    await schedule?.close();
    log.grow(SNAPSHOT_AT_MOST);
    await pass(QUIET_MS * 2);
    expect(tries).toEqual([SNAPSHOT_EVERY]);
  });
});
