import type { Policy } from '../../contract/policy.ts';
import type { PolicyTemplate } from '../../contract/policy-template.ts';
import type { PrincipalId } from '../../contract/principal.ts';

/** One decision, as both the reference and the invariants see it. */
export interface Ballot { readonly by: PrincipalId; readonly role: string; readonly yes: boolean }

/** One way to satisfy a policy: everybody here says yes in this role, and none of those says no. */
interface Way { readonly yes: readonly Stand[]; readonly veto: readonly Stand[] }
type Roster = Readonly<Record<string, readonly PrincipalId[]>>;
interface Stand { readonly role: string; readonly by: PrincipalId }

const known = new WeakMap<Policy, readonly Way[]>();

/** Whether one of the ways is walked to its end. Nothing is counted: every way is written out and held against the decisions. */
export function isMet(policy: Policy, ballots: readonly Ballot[]): boolean {
  const heard = counted(policy, ballots);
  return waysOf(policy).some(({ yes, veto }) => yes.every((s) => heard.some((b) => b.yes && stands(b, s))) && !vetoed(veto, heard));
}

/** Whether one of the ways is still open: whoever it needs has said yes in that role, or nothing. */
export function isPossible(policy: Policy, ballots: readonly Ballot[]): boolean {
  const heard = counted(policy, ballots);
  const open = (s: Stand): boolean => heard.every((b) => b.by !== s.by) || heard.some((b) => b.yes && stands(b, s));
  return waysOf(policy).some(({ yes, veto }) => yes.every(open) && !vetoed(veto, heard));
}

/** Whether the policy asks this principal in this role. */
export function asks(policy: Policy, by: PrincipalId, role: string): boolean {
  return standsOf(policy).some((s) => s.by === by && s.role === role);
}

/** Everybody whom the policy asks, in which role. */
export function standsOf(policy: Policy): Stand[] {
  if ('role' in policy) return policy.principals.map((by) => ({ role: policy.role, by }));
  if ('weight' in policy) return policy.of.map(({ role, principal }) => ({ role, by: principal }));
  if ('veto' in policy) return [...policy.veto.principals.map((by) => ({ role: policy.veto.role, by })), ...standsOf(policy.over)];
  return partsOf(policy).flatMap(standsOf);
}

/** A template with an organisation's people in it; undefined when some role lacks people, or every way needs one person in two roles. */
export function fill(template: PolicyTemplate, roster: Roster, requester?: PrincipalId): Policy | undefined {
  const policy = put(template, roster, requester);
  return policy && waysOf(policy).some(({ yes }) => yes.every((s) => yes.every((o) => o.by !== s.by || o.role === s.role))) ? policy : undefined;
}

function put(template: PolicyTemplate, roster: Roster, requester: PrincipalId | undefined): Policy | undefined {
  const holders = (role: string): PrincipalId[] => [...roster[role] ?? []].sort();
  if ('role' in template) {
    const principals = holders(template.role).filter((p) => template.independent === undefined || p !== requester);
    return new Set(principals).size < (template.k ?? 1) ? undefined : { role: template.role, principals, k: template.k ?? 1 };
  }
  if ('weight' in template) {
    const of = template.of.flatMap(({ role, weight }) => holders(role).map((principal) => ({ principal, role, weight })));
    const most = [...new Set(of.map((w) => w.principal))].reduce((sum, p) => sum + (of.find((w) => w.principal === p)?.weight ?? 0), 0);
    return template.of.some(({ role }) => holders(role).length === 0) || most < template.weight ? undefined : { weight: template.weight, of };
  }
  if ('veto' in template) {
    const over = put(template.over, roster, requester);
    return over && holders(template.veto).length > 0 ? { veto: { role: template.veto, principals: holders(template.veto) }, over } : undefined;
  }
  const templates = 'all' in template ? template.all : 'any' in template ? template.any : template.of;
  const parts = templates.flatMap((part) => put(part, roster, requester) ?? []);
  if (parts.length < templates.length) return undefined;
  if ('all' in template) return { all: parts };
  return 'any' in template ? { any: parts } : { k: template.k, of: parts, ...(template.required && { required: template.required }) };
}

/** A person counts once: with the first decision that the policy asks for. */
function counted(policy: Policy, ballots: readonly Ballot[]): Ballot[] {
  const asked = ballots.filter((b) => asks(policy, b.by, b.role));
  return asked.filter((b, i) => asked.findIndex((other) => other.by === b.by) === i);
}

function waysOf(policy: Policy): readonly Way[] {
  const before = known.get(policy);
  if (before) return before;
  const ways = writeOut(policy);
  known.set(policy, ways);
  return ways;
}

function writeOut(policy: Policy): Way[] {
  if ('role' in policy) return subsets([...new Set(policy.principals)]).filter((s) => s.length === policy.k).map((s) => ({ yes: s.map((by) => ({ role: policy.role, by })), veto: [] }));
  if ('weight' in policy) {
    return subsets(policy.of)
      .filter((s) => new Set(s.map((w) => w.principal)).size === s.length && s.reduce((sum, w) => sum + w.weight, 0) >= policy.weight)
      .map((s) => ({ yes: s.map(({ role, principal }) => ({ role, by: principal })), veto: [] }));
  }
  if ('veto' in policy) {
    const { role, principals } = policy.veto;
    return writeOut(policy.over).map((way) => ({ yes: way.yes, veto: [...way.veto, ...principals.map((by) => ({ role, by }))] }));
  }
  const parts = partsOf(policy).map(writeOut);
  const need = 'all' in policy ? parts.length : 'any' in policy ? 1 : policy.k;
  const required = 'k' in policy ? policy.required ?? [] : [];
  return subsets(parts.map((_, i) => i))
    .filter((chosen) => chosen.length === need && required.every((i) => chosen.includes(i)))
    .flatMap((chosen) => chosen.reduce<Way[]>((so, i) => so.flatMap((a) => (parts[i] ?? []).map((b) => ({ yes: [...a.yes, ...b.yes], veto: [...a.veto, ...b.veto] }))), [{ yes: [], veto: [] }]));
}

function partsOf(policy: Extract<Policy, { all: unknown } | { any: unknown } | { of: readonly Policy[]; k: number }>): readonly Policy[] {
  return 'all' in policy ? policy.all : 'any' in policy ? policy.any : policy.of;
}

function subsets<T>(items: readonly T[]): T[][] {
  return items.reduce<T[][]>((so, item) => [...so, ...so.map((s) => [...s, item])], [[]]);
}

function stands(ballot: Ballot, s: Stand): boolean {
  return ballot.by === s.by && ballot.role === s.role;
}

function vetoed(veto: readonly Stand[], heard: readonly Ballot[]): boolean {
  return veto.some((s) => heard.some((b) => !b.yes && stands(b, s)));
}
