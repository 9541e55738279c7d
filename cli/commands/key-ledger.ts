import { type BotContext, type Identity, principalOf } from '../../bot/context.ts';
import { findPrincipal, listPrincipals, nameGuardians, recoverKeys, revokeKey, rotateKey } from '../../bot/tools/principals.ts';
import { DidKey, type PrincipalId } from '../../contract/principal.ts';
import { keysOf } from '../../ledger/state/keys.ts';
import { type KeystoreFiles, openKeystoreFiles } from '../../signer/keystore.ts';
import { accept } from '../ask.ts';
import { connectBot } from '../connect.ts';
import type { Outcome } from '../output.ts';
import { askFirst } from '../prompt.ts';
import { Refusal } from '../refusal.ts';
import { printable } from '../render/printable.ts';
import { stateDir } from '../state-dir.ts';
import { unlocking } from '../unlock.ts';
import { keystorePaths } from '../up/grid-keys.ts';
import { storeName } from './key.ts';

/** What a key is on the ledger: whose it is, since when, and how it ends. */

export interface KeyLedgerFlags {
  readonly state?: string;
  readonly keystore?: string;
  readonly key?: string;
  readonly reason?: string;
  readonly guardian?: readonly string[];
  readonly threshold?: number;
  readonly as?: string;
  readonly yes?: boolean;
}

interface Connected { readonly context: BotContext; readonly keys: KeystoreFiles }

async function connected(flags: KeyLedgerFlags, run: (connected: Connected) => Promise<Outcome>): Promise<Outcome> {
  const state = stateDir(flags.state);
  const { context, close } = await connectBot(state);
  try {
    return await run({ context, keys: await openKeystoreFiles({ ...keystorePaths(state, storeName(flags.keystore)), unlocking: unlocking() }) });
  } finally {
    await close();
  }
}

async function identityOf({ context, keys }: Connected, name: string): Promise<Identity> {
  const signer = await keys.signing(name);
  const id = principalOf(context, signer);
  if (!id) throw new Refusal({ code: 'principal_unknown', message: `the ledger knows nobody whose key is ${signer.key}`, hint: 'see `3bot key list --ledger`' });
  return { id, signer };
}

/** Names are anybody's: what is decided on is shown with whole ids. */
function showPrincipals({ context }: Connected, ids: readonly PrincipalId[]): void {
  const { principals } = context.follower.state();
  process.stderr.write(`${ids.map((id) => `  ${printable(principals[id]?.name ?? '?')}  ${id}`).join('\n')}\n`);
}

/** Everybody on the grid with their keys, and in which entries each counts. */
export async function keysOnLedger(flags: KeyLedgerFlags): Promise<Outcome> {
  const { context, close } = await connectBot(stateDir(flags.state));
  try {
    const principals = listPrincipals(context);
    const text = principals.flatMap((p) => p.keys.map((k) => `${printable(p.name).padEnd(24)} ${p.id.slice(7, 15)}  ${k.key}  from entry ${k.since}${k.until === undefined ? '' : `, ${k.ended ?? 'ended'} before ${k.until}`}`)).join('\n');
    return { json: { ok: true, principals }, text };
  } finally {
    await close();
  }
}

/** A new key for the principal of this one: named by the old, confirmed by the new, then the old is retired. Repeat it after a crash. */
export function keyRotate(name: string, flags: KeyLedgerFlags): Promise<Outcome> {
  return connected(flags, async (connected) => {
    const { context, keys } = connected;
    const pending = await keys.pendingRotation(name);
    const current = await keys.signing(name);
    // After a crash the new key may be the only one that still counts.
    const id = principalOf(context, current) ?? (pending && principalOf(context, pending));
    if (!id) throw new Refusal({ code: 'principal_unknown', message: `the ledger knows nobody whose key is ${current.key}`, hint: 'see `3bot key list --ledger`' });
    const { next } = await keys.rotate(name);
    accept(await rotateKey(context, { id, current, next }));
    await keys.commitRotation(name, next.key);
    return { json: { ok: true, name, principal: id, key: next.key, retired: current.key }, text: `${name} signs with ${next.key} from now on\n${current.key} is retired: what it signed stays, it signs no more` };
  });
}

/** Ends a key that somebody else may have. */
export function keyRevoke(name: string, flags: KeyLedgerFlags): Promise<Outcome> {
  return connected(flags, async (connected) => {
    if (flags.reason === undefined) throw new Refusal({ code: 'reason_needed', message: 'a revocation says why', hint: 'add --reason "…"' });
    const as = await identityOf(connected, name);
    const named = DidKey.safeParse(flags.key ?? as.signer.key);
    if (!named.success) throw new Refusal({ code: 'invalid_parameter', message: `${(flags.key ?? '').slice(0, 80)} is not a did:key of Ed25519`, hint: 'see `3bot key list --ledger`' });
    const key = named.data;
    const principal = connected.context.follower.state().principals[as.id];
    const others = principal ? keysOf(principal).filter((other) => other !== key).length : 0;
    const way = others > 0 ? `${others} other keys speak for it` : principal?.recovery ? 'this is its last key: its guardians can give it a new one' : 'this is its last key, and it has no guardians: NOBODY CAN EVER ACT AS IT AGAIN';
    process.stderr.write(`  ${printable(principal?.name ?? '?')}  ${as.id}\n  revokes ${key} for ever; ${way}\n`);
    if (!flags.yes) await askFirst('Revoke it?');
    accept(await revokeKey(connected.context, { as, key, reason: flags.reason }));
    return { json: { ok: true, principal: as.id, revoked: key }, text: `${key} is revoked; open decisions made with it are void\n${way}` };
  });
}

/** Names who may together give this principal new keys; only they can change that later. */
export function keyGuardians(name: string, flags: KeyLedgerFlags): Promise<Outcome> {
  return connected(flags, async (connected) => {
    const guardians = (flags.guardian ?? []).map((text) => accept(findPrincipal(connected.context, text)).id);
    const k = flags.threshold ?? Math.floor(guardians.length / 2) + 1;
    if (guardians.length === 0) throw new Refusal({ code: 'nothing_asked', message: 'name at least one guardian', hint: 'add --guardian NAME, repeated, and --threshold K' });
    if (k > guardians.length) throw new Refusal({ code: 'invalid_parameter', message: `${k} of ${guardians.length} guardians can never agree`, hint: `give a --threshold of at most ${guardians.length}` });
    showPrincipals(connected, guardians);
    if (!flags.yes) await askFirst(`May any ${k} of these give ${name} new keys?`);
    const as = await identityOf(connected, name);
    accept(await nameGuardians(connected.context, { as, recovery: { k, guardians } }));
    return { json: { ok: true, principal: as.id, k, guardians }, text: `any ${k} of ${guardians.length} guardians can give ${name} new keys; only they can change that` };
  });
}

/** A guardian says that somebody's keys are lost, and what the new ones are. */
export function keyRecover(principal: string, flags: KeyLedgerFlags): Promise<Outcome> {
  return connected(flags, async (connected) => {
    if (flags.as === undefined || flags.key === undefined) throw new Refusal({ code: 'nothing_asked', message: 'a guardian names the new key', hint: 'add --as NAME (your key) and --key did:key:… (the new one, see `3bot key new`)' });
    const key = DidKey.safeParse(flags.key);
    if (!key.success) throw new Refusal({ code: 'invalid_parameter', message: `${flags.key.slice(0, 80)} is not a did:key of Ed25519`, hint: '`3bot key show NAME` prints one' });
    const { id } = accept(findPrincipal(connected.context, principal));
    showPrincipals(connected, [id]);
    if (!flags.yes) await askFirst(`Say that their key is now ${key.data}?`);
    const { done } = accept(await recoverKeys(connected.context, { as: await identityOf(connected, flags.as), principal: id, keys: [key.data] }));
    return { json: { ok: true, principal: id, done }, text: done ? `recovered: ${key.data} is the key from now on, all earlier ones are revoked` : 'said; more guardians must say the same' };
  });
}
