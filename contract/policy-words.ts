import type { Policy } from './policy.ts';
import type { PolicyTemplate } from './policy-template.ts';
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

/** What an author asks, in words, before a roster says who they are: `2 of legal and (budget or security)`. */
export function describeTemplate(template: PolicyTemplate): string {
  const join = (parts: readonly PolicyTemplate[], word: string): string => (parts.length === 1 ? '' : '(') + parts.map(describeTemplate).join(` ${word} `) + (parts.length === 1 ? '' : ')');
  if ('veto' in template) return `${describeTemplate(template.over)}, unless vetoed by ${template.veto}`;
  if ('role' in template) return `${(template.k ?? 1) > 1 ? `${template.k ?? 1} of ` : ''}${template.role}${template.independent ? ' (not who asks)' : ''}`;
  if ('weight' in template) return `weight ${template.weight} of: ${template.of.map(({ role, weight }) => `${role} ${weight}`).join(', ')}`;
  if ('all' in template) return join(template.all, 'and');
  if ('any' in template) return join(template.any, 'or');
  const must = template.required?.map((i) => i + 1).join(' and ');
  return `${template.k} of ${join(template.of, ';')}${must === undefined ? '' : ` of which the ${must}. must be`}`;
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
