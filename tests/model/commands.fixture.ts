import fc from 'fast-check';
import { FLAWS, type Command } from './actor.ts';
import { ACTS } from './acts.ts';
import { SCENES } from './scene.ts';

/** Printed in the names of the tests. */
export const SEED = Number(process.env['THREEBOT_SEED'] ?? 20_261_120);
const IN_CI = process.env['CI'] === 'true';
/** How many sequences; `THREEBOT_SEQUENCES` on the bare machine, of which a thirtieth also goes through SQLite and a five-hundredth through a chain. */
const SEQUENCES = Number(process.env['THREEBOT_SEQUENCES'] ?? (IN_CI ? 10_000 : 1_000));
export const ROUNDS = { machine: SEQUENCES, sqlite: Math.ceil((SEQUENCES * 3) / 100), chain: Math.ceil(SEQUENCES / 500) };

const command: fc.Arbitrary<Command> = fc.tuple(fc.nat(ACTS.length - 1), fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(FLAWS - 1));

export function commandsOf(most: number): fc.Arbitrary<{ variant: number; commands: Command[] }> {
  return fc.record({ variant: fc.nat(SCENES - 1), commands: fc.array(command, { minLength: 1, maxLength: most, size: 'max' }) });
}
