import type { Json } from '../../contract/canonical.ts';
import type { ContractId } from '../../contract/contract.ts';
import { digestOf } from '../../contract/digest.ts';
import type { BotContext, ToolRefusal } from '../context.ts';
import { type Plan, planContract } from '../planner/plan.ts';
import { readContract } from './contracts.ts';

export interface UpdateRequest {
  /** The contract in force. */
  readonly contract: ContractId;
  /** What is to differ; everything else stays as it was asked for. */
  readonly parameters: Readonly<Record<string, Json>>;
}

/** The next version of what runs: same deployment, places and data, other parameters. Side effects: none. */
export async function planUpdate(context: BotContext, request: UpdateRequest): Promise<Plan | ToolRefusal> {
  const read = await readContract(context, request.contract);
  if (!read.ok) return read;
  const { header, body } = read;
  if (header.requester !== context.requester.id) return { ok: false, code: 'not_permitted', message: 'an update is proposed by the requester of the contract', hint: 'ask the person who asked for it' };
  const entry = context.library.find((e) => e.blueprint.blueprint === header.blueprint.name);
  if (!entry) return { ok: false, code: 'blueprint_unknown', message: `no blueprint is called ${header.blueprint.name} any more`, hint: 'have its author publish it' };
  const { follower } = context;
  const plan = planContract({
    state: follower.state(),
    ledger: { size: follower.size(), root: follower.root() },
    requester: context.requester.id,
    nonce: header.derivation.nonce,
    blueprint: { parsed: entry.blueprint, digest: entry.digest },
    parameters: { ...body.parameters, ...request.parameters },
    supersedes: request.contract,
  });
  const same = plan.ok && digestOf([plan.body, plan.header.policy, plan.header.blueprint]) === digestOf([body, header.policy, header.blueprint]);
  return same ? { ok: false, code: 'nothing_changes', message: 'that is what runs already', hint: 'say what is to differ: --param capacity=2PB, for example' } : plan;
}
