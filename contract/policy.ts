import { z } from 'zod';
import { PrincipalId } from './principal.ts';

/** Who must say yes, as a tree that can be satisfied. `role` leaves name the principals that may speak for the role. */
export type Policy =
  | { readonly all: readonly Policy[] }
  | { readonly any: readonly Policy[] }
  | { readonly k: number; readonly of: readonly Policy[] }
  | { readonly role: string; readonly principals: readonly PrincipalId[]; readonly k: number }
  | { readonly weight: number; readonly of: readonly { readonly principal: PrincipalId; readonly role: string; readonly weight: number }[] };

/** A key of plain objects too, see Label. */
export const Role = z.string().regex(/^(?!constructor$)[a-z][a-z0-9-]{0,31}$/, 'expected a role such as it-expert');
const Children = z.lazy(() => z.array(Policy).min(1).max(16));
const Count = z.int().min(1).max(64);

export const Policy: z.ZodType<Policy> = z.union([
  z.strictObject({ all: Children }),
  z.strictObject({ any: Children }),
  z.strictObject({ k: Count, of: Children }).refine(({ k, of }) => k <= of.length, 'asks more than there are'),
  z.strictObject({ role: Role, principals: z.array(PrincipalId).min(1).max(64), k: Count }).refine(({ principals, k }) => k <= new Set(principals).size, 'asks more than there are'),
  z.strictObject({ weight: z.int().min(1).max(1_000_000), of: z.array(z.strictObject({ principal: PrincipalId, role: Role, weight: z.int().min(1).max(1_000_000) })).min(1).max(64) }),
]);

/** A policy as an author writes it: roles without people; an organisation's roster fills them in. */
export type PolicyTemplate =
  | { readonly all: readonly PolicyTemplate[] }
  | { readonly any: readonly PolicyTemplate[] }
  | { readonly k: number; readonly of: readonly PolicyTemplate[] }
  | { readonly role: string; readonly k?: number | undefined };

const TemplateChildren = z.lazy(() => z.array(PolicyTemplate).min(1).max(16));
export const PolicyTemplate: z.ZodType<PolicyTemplate> = z.union([
  z.strictObject({ all: TemplateChildren }),
  z.strictObject({ any: TemplateChildren }),
  z.strictObject({ k: Count, of: TemplateChildren }).refine(({ k, of }) => k <= of.length, 'asks more than there are'),
  z.strictObject({ role: Role, k: Count.optional() }),
]);

/** One principal's decision in one role; a principal has at most one, so nobody counts twice. */
export interface Vote {
  readonly principal: PrincipalId;
  readonly role: string;
  readonly decision: 'approve' | 'reject';
}

export interface Quorum {
  readonly met: boolean;
  /** False once the rejections make the quorum unreachable. */
  readonly possible: boolean;
  /** What is still missing, one line a role: `legal (0 of 1)`. */
  readonly waitingFor: readonly string[];
}

export type Roster = Readonly<Record<string, readonly PrincipalId[]>>;

/** Fills an author's template with the people of an organisation; names the roles that nobody holds. */
export function resolvePolicy(template: PolicyTemplate, roster: Roster): { ok: true; policy: Policy } | { ok: false; missingRoles: string[] } {
  const missing = new Set<string>();
  const resolve = (node: PolicyTemplate): Policy => {
    if ('role' in node) {
      const principals = [...(roster[node.role] ?? [])].sort();
      if (principals.length < (node.k ?? 1)) missing.add(node.role);
      return { role: node.role, principals, k: node.k ?? 1 };
    }
    if ('all' in node) return { all: node.all.map(resolve) };
    if ('any' in node) return { any: node.any.map(resolve) };
    return { k: node.k, of: node.of.map(resolve) };
  };
  const policy = resolve(template);
  return missing.size > 0 ? { ok: false, missingRoles: [...missing].sort() } : { ok: true, policy };
}

/** Every (role, principal) pair that may vote. */
export function voters(policy: Policy): { role: string; principal: PrincipalId }[] {
  if ('role' in policy) return policy.principals.map((principal) => ({ role: policy.role, principal }));
  if ('weight' in policy) return policy.of.map(({ role, principal }) => ({ role, principal }));
  return ('all' in policy ? policy.all : 'any' in policy ? policy.any : policy.of).flatMap(voters);
}

/** Evaluates the tree over the votes; of several votes by one principal only the first counts. */
export function evaluatePolicy(policy: Policy, votes: readonly Vote[]): Quorum {
  const first = new Map<PrincipalId, Vote>();
  for (const vote of votes) if (!first.has(vote.principal)) first.set(vote.principal, vote);
  return evaluate(policy, first);
}

function evaluate(policy: Policy, votes: ReadonlyMap<PrincipalId, Vote>): Quorum {
  if ('weight' in policy) {
    let yes = 0;
    let open = 0;
    for (const { principal, role, weight } of distinctBy(policy.of)) {
      const vote = votes.get(principal);
      if (vote?.decision === 'approve' && vote.role === role) yes += weight;
      else if (!vote) open += weight;
    }
    const met = yes >= policy.weight;
    return { met, possible: yes + open >= policy.weight, waitingFor: met ? [] : [`weight ${yes} of ${policy.weight}`] };
  }
  if ('role' in policy) {
    let yes = 0;
    let open = 0;
    for (const principal of new Set(policy.principals)) {
      const vote = votes.get(principal);
      if (vote?.decision === 'approve' && vote.role === policy.role) yes += 1;
      else if (!vote) open += 1;
    }
    const met = yes >= policy.k;
    return { met, possible: yes + open >= policy.k, waitingFor: met ? [] : [`${policy.role} (${yes} of ${policy.k})`] };
  }
  const parts = 'all' in policy ? policy.all : 'any' in policy ? policy.any : policy.of;
  const need = 'all' in policy ? parts.length : 'any' in policy ? 1 : policy.k;
  const results = parts.map((part) => evaluate(part, votes));
  const met = results.filter((r) => r.met).length >= need;
  return {
    met,
    possible: results.filter((r) => r.possible).length >= need,
    waitingFor: met ? [] : results.filter((r) => !r.met).flatMap((r) => r.waitingFor),
  };
}

function distinctBy<T extends { readonly principal: PrincipalId }>(items: readonly T[]): T[] {
  const seen = new Map<PrincipalId, T>();
  for (const item of items) if (!seen.has(item.principal)) seen.set(item.principal, item);
  return [...seen.values()];
}
