import type { Payload } from '../../contract/entry.ts';
import { voters } from '../../contract/policy.ts';
import { resolvePolicy } from '../../contract/policy-template.ts';
import { evaluatePolicy } from '../../contract/quorum.ts';
import type { EntryContext } from './context.ts';
import { isNamed } from './principals.ts';
import { type Applied, APPLIED, refuse } from './refusal.ts';
import type { LedgerState, OrganisationRecord } from './state.ts';

/**
 * The organisation's own key proposes a change of its roster or governance. Without governance it happens at once;
 * with one it waits for the quorum of the roster as it is: who is to go has a say, who is to come has not yet.
 */
export function applyOrganisation(state: LedgerState, payload: Payload<'organisation.changed'>, context: EntryContext): Applied {
  if (state.principals[payload.by]?.kind !== 'organisation') return refuse('not_permitted', 'only an organisation has a roster');
  if (!isNamed(state, 'organisations', payload.by)) return refuse('not_permitted', 'the grid does not know this organisation', 'have it named in grid.created');
  const record = state.organisations[payload.by];
  // One further, never more: a leap to the last number there is would freeze the roster. What waits may be replaced.
  const next = (record?.revision ?? 0) + 1;
  if (payload.revision !== next) return refuse('stale_revision', `the next revision is ${next}, not ${payload.revision}`);
  if (record?.pending?.change === context.payloadDigest) return refuse('stale_revision', 'this change waits already');
  for (const member of Object.values(payload.roles).flat()) {
    if (!state.principals[member]) return refuse('principal_unknown', `the roster names ${member}, which is not on this grid`);
  }
  if (payload.governance) {
    const governed = resolvePolicy(payload.governance, payload.roles);
    if (!governed.ok) return refuse('policy_mismatch', `nobody could ever change this organisation again: the new roster has too few for ${governed.missingRoles.join(', ')}`);
  }
  if (record?.governance) record.pending = { change: context.payloadDigest, payload, key: context.key, votes: [] };
  else state.organisations[payload.by] = changed(payload);
  return APPLIED;
}

export function applyOrganisationApproved(state: LedgerState, { by, organisation, change, role }: Payload<'organisation.approved'>, context: EntryContext): Applied {
  const record = state.organisations[organisation];
  const pending = record?.pending;
  if (!record?.governance || pending?.change !== change) return refuse('change_unknown', `no change ${change} of this organisation waits for approval`);
  const governance = resolvePolicy(record.governance, record.roles);
  if (!governance.ok) return refuse('policy_mismatch', `the organisation has too few for ${governance.missingRoles.join(', ')}`);
  if (!voters(governance.policy).some((v) => v.principal === by && v.role === role)) return refuse('not_permitted', `${state.principals[by]?.name ?? by} is not asked to decide as ${role}`);
  if (pending.votes.some((v) => v.principal === by)) return refuse('already_voted', 'this principal has decided already');
  pending.votes.push({ principal: by, role, decision: 'approve', note: '', key: context.key });
  if (evaluatePolicy(governance.policy, pending.votes).met) state.organisations[organisation] = changed(pending.payload);
  return APPLIED;
}

function changed({ revision, roles, governance }: Payload<'organisation.changed'>): OrganisationRecord {
  return { revision, roles, ...(governance && { governance }) };
}
