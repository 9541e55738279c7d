import type { ContractId } from '../../contract/contract.ts';
import type { Digest } from '../../contract/digest.ts';
import { voters } from '../../contract/policy.ts';
import type { DidKey, PrincipalId } from '../../contract/principal.ts';
import { speaksFor } from '../../ledger/state/keys.ts';
import type { ContractStatus, LedgerState } from '../../ledger/state/state.ts';
import { noticeOf, policiesOf, waitingFor } from '../../ledger/state/views.ts';

/** One decision, as the ledger has it. */
export interface Decision {
  readonly principal: PrincipalId;
  readonly name: string;
  readonly role: string;
  readonly decision: 'approve' | 'reject';
  readonly note: string;
  /** Whether an approver was shown the same explanation as this page makes. */
  readonly sameWords: boolean;
}

/** How far the signatures on a contract are, after `size` entries. */
export interface Standing {
  readonly status: ContractStatus;
  readonly size: number;
  /** Of the log's last entry. */
  readonly time: string;
  readonly decisions: readonly Decision[];
  /** In words; empty when nothing is missing. */
  readonly waitingFor: readonly string[];
  /** What the author of its blueprint says against it. */
  readonly notice?: string;
}

/** What a key may do with a contract. */
export interface Speaker {
  /** Who it speaks for on this grid; absent when nobody. */
  readonly name?: string;
  readonly principal?: PrincipalId;
  /** In which it is asked to decide. */
  readonly roles: readonly string[];
  /** Its principal has decided already. */
  readonly decided: boolean;
}

/** Undefined when the ledger has no such contract. */
export function standingOf(state: LedgerState, contract: ContractId, explanation: Digest): Standing | undefined {
  const record = state.contracts[contract];
  if (!record) return undefined;
  const notice = noticeOf(state, record.header.blueprint);
  return {
    status: record.status,
    size: state.size,
    time: state.time,
    decisions: record.votes.map(({ principal, role, decision, note, explanation: seen }) => ({ principal, name: state.principals[principal]?.name ?? principal, role, decision, note, sameWords: decision === 'reject' || seen === explanation })),
    waitingFor: record.status === 'proposed' ? waitingFor(state, contract) : [],
    ...(notice !== undefined && { notice }),
  };
}

/** Looks a key up as the next entry would find it. */
export function speakerOf(state: LedgerState, contract: ContractId, key: DidKey): Speaker {
  const record = state.contracts[contract];
  const owner = state.keyOwners[key];
  const holders = (owner === undefined ? (Object.keys(state.principals) as PrincipalId[]) : [owner]).filter((id) => speaksFor(state, id, key));
  const asked = record ? policiesOf(state, record.header).flatMap(voters).filter(({ principal }) => holders.includes(principal)) : [];
  // A key that was never used may be named by several: it speaks here for the one that is asked.
  const principal = asked[0]?.principal ?? (holders.length === 1 ? holders[0] : undefined);
  if (principal === undefined) return { roles: [], decided: false };
  return {
    principal,
    name: state.principals[principal]?.name ?? principal,
    roles: [...new Set(asked.filter((voter) => voter.principal === principal).map(({ role }) => role))],
    decided: record?.votes.some((vote) => vote.principal === principal) === true,
  };
}

/** What the ledger calls an id: a node with its attested place, or a principal. */
export function nameOf(state: LedgerState, id: string): string | undefined {
  const key = id as PrincipalId;
  const node = state.nodes[key];
  const name = node?.offer?.label ?? state.principals[key]?.name;
  return name === undefined ? undefined : `${name}${node?.attested ? `, ${node.attested.city}, ${node.attested.country}` : ''}`;
}
