import { z } from 'zod';
import type { ContractId } from '../../../contract/contract.ts';
import { withoutUnseen } from '../../../contract/visible.ts';
import { type Blueprint, parametersOf } from '../../../knowledge/blueprint.ts';
import { waitingFor } from '../../../ledger/state/views.ts';
import type { ToolRefusal } from '../../context.ts';
import { explainPlanTool, planTool, proposeTool } from '../../tools/catalogue/requests.ts';
import { PlanSummary } from '../../tools/plan-summary.ts';
import type { Draft, Reply } from '../conversation.ts';
import type { Change } from './follow-up.ts';
import { answer, call, type Here } from './here.ts';
import { changeRows, describeParameters, planLines, proposeQuestion, shortId } from './plan-text.ts';
import { refusalLines } from './refusals.ts';
import type { MessageName } from './words/messages.ts';

/** The blueprint of a draft; undefined when its author took it back meanwhile. */
export function blueprintOf({ context }: Here, name: string): Blueprint | undefined {
  return context.library.find((entry) => entry.blueprint.blueprint === name)?.blueprint;
}

/** Faults of one value: the draft stays as it was before it. Everything else can be cured by another change. */
const FAULTS = new Set(['invalid_value', 'unknown_parameter', 'input_invalid', 'ambiguous', 'unknown_place']);

/** Plans a draft and shows the plan with the question; asks what is missing; says why it cannot be, and what would. */
export async function showDraft(here: Here, draft: Draft, notes: readonly string[] = []): Promise<Reply> {
  const { asked: _asked, ...open } = without(draft);
  const planned = await planDraft(here, open);
  if (!planned.ok) return planned.missing?.[0] ? askFor(here, open, { missing: planned.missing[0], notes }) : refuseDraft(here, open, { refusal: planned, notes });
  const blueprint = blueprintOf(here, open.blueprint);
  const lines = [...notes, ...planLines(planned, here.language, blueprint), ...(open.update === undefined ? [] : await changeLines(here, planned.plan)), '', proposeQuestion(here.language, open.update !== undefined)];
  return answer(here, lines.join('\n'), { draft: { ...open, plan: planned.plan }, plan: planned.plan });
}

export function planDraft(here: Here, { blueprint, parameters, update }: Draft): Promise<({ readonly ok: true } & PlanSummary) | ToolRefusal> {
  return call(here, planTool, update === undefined ? { blueprint, parameters } : { update, parameters }, PlanSummary);
}

/** Takes what a message changes into the draft, and shows what it makes. */
export function changeDraft(here: Here, draft: Draft, { parameters, removed }: Pick<Change, 'parameters' | 'removed'>): Promise<Reply> {
  const { say } = here;
  const kept = Object.entries(draft.parameters).filter(([name]) => !removed.includes(name));
  const next: Draft = { ...draft, parameters: { ...Object.fromEntries(kept), ...parameters } };
  const blueprint = blueprintOf(here, draft.blueprint);
  const before = Object.keys(draft.parameters).length;
  const said = describeParameters(blueprint, parameters, currencyOf(here));
  const notes = [
    ...(before > 0 && said !== '' && draft.asked === undefined ? [say('changed', { what: said })] : []),
    ...(removed.length > 0 ? [say('removed', { what: removed.map((name) => name.replaceAll('_', ' ')).join(', ') })] : []),
  ];
  return showDraft(here, next, notes);
}

interface Asking { readonly missing: { readonly name: string; readonly description: string }; readonly notes: readonly string[] }

/** Asks one missing thing, with its choices where there are any. */
function askFor(here: Here, draft: Draft, { missing, notes }: Asking): Reply {
  const { say } = here;
  const blueprint = blueprintOf(here, draft.blueprint);
  const parameter = blueprint && parametersOf(blueprint)[missing.name];
  const question: MessageName = parameter ? `ask_${parameter.type}` : 'ask_text';
  const choices = parameter?.type === 'choice' ? Object.keys(parameter.choices) : parameter?.type === 'boolean' ? ['true', 'false'] : [];
  const given = describeParameters(blueprint, draft.parameters, currencyOf(here));
  const lines = [
    ...notes,
    ...(blueprint && given !== '' ? [say('so_far', { title: blueprint.title, what: given })] : []),
    `${say(question)} (${missing.name.replaceAll('_', ' ')}: ${describe(missing.description)})`,
    ...(given === '' && blueprint?.intents.examples[0] !== undefined ? [say('try', { example: blueprint.intents.examples[0] })] : []),
  ];
  return answer(here, lines, { draft: { ...draft, asked: missing.name }, choices });
}

function describe(text: string): string {
  return withoutUnseen(text, ' ').replace(/\s+/g, ' ').trim();
}

function refuseDraft(here: Here, draft: Draft, { refusal, notes }: { readonly refusal: ToolRefusal; readonly notes: readonly string[] }): Reply {
  const before = here.turn.conversation.draft;
  const faulty = FAULTS.has(refusal.code);
  const same = before?.blueprint === draft.blueprint ? before : undefined;
  const kept = faulty && same ? without(same) : faulty || refusal.code === 'check_failed' ? withoutWritten(here, draft, same) : draft;
  return answer(here, [...(faulty ? [] : notes), ...refusalLines(here, refusal)], { draft: kept });
}

/** Types that take what people write as they like, and so a secret that was refused. */
const WRITTEN: ReadonlySet<string> = new Set(['pairs', 'command', 'location', 'text']);

/** What a refused draft keeps of such parameters: what they were before, so that no secret stays. */
function withoutWritten(here: Here, draft: Draft, before: Draft | undefined): Draft {
  const blueprint = blueprintOf(here, draft.blueprint);
  const declared = blueprint ? parametersOf(blueprint) : {};
  const parameters = Object.entries(draft.parameters).flatMap(([name, value]): [string, Draft['parameters'][string]][] => {
    const was = before?.parameters[name];
    return !WRITTEN.has(declared[name]?.type ?? 'text') ? [[name, value]] : was === undefined ? [] : [[name, was]];
  });
  return { ...draft, parameters: Object.fromEntries(parameters) };
}

/** A draft that shows no plan any more: nothing in it can be agreed to. */
export function without({ plan: _plan, earlier: _earlier, variants: _variants, ...draft }: Draft): Draft {
  return draft;
}

/** What a plan of an update changes, in the words of the explanation. */
export async function changeLines(here: Here, plan: string): Promise<string[]> {
  const explained = await call(here, explainPlanTool, { plan }, z.object({ explanation: z.object({ changes: z.array(z.string()) }) }));
  if (!explained.ok) return [];
  return ['', here.say('changes'), ...changeRows(here, explained.explanation.changes)];
}

const Proposed = z.object({ contract: z.string(), deployment: z.string(), status: z.string(), waitingFor: z.array(z.string()), signBefore: z.string(), signUrl: z.string().optional() });

/** After a yes to the plan that was shown: registers exactly that one. */
export async function proposeDraft(here: Here, draft: Draft): Promise<Reply> {
  const { say, context } = here;
  if (draft.plan === undefined) return answer(here, say('no_plan'));
  // A bot that ended between the ledger's answer and ours has forgotten the plan; the ledger has not.
  const known = context.follower.state().contracts[draft.plan as ContractId];
  if (known) return answer(here, [say('proposed', { title: known.header.title, who: waitingFor(context.follower.state(), draft.plan as ContractId).join(', '), before: known.header.validity.signBefore }), signHow(here, draft.plan, context.signUrl?.(draft.plan))], { draft: undefined, contract: draft.plan });
  here.turn.onProgress(say('proposing'));
  const proposed = await call(here, proposeTool, { plan: draft.plan }, Proposed);
  // What somebody else took meanwhile, or a bot that began anew, makes the plan void: a new one is shown, and asked about again.
  if (!proposed.ok && REPLAN.has(proposed.code)) return showDraft(here, draft, [...(proposed.code === 'plan_unknown' ? [] : refusalLines(here, proposed)), say('gone')]);
  if (!proposed.ok) return answer(here, refusalLines(here, proposed), { draft: without(draft) });
  const title = titleFor(here, proposed.contract) ?? draft.blueprint;
  const lines = proposed.status === 'proposed'
    ? [say('proposed', { title, who: proposed.waitingFor.join(', '), before: proposed.signBefore }), signHow(here, proposed.contract, proposed.signUrl)]
    : [say('already_active')];
  return answer(here, lines, { draft: undefined, contract: proposed.contract });
}

function titleFor({ context }: Here, contract: string): string | undefined {
  return context.follower.state().contracts[contract as ContractId]?.header.title;
}

const REPLAN = new Set(['plan_unknown', 'contract_expired', 'node_not_alive', 'price_mismatch', 'no_capacity', 'placement_invalid', 'policy_mismatch', 'base_changed', 'contract_invalid', 'blueprint_unknown']);

export function signHow({ say }: Here, contract: string, signUrl: string | undefined): string {
  return say('sign_how', { id: shortId(contract), url: signUrl === undefined ? '' : say('sign_url', { url: signUrl }) });
}

export function currencyOf({ context }: Here): string | undefined {
  return context.follower.state().grid?.payload.currency;
}
