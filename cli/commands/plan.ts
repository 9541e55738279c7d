import type { BotContext } from '../../bot/context.ts';
import type { Plan } from '../../bot/planner/plan.ts';
import { planRequest, understandText } from '../../bot/tools/request.ts';
import { parseBlueprint } from '../../knowledge/blueprint.ts';
import { type Trace, traceBlueprint } from '../../knowledge/trace.ts';
import { accept } from '../ask.ts';
import { connectBot } from '../connect.ts';
import type { Outcome } from '../output.ts';
import { parseParams } from '../params.ts';
import { Refusal } from '../refusal.ts';
import { renderPlan } from '../render/plan.ts';
import { renderTrace } from '../render/trace.ts';
import { stateDir } from '../state-dir.ts';

export interface PlanFlags { readonly state?: string; readonly blueprint?: string; readonly param?: readonly string[]; /** Where each field of the workloads came from. */ readonly explain?: boolean }

/** The contract that a sentence, or a blueprint with parameters, would become; registers nothing. */
export async function planCommand(text: string | undefined, flags: PlanFlags): Promise<Outcome> {
  const { context, close } = await connectBot(stateDir(flags.state));
  try {
    if (flags.blueprint === undefined) {
      if ((flags.param?.length ?? 0) > 0) throw new Refusal({ code: 'nothing_asked', message: '--param goes with --blueprint', hint: 'say it in the sentence, or plan a blueprint by name' });
      if (text === undefined) throw new Refusal({ code: 'nothing_asked', message: 'give a sentence, or --blueprint NAME with --param k=v' });
      const understood = accept(understandText(context, text));
      if (understood.missing.length > 0) throw new Refusal({ code: 'missing_parameter', message: `also needs: ${understood.missing.join(', ')}`, hint: 'say it in the sentence' });
      const plan = accept(planRequest(context, understood));
      const words = Object.fromEntries(Object.entries(understood.spans).map(([name, span]) => [name, span.text]));
      return explained(context, { plan, asked: understood.parameters, words }, flags, renderPlan({ plan, state: context.follower.state(), understood: { text, ...understood } }));
    }
    const asked = parseParams(flags.param ?? []);
    const plan = accept(planRequest(context, { blueprint: flags.blueprint, parameters: asked }));
    return explained(context, { plan, asked, words: {} }, flags, renderPlan({ plan, state: context.follower.state() }));
  } finally {
    await close();
  }
}

function explained(context: BotContext, what: { plan: Plan; asked: Readonly<Record<string, unknown>>; words: Readonly<Record<string, string>> }, flags: PlanFlags, text: string): Outcome {
  const trace = flags.explain ? traceOf(context, what) : undefined;
  return { json: { ...what.plan, ...(trace && { trace }) }, text: trace ? `${text}\n\n${renderTrace(trace)}` : text };
}

/** From the blueprint as it is published to the fields of this very plan. */
function traceOf(context: BotContext, { plan, asked, words }: { plan: Plan; asked: Readonly<Record<string, unknown>>; words: Readonly<Record<string, string>> }): Trace {
  const { name, digest } = plan.header.blueprint;
  const entry = context.library.find((e) => e.digest === digest);
  const parsed = entry && parseBlueprint(entry.source);
  if (!parsed?.ok) throw new Refusal({ code: 'blueprint_unknown', message: `the blueprint ${name} is not here any more`, hint: 'plan again' });
  const currency = context.follower.state().grid?.payload.currency;
  // What the planner chose itself: a name that was free.
  const chosen = Object.fromEntries(Object.entries(plan.body.parameters).filter(([parameter]) => !Object.hasOwn(asked, parameter)));
  return accept(traceBlueprint(parsed.blueprint, asked, { words, chosen, locate: parsed.locate, ...(currency !== undefined && { currency }) }));
}
