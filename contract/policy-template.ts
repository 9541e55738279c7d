import { z } from 'zod';
import { asksWhatIsThere, Count, Indices, isReadable, Policy, Role, UNREADABLE, voters, Weight } from './policy.ts';
import type { PrincipalId } from './principal.ts';
import { evaluateVotes, type Vote } from './quorum.ts';

/** Ways in which people with several roles could vote that are tried, to see whether a policy can be satisfied at all. */
const MAX_WAYS = 256;

/** A policy as an author writes it: roles without people; an organisation's roster fills them in. */
export type PolicyTemplate =
  | { readonly all: readonly PolicyTemplate[] }
  | { readonly any: readonly PolicyTemplate[] }
  | { readonly k: number; readonly of: readonly PolicyTemplate[]; readonly required?: readonly number[] }
  /** `independent`: the requester may not be one of them, whatever roles they hold. */
  | { readonly role: string; readonly k?: number; readonly independent?: true }
  /** Everybody in a role has its weight. */
  | { readonly weight: number; readonly of: readonly { readonly role: string; readonly weight: number }[] }
  | { readonly veto: string; readonly over: PolicyTemplate };

const TemplateChildren = z.lazy(() => z.array(TemplateTree).min(1).max(16));
const TemplateTree: z.ZodType<PolicyTemplate> = z.union([
  z.strictObject({ all: TemplateChildren }),
  z.strictObject({ any: TemplateChildren }),
  z.strictObject({ k: Count, of: TemplateChildren, required: Indices.exactOptional() }).refine(asksWhatIsThere, 'asks more than there are'),
  z.strictObject({ role: Role, k: Count.exactOptional(), independent: z.literal(true).exactOptional() }),
  z.strictObject({ weight: Weight, of: z.array(z.strictObject({ role: Role, weight: Weight })).min(1).max(16) }),
  z.strictObject({ veto: Role, over: z.lazy(() => TemplateTree) }),
]);
export const PolicyTemplate: z.ZodType<PolicyTemplate> = z.unknown().refine(isReadable, UNREADABLE).pipe(TemplateTree)
  .refine(countsRolesOnce, 'asks a role twice in parts that count together: one voice would fill both');

export type Roster = Readonly<Record<string, readonly PrincipalId[]>>;

/** Fills an author's template with the people of an organisation; names the roles that too few hold. */
export function resolvePolicy(template: PolicyTemplate, roster: Roster, requester?: PrincipalId): { ok: true; policy: Policy } | { ok: false; missingRoles: string[] } {
  const missing = new Set<string>();
  const holders = (role: string, need: number, independent = false): PrincipalId[] => {
    const principals = (Object.hasOwn(roster, role) ? roster[role] ?? [] : []).filter((p) => !independent || p !== requester).sort();
    if (new Set(principals).size < need) missing.add(role);
    return principals;
  };
  const resolve = (node: PolicyTemplate): Policy => {
    if ('role' in node) return { role: node.role, principals: holders(node.role, node.k ?? 1, node.independent), k: node.k ?? 1 };
    if ('all' in node) return { all: node.all.map(resolve) };
    if ('any' in node) return { any: node.any.map(resolve) };
    if ('veto' in node) return { veto: { role: node.veto, principals: holders(node.veto, 1) }, over: resolve(node.over) };
    if ('weight' in node) return { weight: node.weight, of: node.of.flatMap(({ role, weight }) => holders(role, 1).map((principal) => ({ principal, role, weight }))) };
    return { k: node.k, of: node.of.map(resolve), ...(node.required && { required: node.required }) };
  };
  const policy = resolve(template);
  if (missing.size > 0) return { ok: false, missingRoles: [...missing].sort() };
  // A roster can leave a policy that nobody could ever satisfy (weights that do not add up): that is nobody, too.
  const parsed = Policy.safeParse(policy);
  return parsed.success && isSatisfiable(parsed.data) ? { ok: true, policy: parsed.data } : { ok: false, missingRoles: [...new Set(rolesOf(template))].sort() };
}

/** Whether some votes could meet it: people with several roles vote in one, so that two roles of one person are not two. */
function isSatisfiable(policy: Policy): boolean {
  const roles = new Map<PrincipalId, Set<string>>();
  for (const { principal, role } of voters(policy)) roles.set(principal, (roles.get(principal) ?? new Set()).add(role));
  let ways: Map<PrincipalId, Vote>[] = [new Map<PrincipalId, Vote>()];
  for (const [principal, held] of roles) {
    ways = ways.flatMap((votes) => [...held].map((role) => new Map<PrincipalId, Vote>([...votes, [principal, { principal, role, decision: 'approve' }]])));
    // With so many people in several roles the question is left to them.
    if (ways.length > MAX_WAYS) return true;
  }
  return ways.some((votes) => evaluateVotes(policy, votes).met);
}

/** No role stands in two parts that count together; alternatives may share one. */
function countsRolesOnce(template: PolicyTemplate): boolean {
  if ('veto' in template) return countsRolesOnce(template.over);
  if ('role' in template) return true;
  if ('weight' in template) return new Set(template.of.map(({ role }) => role)).size === template.of.length;
  const parts = 'all' in template ? template.all : 'any' in template ? template.any : template.of;
  const counted = parts.flatMap((part) => [...new Set(countedRoles(part))]);
  return parts.every(countsRolesOnce) && ('any' in template || new Set(counted).size === counted.length);
}

function countedRoles(template: PolicyTemplate): string[] {
  if ('veto' in template) return countedRoles(template.over);
  if ('role' in template) return [template.role];
  if ('weight' in template) return template.of.map(({ role }) => role);
  return ('all' in template ? template.all : 'any' in template ? template.any : template.of).flatMap(countedRoles);
}

function rolesOf(template: PolicyTemplate): string[] {
  if ('role' in template) return [template.role];
  if ('weight' in template) return template.of.map(({ role }) => role);
  if ('veto' in template) return [template.veto, ...rolesOf(template.over)];
  return ('all' in template ? template.all : 'any' in template ? template.any : template.of).flatMap(rolesOf);
}
