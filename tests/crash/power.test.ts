import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeTemporaryFolders } from '../../ledger/grid.fixture.ts';
import { randomOf } from '../e2e/random.ts';
import { Disk, DROPPED, HOLLOW, KEPT, type Survival, tornBy } from './disk.ts';
import { ImageCheck, Promised } from './images.ts';
import { LedgerProgram } from './ledger.fixture.ts';
import { rememberingVerifier, StoredLog } from './promises.ts';
import type { Event } from './record.ts';
import { compileRecorder, recordLedger, type Recording } from './recording.fixture.ts';

const HEAVY = process.env['LEDGER_POWER'] === 'heavy';
const SEED = Number(process.env['THREEBOT_SEED'] ?? 20_261_120);
const WRITERS = HEAVY ? 8 : 4;
/** Acknowledged entries in each of the ledger's lives. The heavy run makes SQLite write its log back while it runs. */
const LIVES = HEAVY ? [100, 700, 60] : [50, 30, 20];
const AT_ONCE = HEAVY ? 5 : 2;
/** Torn images at each border, and one in how many of the other events gets images. */
const TORN = HEAVY ? 3 : 2;
const BETWEEN = HEAVY ? 10 : 50;

const library = compileRecorder();
let program: LedgerProgram;
let recording: Recording;
let whole: StoredLog;
beforeAll(async () => {
  if (library === undefined) return;
  program = await LedgerProgram.build();
  recording = await recordLedger({ program, library, seed: SEED, writers: WRITERS, lives: LIVES, atOnce: AT_ONCE });
  whole = new StoredLog(recording.dir);
}, 300_000);
afterAll(async () => {
  await program?.close();
  removeTemporaryFolders();
});

interface Survey { readonly images: number; readonly opened: number; readonly borders: number; readonly writtenBack: number; readonly faults: readonly string[]; readonly promised: Promised }

/** Lets the power go at every sync and every promise, and at some events between; stops at the first `limit` faults. */
async function survey(events: readonly Event[], { torn, between, limit }: { torn: number; between: number; limit: number }): Promise<Survey> {
  const random = randomOf(SEED);
  const disk = new Disk();
  const promised = new Promised();
  const check = new ImageCheck({
    signer: program.grid.signer, verify: rememberingVerifier(), rootOf: (size) => whole.root(size), begin: program.beginning, next: () => program.entry(), blobs: recording.blobs,
  });
  const faults: string[] = [];
  let images = 0;
  let borders = 0;
  let writtenBack = 0;
  const look = async (at: number, survivals: readonly Survival[]): Promise<void> => {
    for (const survival of survivals) {
      images += 1;
      const fault = await check.faultOf(disk.image(survival), promised);
      if (fault !== undefined) faults.push(`event ${at} (${events[at]!.type}), ${survival.name}: ${fault}`);
    }
  };
  const tornImages = (): Survival[] => Array.from({ length: torn }, () => tornBy(random));
  try {
    for (let at = 0; at < events.length && faults.length < limit; at++) {
      const event = events[at]!;
      if (event.type === 'sync') {
        borders += 1;
        if (disk.pathOf(event.fd) === 'ledger.sqlite') writtenBack += 1;
        await look(at, [DROPPED, KEPT, HOLLOW, ...tornImages()]);
      } else if (event.type !== 'say' && random.below(between) === 0) {
        await look(at, [DROPPED, KEPT, ...tornImages()]);
      }
      disk.apply(event);
      if (event.type !== 'say' || !promised.hear(event)) continue;
      borders += 1;
      await look(at, [DROPPED, ...tornImages()]);
    }
    return { images, opened: check.opened, borders, writtenBack, faults, promised };
  } finally {
    check.close();
  }
}

describe('a ledger whose power goes', () => {
  it('was recorded whole: replayed, the record makes the same files byte for byte', (context) => {
    if (library === undefined) return context.skip('for want of a C compiler (cc)');
    const disk = new Disk();
    const promised = new Promised();
    for (const event of recording.events) {
      disk.apply(event);
      if (event.type === 'say') promised.hear(event);
    }
    const image = disk.image(KEPT);
    const files = filesOf(recording.dir);
    // What is mapped is written past the recorder; that is the index of the write-ahead log only, which a restart makes anew.
    expect([...disk.mapped]).toEqual(['ledger.sqlite-shm']);
    const compared = files.filter((file) => !file.endsWith('-shm'));
    for (const file of compared) expect(image.get(file)?.equals(readFileSync(path.join(recording.dir, file))), file).toBe(true);
    expect([...image].filter(([name, bytes]) => bytes !== undefined && !name.endsWith('-shm')).map(([name]) => name).sort()).toEqual(compared.sort());
    expect(compared).toEqual(expect.arrayContaining(['head', 'ledger.sqlite']));
    // Every acknowledgement that a client has is in the record.
    expect(promised.entries).toBeGreaterThanOrEqual(recording.acknowledged);
    expect(promised.size).toBeLessThanOrEqual(whole.size);
    expect(promised.notes.length).toBeGreaterThan(10);
    expect(new Set(promised.blobs)).toEqual(new Set(recording.blobs.keys()));
    expect(count('sync')).toBeGreaterThan(50);
  });

  it('keeps every promise, whatever of the un-synced writes is on the disk', { timeout: HEAVY ? 3_600_000 : 300_000 }, async (context) => {
    if (library === undefined) return context.skip('for want of a C compiler (cc)');
    const { images, opened, borders, writtenBack, faults, promised } = await survey(recording.events, { torn: TORN, between: BETWEEN, limit: 20 });
    process.stderr.write(`power loss: seed ${SEED}, ${recording.events.length} events (${count('write')} writes, ${count('sync')} syncs), ${promised.entries} entries, ${promised.notes.length} notes and ${promised.blobs.length} blobs promised; ${borders} borders, the log written back ${writtenBack} times, ${images} images, ${opened} different ones opened\n`);
    expect(faults).toEqual([]);
    expect(images).toBeGreaterThan(200);
    expect(opened).toBeGreaterThan(100);
    // At least by each restart; in the heavy run also while it runs.
    expect(writtenBack).toBeGreaterThan(HEAVY ? LIVES.length + 2 : LIVES.length - 1);
  });

  it('would be found out if it did not sync before it promises', { timeout: 120_000 }, async (context) => {
    if (library === undefined) return context.skip('for want of a C compiler (cc)');
    const syncs = recording.events.flatMap((event, at) => (event.type === 'sync' ? [at] : []));
    // The same run, had its disk stopped to sync after the first third.
    const deaf = recording.events.filter((event, at) => event.type !== 'sync' || at < syncs[Math.floor(syncs.length / 3)]!);
    const { faults } = await survey(deaf, { torn: 0, between: 1_000_000, limit: 50 });
    expect(faults).toEqual(expect.arrayContaining([expect.stringMatching(/entries were promised/)]));
  });
});

function count(type: Event['type']): number {
  return recording.events.filter((event) => event.type === type).length;
}

function filesOf(dir: string, under = ''): string[] {
  return readdirSync(path.join(dir, under)).flatMap((name) => {
    const file = path.join(under, name);
    return statSync(path.join(dir, file)).isDirectory() ? filesOf(dir, file) : [file];
  });
}
