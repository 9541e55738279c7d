import type { PrincipalId } from './principal.ts';
import { membersOf, type Policy, voters, type Weighted } from './policy.ts';

/** One principal's decision in one role. */
export interface Vote {
  readonly principal: PrincipalId;
  readonly role: string;
  readonly decision: 'approve' | 'reject';
}

/** What is still missing, as data: who could give it is named, so that a person can be told. */
export type Missing =
  | { readonly kind: 'role'; readonly role: string; readonly have: number; readonly need: number; readonly open: readonly PrincipalId[] }
  | { readonly kind: 'weight'; readonly have: number; readonly need: number; readonly open: readonly PrincipalId[] }
  /** So many of these. */
  | { readonly kind: 'some'; readonly need: number; readonly of: readonly (readonly Missing[])[] }
  | { readonly kind: 'vetoed'; readonly role: string; readonly by: PrincipalId };

export interface Quorum {
  readonly met: boolean;
  /** False once the rejections make the quorum unreachable. */
  readonly possible: boolean;
  /** Empty when met. */
  readonly missing: readonly Missing[];
}

/**
 * Evaluates the tree over the votes. A principal counts once in the whole tree, in the first of their votes that it
 * asks for: whoever holds two roles still is one person, and one key one voice.
 */
export function evaluatePolicy(policy: Policy, votes: readonly Vote[]): Quorum {
  const asked = new Set(voters(policy).map(({ role, principal }) => `${role} ${principal}`));
  const first = new Map<PrincipalId, Vote>();
  for (const vote of votes) if (!first.has(vote.principal) && asked.has(`${vote.role} ${vote.principal}`)) first.set(vote.principal, vote);
  return evaluateVotes(policy, first);
}

/** All of several policies over the same votes: an update answers to the policy that it replaces, and to its own. */
export function evaluatePolicies(policies: readonly Policy[], votes: readonly Vote[]): Quorum {
  const all = policies.map((policy) => evaluatePolicy(policy, votes));
  return { met: all.every((q) => q.met), possible: all.every((q) => q.possible), missing: all.flatMap((q) => q.missing) };
}

export function evaluateVotes(policy: Policy, votes: ReadonlyMap<PrincipalId, Vote>): Quorum {
  if ('veto' in policy) {
    const by = policy.veto.principals.find((principal) => { const vote = votes.get(principal); return vote?.decision === 'reject' && vote.role === policy.veto.role; });
    if (by !== undefined) return { met: false, possible: false, missing: [{ kind: 'vetoed', role: policy.veto.role, by }] };
    return evaluateVotes(policy.over, votes);
  }
  if ('weight' in policy) {
    const { have, left, open } = tally(policy.of, votes);
    return count({ have, left, need: policy.weight, missing: { kind: 'weight', have, need: policy.weight, open } });
  }
  if ('role' in policy) {
    const members = [...new Set(policy.principals)].map((principal) => ({ principal, role: policy.role, weight: 1 }));
    const { have, left, open } = tally(members, votes);
    return count({ have, left, need: policy.k, missing: { kind: 'role', role: policy.role, have, need: policy.k, open } });
  }
  const parts = 'all' in policy ? policy.all : 'any' in policy ? policy.any : policy.of;
  const need = 'all' in policy ? parts.length : 'any' in policy ? 1 : policy.k;
  const required = new Set('k' in policy ? policy.required : undefined);
  const results = parts.map((part) => evaluateVotes(part, votes));
  const stands = (test: (q: Quorum) => boolean): boolean => results.filter(test).length >= need && results.every((q, i) => !required.has(i) || test(q));
  const met = stands((q) => q.met);
  const open = results.filter((q) => !q.met);
  const musts = results.flatMap((q, i) => (required.has(i) ? q.missing : []));
  const others = results.filter((q, i) => !q.met && !required.has(i)).map((q) => q.missing);
  const left = need - results.filter((q) => q.met).length - results.filter((q, i) => !q.met && required.has(i)).length;
  const missing: Missing[] = met ? [] : 'all' in policy ? open.flatMap((q) => [...q.missing]) : [...musts, ...(left > 0 ? [{ kind: 'some' as const, need: left, of: others }] : [])];
  return { met, possible: stands((q) => q.possible), missing };
}

/** Weight of those who approved in their role, of those who have not decided, and who these are. */
function tally(members: readonly Weighted[], votes: ReadonlyMap<PrincipalId, Vote>): { have: number; left: number; open: PrincipalId[] } {
  let have = 0;
  let left = 0;
  const open: PrincipalId[] = [];
  for (const { principal, most, roles } of membersOf(members)) {
    const vote = votes.get(principal);
    if (vote?.decision === 'approve') have += roles.get(vote.role) ?? 0;
    else if (!vote) {
      left += most;
      open.push(principal);
    }
  }
  return { have, left, open };
}

function count({ have, left, need, missing }: { have: number; left: number; need: number; missing: Missing }): Quorum {
  const met = have >= need;
  return { met, possible: have + left >= need, missing: met ? [] : [missing] };
}
