import { digestOf, type Digest } from '../../contract/digest.ts';
import type { Payload } from '../../contract/entry.ts';
import { voters } from '../../contract/policy.ts';
import { evaluatePolicy } from '../../contract/quorum.ts';
import type { EntryContext } from './context.ts';
import { type Applied, APPLIED, refuse } from './refusal.ts';
import type { DeploymentRecord, LedgerState } from './state.ts';

/** What is accepted: which contract, which node holds what at which epoch, and what it measured of what it runs. */
export function executionDigest(deployment: DeploymentRecord): Digest {
  return digestOf({
    contract: deployment.contract,
    holdings: deployment.holdings,
    measured: Object.fromEntries(Object.entries(deployment.reports).flatMap(([workload, { measured }]) => (measured === undefined ? [] : [[workload, measured]]))),
  });
}

/** Whether everybody who must has accepted what runs now; what was accepted before it changed counts no more. */
export function isAccepted(deployment: DeploymentRecord): boolean {
  return deployment.acceptance?.met === true && deployment.acceptance.execution === executionDigest(deployment);
}

/** Only what runs is accepted, and only as it is now: who signs has looked at exactly this execution. */
export function applyAccepted(state: LedgerState, payload: Payload<'deployment.accepted'>, { key }: EntryContext): Applied {
  const { by, deployment: id, contract, role, execution, statement } = payload;
  const deployment = state.deployments[id];
  const record = state.contracts[contract];
  if (!deployment || deployment.contract !== contract || record?.status !== 'active') return refuse('contract_unknown', `deployment ${id} does not run under contract ${contract}`);
  const policy = record.header.acceptance;
  if (!policy || !voters(policy).some((v) => v.principal === by && v.role === role)) return refuse('not_permitted', `${state.principals[by]?.name ?? by} is not asked to accept the execution as ${role}`);
  const late = Object.keys(deployment.holdings).find((workload) => deployment.reports[workload]?.phase !== 'running');
  if (late !== undefined) return refuse('not_running', `${late} does not run`);
  const now = executionDigest(deployment);
  if (execution !== now) return refuse('execution_changed', `what runs has digest ${now}, the acceptance names ${execution}`);
  // Words about an earlier execution do not count towards this one.
  const votes = deployment.acceptance?.execution === now ? deployment.acceptance.votes : [];
  if (votes.some((v) => v.principal === by)) return refuse('already_voted', 'this principal has decided already');
  const cast = [...votes, { principal: by, role, decision: 'approve' as const, note: statement, key }];
  deployment.acceptance = { execution: now, votes: cast, met: evaluatePolicy(policy, cast).met };
  return APPLIED;
}
