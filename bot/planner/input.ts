import type { Json } from '../../contract/canonical.ts';
import type { ContractId } from '../../contract/contract.ts';
import type { Digest } from '../../contract/digest.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import type { Blueprint } from '../../knowledge/blueprint.ts';
import type { LedgerState } from '../../ledger/state/state.ts';

export type Parameters = Readonly<Record<string, Json>>;

export interface PlanInput {
  /** The ledger's state at `ledger.size`; nothing else about the world goes in. */
  readonly state: LedgerState;
  readonly ledger: { readonly size: number; readonly root: string };
  readonly requester: PrincipalId;
  /** 32 hex digits, fresh for a new deployment. */
  readonly nonce: string;
  readonly blueprint: { readonly parsed: Blueprint; readonly digest: Digest };
  readonly parameters: Parameters;
  /** What else could be asked for on this grid: named in a refusal, no part of a contract. */
  readonly library?: readonly Blueprint[] | undefined;
  /** The contract in force that this one is to replace; its nonce, deployment and organisation are kept. */
  readonly supersedes?: ContractId | undefined;
}
