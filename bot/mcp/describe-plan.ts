import { type Blueprint, parametersOf } from '../../knowledge/blueprint.ts';
import { formatValue } from '../../knowledge/parameter.ts';
import type { Plan } from '../planner/plan.ts';
import { summarisePlan, type PlanSummary } from '../tools/plan-summary.ts';
import { reviewPlan } from '../tools/review.ts';
import type { ToolContext } from '../tools/tool.ts';

/** What a person agrees to, as lines: whose blueprint with which values, for how much, where, who signs, and what it does to what runs. */
export async function describePlan(context: ToolContext, plan: Plan): Promise<string> {
  const state = context.follower.state();
  const { supersedes } = plan.header;
  const { title, blueprint, price, mustSign, workloads, places, ends, notes, defaults } = summarisePlan(plan, state, {});
  const countries = [...new Set(places.map(({ country }) => country))].sort().join(', ');
  const declared = context.library.find((entry) => entry.blueprint.blueprint === blueprint.name)?.blueprint;
  return [
    title,
    `The blueprint ${blueprint.name} ${blueprint.version} of ${blueprint.author}, with ${valuesOf(defaults, declared, price.currency)}.`,
    `${price.text}, ${workloads.reduce((sum, { count }) => sum + count, 0)} workloads in ${countries}, until ${ends}.`,
    `To be signed by ${mustSign.map(({ role, name }) => `${name} (${role})`).join(', ')}.`,
    ...(supersedes === undefined ? [] : [`It replaces ${state.contracts[supersedes]?.header.title ?? 'a contract'} (${supersedes}), which runs now. What changes:`, ...await changesOf(context, plan)]),
    ...notes,
  ].join('\n');
}

/** All of them, since one that is left out may be the one that deletes data. */
async function changesOf(context: ToolContext, plan: Plan): Promise<readonly string[]> {
  const review = await reviewPlan(context, plan);
  return review.ok ? review.explanation.changes.map((line) => `- ${line}`) : [`- this could not be said: ${review.message}`];
}

function valuesOf(parameters: PlanSummary['defaults'], blueprint: Blueprint | undefined, currency: string): string {
  const declared = blueprint ? parametersOf(blueprint) : {};
  const said = Object.entries(parameters).flatMap(([name, value]) => {
    const parameter = declared[name];
    const shown = parameter ? formatValue(parameter, value, currency) : JSON.stringify(value);
    return shown === '' ? [] : [`${name} ${shown}`];
  });
  return said.join(', ') || 'nothing to set';
}
