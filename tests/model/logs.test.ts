import fc from 'fast-check';
import { afterAll, describe, it } from 'vitest';
import { openSqliteLog } from '../../ledger/adapters/sqlite/log.ts';
import { openSubstrateLog } from '../../ledger/adapters/substrate/log.ts';
import { startTestChain } from '../../ledger/adapters/substrate/chain.fixture.ts';
import { removeTemporaryFolders, temporaryFolder } from '../../ledger/grid.fixture.ts';
import { randomOf } from '../e2e/random.ts';
import { commandsOf, ROUNDS, SEED } from './commands.fixture.ts';
import { type Backend, playOn } from './play.ts';
import { SETTING } from './scene.ts';
import { runTrial } from './trial.ts';

const LONG_MS = 1_800_000;
/** A chain's block comes after the one before: each command at least so much later. */
const STEP_MS = 1_000;

afterAll(removeTemporaryFolders);

describe(`random sequences through real logs, seed ${SEED}: every answer, the root and the state are the bare machine's`, () => {
  it(`${ROUNDS.sqlite} through SQLite, in random batches, closed and opened in between`, async () => {
    await fc.assert(fc.asyncProperty(commandsOf(40), fc.nat(), async ({ variant, commands }, seed) => {
      const dir = temporaryFolder();
      let now = 0;
      const sqlite: Backend = { open: (signer) => openSqliteLog({ dir, signer, now: () => now }), setClock: (ms) => { now = ms; }, keepsTime: true };
      await playOn(sqlite, { variant, outcome: runTrial({ variant, commands, asLog: true }), random: randomOf(seed) });
    }), { seed: SEED, numRuns: ROUNDS.sqlite });
  }, LONG_MS);

  it(`${ROUNDS.chain} through a Substrate chain (real runtime in process), closed and opened in between`, async () => {
    const chain = await startTestChain();
    // One chain serves all sequences, and its time only goes on: each grid begins after the one before.
    let latest = Date.parse(SETTING.start);
    try {
      await fc.assert(fc.asyncProperty(commandsOf(12), fc.nat(), async ({ variant, commands }, seed) => {
        const dir = temporaryFolder();
        const setting = { start: new Date(latest + 60_000).toISOString(), stepMs: STEP_MS };
        const outcome = runTrial({ variant, commands, setting, asLog: true });
        latest = Math.max(Date.parse(setting.start), ...outcome.told.map(({ at }) => at));
        let from: number | 'head' = 'head';
        const substrate: Backend = {
          open: async (signer) => {
            await chain.fund(signer.key);
            const log = await openSubstrateLog({ dir, signer, url: chain.url, from });
            from = log.chain.from;
            return log;
          },
          setClock: (ms) => chain.setClock(() => ms),
          keepsTime: false,
        };
        await playOn(substrate, { variant, setting, outcome, random: randomOf(seed) });
      }), { seed: SEED, numRuns: ROUNDS.chain });
    } finally {
      await chain.close();
    }
  }, LONG_MS);
});
