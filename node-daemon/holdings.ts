import type { ContractId, DeploymentId } from '../contract/contract.ts';
import { serviceName } from '../contract/contract.ts';
import type { PrincipalId } from '../contract/principal.ts';
import type { WorkloadType } from '../contract/workload.ts';
import type { LedgerState } from '../ledger/state/machine.ts';

/** A workload that the ledger gives to this node, at one epoch. */
export interface HeldWorkload {
  readonly deployment: DeploymentId;
  readonly workload: string;
  readonly type: WorkloadType;
  readonly epoch: number;
  readonly contract: ContractId;
}

/** The key of a holding everywhere in this folder: the name of its service on the overlay. */
export function keyOf(held: { deployment: DeploymentId; workload: string; epoch: number }): string {
  return serviceName(held);
}

/** What the ledger gives to `node` now, in the order of deployments and of their headers. */
export function holdingsOf(state: LedgerState, node: PrincipalId): HeldWorkload[] {
  return (Object.keys(state.deployments) as DeploymentId[]).flatMap((deployment) => {
    const record = state.deployments[deployment];
    const contract = record && state.contracts[record.contract];
    if (!record || contract?.status !== 'active') return [];
    return contract.header.assignments.flatMap(({ workload, type }) => {
      const holding = record.holdings[workload];
      return holding?.node === node ? [{ deployment, workload, type, epoch: holding.epoch, contract: record.contract }] : [];
    });
  });
}

/** True while the ledger gives exactly this workload at this epoch to `node`, under an active contract. */
export function isHeldBy(state: LedgerState, node: PrincipalId, held: { deployment: DeploymentId; workload: string; epoch: number }): boolean {
  const record = Object.hasOwn(state.deployments, held.deployment) ? state.deployments[held.deployment] : undefined;
  if (!record || state.contracts[record.contract]?.status !== 'active' || !Object.hasOwn(record.holdings, held.workload)) return false;
  const holding = record.holdings[held.workload];
  return holding?.node === node && holding.epoch === held.epoch;
}

/** Whether a deployment still runs under its contract. */
export function isActive(state: LedgerState, deployment: DeploymentId): boolean {
  const record = state.deployments[deployment];
  return record !== undefined && state.contracts[record.contract]?.status === 'active';
}

/** One shard's place, as the archive engine is told it; the epoch in the address fences earlier holders. */
export interface Slot {
  readonly slot: number;
  readonly epoch: number;
  /** `zdb-0@1` */
  readonly address: string;
}

/** Where the shards of an archive lie now, in shard order. */
export function slotsOf(state: LedgerState, deployment: DeploymentId, names: readonly string[]): Slot[] {
  const holdings = state.deployments[deployment]?.holdings ?? {};
  return names.flatMap((name, slot) => {
    const epoch = holdings[name]?.epoch;
    return epoch === undefined ? [] : [{ slot, epoch, address: `${name}@${epoch}` }];
  });
}
