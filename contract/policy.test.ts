import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from './digest.ts';
import { evaluatePolicy, Policy, resolvePolicy, voters, type Vote } from './policy.ts';

const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => digestOf(name)) as [ReturnType<typeof digestOf>, ReturnType<typeof digestOf>, ReturnType<typeof digestOf>];
const yes = (principal: typeof alice, role: string): Vote => ({ principal, role, decision: 'approve' });
const no = (principal: typeof alice, role: string): Vote => ({ principal, role, decision: 'reject' });
const legal: Policy = { role: 'legal', principals: [alice, bob], k: 1 };
const budget: Policy = { role: 'budget', principals: [carol], k: 1 };

describe('policy', () => {
  it('is met when every role has its number, and says who is missing until then', () => {
    const both: Policy = { all: [legal, budget] };
    expect(evaluatePolicy(both, [])).toEqual({ met: false, possible: true, waitingFor: ['legal (0 of 1)', 'budget (0 of 1)'] });
    expect(evaluatePolicy(both, [yes(bob, 'legal')])).toEqual({ met: false, possible: true, waitingFor: ['budget (0 of 1)'] });
    expect(evaluatePolicy(both, [yes(bob, 'legal'), yes(carol, 'budget')]).met).toBe(true);
  });

  it('counts a principal once, in the role they signed in', () => {
    const two: Policy = { role: 'legal', principals: [alice, alice, bob], k: 2 };
    expect(evaluatePolicy(two, [yes(alice, 'legal'), yes(alice, 'legal')]).met).toBe(false);
    expect(evaluatePolicy(two, [yes(alice, 'budget'), yes(alice, 'legal'), yes(bob, 'legal')]).met).toBe(false);
    expect(evaluatePolicy(two, [yes(alice, 'legal'), yes(bob, 'legal')]).met).toBe(true);
    const weighted: Policy = { weight: 2, of: [{ principal: alice, role: 'x', weight: 1 }, { principal: alice, role: 'x', weight: 1 }] };
    expect(evaluatePolicy(weighted, [yes(alice, 'x')]).met).toBe(false);
  });

  it('knows when rejections make the quorum unreachable', () => {
    expect(evaluatePolicy(legal, [no(alice, 'legal')]).possible).toBe(true);
    expect(evaluatePolicy(legal, [no(alice, 'legal'), no(bob, 'legal')]).possible).toBe(false);
    expect(evaluatePolicy({ any: [legal, budget] }, [no(carol, 'budget')]).possible).toBe(true);
    expect(evaluatePolicy({ k: 2, of: [legal, budget] }, [no(carol, 'budget')]).possible).toBe(false);
  });

  it('resolves an author’s roles with an organisation’s people', () => {
    expect(resolvePolicy({ all: [{ role: 'legal' }, { role: 'budget' }] }, { legal: [bob, alice], budget: [carol] })).toEqual({ ok: true, policy: { all: [{ ...legal, principals: [alice, bob].sort() }, budget] } });
    expect(resolvePolicy({ all: [{ role: 'legal', k: 2 }, { role: 'gdpr' }] }, { legal: [alice] })).toEqual({ ok: false, missingRoles: ['gdpr', 'legal'] });
  });

  it('cannot ask more than there are', () => {
    expect(Policy.safeParse({ k: 2, of: [legal] }).success).toBe(false);
    expect(Policy.safeParse({ role: 'legal', principals: [alice, alice], k: 2 }).success).toBe(false);
    expect(Policy.safeParse({ k: 2, of: [legal, budget] }).success).toBe(true);
  });

  const tree: fc.Arbitrary<Policy> = fc.letrec<{ node: Policy; leaf: Policy }>((tie) => ({
    leaf: fc.record({ role: fc.constantFrom('a', 'b'), principals: fc.subarray([alice, bob, carol], { minLength: 1 }), k: fc.integer({ min: 1, max: 3 }) }),
    node: fc.oneof({ maxDepth: 3 }, tie('leaf'), fc.record({ all: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }), fc.record({ any: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }), fc.record({ k: fc.integer({ min: 1, max: 3 }), of: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) })),
  })).node;
  const votes = fc.array(fc.record({ principal: fc.constantFrom(alice, bob, carol), role: fc.constantFrom('a', 'b'), decision: fc.constantFrom('approve' as const, 'reject' as const) }), { maxLength: 5 });

  it('never becomes unmet by one more principal’s vote, never met without being possible, and strangers change nothing', () => {
    fc.assert(fc.property(tree, votes, (policy, cast) => {
      fc.pre(Policy.safeParse(policy).success);
      let before = evaluatePolicy(policy, []);
      for (let n = 1; n <= cast.length; n++) {
        const now = evaluatePolicy(policy, cast.slice(0, n));
        if (before.met) expect(now.met).toBe(true);
        if (!before.possible) expect(now.possible).toBe(false);
        if (now.met) expect(now.possible).toBe(true);
        expect(now.waitingFor.length > 0).toBe(!now.met);
        before = now;
      }
      const strangers = cast.map((v) => ({ ...v, principal: digestOf(`stranger ${v.principal}`) }));
      expect(evaluatePolicy(policy, strangers).met).toBe(false);
      expect(voters(policy).length).toBeGreaterThan(0);
    }), { seed: 2, numRuns: 300 });
  });
});
