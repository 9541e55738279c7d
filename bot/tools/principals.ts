import type { Payload, Recovery } from '../../contract/entry.ts';
import { sealEnvelope } from '../../contract/envelope.ts';
import type { DidKey, PrincipalId } from '../../contract/principal.ts';
import { keysOf } from '../../ledger/state/keys.ts';
import type { BotContext, Identity, ToolRefusal } from '../context.ts';

type Speaker = Pick<BotContext, 'follower' | 'grid'>;
type Answer = { readonly ok: true } | ToolRefusal;

/** Keys of a principal, as the ledger has them: `since` and `until` are entries of the log. */
export interface PrincipalKeys {
  readonly id: PrincipalId;
  readonly name: string;
  readonly kind: string;
  readonly keys: readonly { readonly key: DidKey; readonly since: number; readonly until?: number; readonly ended?: string }[];
  readonly recovery: Recovery | null;
}

/** Everybody on the grid and their keys, past ones included: who could sign what, and when. */
export function listPrincipals({ follower }: Pick<BotContext, 'follower'>): PrincipalKeys[] {
  return Object.entries(follower.state().principals).map(([id, { name, kind, keys, recovery }]) => ({
    id: id as PrincipalId, name, kind, recovery,
    keys: Object.entries(keys).map(([key, record]) => ({ key: key as DidKey, ...record })),
  }));
}

/** The principal whose id begins so (8 digits or more), or the only one of this name. */
export function findPrincipal({ follower }: Pick<BotContext, 'follower'>, text: string): { ok: true; id: PrincipalId } | ToolRefusal {
  const prefix = text.startsWith('sha256:') ? text : `sha256:${text}`;
  const everybody = Object.entries(follower.state().principals);
  // An id is what it is; anybody may take any name, so that a name only counts where no id begins so.
  const byId = /^(sha256:)?[0-9a-f]{8,64}$/.test(text) ? everybody.filter(([id]) => id.startsWith(prefix)) : [];
  const found = (byId.length > 0 ? byId : everybody.filter(([, { name }]) => name === text)).map(([id]) => id as PrincipalId);
  const [id] = found;
  if (id !== undefined && found.length === 1) return { ok: true, id };
  return { ok: false, code: found.length === 0 ? 'principal_unknown' : 'principal_ambiguous', message: found.length === 0 ? `nobody on this grid is called ${text}` : `${found.length} principals on this grid are called ${text}`, hint: 'see `3bot key list --ledger`' };
}

/**
 * Gives a principal a new key in two steps, each signed by a key that counts: the old one names the new one, and the
 * new one, which shows that it is there, retires the old. Stopped in between both count, and the same call finishes it.
 */
export async function rotateKey(context: Speaker, { id, current, next }: { id: PrincipalId; current: Identity['signer']; next: Identity['signer'] }): Promise<Answer> {
  const principal = () => context.follower.state().principals[id];
  if (principal()?.keys[next.key] === undefined) {
    const added = await say(context, 'principal.rotated', { by: id, revision: (principal()?.revision ?? 0) + 1, add: [next.key], retire: [] }, current);
    if (!added.ok) return added;
  }
  if (principal()?.keys[current.key]?.until !== undefined) return { ok: true };
  return say(context, 'principal.rotated', { by: id, revision: (principal()?.revision ?? 0) + 1, add: [], retire: [current.key] }, next);
}

/** Ends a key that somebody else may have; open decisions made with it are void. */
export function revokeKey(context: Speaker, { as, key, reason }: { as: Identity; key: DidKey; reason: string }): Promise<Answer> {
  return say(context, 'principal.revoked', { by: as.id, revision: (context.follower.state().principals[as.id]?.revision ?? 0) + 1, key, reason }, as.signer);
}

/** Names who may together give this principal new keys. Once: afterwards only they can change it. */
export function nameGuardians(context: Speaker, { as, recovery }: { as: Identity; recovery: Recovery }): Promise<Answer> {
  return say(context, 'principal.rotated', { by: as.id, revision: (context.follower.state().principals[as.id]?.revision ?? 0) + 1, add: [], retire: [], recovery }, as.signer);
}

/** A guardian's word for somebody's new keys; `done` when it completed the quorum. */
export async function recoverKeys(context: Speaker, { as, principal, keys }: { as: Identity; principal: PrincipalId; keys: DidKey[] }): Promise<{ ok: true; done: boolean } | ToolRefusal> {
  const before = context.follower.state().principals[principal];
  const said = await say(context, 'principal.recovered', { by: as.id, principal, round: (before?.recoveries ?? 0) + 1, keys }, as.signer);
  if (!said.ok) return said;
  const after = context.follower.state().principals[principal];
  return { ok: true, done: after !== undefined && keys.every((key) => keysOf(after).includes(key)) };
}

async function say<K extends 'principal.rotated' | 'principal.revoked' | 'principal.recovered'>({ follower, grid }: Speaker, kind: K, payload: Omit<Payload<K>, 'grid'>, signer: Identity['signer']): Promise<Answer> {
  const [result] = await follower.submit([sealEnvelope(kind, { grid, ...payload }, signer)]);
  if (!result) return { ok: false, code: 'ledger_unavailable', message: 'the ledger did not answer' };
  return result.ok ? { ok: true } : result;
}
