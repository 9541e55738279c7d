import { z } from 'zod';
import { votersOf } from '../../contract/policy.ts';
import { formatMoney } from '../../contract/units.ts';
import type { LedgerState } from '../../ledger/state/state.ts';
import { noticeOf, policiesOf } from '../../ledger/state/views.ts';
import { parametersOf, type Blueprint } from '../../knowledge/blueprint.ts';
import { completeParameters } from '../../knowledge/defaults.ts';
import type { Plan } from '../planner/plan.ts';

const Values = z.record(z.string(), z.json());

/** A plan as a person or a model is shown it. `plan` is the contract's id: proposing takes it. */
export const PlanSummary = z.object({
  plan: z.string().describe('Digest of the contract; `propose` takes it.'),
  deployment: z.string(),
  title: z.string(),
  blueprint: z.object({ name: z.string(), version: z.string(), author: z.string() }),
  /** What was asked for, and what the blueprint added; canonical. */
  parameters: Values,
  defaults: Values,
  workloads: z.array(z.object({ type: z.string(), count: z.int() })),
  places: z.array(z.object({ workload: z.string(), type: z.string(), node: z.string(), city: z.string(), country: z.string() })).describe('At most 60 of them.'),
  price: z.object({ currency: z.string(), month: z.string().describe('Millionths of the currency.'), text: z.string() }),
  mustSign: z.array(z.object({ role: z.string(), name: z.string() })),
  signBefore: z.string(),
  ends: z.string(),
  supersedes: z.string().optional(),
  notes: z.array(z.string()).describe('What somebody should know before agreeing.'),
});
export type PlanSummary = z.infer<typeof PlanSummary>;

const MAX_PLACES = 60;

/** `given` are the parameters that were asked for; the rest of the body's are the blueprint's defaults. */
export function summarisePlan(plan: Plan, state: LedgerState, given: Readonly<Record<string, unknown>>): PlanSummary {
  const { header, body } = plan;
  const counts = new Map<string, number>();
  for (const { type } of body.workloads) counts.set(type, (counts.get(type) ?? 0) + 1);
  const asked = Object.entries(body.parameters).filter(([name]) => Object.hasOwn(given, name));
  const added = Object.entries(body.parameters).filter(([name]) => !Object.hasOwn(given, name));
  const nameOf = (id: string): string => state.principals[id as keyof typeof state.principals]?.name ?? id;
  const thin = header.assignments.some((a) => state.nodes[a.node]?.offer?.thin);
  const record = state.blueprints[`${header.blueprint.name}@${header.blueprint.version}`];
  const notice = noticeOf(state, header.blueprint);
  return {
    plan: plan.contract,
    deployment: header.deployment,
    title: header.title,
    blueprint: { name: header.blueprint.name, version: header.blueprint.version, author: record ? nameOf(record.author) : 'nobody known' },
    parameters: Object.fromEntries(asked),
    defaults: Object.fromEntries(added),
    workloads: [...counts].map(([type, count]) => ({ type, count })),
    places: header.assignments.slice(0, MAX_PLACES).map((a) => {
      const node = state.nodes[a.node];
      return { workload: a.workload, type: a.type, node: node?.offer?.label ?? a.node, city: node?.attested?.city ?? '?', country: node?.attested?.country ?? '?' };
    }),
    price: { currency: header.price.currency, month: header.price.month, text: `${formatMoney(BigInt(header.price.month), header.price.currency)} a month` },
    mustSign: votersOf(policiesOf(state, header)).map(({ role, principal }) => ({ role, name: nameOf(principal) })),
    signBefore: header.validity.signBefore,
    ends: header.validity.notAfter,
    ...(header.supersedes !== undefined && { supersedes: header.supersedes }),
    notes: [...(thin ? ['thin disks: this grid promises the size, it does not have it yet'] : []), ...(notice === undefined ? [] : [notice])],
  };
}

/** Required parameters that nobody gave, with what to ask; empty when a plan can be made. */
export function missingOf(blueprint: Blueprint, given: Readonly<Record<string, unknown>>, currency: string | undefined): { name: string; description: string; type: string }[] {
  const completed = completeParameters(blueprint, given, currency);
  if (!completed.ok) return [];
  const declared = parametersOf(blueprint);
  return completed.missing.map((name) => ({ name, description: declared[name]?.description ?? '', type: declared[name]?.type ?? 'text' }));
}
