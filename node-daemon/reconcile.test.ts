import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DeploymentId } from '../contract/contract.ts';
import type { Slot } from './holdings.ts';
import { keyOf } from './holdings.ts';
import { type Actual, type Desired, reconcile } from './reconcile.ts';

const deployment = `sha256:${'a'.repeat(64)}` as DeploymentId;
const slotArb = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }).map((epochs): Slot[] => epochs.map((epoch, slot) => ({ slot, epoch, address: `zdb-${slot}@${epoch}` })));
const holdingArb = fc.record({ workload: fc.constantFrom('zdb-0', 'zdb-1', 'archive-0'), epoch: fc.integer({ min: 1, max: 3 }) });

const storeOf = (name: string, capacity = '1'): Desired['workload'] => ({ type: 'zdb', name, group: 'g', secrets: [], dials: [], resources: { disk: '0', memory: '0', cpu: '0' }, spec: { mode: 'user', capacity, namespaces: ['data'] } });
const desiredArb: fc.Arbitrary<Desired[]> = fc.uniqueArray(
  fc.record({ at: holdingArb, slots: slotArb, waits: fc.boolean() }).map(({ at, slots, waits }): Desired => {
    const held = { deployment, contract: deployment, type: 'zdb' as const, ...at };
    return {
      key: keyOf(held), held, slots, ...(waits && { waitingFor: 'a secret' }),
      workload: storeOf(at.workload),
    };
  }),
  { selector: (d) => d.key, maxLength: 6 },
);
const actualArb: fc.Arbitrary<Actual[]> = fc.uniqueArray(fc.record({ at: holdingArb, slots: slotArb, capacity: fc.constantFrom('1', '2') }).map(({ at, slots, capacity }) => ({ key: keyOf({ deployment, ...at }), slots, desired: { workload: storeOf(at.workload, capacity) } })), { selector: (a) => a.key, maxLength: 6 });

const isSame = (a: Actual, d: Desired): boolean => a.desired.workload.type === 'zdb' && d.workload.type === 'zdb' && a.desired.workload.spec.capacity === d.workload.spec.capacity;

/** What runs after the steps of a plan. */
function apply(actual: readonly Actual[], steps: ReturnType<typeof reconcile>): Actual[] {
  const running = new Map(actual.map((a) => [a.key, a]));
  for (const step of steps) {
    if (step.type === 'stop') running.delete(step.key);
    else if (step.type === 'start') running.set(step.desired.key, { key: step.desired.key, slots: step.desired.slots, desired: step.desired });
    else running.set(step.key, { ...running.get(step.key)!, slots: step.slots });
  }
  return [...running.values()];
}

describe('reconcile', () => {
  it('reaches what is desired in one plan, and then has nothing to do', () => {
    fc.assert(fc.property(desiredArb, actualArb, (desired, actual) => {
      const after = apply(actual, reconcile({ desired, actual, leaseHeld: true }));
      const wanted = desired.filter((d) => d.waitingFor === undefined || actual.some((a) => a.key === d.key && isSame(a, d)));
      expect(after.map((a) => a.key).sort()).toEqual(wanted.map((d) => d.key).sort());
      for (const a of after) expect(a.slots).toEqual(desired.find((d) => d.key === a.key)?.slots);
      expect(reconcile({ desired, actual: after, leaseHeld: true })).toEqual([]);
    }), { seed: 1, numRuns: 500 });
  });

  it('without a lease only stops, and always stops what is not desired', () => {
    fc.assert(fc.property(desiredArb, actualArb, (desired, actual) => {
      const steps = reconcile({ desired, actual, leaseHeld: false });
      expect(steps.every((s) => s.type === 'stop')).toBe(true);
      expect(apply(actual, steps).every((a) => desired.some((d) => d.key === a.key))).toBe(true);
    }), { seed: 2, numRuns: 300 });
  });

  it('stops an earlier epoch before it starts the next', () => {
    const [next] = fc.sample(desiredArb.filter((d) => d.length > 0 && d[0]?.held.epoch === 2 && d[0].waitingFor === undefined), { seed: 3, numRuns: 1 })[0] ?? [];
    if (!next) throw new Error('no sample');
    const before = { key: keyOf({ ...next.held, epoch: 1 }), slots: [], desired: next };
    expect(reconcile({ desired: [next], actual: [before], leaseHeld: true }).map((s) => s.type)).toEqual(['stop', 'start']);
  });

  it('starts nothing whose secret is missing', () => {
    const desired = fc.sample(desiredArb, { seed: 4, numRuns: 20 }).flat().map((d) => ({ ...d, waitingFor: 'waiting for secret data-key' })).slice(0, 1);
    expect(desired).toHaveLength(1);
    expect(reconcile({ desired, actual: [], leaseHeld: true })).toEqual([]);
  });
});
