import { z } from 'zod';
import { PrincipalId } from './principal.ts';

/** Who must say yes, as a tree that can be satisfied. Leaves name the principals that may speak in a role. */
export type Policy =
  | { readonly all: readonly Policy[] }
  | { readonly any: readonly Policy[] }
  /** `required`: indices into `of` that must be among the k. */
  | { readonly k: number; readonly of: readonly Policy[]; readonly required?: readonly number[] }
  | { readonly role: string; readonly principals: readonly PrincipalId[]; readonly k: number }
  | { readonly weight: number; readonly of: readonly Weighted[] }
  /** Asks what `over` asks; one rejection by a holder ends it, whatever the others say. */
  | { readonly veto: { readonly role: string; readonly principals: readonly PrincipalId[] }; readonly over: Policy };

export interface Weighted { readonly principal: PrincipalId; readonly role: string; readonly weight: number }

/** A key of plain objects too, see Label. */
export const Role = z.string().regex(/^(?!constructor$)[a-z][a-z0-9-]{0,31}$/, 'expected a role such as it-expert');
/** Deepest nesting of a policy, and parts and weighed members in it: a signer must be able to read it, and the ledger to evaluate it at every vote. */
const MAX_DEPTH = 8;
const MAX_PARTS = 128;
export const UNREADABLE = `more than ${MAX_PARTS} parts, or nested deeper than ${MAX_DEPTH}`;
const Children = z.lazy(() => z.array(PolicyTree).min(1).max(16));
export const Count = z.int().min(1).max(64);
export const Weight = z.int().min(1).max(1_000_000);
export const Indices = z.array(z.int().min(0).max(15)).min(1).max(16);
const Holders = z.array(PrincipalId).min(1).max(64);

const PolicyTree: z.ZodType<Policy> = z.union([
  z.strictObject({ all: Children }),
  z.strictObject({ any: Children }),
  z.strictObject({ k: Count, of: Children, required: Indices.exactOptional() }).refine(asksWhatIsThere, 'asks more than there are'),
  z.strictObject({ role: Role, principals: Holders, k: Count }).refine(({ principals, k }) => k <= new Set(principals).size, 'asks more than there are'),
  z.strictObject({ weight: Weight, of: z.array(z.strictObject({ principal: PrincipalId, role: Role, weight: Weight })).min(1).max(64) })
    .refine(({ weight, of }) => weight <= membersOf(of).reduce((sum, { most }) => sum + most, 0), 'asks more than there are'),
  z.strictObject({ veto: z.strictObject({ role: Role, principals: Holders }), over: z.lazy(() => PolicyTree) }),
]);
export const Policy: z.ZodType<Policy> = z.unknown().refine(isReadable, UNREADABLE).pipe(PolicyTree);

/** Every (role, principal) pair that may vote. */
export function voters(policy: Policy): { role: string; principal: PrincipalId }[] {
  if ('role' in policy) return policy.principals.map((principal) => ({ role: policy.role, principal }));
  if ('weight' in policy) return policy.of.map(({ role, principal }) => ({ role, principal }));
  if ('veto' in policy) return [...policy.veto.principals.map((principal) => ({ role: policy.veto.role, principal })), ...voters(policy.over)];
  return ('all' in policy ? policy.all : 'any' in policy ? policy.any : policy.of).flatMap(voters);
}

/** Of several policies, of which an update has two, each role of each principal once. */
export function votersOf(policies: readonly Policy[]): ReturnType<typeof voters> {
  return [...new Map(policies.flatMap(voters).map((voter) => [`${voter.role} ${voter.principal}`, voter])).values()];
}

/** Each principal once, with the weight of their vote in each role, and the most that it can be. */
export function membersOf(items: readonly Weighted[]): { principal: PrincipalId; roles: Map<string, number>; most: number }[] {
  const members = new Map<PrincipalId, Map<string, number>>();
  for (const { principal, role, weight } of items) {
    const roles = members.get(principal) ?? new Map<string, number>();
    members.set(principal, roles);
    if (!roles.has(role)) roles.set(role, weight);
  }
  return [...members].map(([principal, roles]) => ({ principal, roles, most: Math.max(...roles.values()) }));
}

/** Looked at before anything is parsed: a tree that nobody reads must cost nobody time. */
export function isReadable(value: unknown): boolean {
  let parts = 0;
  const walk = (node: unknown, depth: number): boolean => {
    parts += 1;
    if (parts > MAX_PARTS || depth > MAX_DEPTH) return false;
    if (typeof node !== 'object' || node === null) return true;
    return (['all', 'any', 'of', 'over'] as const).every((key) => {
      const inner: unknown = (node as Partial<Record<typeof key, unknown>>)[key];
      return Array.isArray(inner) ? inner.every((child) => walk(child, depth + 1)) : inner === undefined || walk(inner, depth + 1);
    });
  };
  return walk(value, 1);
}

export function asksWhatIsThere({ k, of, required = [] }: { k: number; of: readonly unknown[]; required?: readonly number[] | undefined }): boolean {
  return k <= of.length && required.every((i) => i < of.length) && new Set(required).size === required.length && required.length <= k;
}
