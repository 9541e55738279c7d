import type { Assignment, ContractId, DeploymentId, Header } from '../../contract/contract.ts';
import { type Candidate, place, type Placed, type Placement } from '../../contract/placement.ts';
import type { Policy } from '../../contract/policy.ts';
import { explainMissing } from '../../contract/policy-words.ts';
import { evaluatePolicies, type Quorum } from '../../contract/quorum.ts';
import { AUTHOR_ROLE, type PrincipalId } from '../../contract/principal.ts';
import { subtractResources } from '../../contract/units.ts';
import type { DeploymentRecord, LedgerState, NodeRecord } from './state.ts';

/** True while the node's lease runs at `time` (RFC 3339; same width, so text order is time order). */
export function isAlive(node: NodeRecord, time: string): boolean {
  return node.leaseUntil !== null && node.leaseUntil > time;
}

/** The nodes that can take work at `time`: alive, offering, and where an attestor says they are. */
export function candidates(state: LedgerState, time: string = state.time): Candidate[] {
  return (Object.keys(state.nodes) as PrincipalId[]).flatMap((id) => candidateOf(state, id, time) ?? []);
}

/** One of them. */
export function candidateOf(state: LedgerState, id: PrincipalId, time: string): Candidate | undefined {
  const node = state.nodes[id];
  if (!node?.offer || !node.attested || !isAlive(node, time)) return undefined;
  const { capabilities, engines, capacity, rates } = node.offer;
  return { node: id, location: node.attested, capabilities, engines, free: subtractResources(capacity, node.reserved), rates };
}

/** Whether somebody may ask for things in an organisation's name: in any role but the one that only writes blueprints. */
export function isMember(roles: Readonly<Record<string, readonly PrincipalId[]>>, principal: PrincipalId): boolean {
  return Object.entries(roles).some(([role, members]) => role !== AUTHOR_ROLE && members.includes(principal));
}

/** The policies that must all agree before a contract is in force: its own, and of an update the one that it replaces. */
export function policiesOf(state: LedgerState, header: Header): Policy[] {
  const base = header.supersedes && state.contracts[header.supersedes];
  return base ? [base.header.policy, header.policy] : [header.policy];
}

/** How far the signatures on a contract are; undefined when there is no such contract. */
export function quorumOf(state: LedgerState, contract: ContractId): Quorum | undefined {
  const record = state.contracts[contract];
  return record && evaluatePolicies(policiesOf(state, record.header), record.votes);
}

/** What a proposal waits for, in words: `legal (0 of 1: Ana or Bo)`. */
export function waitingFor(state: LedgerState, contract: ContractId): string[] {
  return explainMissing(quorumOf(state, contract)?.missing ?? [], (id) => state.principals[id]?.name ?? id);
}

/** What its author says against a version of a blueprint, in words; undefined when nothing. */
export function noticeOf(state: LedgerState, { name, version }: { readonly name: string; readonly version: string }): string | undefined {
  const record = state.blueprints[`${name}@${version}`];
  if (record?.yanked) return `${name} ${version} is yanked: ${record.yanked.reason}`;
  if (!record?.deprecated) return undefined;
  const { reason, instead } = record.deprecated;
  return `${name} ${version} is deprecated: ${reason}${instead === undefined ? '' : `; use ${instead} instead`}`;
}

/** Where every workload of a deployment lies now: the header's assignments with later moves applied. */
export function currentAssignments(state: LedgerState, deployment: DeploymentRecord): Assignment[] {
  const header = state.contracts[deployment.contract]?.header;
  if (!header) return [];
  return header.assignments.map((a) => ({ ...a, node: deployment.holdings[a.workload]?.node ?? a.node }));
}

/** The one node that a lapsed workload moves to at `time`: everyone who holds this state computes the same. */
export function replacementFor(state: LedgerState, of: { deployment: DeploymentId; workload: string; time: string }): Placement | undefined {
  const deployment = state.deployments[of.deployment];
  const header = deployment && state.contracts[deployment.contract]?.header;
  if (!deployment || !header) return undefined;
  const assignments: Placed[] = currentAssignments(state, deployment);
  const lost = assignments.find((a) => a.workload === of.workload);
  if (!lost) return undefined;
  return place({
    deployment: of.deployment,
    constraints: header.constraints,
    engines: header.engines,
    workloads: [lost],
    placed: assignments.filter((a) => a.workload !== of.workload),
    candidates: candidates(state, of.time).filter((c) => c.node !== lost.node),
  });
}

/**
 * Whether a lapsed workload may be replaced at `time` without destroying what its group holds together: of a bounded
 * group no more than the bound may be lapsed, failed where they are, or moved and not restored. Beyond, only the nodes' own return helps.
 */
export function mayReplace(state: LedgerState, deployment: DeploymentRecord, workload: string, time: string): boolean {
  const header = state.contracts[deployment.contract]?.header;
  const group = header?.assignments.find((a) => a.workload === workload)?.group;
  const bound = header?.bounds.find((b) => b.group === group);
  if (!header || !bound) return header !== undefined;
  const without = header.assignments.filter((a) => {
    if (a.group !== group) return false;
    const node = state.nodes[deployment.holdings[a.workload]?.node ?? a.node];
    const holding = deployment.holdings[a.workload];
    const report = deployment.reports[a.workload];
    const failed = report?.phase === 'failed' && report.epoch === holding?.epoch;
    return failed || deployment.unrestored[a.workload] === true || !node || !isAlive(node, time);
  });
  return without.length <= bound.atMost;
}

/** Workloads of active deployments whose node has lost its lease at `time`, and that may be replaced without asking. */
export function lapsedHoldings(state: LedgerState, time: string = state.time): { deployment: DeploymentId; workload: string; node: PrincipalId; epoch: number }[] {
  return Object.entries(state.deployments).flatMap(([id, deployment]) => {
    const contract = state.contracts[deployment.contract];
    if (contract?.status !== 'active' || !contract.header.autonomy.replace) return [];
    return Object.entries(deployment.holdings).flatMap(([workload, { node, epoch }]) => {
      const record = state.nodes[node];
      return (record && isAlive(record, time)) || !mayReplace(state, deployment, workload, time) ? [] : [{ deployment: id as DeploymentId, workload, node, epoch }];
    });
  });
}
