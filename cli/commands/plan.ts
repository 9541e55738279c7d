import { planRequest, understandText } from '../../bot/tools/request.ts';
import { accept } from '../ask.ts';
import { connectBot } from '../connect.ts';
import type { Outcome } from '../output.ts';
import { parseParams } from '../params.ts';
import { Refusal } from '../refusal.ts';
import { renderPlan } from '../render/plan.ts';
import { stateDir } from '../state-dir.ts';

export interface PlanFlags { readonly state?: string; readonly blueprint?: string; readonly param?: readonly string[] }

/** The contract that a sentence, or a blueprint with parameters, would become; registers nothing. */
export async function planCommand(text: string | undefined, flags: PlanFlags): Promise<Outcome> {
  const { context, close } = await connectBot(stateDir(flags.state));
  try {
    if (flags.blueprint === undefined) {
      if ((flags.param?.length ?? 0) > 0) throw new Refusal({ code: 'nothing_asked', message: '--param goes with --blueprint', hint: 'say it in the sentence, or plan a blueprint by name' });
      if (text === undefined) throw new Refusal({ code: 'nothing_asked', message: 'give a sentence, or --blueprint NAME with --param k=v' });
      const understood = accept(understandText(context, text));
      if (understood.missing.length > 0) throw new Refusal({ code: 'missing_parameters', message: `also needs: ${understood.missing.join(', ')}`, hint: 'say it in the sentence' });
      const plan = accept(planRequest(context, understood));
      return { json: { ...plan }, text: renderPlan({ plan, state: context.follower.state(), understood: { text, ...understood } }) };
    }
    const plan = accept(planRequest(context, { blueprint: flags.blueprint, parameters: parseParams(flags.param ?? []) }));
    return { json: { ...plan }, text: renderPlan({ plan, state: context.follower.state() }) };
  } finally {
    await close();
  }
}
