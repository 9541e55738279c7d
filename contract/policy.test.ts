import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from './digest.ts';
import { Policy, voters, votersOf } from './policy.ts';
import { PolicyTemplate, resolvePolicy } from './policy-template.ts';
import { describePolicy, describeTemplate, explainMissing } from './policy-words.ts';
import { evaluatePolicies, evaluatePolicy, type Vote } from './quorum.ts';

const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => digestOf(name)) as [ReturnType<typeof digestOf>, ReturnType<typeof digestOf>, ReturnType<typeof digestOf>];
const yes = (principal: typeof alice, role: string): Vote => ({ principal, role, decision: 'approve' });
const no = (principal: typeof alice, role: string): Vote => ({ principal, role, decision: 'reject' });
const legal: Policy = { role: 'legal', principals: [alice, bob], k: 1 };
const budget: Policy = { role: 'budget', principals: [carol], k: 1 };

describe('policy', () => {
  it('is met when every role has its number, and says who is missing until then', () => {
    const both: Policy = { all: [legal, budget] };
    const names = (votes: Vote[]): string[] => explainMissing(evaluatePolicy(both, votes).missing, (id) => ({ [alice]: 'Alice', [bob]: 'Bob', [carol]: 'Carol' })[id] ?? id);
    expect(names([])).toEqual(['legal (0 of 1: Alice or Bob)', 'budget (0 of 1: Carol)']);
    expect(names([yes(bob, 'legal')])).toEqual(['budget (0 of 1: Carol)']);
    expect(names([no(alice, 'legal'), no(bob, 'legal')])[0]).toBe('legal (0 of 1: nobody is left)');
    expect(evaluatePolicy(both, [yes(bob, 'legal'), yes(carol, 'budget')])).toEqual({ met: true, possible: true, missing: [] });
  });

  it('names whom several policies ask once', () => {
    expect(votersOf([{ all: [legal, budget] }, legal])).toEqual([{ role: 'legal', principal: alice }, { role: 'legal', principal: bob }, { role: 'budget', principal: carol }]);
    expect(votersOf([budget, { role: 'legal', principals: [carol], k: 1 }])).toHaveLength(2);
  });

  it.each<[unknown, string]>([
    [{ all: [{ role: 'it-expert' }, { role: 'legal', k: 2 }, { role: 'budget' }] }, '(it-expert and 2 of legal and budget)'],
    [{ any: [{ role: 'legal', independent: true }, { all: [{ role: 'budget' }] }] }, '(legal (not who asks) or budget)'],
    [{ k: 2, of: [{ role: 'a' }, { role: 'b' }, { role: 'c' }], required: [0] }, '2 of (a ; b ; c) of which the 1. must be'],
    [{ veto: 'security', over: { weight: 3, of: [{ role: 'legal', weight: 2 }, { role: 'budget', weight: 1 }] } }, 'weight 3 of: legal 2, budget 1, unless vetoed by security'],
  ])('is in words before a roster fills it: %j', (template, words) => {
    expect(describeTemplate(PolicyTemplate.parse(template))).toBe(words);
  });

  it('lets some of k-of-n be required', () => {
    const three: Policy = { k: 2, of: [legal, budget, { role: 'it', principals: [alice], k: 1 }], required: [1] };
    expect(evaluatePolicy(three, [yes(bob, 'legal'), yes(alice, 'it')]).met).toBe(false);
    expect(explainMissing(evaluatePolicy(three, [yes(bob, 'legal'), yes(alice, 'it')]).missing, () => 'X')).toEqual(['budget (0 of 1: X)']);
    expect(explainMissing(evaluatePolicy(three, []).missing, () => 'X')).toEqual(['budget (0 of 1: X)', 'one of: legal (0 of 1: X or X); it (0 of 1: X)']);
    expect(evaluatePolicy(three, [yes(carol, 'budget'), yes(bob, 'legal')]).met).toBe(true);
    expect(evaluatePolicy(three, [no(carol, 'budget')]).possible).toBe(false);
    expect(Policy.safeParse({ ...three, required: [3] }).success).toBe(false);
    expect(Policy.safeParse({ ...three, required: [0, 1, 2] }).success).toBe(false);
  });

  it('weighs members, each once', () => {
    const board: Policy = { weight: 3, of: [{ principal: alice, role: 'board', weight: 2 }, { principal: bob, role: 'board', weight: 1 }, { principal: carol, role: 'board', weight: 1 }] };
    expect(evaluatePolicy(board, [yes(alice, 'board')])).toEqual({ met: false, possible: true, missing: [{ kind: 'weight', have: 2, need: 3, open: [bob, carol] }] });
    expect(evaluatePolicy(board, [yes(alice, 'board'), yes(carol, 'board')]).met).toBe(true);
    expect(evaluatePolicy(board, [no(alice, 'board')]).possible).toBe(false);
    expect(Policy.safeParse({ weight: 2, of: [{ principal: alice, role: 'x', weight: 1 }, { principal: alice, role: 'x', weight: 1 }] }).success).toBe(false);
  });

  it('lets a veto end it, whatever the others say, and asks no approval of its holder', () => {
    const guarded: Policy = { veto: { role: 'security', principals: [carol] }, over: legal };
    expect(evaluatePolicy(guarded, [yes(alice, 'legal')]).met).toBe(true);
    expect(evaluatePolicy(guarded, [no(carol, 'security'), yes(alice, 'legal')])).toEqual({ met: false, possible: false, missing: [{ kind: 'vetoed', role: 'security', by: carol }] });
    expect(evaluatePolicy(guarded, [no(carol, 'legal')]).possible).toBe(true);
    expect(voters(guarded)).toContainEqual({ role: 'security', principal: carol });
  });

  it('asks an update of both policies', () => {
    const votes = [yes(alice, 'legal')];
    expect(evaluatePolicies([legal, budget], votes).met).toBe(false);
    expect(evaluatePolicies([legal, budget], [...votes, yes(carol, 'budget')]).met).toBe(true);
    expect(evaluatePolicies([legal, budget], [...votes, no(carol, 'budget')]).possible).toBe(false);
  });

  it('counts a principal once, in the role they signed in', () => {
    const two: Policy = { role: 'legal', principals: [alice, alice, bob], k: 2 };
    expect(evaluatePolicy(two, [yes(alice, 'legal'), yes(alice, 'legal')]).met).toBe(false);
    expect(evaluatePolicy({ all: [legal, { role: 'it', principals: [alice], k: 1 }] }, [yes(alice, 'it'), yes(alice, 'legal')]).met).toBe(false);
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
    expect(resolvePolicy({ weight: 2, of: [{ role: 'legal', weight: 1 }] }, { legal: [alice, bob] })).toMatchObject({ ok: true, policy: { weight: 2, of: [{ role: 'legal', weight: 1 }, { role: 'legal', weight: 1 }] } });
    expect(resolvePolicy({ weight: 3, of: [{ role: 'legal', weight: 1 }] }, { legal: [alice, bob] })).toEqual({ ok: false, missingRoles: ['legal'] });
  });

  it('refuses templates that a reader could not follow, or that one voice would fill twice', () => {
    const legalTemplate = { role: 'legal' };
    expect(PolicyTemplate.safeParse({ k: 2, of: [legalTemplate, legalTemplate, { role: 'budget' }] }).success).toBe(false);
    expect(PolicyTemplate.safeParse({ all: [legalTemplate, { any: [{ role: 'budget' }, legalTemplate] }] }).success).toBe(false);
    expect(PolicyTemplate.safeParse({ any: [{ role: 'legal', k: 2 }, { all: [legalTemplate, { role: 'board' }] }] }).success).toBe(true);
    let deep: PolicyTemplate = legalTemplate;
    for (let n = 0; n < 8; n++) deep = { veto: 'security', over: deep };
    expect(PolicyTemplate.safeParse(deep).success).toBe(false);
    expect(Policy.safeParse({ any: Array.from({ length: 16 }, () => ({ any: Array.from({ length: 16 }, () => legal) })) }).success).toBe(false);
    expect(resolvePolicy({ all: [{ role: 'legal' }, { role: 'budget' }] }, { legal: [alice], budget: [alice] })).toEqual({ ok: false, missingRoles: ['budget', 'legal'] });
  });

  it('describes all of itself, its vetoes and weights too', () => {
    const nameOf = (id: string): string => ({ [alice]: 'Alice', [bob]: 'Bob', [carol]: 'Carol' })[id] ?? id;
    expect(describePolicy({ veto: { role: 'security', principals: [carol] }, over: { all: [legal, budget] } }, nameOf)).toBe('(legal (1 of: Alice, Bob) and budget (1 of: Carol)), unless vetoed by Carol as security');
    expect(describePolicy({ k: 1, of: [legal, budget], required: [1] }, nameOf)).toBe('1 of (legal (1 of: Alice, Bob) ; budget (1 of: Carol)) of which the 2. must be');
    expect(describePolicy({ weight: 2, of: [{ principal: alice, role: 'board', weight: 2 }] }, nameOf)).toBe('weight 2 of: Alice as board 2');
  });

  it('keeps the requester out of a role that must be independent', () => {
    const independent = { role: 'legal', independent: true } as const;
    expect(resolvePolicy(independent, { legal: [alice, bob] }, alice)).toEqual({ ok: true, policy: { role: 'legal', principals: [bob], k: 1 } });
    expect(resolvePolicy(independent, { legal: [alice] }, alice)).toEqual({ ok: false, missingRoles: ['legal'] });
    expect(resolvePolicy({ role: 'legal' }, { legal: [alice] }, alice).ok).toBe(true);
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
        expect(now.missing.length > 0).toBe(!now.met);
        before = now;
      }
      const strangers = cast.map((v) => ({ ...v, principal: digestOf(`stranger ${v.principal}`) }));
      expect(evaluatePolicy(policy, strangers).met).toBe(false);
      expect(voters(policy).length).toBeGreaterThan(0);
    }), { seed: 2, numRuns: 300 });
  });
});
