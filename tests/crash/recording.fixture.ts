import { spawnSync } from 'node:child_process';
import { mkdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashOf } from '../../ledger/blobs.ts';
import { openFollower } from '../../ledger/follower.ts';
import { temporaryFolder } from '../../ledger/grid.fixture.ts';
import { randomOf } from '../e2e/random.ts';
import type { LedgerProcess, LedgerProgram } from './ledger.fixture.ts';
import { type Event, readRecord } from './record.ts';
import { Connection, type Sent, Writer } from './writer.ts';

const SOURCE = path.join(import.meta.dirname, 'recorder.c');

/** The recorder as a shared library; undefined when no C compiler is here. */
export function compileRecorder(): string | undefined {
  const library = path.join(temporaryFolder(), 'recorder.so');
  const compiled = spawnSync('cc', ['-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-o', library, SOURCE, '-ldl', '-lpthread'], { encoding: 'utf8' });
  if (compiled.error !== undefined) return undefined;
  if (compiled.status !== 0) throw new Error(`the recorder does not compile:\n${compiled.stderr}`);
  return library;
}

/** Uploads in each of the ledger's lives, and the most bytes of one. */
const BLOBS = 2;
const MAX_BYTES = 20_000;

export interface Recording {
  readonly events: readonly Event[];
  /** The folder as the last process left it. */
  readonly dir: string;
  readonly blobs: ReadonlyMap<string, Buffer>;
  /** Entries that were acknowledged, as the clients counted. */
  readonly acknowledged: number;
}

export interface RecordingOptions {
  readonly program: LedgerProgram;
  readonly library: string;
  readonly seed: number;
  readonly writers: number;
  /** Most entries in one request. */
  readonly atOnce: number;
  /** Acknowledged entries after which each of the ledger's lives ends. */
  readonly lives: readonly number[];
}

/** Runs a real ledger under writers, a follower and uploads, through several deaths, and returns what it did to its folder and what it said. */
export async function recordLedger({ program, library, seed, writers: count, lives, atOnce }: RecordingOptions): Promise<Recording> {
  const folder = realpathSync(temporaryFolder());
  const dir = path.join(folder, 'ledger');
  const record = path.join(folder, 'record');
  mkdirSync(dir);
  const env = { LD_PRELOAD: library, RECORD_FOLDER: dir, RECORD_LOG: record };
  const start = (port?: number): LedgerProcess => program.start({ dir, env, tickAfterMs: 500, ...(port === undefined ? {} : { port }) });
  let running = start();
  const url = await running.ready;
  const port = Number(new URL(url).port);
  const connection = new Connection(url);
  await connection.submit(program.beginning);
  // Its frames are promises too: each carries a signed note.
  const follower = await openFollower({ url, pin: { grid: program.grid.grid } });
  const sent: Sent = new Map();
  const random = randomOf(seed);
  const writers = Array.from({ length: count }, (_, i) => new Writer({ url, entry: () => program.entry(), notebook: path.join(folder, `writer-${i}`), random: randomOf(seed + 1 + i), sent, atOnce }));
  const acknowledged = (): number => writers.reduce((sum, writer) => sum + writer.acknowledged, 0);
  const blobs = new Map<string, Buffer>();
  const write = (stop: () => boolean): Promise<unknown> => Promise.all(writers.map((writer) => writer.write(stop)));
  for (const [life, entries] of lives.entries()) {
    const quota = acknowledged() + entries;
    const writing = write(() => acknowledged() >= quota);
    for (let n = 0; n < BLOBS; n++) {
      const bytes = random.bytes(4 + random.below(MAX_BYTES));
      const stored = await connection.call('PUT', `/v1/blobs/${hashOf(bytes)}`, bytes, 'application/octet-stream');
      if (stored.status !== 200) throw new Error(`a blob was refused: ${stored.text.slice(0, 300)}`);
      blobs.set(hashOf(bytes), bytes);
      await connection.call('GET', '/v1/checkpoint');
    }
    await writing;
    // It ends in the middle of their writing; in turn the power goes from under it, or it closes in good order.
    let stopped = false;
    const before = acknowledged();
    const disturbed = write(() => stopped);
    while (acknowledged() === before) await sleep(1);
    await running.kill(life % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
    stopped = true;
    await disturbed;
    if (life === lives.length - 1) break;
    running = start(port);
    await running.ready;
  }
  for (const writer of writers) writer.close();
  connection.close();
  await follower.close();
  return { events: readRecord(record, dir), dir, blobs, acknowledged: acknowledged() };
}
