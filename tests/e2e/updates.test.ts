import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Digest } from '../../contract/digest.ts';
import { type Archive, eventually, type Grid, type Refused, startGrid, tailsOnFailure } from './grid.fixture.ts';
import { openParties, type Parties, reservationMistakes, ROLES } from './parties.fixture.ts';
import { type S3, s3Of } from './s3.fixture.ts';

/** What runs is changed by its own quorum only, and goes on with the data that it has. */

const MB = 1024 * 1024;

let grid: Grid;
let parties: Parties;
let archive: Archive;
let s3: S3;
tailsOnFailure(() => grid);

beforeAll(async () => {
  grid = await startGrid();
  parties = await openParties(grid);
  archive = await grid.ask('give me an archive of 1 GB in CH, 2 + 1 shards, called growing');
  s3 = s3Of(archive, grid.ready.ca);
}, 240_000);
afterAll(async () => {
  await parties?.close();
  await grid?.stop();
}, 60_000);

interface Proposed { readonly ok: true; readonly contract: string; readonly supersedes: string; readonly version: number; readonly waitingFor: string[] }

/** The process of each engine workload of the archive. */
async function pids(): Promise<Map<string, number>> {
  const rows = (await grid.nodes()).flatMap((n) => n.status?.workloads ?? []);
  return new Map(rows.flatMap((w) => (w.deployment === archive.deployment && w.pid !== undefined ? [[w.workload, w.pid] as const] : [])));
}

describe('3bot contract update', () => {
  const kept = Buffer.alloc(3 * MB, 'kept');

  it('shows what differs, asks those who signed, and lets what runs grow where it lies', async () => {
    expect((await s3('PUT', 'kept', kept)).status).toBe(200);
    const running = await pids();
    const before = await grid.workloads(archive.contract);
    const proposed = (await grid.cli<Proposed>('contract', 'update', archive.contract, '--param', 'capacity=2GB', '--yes'));
    expect(proposed.exitCode, JSON.stringify(proposed.json)).toBe(0);
    expect(proposed.json).toMatchObject({ supersedes: archive.contract, version: 2 });
    expect(proposed.json.waitingFor).toHaveLength(ROLES.length);
    expect(proposed.stderr).toMatch(/changes to what runs now[\s\S]*parameter capacity: was "1000000000", becomes "2000000000"/);
    const next = proposed.json.contract;
    for (const role of ROLES) {
      const approved = await grid.cli<{ explanation: string }>('contract', 'approve', next, '--role', role, '--yes');
      expect(approved.exitCode, JSON.stringify(approved.json)).toBe(0);
      expect(approved.stderr).toContain('a store for');
      // What was signed names what was shown, and anybody can make that again.
      const explained = await grid.cli<{ digest: string }>('contract', 'explain', next);
      expect(approved.json.explanation).toBe(explained.json.digest);
    }
    const state = await parties.bot.follower.waitFor((s) => (s.contracts[Digest.parse(next)]?.status === 'active' ? s : undefined), { timeoutMs: 20_000 });
    expect(state.contracts[Digest.parse(archive.contract)]?.status).toBe('superseded');
    expect(reservationMistakes(state)).toEqual([]);
    const after = await eventually('every workload to run as the update says', 60_000, async () => {
      const rows = await grid.workloads(next);
      return rows.every((w) => w.phase === 'running') ? rows : undefined;
    });
    expect(after.map(({ workload, node, epoch }) => ({ workload, node, epoch }))).toEqual(before.map(({ workload, node, epoch }) => ({ workload, node, epoch })));
    expect(Buffer.compare((await s3('GET', 'kept')).body, kept)).toBe(0);
    // The stores were started again as the update says; the front ends, of which it changes nothing, run on.
    const now = await eventually('every store to run as a new process', 30_000, async () => {
      const found = await pids();
      return [...found].every(([workload, pid]) => workload.startsWith('archive') || pid !== running.get(workload)) ? found : undefined;
    });
    for (const workload of ['archive-0', 'archive-1']) expect(now.get(workload), workload).toBe(running.get(workload));
    const verified = await grid.cli('contract', 'verify', next);
    expect(verified.exitCode, JSON.stringify(verified.json)).toBe(0);
    archive = { ...archive, contract: next };
  });

  it('cannot change what a group holds together, nor what does not run, nor end what somebody else asked for', async () => {
    const refused = async (...args: string[]): Promise<Refused['error']> => {
      const { exitCode, json } = await grid.cli<Refused>(...args);
      expect(exitCode, JSON.stringify(json)).toBe(1);
      return json.error;
    };
    expect(await refused('contract', 'update', archive.contract, '--param', 'data_shards=3', '--yes')).toMatchObject({ code: 'layout_fixed', hint: expect.any(String) as string });
    expect(await refused('contract', 'update', archive.contract, '--param', 'capacity=9PB', '--yes')).toMatchObject({ code: expect.stringMatching(/no_capacity|no_credit/) as string });
    expect(await refused('contract', 'update', archive.contract, '--param', 'countries=FR', '--yes')).toMatchObject({ code: 'place_fixed' });
    expect(await refused('contract', 'update', archive.contract, '--param', 'capacity=2GB', '--yes')).toMatchObject({ code: 'nothing_changes' });
    const empty = await grid.cli<Refused>('contract', 'update', archive.contract, '--yes');
    expect([empty.exitCode, empty.json.error.code]).toEqual([2, 'nothing_asked']);
  });

  it('an update that is rejected leaves everything as it was', async () => {
    const { json } = await grid.cli<Proposed>('contract', 'update', archive.contract, '--param', 'capacity=3GB', '--yes');
    const rejected = await grid.cli<{ ended: boolean }>('contract', 'reject', json.contract, '--role', 'budget', '--reason', 'too dear');
    expect(rejected.json).toMatchObject({ ok: true, ended: true });
    const state = await parties.bot.follower.waitFor((s) => (s.contracts[Digest.parse(json.contract)]?.status === 'rejected' ? s : undefined), { timeoutMs: 20_000 });
    expect(state.contracts[Digest.parse(archive.contract)]?.status).toBe('active');
    expect(reservationMistakes(state)).toEqual([]);
  });
});
