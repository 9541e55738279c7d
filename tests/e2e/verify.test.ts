import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyContract } from '../../bot/tools/contracts.ts';
import { bodyBytes, type Body } from '../../contract/contract.ts';
import { Digest, digestBytes } from '../../contract/digest.ts';
import { type Envelope, type EntrySigner, sealEnvelope } from '../../contract/envelope.ts';
import { openSqliteLog } from '../../ledger/adapters/sqlite/log.ts';
import { blobFiles, blobPath, openBlobs } from '../../ledger/blobs.ts';
import type { Follower } from '../../ledger/follower.ts';
import { ALREADY_VERIFIED, type Leaf, leafBytes, openEntry, parseLeaf } from '../../ledger/leaf.ts';
import { stateDigest } from '../../ledger/state/machine.ts';
import { BLOBS_DIR, verifyLedger } from '../../ledger/verify.ts';
import { openGridKeys } from '../../cli/up/grid-keys.ts';
import { stateDir } from '../../cli/state-dir.ts';
import { type Archive, eventually, type Grid, type Refused, startGrid, tailsOnFailure } from './grid.fixture.ts';
import { openParties, type Parties } from './parties.fixture.ts';
import { randomOf } from './random.ts';

/** Item 6: `contract verify` and `ledger verify` on a real grid, after a real move. */

const FLIPS = Number(process.env['THREEBOT_FLIPS'] ?? (process.env['CI'] === 'true' ? 200 : 50));
/** 200 flips take about 30 s on two idle cores. */
const FLIPS_MS = 600_000;
const SEED = Number(process.env['THREEBOT_SEED'] ?? 6);

let grid: Grid;
let parties: Parties;
let archive: Archive;
const contract = (): Digest => Digest.parse(archive.contract);

beforeAll(async () => {
  console.log(`verify: seed ${SEED}, ${FLIPS} flips`);
  grid = await startGrid({ grid: path.join(import.meta.dirname, 'grids', 'small.yaml') });
  parties = await openParties(grid);
  archive = await grid.ask('give me an archive of 1 GB in CH, 2 + 1 shards, called proved');
}, 240_000);
afterAll(async () => {
  await parties?.close();
  await grid?.stop();
}, 60_000);
tailsOnFailure(() => grid);

async function refused(...args: string[]): Promise<Refused['error']> {
  const { exitCode, json } = await grid.cli<Refused>(...args);
  expect(exitCode, JSON.stringify(json)).toBe(1);
  expect(json.ok).toBe(false);
  return json.error;
}

/** The verified copy, with some of its answers changed: what a lying ledger or a damaged disk could show. */
function readerWith(changes: Partial<Follower>): { follower: Follower } {
  const { follower } = parties.bot;
  const own = new Map<PropertyKey, unknown>(Object.entries(changes));
  return {
    follower: new Proxy(follower, {
      get: (target, name) => {
        if (own.has(name)) return own.get(name);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    }),
  };
}

describe('contract verify', () => {
  it('recompiles the contract to its id, and checks the moves that followed', async () => {
    const before = await grid.cli<{ recompiled: boolean; moves: number }>('contract', 'verify', contract());
    expect(before.json).toMatchObject({ ok: true, contract: contract(), recompiled: true, moves: 0 });
    const lost = (await grid.workloads(contract())).find((w) => w.workload === 'zdb-0');
    if (!lost) throw new Error('there is no zdb-0');
    await grid.killNode(lost.label);
    await eventually('zdb-0 to lie elsewhere', 90_000, async () => ((await grid.workloads(contract())).find((w) => w.workload === 'zdb-0' && w.epoch > 1 && w.node !== lost.node && w.country === 'CH')));
    const after = await grid.cli<{ moves: number }>('contract', 'verify', contract());
    expect(after.exitCode, JSON.stringify(after.json)).toBe(0);
    expect(after.json.moves).toBeGreaterThan(0);
  });

  it('tells a changed body, on disk and over the wire', async () => {
    const { header } = parties.bot.follower.state().contracts[contract()]!;
    const [stored, cached] = [path.join(grid.state, 'ledger', BLOBS_DIR), path.join(grid.state, 'cli', 'blobs')].map((dir) => blobPath(dir, header.bodyDigest));
    const bytes = readFileSync(stored!);
    const other = Buffer.from(bytes.toString('utf8').replace('"bucket":"archive"', '"bucket":"another"'));
    for (const file of [stored!, cached!]) writeFileSync(file, other);
    expect(await refused('contract', 'verify', contract())).toMatchObject({ code: 'blob_damaged', message: expect.stringContaining(header.bodyDigest) as string, hint: expect.any(String) as string });
    writeFileSync(stored!, bytes);
    expect((await grid.cli('contract', 'verify', contract())).exitCode).toBe(0);
    const lie = readerWith({ getBlob: (digest) => Promise.resolve(digest === header.bodyDigest ? other : parties.bot.follower.getBlob(digest)) });
    expect(await verifyContract(lie, contract())).toMatchObject({ ok: false, code: 'body_mismatch', hint: expect.any(String) as string });
  });

  it('tells a changed header, and one whose body was changed along with it', async () => {
    const { follower } = parties.bot;
    const record = follower.state().contracts[contract()]!;
    const body = JSON.parse(Buffer.from(await follower.getBlob(record.header.bodyDigest)).toString('utf8')) as Body;
    const dearer = { ...record.header, price: { ...record.header.price, month: '1' } };
    const swapped = bodyBytes({ ...body, workloads: body.workloads.map((w) => (w.type === 'archive' ? { ...w, spec: { ...w.spec, retentionDays: 1 } } : w)) });
    for (const [header, getBlob] of [
      [dearer, undefined],
      [{ ...record.header, constraints: { countries: [], cities: [] } }, undefined],
      [{ ...record.header, bodyDigest: digestBytes(swapped) }, swapped],
    ] as const) {
      const state = { ...follower.state(), contracts: { ...follower.state().contracts, [contract()]: { ...record, header } } };
      const lie = readerWith({ state: () => state, ...(getBlob && { getBlob: (digest: Digest) => Promise.resolve(digest === header.bodyDigest ? getBlob : follower.getBlob(digest)) }) });
      expect(await verifyContract(lie, contract())).toMatchObject({ ok: false, code: 'digest_mismatch', hint: expect.any(String) as string });
    }
  });

  it('tells a header that was changed in the copy of the log on this disk', async () => {
    const file = path.join(grid.state, 'cli', 'log.sqlite');
    const copy = `${file}.kept`;
    const database = new Database(file);
    database.pragma('wal_checkpoint(TRUNCATE)');
    cpSync(file, copy);
    const rows = database.prepare<[], { seq: number; leaf: Buffer }>('SELECT seq, leaf FROM leaves').all();
    const row = rows.find(({ leaf }) => parseLeaf(leaf).envelope.payloadType.includes('contract.proposed'));
    if (!row) throw new Error('the copy has no proposal');
    const leaf = parseLeaf(row.leaf);
    const payload = Buffer.from(Buffer.from(leaf.envelope.payload, 'base64').toString('utf8').replace('"countries":["CH"]', '"countries":["DE"]')).toString('base64');
    database.prepare('UPDATE leaves SET leaf = ? WHERE seq = ?').run(Buffer.from(leafBytes({ ...leaf, envelope: { ...leaf.envelope, payload } })), row.seq);
    database.close();
    try {
      expect(await refused('contract', 'verify', contract())).toMatchObject({ code: 'copy_damaged', hint: expect.stringContaining('remove') as string });
    } finally {
      for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
      cpSync(copy, file);
    }
    expect((await grid.cli('contract', 'verify', contract())).exitCode).toBe(0);
  });

  it('tells a move to another node than the rule says, and one that came before the lease had ended', async () => {
    const { follower, requester } = parties.bot;
    const leaves = [...follower.entries(0, follower.size())];
    const at = leaves.findIndex((leaf) => leaf.envelope.payloadType.includes('assignment.moved'));
    expect(at).toBeGreaterThan(0);
    const opened = openEntry(leaves[at]!.envelope, ALREADY_VERIFIED);
    if (!opened.ok || opened.opened.entry.kind !== 'assignment.moved') throw new Error('not a move');
    const { payload } = opened.opened.entry;
    const elsewhere = Object.entries(follower.state().nodes).find(([id, n]) => id !== payload.to && id !== payload.from && n.attested?.country === 'CH')?.[0] as Digest;
    const show = (changed: Leaf[]) => verifyContract(readerWith({ entries: (from, to) => changed.slice(from, to) }), contract());
    const speaker = leaves.map((l) => openEntry(l.envelope, ALREADY_VERIFIED)).flatMap((o) => (o.ok && o.opened.entry.kind !== 'grid.created' && 'by' in o.opened.entry.payload && o.opened.entry.payload.by === payload.by ? [o.opened.key] : []))[0];
    const signer: EntrySigner = { ...requester.signer, key: speaker! };
    const moved = (to: Digest): Envelope => sealEnvelope('assignment.moved', { ...payload, to }, signer);
    expect(await show(leaves)).toMatchObject({ ok: true });
    expect(await show(leaves.map((l, i) => (i === at ? { ...l, envelope: moved(elsewhere) } : l)))).toMatchObject({ ok: false, code: 'move_mismatch', message: expect.stringContaining(`entry ${at}`) as string });
    const early = leaves.findIndex((l) => l.envelope.payloadType.includes('deployment.reported'));
    const hurried = [...leaves.slice(0, early), { ...leaves[early]!, envelope: leaves[at]!.envelope }, ...leaves.slice(early + 1)];
    expect(await show(hurried)).toMatchObject({ ok: false, code: 'move_mismatch', message: expect.stringContaining(`entry ${early}`) as string });
  });
});

describe('ledger verify', () => {
  /** Everything that a ledger on this folder answers. */
  async function answersOf(dir: string, signer: EntrySigner): Promise<string> {
    const log = await openSqliteLog({ dir, signer });
    try {
      const blobs = await openBlobs(path.join(dir, BLOBS_DIR));
      const contents: string[] = [];
      for await (const { digest } of blobFiles(path.join(dir, BLOBS_DIR))) contents.push(`${digest ?? '?'} ${digestBytes((digest && (await blobs.get(digest))) ?? new Uint8Array())}`);
      const leaves = log.read(0, { entries: 1_000_000, bytes: 1e9 }).map((leaf) => digestBytes(leaf));
      return JSON.stringify({ leaves, contents: contents.sort(), checkpoint: log.checkpoint(), state: stateDigest(log.state()), proof: log.consistencyProof(1, log.size()), inclusion: log.inclusionProof(0, log.size()) });
    } finally {
      await log.close();
    }
  }

  const filesBelow = (dir: string): string[] => readdirSync(dir, { withFileTypes: true, recursive: true }).filter((f) => f.isFile()).map((f) => path.relative(dir, path.join(f.parentPath, f.name))).sort();

  it(`${FLIPS} random byte flips, each reported or without effect`, async () => {
    expect((await grid.cli('ledger', 'verify')).exitCode).toBe(0);
    await grid.kill();
    const base = mkdtempSync(path.join(tmpdir(), '3bot-flips-'));
    try {
      const original = path.join(base, 'original');
      cpSync(path.join(grid.state, 'ledger'), original, { recursive: true });
      const keys = await openGridKeys(stateDir(grid.state));
      const honest = await verifyLedger(original);
      expect(honest).toMatchObject({ ok: true });
      const files = filesBelow(original).filter((file) => statSync(path.join(original, file)).size > 0 && !file.endsWith('-shm'));
      expect(files.some((file) => file.includes('sqlite'))).toBe(true);
      const reference = path.join(base, 'reference');
      cpSync(original, reference, { recursive: true });
      const answers = await answersOf(reference, keys.ledger);

      const random = randomOf(SEED);
      const outcome = { reported: 0, harmless: 0 };
      const codes = new Map<string, number>();
      for (let n = 0; n < FLIPS; n++) {
        const copy = path.join(base, 'copy');
        rmSync(copy, { recursive: true, force: true });
        cpSync(original, copy, { recursive: true });
        const file = flip(copy, files, random);
        const verified = await verifyLedger(copy);
        if (!verified.ok) {
          outcome.reported += 1;
          codes.set(verified.code, (codes.get(verified.code) ?? 0) + 1);
          expect(verified.message, file).toMatch(/\S/);
          continue;
        }
        outcome.harmless += 1;
        expect(verified, `flip ${n} in ${file}`).toEqual(honest);
        expect(await answersOf(copy, keys.ledger), `flip ${n} in ${file}`).toBe(answers);
      }
      console.log(`ledger verify: ${FLIPS} flips over ${files.join(', ')}: ${outcome.reported} reported (${[...codes].map(([code, count]) => `${code} ${count}`).join(', ')}), ${outcome.harmless} provably without effect`);
      expect(outcome.reported).toBeGreaterThan(FLIPS / 4);
    } finally {
      rmSync(base, { recursive: true, force: true });
    }
  }, FLIPS_MS);

  /** Changes one byte of the folder; every second time in a file chosen whatever its size. */
  function flip(dir: string, files: readonly string[], random: ReturnType<typeof randomOf>): string {
    const sizes = files.map((file) => statSync(path.join(dir, file)).size);
    let at = random.below(sizes.reduce((a, b) => a + b, 0));
    let index = random.below(files.length);
    if (random.next() < 0.5) for (index = 0; at >= sizes[index]!; index++) at -= sizes[index]!;
    const file = path.join(dir, files[index]!);
    const bytes = readFileSync(file);
    bytes[random.below(bytes.length)]! ^= 1 + random.below(255);
    writeFileSync(file, bytes);
    return files[index]!;
  }
});
