import { z } from 'zod';
import { Digest } from '../../../contract/digest.ts';
import { MAX_TEXT } from '../../planner/understand/tokens.ts';
import type { Plan } from '../../planner/plan.ts';
import type { ToolContext } from '../tool.ts';
import type { ToolRefusal } from '../../context.ts';
import { findContract, readContract } from '../contracts.ts';
import { PlanSummary, missingOf, summarisePlan } from '../plan-summary.ts';
import { proposeContract, withdrawContract } from '../propose.ts';
import { planRequest, understandText } from '../request.ts';
import { reviewPlan } from '../review.ts';
import { defineTool } from '../tool.ts';
import { planUpdate } from '../update.ts';
import { waitingFor } from '../../../ledger/state/views.ts';

const Parameters = z.record(z.string().max(64), z.json()).describe('Parameters of the blueprint by name: canonical, or as people write them ("1 PB", "CH,DE", "500 EUR").');
const BlueprintName = z.string().min(1).max(63).describe('Name of a blueprint, as `search_blueprints` gives it.');
const Span = z.object({ start: z.int(), end: z.int(), text: z.string() });
export const ContractRef = z.string().min(6, 'expected an id, or its first 6 hex digits at least').max(71, 'expected an id of at most 71 characters').describe('Id of a contract or deployment, or its beginning (6 hex digits at least).');
const ExplanationLines = z.array(z.string());
export const ExplanationShape = z.object({
  format: z.string(), contract: Digest, title: z.string(),
  what: ExplanationLines, where: ExplanationLines, cost: ExplanationLines, who: ExplanationLines, unasked: ExplanationLines, changes: ExplanationLines,
});

export const understandTool = defineTool({
  name: 'understand',
  title: 'Understand a request',
  description: 'Reads a request in plain words (English, German, French, Italian, Spanish, Dutch) and says which blueprint it asks for, with which parameters, which words each came from, and which required ones are missing. Deterministic, no side effects. Then `plan`.',
  input: z.strictObject({ text: z.string().min(1).max(MAX_TEXT) }),
  output: z.object({ blueprint: z.string(), parameters: z.record(z.string(), z.json()), defaults: z.record(z.string(), z.json()), missing: z.array(z.string()), spans: z.record(z.string(), Span) }),
  surfaces: ['model', 'mcp', 'http', 'chat', 'cli'],
  effect: 'reads',
  run: (context, { text }) => {
    const understood = understandText(context, text);
    if (!understood.ok) return understood;
    const { ok, blueprint, parameters, defaults, missing, spans } = understood;
    return { ok, blueprint, parameters, defaults, missing: [...missing], spans };
  },
});

const PlanInput = z.strictObject({
  blueprint: BlueprintName.optional(),
  parameters: Parameters.default({}),
  update: ContractRef.optional().describe('Plan the next version of this contract in force, instead of something new; then `parameters` holds what is to differ.'),
});

/** Plans and remembers, so that the plan can be proposed by its digest. */
async function planned(context: ToolContext, { blueprint, parameters, update }: z.output<typeof PlanInput>): Promise<{ ok: true; plan: Plan; given: Readonly<Record<string, unknown>> } | ToolRefusal> {
  if (update !== undefined) {
    const found = findContract(context, update);
    if (!found.ok) return found;
    const plan = await planUpdate(context, { contract: found.contract, parameters });
    return plan.ok ? { ok: true, plan, given: parameters } : plan;
  }
  if (blueprint === undefined) return { ok: false, code: 'input_invalid', message: 'plan: neither a blueprint nor a contract to update', hint: 'give one of them; `search_blueprints` finds blueprints' };
  const plan = planRequest(context, { blueprint, parameters });
  if (plan.ok) return { ok: true, plan, given: parameters };
  const entry = context.library.find((e) => e.blueprint.blueprint === blueprint);
  const missing = plan.code === 'missing_parameter' && entry ? missingOf(entry.blueprint, parameters, context.follower.state().grid?.payload.currency) : [];
  return missing.length === 0 ? plan : { ...plan, missing };
}

export const planTool = defineTool({
  name: 'plan',
  title: 'Plan a contract',
  description: 'Compiles a blueprint and parameters into a contract and shows price, places and who must sign. Registers nothing. Show the result to the person: only they can say yes to it. Where you have `propose`, it takes the `plan` digest.',
  input: PlanInput,
  output: PlanSummary,
  surfaces: ['model', 'mcp', 'http', 'chat', 'cli'],
  effect: 'reads',
  run: async (context, input) => {
    const result = await planned(context, input);
    if (!result.ok) return result;
    context.plans.put(result.plan);
    return { ok: true, ...summarisePlan(result.plan, context.follower.state(), result.given) };
  },
});

const MAX_VARIANTS = 8;
export const compareTool = defineTool({
  name: 'compare_plans',
  title: 'Compare variants of a plan',
  description: 'Plans the same blueprint with several variations of parameters and gives price, number of workloads, nodes and countries of each side by side; a variant that cannot be had says why. Registers nothing.',
  input: z.strictObject({ blueprint: BlueprintName, parameters: Parameters, variants: z.array(z.strictObject({ label: z.string().min(1).max(80), change: Parameters })).min(1).max(MAX_VARIANTS) }),
  output: z.object({ rows: z.array(z.object({
    label: z.string(), possible: z.boolean(), plan: z.string().optional(), title: z.string().optional(),
    month: z.string().optional().describe('Millionths of the currency.'), currency: z.string().optional(), workloads: z.int().optional(), nodes: z.int().optional(), countries: z.array(z.string()).optional(),
    refused: z.object({ code: z.string(), message: z.string() }).optional(),
  })) }),
  surfaces: ['model', 'mcp', 'http', 'chat', 'cli'],
  effect: 'reads',
  run: async (context, { blueprint, parameters, variants }) => {
    const rows = [];
    for (const { label, change } of [{ label: 'as asked', change: {} }, ...variants]) {
      const result = await planned(context, { blueprint, parameters: { ...parameters, ...change } });
      if (!result.ok) {
        rows.push({ label, possible: false, refused: { code: result.code, message: result.message } });
        continue;
      }
      context.plans.put(result.plan);
      const { price, workloads, places, plan, title } = summarisePlan(result.plan, context.follower.state(), result.given);
      rows.push({ label, possible: true, plan, title, month: price.month, currency: price.currency, workloads: workloads.reduce((sum, w) => sum + w.count, 0), nodes: new Set(result.plan.header.assignments.map((a) => a.node)).size, countries: [...new Set(places.map((p) => p.country))].sort() });
    }
    return { ok: true, rows };
  },
});

const PlanRef = z.strictObject({ plan: z.string().regex(/^sha256:[0-9a-f]{64}$/).describe('`plan` of a plan that was shown in this session.') });
const unknownPlan: ToolRefusal = { ok: false, code: 'plan_unknown', message: 'no plan with this digest was shown in this session', hint: 'call `plan`, show it to the person, and propose the digest that it gave' };

export const explainPlanTool = defineTool({
  name: 'explain_plan',
  title: 'Explain a plan',
  description: 'The contract that a plan would become, in people\'s words: what, where, cost, who signs, what may happen without asking. The same words that a stakeholder signs.',
  input: PlanRef,
  output: z.object({ explanation: ExplanationShape }),
  surfaces: ['model', 'mcp', 'http', 'chat', 'cli'],
  effect: 'reads',
  run: async (context, { plan }) => {
    const known = context.plans.get(plan);
    if (!known) return unknownPlan;
    const review = await reviewPlan(context, known);
    return review.ok ? { ok: true, explanation: mutable({ ...review.explanation }) } : review;
  },
});

export const proposeTool = defineTool({
  name: 'propose',
  title: 'Propose a contract',
  description: 'Registers a plan that was shown to the person as a proposal on the ledger: capacity is reserved, its price is paid in until it is signed or withdrawn, and the stakeholders are asked to sign. Only after the person agreed. Nothing runs before they have signed; nobody can sign through tools.',
  input: PlanRef,
  output: z.object({ contract: Digest, deployment: Digest, status: z.string(), waitingFor: z.array(z.string()), signBefore: z.string(), signUrl: z.string().optional().describe('Page where a person reviews and signs.') }),
  surfaces: ['mcp', 'chat', 'cli'],
  effect: 'changes',
  run: async (context, { plan: digest }) => {
    const plan = context.plans.get(digest);
    if (!plan) return unknownPlan;
    const already = context.follower.state().contracts[plan.contract];
    const proposed = already ? { ok: true as const } : await proposeContract(context, plan);
    if (!proposed.ok) return proposed;
    const state = context.follower.state();
    const status = state.contracts[plan.contract]?.status ?? 'proposed';
    const signUrl = context.signUrl?.(plan.contract);
    return { ok: true, contract: plan.contract, deployment: plan.header.deployment, status, waitingFor: status === 'proposed' ? waitingFor(state, plan.contract) : [], signBefore: plan.header.validity.signBefore, ...(signUrl !== undefined && { signUrl }) };
  },
});

export const withdrawTool = defineTool({
  name: 'withdraw',
  title: 'Take a proposal back',
  description: 'Ends a proposal of this person that is not signed yet; its reservation and what was paid in come back at once.',
  input: z.strictObject({ contract: ContractRef }),
  output: z.object({ contract: Digest }),
  surfaces: ['mcp', 'chat', 'cli'],
  effect: 'changes',
  run: async (context, { contract }) => {
    const found = findContract(context, contract);
    if (!found.ok) return found;
    const result = await withdrawContract(context, found.contract);
    return result.ok ? { ok: true, contract: found.contract } : result;
  },
});

export const readContractTool = defineTool({
  name: 'read_contract',
  title: 'Read a contract',
  description: 'Header and body of a contract as they are signed, the body held against its digest. Everything in it can be read by everybody on the grid.',
  input: z.strictObject({ contract: ContractRef }),
  output: z.object({ contract: Digest, header: z.record(z.string(), z.unknown()), body: z.record(z.string(), z.unknown()) }),
  surfaces: ['http', 'cli'],
  effect: 'reads',
  run: async (context, { contract }) => {
    const found = findContract(context, contract);
    if (!found.ok) return found;
    const read = await readContract(context, found.contract);
    return read.ok ? { ok: true, contract: found.contract, header: { ...read.header }, body: { ...read.body } } : read;
  },
});

/** Explanations are read-only; schemas speak of arrays. */
export function mutable(explanation: { readonly [key: string]: unknown }): z.output<typeof ExplanationShape> {
  return ExplanationShape.parse(explanation);
}
