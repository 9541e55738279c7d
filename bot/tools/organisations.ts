import { digestOf, type Digest } from '../../contract/digest.ts';
import type { Payload } from '../../contract/entry.ts';
import { sealEnvelope } from '../../contract/envelope.ts';
import { voters } from '../../contract/policy.ts';
import { type PolicyTemplate, resolvePolicy } from '../../contract/policy-template.ts';
import { explainMissing } from '../../contract/policy-words.ts';
import { evaluatePolicy } from '../../contract/quorum.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import type { BotContext, Identity, ToolRefusal } from '../context.ts';

type Speaker = Pick<BotContext, 'follower' | 'grid'>;

export interface OrganisationView {
  readonly id: PrincipalId;
  readonly name: string;
  readonly revision: number;
  readonly roles: Readonly<Record<string, readonly PrincipalId[]>>;
  readonly governance?: PolicyTemplate;
  /** A change that waits, and for whom. */
  readonly pending?: { readonly change: Digest; readonly roles: Readonly<Record<string, readonly PrincipalId[]>>; readonly governance?: PolicyTemplate; readonly waitingFor: readonly string[] };
}

export function listOrganisations({ follower }: Pick<BotContext, 'follower'>): OrganisationView[] {
  const state = follower.state();
  return Object.entries(state.organisations).map(([id, { revision, roles, governance, pending }]) => {
    const policy = governance && resolvePolicy(governance, roles);
    const missing = pending && policy?.ok ? evaluatePolicy(policy.policy, pending.votes).missing : [];
    return {
      id: id as PrincipalId, name: state.principals[id as PrincipalId]?.name ?? id, revision, roles,
      ...(governance && { governance }),
      ...(pending && { pending: { change: pending.change, roles: pending.payload.roles, ...(pending.payload.governance && { governance: pending.payload.governance }), waitingFor: explainMissing(missing, (p) => state.principals[p]?.name ?? p) } }),
    };
  });
}

export interface RosterChange { readonly roles: Payload<'organisation.changed'>['roles']; readonly governance?: PolicyTemplate | undefined }

/** Says what the roster (and who must agree to its change) shall be; with a governance in place it waits for its quorum. */
export async function changeOrganisation(context: Speaker, as: Identity, change: RosterChange): Promise<{ ok: true; change: Digest; waiting: boolean } | ToolRefusal> {
  const before = context.follower.state().organisations[as.id];
  const revision = (before?.revision ?? 0) + 1;
  const payload = { grid: context.grid, by: as.id, revision, roles: change.roles, ...(change.governance && { governance: change.governance }) };
  const [result] = await context.follower.submit([sealEnvelope('organisation.changed', payload, as.signer)]);
  if (!result) return { ok: false, code: 'ledger_unavailable', message: 'the ledger did not answer' };
  if (!result.ok) return result;
  const digest = digestOf(payload);
  return { ok: true, change: digest, waiting: context.follower.state().organisations[as.id]?.pending?.change === digest };
}

/** A member's yes to the change that they were shown; `done` when it was the last that was missing. */
export async function approveChange(context: Speaker, as: Identity, { organisation, change, role }: { organisation: PrincipalId; change: Digest; role: string }): Promise<{ ok: true; done: boolean } | ToolRefusal> {
  const { follower, grid } = context;
  const [result] = await follower.submit([sealEnvelope('organisation.approved', { grid, by: as.id, organisation, change, role }, as.signer)]);
  if (!result) return { ok: false, code: 'ledger_unavailable', message: 'the ledger did not answer' };
  return result.ok ? { ok: true, done: follower.state().organisations[organisation]?.pending?.change !== change } : result;
}

/** The roles in which somebody is asked about a change of this organisation. */
export function governanceRoles({ follower }: Pick<BotContext, 'follower'>, organisation: PrincipalId, by: PrincipalId): string[] {
  const record = follower.state().organisations[organisation];
  const policy = record?.governance && resolvePolicy(record.governance, record.roles);
  return policy?.ok ? voters(policy.policy).filter((v) => v.principal === by).map((v) => v.role) : [];
}
