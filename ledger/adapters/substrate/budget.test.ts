import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../../contract/digest.ts';
import { removeTemporaryFolders, temporaryFolder } from '../../grid.fixture.ts';
import { ENTRY_BYTES, FeeBudget, type Speaker } from './budget.ts';

afterAll(removeTemporaryFolders);

const DAY_MS = 86_400_000;
const COST = 100 + ENTRY_BYTES;
const STRANGERS: Speaker = { of: 'strangers' };
const principal = (name: string): Speaker => ({ of: 'principal', id: digestOf(name) });

function newBudget(file = path.join(temporaryFolder(), 'spent')) {
  const clock = { ms: 20_000 * DAY_MS };
  return { file, clock, budget: new FeeBudget({ file, limits: { strangers: 2 * COST, principal: 3 * COST, total: 1000 }, now: () => clock.ms }) };
}

/** How many entries of 100 bytes it pays for, 10 at most. */
function pays(budget: FeeBudget, speaker: Speaker): number {
  let count = 0;
  for (; count < 10 && !budget.refuse(speaker, 100); count++) budget.charge(speaker, 100);
  return count;
}

describe('what the account pays for a day', () => {
  it('is bounded for all strangers together, and for each principal by itself', () => {
    const { budget } = newBudget();
    expect([STRANGERS, principal('a'), STRANGERS, principal('b'), principal('a')].map((speaker) => pays(budget, speaker))).toEqual([2, 3, 0, 3, 0]);
    expect(pays(budget, { of: 'ledger' })).toBe(10);
    expect(budget.refuse(STRANGERS, 100)).toMatchObject({ code: 'fee_budget', hint: expect.stringMatching(/tomorrow/) as string });
    budget.giveBack(STRANGERS, 100);
    expect(pays(budget, STRANGERS)).toBe(1);
  });

  it('begins anew with the day, not with a clock that is set back, nor with a restart', () => {
    const { budget, clock, file } = newBudget();
    expect([pays(budget, STRANGERS), budget.sign(600)]).toEqual([2, undefined]);
    clock.ms -= DAY_MS;
    expect([pays(budget, STRANGERS), budget.sign(600)?.code]).toEqual([0, 'fee_budget']);
    const again = newBudget(file);
    expect([pays(again.budget, STRANGERS), again.budget.sign(600)?.code, again.budget.sign(400)]).toEqual([0, 'fee_budget', undefined]);
    again.clock.ms += DAY_MS;
    expect([pays(again.budget, STRANGERS), again.budget.sign(1000), again.budget.sign(1)?.code]).toEqual([2, undefined, 'fee_budget']);
    // What was counted is on disk before anything is signed.
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ day: 20_001, total: 1000 });
    writeFileSync(file, '{');
    expect(newBudget(file).budget.sign(1)).toBeUndefined();
  });
});
