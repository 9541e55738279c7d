import type { Payload } from '../../contract/entry.ts';
import { reserve } from './capacity.ts';
import type { EntryContext } from './context.ts';
import { endContract } from './lifecycle.ts';
import { type Applied, APPLIED, refuse } from './refusal.ts';
import type { LedgerState } from './state.ts';
import { currentAssignments, isAlive, mayReplace, replacementFor } from './views.ts';

/** Different secrets one deployment may have. */
const MAX_SECRETS = 16;

export function applyReported(state: LedgerState, payload: Payload<'deployment.reported'>, { time }: EntryContext): Applied {
  const { by, deployment: id, workload, epoch, revision, phase, reason, endpoint, measured, complete } = payload;
  const deployment = state.deployments[id];
  const holding = deployment?.holdings[workload];
  if (!deployment || !holding) return refuse('contract_unknown', `no workload ${workload} in deployment ${id}`);
  if (holding.node !== by || holding.epoch !== epoch) return refuse('node_fenced', `${workload} is at epoch ${holding.epoch} on ${holding.node}; this report is for epoch ${epoch}`);
  const before = deployment.reports[workload];
  if (before && before.epoch === epoch && revision <= before.revision) return refuse('stale_revision', `report ${revision} is not after ${before.revision}`);
  deployment.reports[workload] = { node: by, epoch, revision, phase, reason, ...(endpoint !== undefined && { endpoint }), ...(measured !== undefined && { measured }), time };
  // Only a front end reads every shard; who holds a single one may not vouch for the others.
  const type = state.contracts[deployment.contract]?.header.assignments.find((a) => a.workload === workload)?.type;
  if (type !== 'archive') return APPLIED;
  // Named with its epoch: a report that was made before a later move does not speak of the newcomer.
  for (const moved of Object.keys(deployment.unrestored)) {
    if (complete?.includes(`${moved}@${deployment.holdings[moved]?.epoch ?? 0}`)) delete deployment.unrestored[moved];
  }
  return APPLIED;
}

/**
 * The owner seals; a node that holds the secret may seal it for a holder that has none yet. The owner's own copy is
 * written once: it decides which of two secrets, made at the same time, is the one.
 */
export function applySealed(state: LedgerState, payload: Payload<'secret.sealed'>): Applied {
  const { by, deployment: id, secret, recipient, ciphertext } = payload;
  const deployment = state.deployments[id];
  const requester = deployment && state.contracts[deployment.contract]?.header.requester;
  if (!deployment) return refuse('contract_unknown', `no deployment ${id}`);
  const holders = new Set(Object.values(deployment.holdings).map((h) => h.node));
  if (!holders.has(recipient) && recipient !== requester) return refuse('not_permitted', `${recipient} holds nothing of this deployment`);
  const known = deployment.secrets[secret];
  if (recipient === requester && known?.[recipient] !== undefined) return refuse('secret_exists', 'the owner has this secret already');
  if (by !== requester) {
    if (!holders.has(by) || known?.[by] === undefined) return refuse('not_permitted', 'only the owner or a holder of the secret seals it');
    if (known[recipient] !== undefined) return refuse('secret_exists', 'the recipient has this secret already');
  }
  if (!known && Object.keys(deployment.secrets).length >= MAX_SECRETS) return refuse('too_many', `a deployment has at most ${MAX_SECRETS} secrets`);
  (deployment.secrets[secret] ??= {})[recipient] = ciphertext;
  return APPLIED;
}

/** Anyone may submit a move; everyone recomputes where to, and refuses another answer. */
export function applyMoved(state: LedgerState, payload: Payload<'assignment.moved'>, { time }: EntryContext): Applied {
  const { deployment: id, workload, from, to, epoch } = payload;
  const deployment = state.deployments[id];
  const contract = deployment && state.contracts[deployment.contract];
  const holding = deployment?.holdings[workload];
  if (!deployment || !contract || !holding) return refuse('contract_unknown', `no workload ${workload} in deployment ${id}`);
  if (contract.status !== 'active') return refuse('contract_not_open', `the contract is ${contract.status}`);
  if (!contract.header.autonomy.replace) return refuse('move_not_allowed', 'the contract does not let a node be replaced without asking');
  if (holding.node !== from || epoch !== holding.epoch + 1) return refuse('epoch_mismatch', `${workload} is at epoch ${holding.epoch} on ${holding.node}`);
  const node = state.nodes[from];
  if (node && isAlive(node, time)) return refuse('lease_held', `the lease of ${node.offer?.label ?? from} runs until ${node.leaseUntil ?? ''}`);
  if (!mayReplace(state, deployment, workload, time)) return refuse('too_many_lost', `more of ${workload}’s group are lost, or not restored, than the contract bears; replacing it would destroy what they hold`);
  const answer = replacementFor(state, { deployment: id, workload, time });
  if (!answer?.ok) return refuse('no_capacity', `no node can take ${workload} inside the contract's constraints`);
  const chosen = answer.assignments[0];
  if (chosen?.node !== to) return refuse('move_mismatch', `the rule moves ${workload} to ${chosen?.node ?? 'nowhere'}, not to ${to}`);
  const assignment = currentAssignments(state, deployment).find((a) => a.workload === workload);
  if (!assignment) return refuse('contract_unknown', `no workload ${workload}`);
  // An update that was planned from where this lay is to be planned again.
  for (const update of [...deployment.updates]) endContract(state, update, 'overtaken');
  reserve(state, from, assignment.resources, -1);
  reserve(state, to, assignment.resources, 1);
  deployment.holdings[workload] = { node: to, epoch };
  delete deployment.reports[workload];
  if (contract.header.bounds.some((b) => b.group === assignment.group)) deployment.unrestored[workload] = true;
  return APPLIED;
}
