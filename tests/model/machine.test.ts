import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { payloads } from '../../contract/entry.ts';
import type { RefusalCode } from '../../ledger/state/refusal.ts';
import { commandsOf, ROUNDS, SEED } from './commands.fixture.ts';
import { runTrial, type Seen } from './trial.ts';

/** Each its own test: a runner that hears nothing for a minute thinks that its worker is dead. */
const PARTS = 10;
const PART_MS = 600_000;
/** From so many on, everything that is listed below happens, whatever the seed. */
const ENOUGH = 1_000;

/** What no sequence would be worth much without. */
const CODES: readonly RefusalCode[] = [
  'grid_exists', 'grid_mismatch', 'time_backwards', 'principal_unknown', 'principal_exists', 'key_mismatch', 'key_ended', 'key_taken', 'key_unknown', 'key_in_use', 'not_permitted', 'stale_revision', 'node_unknown', 'node_not_alive', 'node_fenced',
  'location_not_allowed', 'blueprint_exists', 'blueprint_unknown', 'blueprint_untrusted', 'blueprint_taken', 'blueprint_version', 'blueprint_yanked', 'contract_exists', 'contract_unknown', 'contract_expired', 'contract_not_open', 'contract_invalid', 'base_changed', 'policy_mismatch', 'price_mismatch',
  'no_capacity', 'no_credit', 'name_taken', 'placement_invalid', 'already_voted', 'change_unknown', 'not_running', 'execution_changed', 'lease_held', 'move_mismatch', 'move_not_allowed', 'epoch_mismatch', 'secret_exists', 'too_many', 'too_many_lost', 'transfer_repeated',
];
const ENDS = ['contract active', 'contract rejected', 'contract withdrawn', 'contract lapsed', 'contract cancelled', 'contract expired', 'contract superseded', 'update active', 'update overtaken', 'update superseded', 'update cancelled', 'update expired', 'update lapsed', 'update withdrawn'];

describe(`the state machine and the reference, ${ROUNDS.machine} random sequences, seed ${SEED}`, () => {
  const seen: Seen = new Map();

  it.each(Array.from({ length: PARTS }, (_, part) => ({ part: part + 1 })))(`say the same of every entry, and no invariant breaks: part $part of ${PARTS}`, ({ part }) => {
    fc.assert(fc.property(commandsOf(60), ({ variant, commands }) => void runTrial({ variant, commands, seen })), { seed: SEED + part, numRuns: Math.ceil(ROUNDS.machine / PARTS) });
  }, PART_MS);

  it('have met every kind of entry, every refusal and every end of a contract', (context) => {
    if (ROUNDS.machine < ENOUGH) context.skip(`for want of sequences: ${ROUNDS.machine} of at least ${ENOUGH}`);
    const kinds = Object.keys(payloads).filter((kind) => kind !== 'grid.created').map((kind) => `${kind} accepted`);
    expect([...kinds, ...ENDS].filter((what) => !seen.has(what))).toEqual([]);
    const refused = new Set([...seen.keys()].map((what) => what.split(' ')[1]));
    expect(CODES.filter((code) => !refused.has(code))).toEqual([]);
  });
});
