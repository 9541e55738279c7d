import type { Policy } from './policy.ts';
import type { PrincipalId } from './principal.ts';
import type { Missing } from './quorum.ts';

/** A policy in words, all of it: `legal (1 of: Ana, Bo) and budget (1 of: Cy), unless vetoed by Eve as security`. */
export function describePolicy(policy: Policy, nameOf: (principal: PrincipalId) => string): string {
  const join = (parts: readonly Policy[], word: string): string => (parts.length === 1 ? '' : '(') + parts.map((part) => describePolicy(part, nameOf)).join(` ${word} `) + (parts.length === 1 ? '' : ')');
  if ('veto' in policy) return `${describePolicy(policy.over, nameOf)}, unless vetoed by ${policy.veto.principals.map(nameOf).join(' or ')} as ${policy.veto.role}`;
  if ('role' in policy) return `${policy.role} (${policy.k} of: ${policy.principals.map(nameOf).join(', ')})`;
  if ('weight' in policy) return `weight ${policy.weight} of: ${policy.of.map(({ principal, role, weight }) => `${nameOf(principal)} as ${role} ${weight}`).join(', ')}`;
  if ('all' in policy) return join(policy.all, 'and');
  if ('any' in policy) return join(policy.any, 'or');
  const must = policy.required?.map((i) => i + 1).join(' and ');
  return `${policy.k} of ${join(policy.of, ';')}${must === undefined ? '' : ` of which the ${must}. must be`}`;
}

/** What is missing in words, one line a part: `legal (0 of 1: Ana or Bo)`. */
export function explainMissing(missing: readonly Missing[], nameOf: (principal: PrincipalId) => string): string[] {
  const lines = missing.map((part) => explainPart(part, nameOf));
  return lines.filter((line, i) => lines.indexOf(line) === i);
}

function explainPart(part: Missing, nameOf: (principal: PrincipalId) => string): string {
  switch (part.kind) {
    case 'role': return `${part.role} (${part.have} of ${part.need}: ${part.open.map(nameOf).join(' or ') || 'nobody is left'})`;
    case 'weight': return `weight ${part.have} of ${part.need}: ${part.open.map(nameOf).join(', ') || 'nobody is left'}`;
    case 'vetoed': return `vetoed by ${nameOf(part.by)} as ${part.role}`;
    case 'some': return `${part.need === 1 ? 'one' : part.need} of: ${part.of.map((one) => explainMissing(one, nameOf).join(' and ')).join('; ')}`;
  }
}
