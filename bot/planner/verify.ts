import { type Body, contractId, type Header } from '../../contract/contract.ts';
import type { PlanInput } from './input.ts';
import { planContract, PLANNER } from './plan.ts';

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly code: 'digest_mismatch' | 'planner_mismatch'; readonly message: string };

/**
 * Compiles the contract again from what it says it was derived from, and compares ids: not a byte of it can have come
 * from elsewhere. `at` is the ledger as it stood at derivation.ledger.size.
 */
export function recompile(contract: { header: Header; body: Body }, at: Pick<PlanInput, 'state' | 'ledger' | 'blueprint'>): Verdict {
  const { header, body } = contract;
  if (header.derivation.planner !== PLANNER) return { ok: false, code: 'planner_mismatch', message: `compiled by ${header.derivation.planner}, this is ${PLANNER}` };
  if (at.ledger.root !== header.derivation.ledger.root) return { ok: false, code: 'digest_mismatch', message: `derived from a ledger with root ${header.derivation.ledger.root}; at that size it has ${at.ledger.root}` };
  const again = planContract({ ...at, requester: header.requester, nonce: header.derivation.nonce, parameters: body.parameters, supersedes: header.supersedes });
  if (!again.ok) return { ok: false, code: 'digest_mismatch', message: `its derivation does not compile: ${again.message}` };
  const id = contractId(header);
  return again.contract === id ? { ok: true } : { ok: false, code: 'digest_mismatch', message: `its derivation compiles to ${again.contract}, the contract is ${id}` };
}
