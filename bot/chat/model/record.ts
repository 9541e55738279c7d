import { z } from 'zod';
import type { Blueprint } from '../../../knowledge/blueprint.ts';
import { completeParameters } from '../../../knowledge/defaults.ts';
import { PlanSummary } from '../../tools/plan-summary.ts';
import type { ToolContext, ToolResult } from '../../tools/tool.ts';
import type { Conversation, Draft } from '../conversation.ts';
import { Row } from '../dialogue/compare.ts';
import { describeParameters } from '../dialogue/plan-text.ts';

const Parameters = z.record(z.string(), z.json());
const PlanCall = z.object({ blueprint: z.string().optional(), parameters: Parameters, update: z.string().optional() });
const Understanding = z.object({ blueprint: z.string(), parameters: Parameters, missing: z.array(z.string()) });
const CompareCall = z.object({ blueprint: z.string(), parameters: Parameters, variants: z.array(z.object({ change: Parameters })) });
const Compared = z.object({ rows: z.array(Row) });
const MAX_LABEL = 80;
const About = z.object({ contract: z.string() });
/** Tools whose answer is about one contract, which is then the one talked about. */
const ABOUT = new Set(['show_contract', 'follow_contract', 'explain_contract', 'verify_contract']);

/**
 * What one turn's tools have said, which alone decides the draft and the plan that is shown: a model chooses calls, its words
 * set nothing.
 */
export class TurnRecord {
  readonly #context: ToolContext;
  #draft: Draft | undefined;
  #contract: string | undefined;
  #shown: PlanSummary | undefined;
  #compared: readonly Row[] | undefined;
  #offered: NonNullable<Draft['variants']> = [];
  #answers: string[] = [];

  constructor(context: ToolContext, { draft, contract }: Pick<Conversation, 'draft' | 'contract'>) {
    this.#context = context;
    this.#draft = draft;
    this.#contract = contract;
  }

  get draft(): Draft | undefined { return this.#draft; }

  get contract(): string | undefined { return this.#contract; }

  /** The plan of the last `plan` call of this turn, when that gave one. */
  get shown(): PlanSummary | undefined { return this.#shown; }

  /** The rows of the last `compare_plans` call of this turn. */
  get compared(): readonly Row[] | undefined { return this.#compared; }

  /** Those of them that can be had: the draft's variants. */
  get offered(): NonNullable<Draft['variants']> { return this.#offered; }

  /** Whether a tool has given this text in this turn. */
  told(text: string): boolean {
    return this.#answers.some((answer) => answer.includes(text));
  }

  note(tool: string, input: unknown, result: ToolResult): void {
    this.#answers.push(JSON.stringify(result).toLowerCase());
    if (tool === 'plan') this.#planned(input, result);
    else if (tool === 'compare_plans') this.#comparison(input, result);
    else if (tool === 'understand' && this.#shown === undefined) this.#understood(result);
    else if (ABOUT.has(tool)) this.#contract = About.safeParse(result).data?.contract ?? this.#contract;
  }

  /** What an earlier turn has shown cannot be agreed to any more. */
  dropPlan(): void {
    if (this.#draft) this.#draft = withoutPlan(this.#draft);
  }

  #planned(input: unknown, result: ToolResult): void {
    const { ok, ...rest } = result;
    const summary = ok ? PlanSummary.safeParse(rest).data : undefined;
    this.#shown = summary;
    this.#compared = undefined;
    this.#offered = [];
    if (summary) {
      this.#draft = { blueprint: summary.blueprint.name, parameters: summary.parameters, plan: summary.plan, ...(summary.supersedes !== undefined && { update: summary.supersedes }) };
      return;
    }
    // What was shown before is not what is being talked about now.
    this.dropPlan();
    const call = PlanCall.safeParse(input).data;
    const given = call?.blueprint === undefined ? undefined : this.#canonical(call.blueprint, call.parameters);
    if (call?.blueprint === undefined || !given) return;
    const [asked] = result.ok ? [] : result.missing ?? [];
    this.#draft = { blueprint: call.blueprint, parameters: given, ...(asked && { asked: asked.name }) };
  }

  /** Labels are ours: a model's own could promise what the change does not do. */
  #comparison(input: unknown, result: ToolResult): void {
    const call = CompareCall.safeParse(input).data;
    const rows = result.ok ? Compared.safeParse(result).data?.rows : undefined;
    const base = call && this.#canonical(call.blueprint, call.parameters);
    if (!call || !rows || !base || rows.length !== call.variants.length + 1) return;
    const variants: NonNullable<Draft['variants']> = [];
    this.#compared = rows.flatMap((row, i): Row[] => {
      const asked = call.variants[i - 1];
      if (!asked) return [row];
      const all = this.#canonical(call.blueprint, { ...call.parameters, ...asked.change });
      const change = Object.fromEntries(Object.entries(all ?? asked.change).filter(([name]) => Object.hasOwn(asked.change, name)));
      // What is no value of its parameter cannot be described.
      const label = ((all && describeParameters(this.#blueprint(call.blueprint), change, this.#currency())) || row.label).slice(0, MAX_LABEL);
      if (variants.some((variant) => variant.label === label)) return [];
      if (row.possible) variants.push({ label, change });
      return [{ ...row, label }];
    });
    this.#offered = variants;
    // Where nothing else can be had, what was shown before is still what there is.
    if (variants.length === 0) return;
    this.#shown = undefined;
    const draft = this.#draft ? withoutPlan(this.#draft) : undefined;
    this.#draft = { blueprint: call.blueprint, parameters: base, ...(draft?.update !== undefined && draft.blueprint === call.blueprint && { update: draft.update }), variants };
  }

  #blueprint(name: string): Blueprint | undefined {
    return this.#context.library.find((entry) => entry.blueprint.blueprint === name)?.blueprint;
  }

  #currency(): string | undefined {
    return this.#context.follower.state().grid?.payload.currency;
  }

  /** Undefined when they are not of this blueprint. */
  #canonical(name: string, parameters: z.infer<typeof Parameters>): z.infer<typeof Parameters> | undefined {
    const blueprint = this.#blueprint(name);
    const completed = blueprint && completeParameters(blueprint, parameters, this.#currency());
    return completed?.ok ? { ...completed.given } : undefined;
  }

  #understood(result: ToolResult): void {
    const understood = result.ok ? Understanding.safeParse(result).data : undefined;
    if (!understood) return;
    const { blueprint } = understood;
    // More about the same thing is added to it; a plan is what the planner makes of that, not what was shown before.
    const before = this.#draft?.blueprint === blueprint ? withoutPlan(this.#draft) : undefined;
    const parameters = { ...before?.parameters, ...understood.parameters };
    const asked = understood.missing.find((name) => !Object.hasOwn(parameters, name));
    this.#draft = { blueprint, parameters, ...(before?.update !== undefined && { update: before.update }), ...(asked !== undefined && { asked }) };
  }
}

/** A draft in which nothing is shown that could be agreed to. */
export function withoutPlan({ plan: _plan, earlier: _earlier, variants: _variants, ...draft }: Draft): Draft {
  return draft;
}
