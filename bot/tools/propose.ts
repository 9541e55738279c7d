import { type Body, bodyBytes, type ContractId, type Header } from '../../contract/contract.ts';
import { sealEnvelope } from '../../contract/envelope.ts';
import type { Digest } from '../../contract/digest.ts';
import { voters } from '../../contract/policy.ts';
import { policiesOf, waitingFor } from '../../ledger/state/views.ts';
import type { BotContext, Identity, ToolRefusal } from '../context.ts';

/** Registers a contract: its body in the blob store first, so that nobody is asked to sign what they cannot read. */
export async function proposeContract(context: BotContext, plan: { contract: ContractId; header: Header; body: Body }): Promise<{ ok: true; contract: ContractId } | ToolRefusal> {
  const { follower, grid, requester } = context;
  await follower.putBlob(bodyBytes(plan.body));
  const envelope = sealEnvelope('contract.proposed', { grid, by: requester.id, header: plan.header }, requester.signer);
  const [result] = await follower.submit([envelope]);
  if (!result) return { ok: false, code: 'ledger_unavailable', message: 'the ledger did not answer' };
  if (!result.ok) return result;
  await follower.waitFor((state) => (state.contracts[plan.contract] ? true : undefined), { timeoutMs: 30_000 });
  return { ok: true, contract: plan.contract };
}

/** `explanation`: digest of what the person was shown (contract/explain). */
export interface Decision { readonly contract: ContractId; readonly role: string; readonly as: Identity; readonly explanation: Digest; readonly statement: string }

/** Signs a contract in a role. Never offered to a model: only a person's surface calls it. */
export async function approveContract(context: Pick<BotContext, 'follower' | 'grid'>, decision: Decision): Promise<{ ok: true; met: boolean; waitingFor: readonly string[] } | ToolRefusal> {
  const { follower, grid } = context;
  const record = follower.state().contracts[decision.contract];
  if (!record) return { ok: false, code: 'contract_unknown', message: `no contract ${decision.contract} on this grid` };
  const { by, ...rest } = { by: decision.as.id, contract: decision.contract, role: decision.role, explanation: decision.explanation, statement: decision.statement, signBefore: record.header.validity.signBefore };
  const [result] = await follower.submit([sealEnvelope('contract.approved', { grid, by, ...rest }, decision.as.signer)]);
  if (!result) return { ok: false, code: 'ledger_unavailable', message: 'the ledger did not answer' };
  if (!result.ok) return result;
  const after = await follower.waitFor((state) => { const c = state.contracts[decision.contract]; return c?.votes.some((v) => v.principal === by) ? c : undefined; }, { timeoutMs: 30_000 });
  return { ok: true, met: after.status === 'active', waitingFor: after.status === 'proposed' ? waitingFor(follower.state(), decision.contract) : [] };
}

/** Says no to a proposal in a role; it ends when the quorum cannot be reached any more. */
export async function rejectContract({ follower, grid }: Pick<BotContext, 'follower' | 'grid'>, { contract, role, as, reason }: Omit<Decision, 'statement' | 'explanation'> & { readonly reason: string }): Promise<{ ok: true; ended: boolean } | ToolRefusal> {
  const [result] = await follower.submit([sealEnvelope('contract.rejected', { grid, by: as.id, contract, role, reason }, as.signer)]);
  if (!result) return { ok: false, code: 'ledger_unavailable', message: 'the ledger did not answer' };
  return result.ok ? { ok: true, ended: follower.state().contracts[contract]?.status !== 'proposed' } : result;
}

/** Takes a proposal back before it is signed; its reservation is free at once. */
export async function withdrawContract(context: BotContext, contract: ContractId): Promise<{ ok: true } | ToolRefusal> {
  const { follower, grid, requester } = context;
  const [result] = await follower.submit([sealEnvelope('contract.withdrawn', { grid, by: requester.id, contract }, requester.signer)]);
  return !result ? { ok: false, code: 'ledger_unavailable', message: 'the ledger did not answer' } : result.ok ? { ok: true } : result;
}

/** Ends what runs; takes the quorum that started it. */
export async function cancelContract(context: Pick<BotContext, 'follower' | 'grid'>, decision: Omit<Decision, 'statement' | 'explanation'>): Promise<{ ok: true } | ToolRefusal> {
  const { follower, grid } = context;
  const [result] = await follower.submit([sealEnvelope('contract.cancelled', { grid, by: decision.as.id, contract: decision.contract, role: decision.role }, decision.as.signer)]);
  return !result ? { ok: false, code: 'ledger_unavailable', message: 'the ledger did not answer' } : result.ok ? { ok: true } : result;
}

/** The roles in which somebody may decide on a contract. */
export function rolesOf({ follower }: Pick<BotContext, 'follower'>, header: Header, identity: Identity): string[] {
  return policiesOf(follower.state(), header).flatMap(voters).filter((v) => v.principal === identity.id).map((v) => v.role);
}
