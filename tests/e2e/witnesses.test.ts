import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, type Grid, startGrid, tailsOnFailure } from './grid.fixture.ts';
import { commandOf, treeOf } from './processes.ts';

/** Nodes of a witnessed grid live by what its witnesses have cosigned, not by the ledger's word alone. */

const GRID = path.join(import.meta.dirname, 'grids', 'witnessed.yaml');
const WITHIN_MS = 60_000;

let grid: Grid;

tailsOnFailure(() => grid);

beforeAll(async () => {
  grid = await startGrid({ grid: GRID });
}, 170_000);

afterAll(async () => {
  for (const pid of witnesses()) process.kill(pid, 'SIGCONT');
  await grid?.stop();
}, 60_000);

function witnesses(): number[] {
  return treeOf(grid.pid).map(({ pid }) => pid).filter((pid) => commandOf(pid).includes('witness.mjs'));
}

/** Size of the longest log that so many witnesses cosigned. */
async function cosigned(count: number): Promise<number> {
  const note = await (await fetch(`${grid.ready.ledger}/v1/checkpoint/cosigned?cosigned=${count}`)).text();
  return Number(note.split('\n')[1]);
}

async function leases(): Promise<number[]> {
  return (await grid.nodes()).map(({ status }) => (status === undefined || Date.now() - Date.parse(status.at) > 10_000 ? 0 : status.lease));
}

it('has its log cosigned by all, and goes on with one witness less', async () => {
  expect(witnesses()).toHaveLength(3);
  const before = await eventually('a note of all three', WITHIN_MS, async () => (await cosigned(3)) || undefined);
  process.kill(witnesses()[0]!, 'SIGSTOP');
  const frozen = await cosigned(3);
  await eventually('two witnesses that go on', WITHIN_MS, async () => ((await cosigned(2)) > Math.max(before, frozen) + 3 ? true : undefined));
  await eventually('all leases', WITHIN_MS, async () => ((await leases()).every((ms) => ms > 0) ? true : undefined));
});

it('lets no node keep its lease when too few witnesses see the log, and has them back when they do', async () => {
  for (const pid of witnesses()) process.kill(pid, 'SIGSTOP');
  await eventually('no lease', WITHIN_MS, async () => ((await leases()).every((ms) => ms === 0) ? true : undefined));
  // The ledger itself waits for nobody.
  const { size } = await (await fetch(`${grid.ready.ledger}/v1/grid`)).json() as { size: number };
  await eventually('a log that grows', WITHIN_MS, async () => (((await (await fetch(`${grid.ready.ledger}/v1/grid`)).json()) as { size: number }).size > size ? true : undefined));
  for (const pid of witnesses()) process.kill(pid, 'SIGCONT');
  await eventually('all leases', WITHIN_MS, async () => ((await leases()).every((ms) => ms > 0) ? true : undefined));
});
