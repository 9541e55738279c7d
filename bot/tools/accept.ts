import { sealEnvelope } from '../../contract/envelope.ts';
import { explainMissing } from '../../contract/policy-words.ts';
import { evaluatePolicy } from '../../contract/quorum.ts';
import { executionDigest } from '../../ledger/state/acceptance.ts';
import type { BotContext, ToolRefusal } from '../context.ts';
import type { Decision } from './propose.ts';

/** Accepts the execution of a contract as it runs now. Never offered to a model. */
export async function acceptExecution({ follower, grid }: Pick<BotContext, 'follower' | 'grid'>, { contract, role, as, statement }: Omit<Decision, 'explanation'>): Promise<{ ok: true; met: boolean; waitingFor: readonly string[] } | ToolRefusal> {
  const record = follower.state().contracts[contract];
  const deployment = record && follower.state().deployments[record.header.deployment];
  if (!record || !deployment) return { ok: false, code: 'contract_unknown', message: `contract ${contract} does not run`, hint: 'see `3bot contract list`' };
  const { acceptance, deployment: id } = record.header;
  if (!acceptance) return { ok: false, code: 'not_asked', message: 'this contract asks nobody to accept its execution', hint: 'nothing is left to do' };
  const execution = executionDigest(deployment);
  const [result] = await follower.submit([sealEnvelope('deployment.accepted', { grid, by: as.id, deployment: id, contract, role, execution, statement }, as.signer)]);
  if (!result) return { ok: false, code: 'ledger_unavailable', message: 'the ledger did not answer' };
  if (!result.ok) return result;
  const state = follower.state();
  const accepted = state.deployments[id]?.acceptance;
  const missing = evaluatePolicy(acceptance, accepted?.votes ?? []).missing;
  return { ok: true, met: accepted?.met ?? false, waitingFor: explainMissing(missing, (p) => state.principals[p]?.name ?? p) };
}
