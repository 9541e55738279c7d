import type { ContractId } from '../../contract/contract.ts';
import type { Digest } from '../../contract/digest.ts';
import { type Explanation, explainContract, explanationDigest } from '../../contract/explain.ts';
import type { BotContext, ToolRefusal } from '../context.ts';
import type { Plan } from '../planner/plan.ts';
import { readContract, verifyContract } from './contracts.ts';

type Reader = Pick<BotContext, 'follower'>;

export interface Review {
  readonly ok: true;
  readonly explanation: Explanation;
  /** What an approval names as seen. */
  readonly digest: Digest;
}

/** A contract in people's words, after it was recompiled to its id: what is explained is what is signed. */
export async function reviewContract(context: Reader, contract: ContractId): Promise<Review | ToolRefusal> {
  const verified = await verifyContract(context, contract);
  return verified.ok ? explainAgain(context, contract) : verified;
}

/** The same of a plan that this bot has just compiled itself. */
export async function reviewPlan(context: Reader, { header, body }: Pick<Plan, 'header' | 'body'>): Promise<Review | ToolRefusal> {
  const base = header.supersedes === undefined ? undefined : await readContract(context, header.supersedes);
  if (base?.ok === false) return base;
  const explanation = explainContract({ header, body }, base);
  return { ok: true, explanation, digest: explanationDigest(explanation) };
}

/** The explanation of a contract that was verified before. */
export async function explainAgain(context: Reader, contract: ContractId): Promise<Review | ToolRefusal> {
  const read = await readContract(context, contract);
  return read.ok ? reviewPlan(context, read) : read;
}
