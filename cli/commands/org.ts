import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type BotContext, type Identity, principalOf } from '../../bot/context.ts';
import { approveChange, changeOrganisation, governanceRoles, listOrganisations, type OrganisationView } from '../../bot/tools/organisations.ts';
import { findPrincipal } from '../../bot/tools/principals.ts';
import { Role } from '../../contract/policy.ts';
import { PolicyTemplate } from '../../contract/policy-template.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import { accept } from '../ask.ts';
import { connectBot } from '../connect.ts';
import type { Outcome } from '../output.ts';
import { askFirst } from '../prompt.ts';
import { Refusal } from '../refusal.ts';
import { printable } from '../render/printable.ts';
import { stateDir } from '../state-dir.ts';
import { openPartyKeystore } from '../up/grid-keys.ts';

export interface OrgFlags { readonly state?: string; readonly as?: string; readonly role?: string; readonly yes?: boolean }

/** A roster as a person writes it: people by name or by the beginning of their id. */
const Roster = z.strictObject({ roles: z.record(Role, z.array(z.string().min(1).max(100)).max(64)), governance: PolicyTemplate.exactOptional() });
const MAX_FILE = 64 * 1024;

async function withBot(flags: OrgFlags, run: (context: BotContext) => Promise<Outcome>): Promise<Outcome> {
  const { context, close } = await connectBot(stateDir(flags.state));
  try {
    return await run(context);
  } finally {
    await close();
  }
}

export function orgShow(flags: OrgFlags): Promise<Outcome> {
  return withBot(flags, (context) => {
    const organisations = listOrganisations(context);
    const nameOf = namesOf(context);
    const text = organisations.flatMap((o) => [
      `${o.name}  ${o.id.slice(7, 15)}  revision ${o.revision}`,
      ...Object.entries(o.roles).map(([role, people]) => `  ${role.padEnd(12)} ${people.map(nameOf).join(', ')}`),
      `  ${'changed by'.padEnd(12)} ${o.governance ? JSON.stringify(o.governance) : 'its own key alone'}`,
      ...(o.pending ? [`  ${'waiting'.padEnd(12)} change ${o.pending.change.slice(7, 19)}: ${o.pending.waitingFor.join(', ')}`, ...renderChange(o, o.pending, nameOf)] : []),
    ]).join('\n');
    return Promise.resolve({ json: { ok: true, organisations }, text: text || 'no organisations yet' });
  });
}

/** Sets roster and governance from a JSON file, signed with the organisation's key. */
export function orgChange(file: string, flags: OrgFlags): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const wanted = Roster.safeParse(await readJson(file));
    if (!wanted.success) throw new Refusal({ code: 'roster_invalid', message: `${file}: ${z.prettifyError(wanted.error).slice(0, 500)}`, hint: 'expected {"roles": {"legal": ["Ana"]}, "governance": {"role": "legal"}}' });
    const roles = Object.fromEntries(Object.entries(wanted.data.roles).map(([role, people]) => [role, people.map((text) => accept(findPrincipal(context, text)).id)]));
    const as = await identityOf(context, flags, flags.as ?? 'organisation');
    const before = listOrganisations(context).find((o) => o.id === as.id) ?? { roles: {} };
    process.stderr.write(`${renderChange(before, { roles, ...(wanted.data.governance && { governance: wanted.data.governance }) }, namesOf(context)).join('\n')}\n`);
    if (!flags.yes) await askFirst('Say that this is the roster?');
    const { change, waiting } = accept(await changeOrganisation(context, as, { roles, governance: wanted.data.governance }));
    return { json: { ok: true, change, waiting }, text: waiting ? `change ${change.slice(7, 19)} waits for its quorum: \`3bot org approve ${as.id.slice(7, 19)} ${change.slice(7, 19)} --role ROLE\`` : 'changed' };
  });
}

/** A member's yes to the change that waits. */
export function orgApprove(organisation: string, change: string, flags: OrgFlags): Promise<Outcome> {
  return withBot(flags, async (context) => {
    if (flags.role === undefined) throw new Refusal({ code: 'role_needed', message: 'a decision is made in a role', hint: 'add --role it-expert, legal or budget' });
    const { id } = accept(findPrincipal(context, organisation));
    const as = await identityOf(context, flags, flags.as ?? flags.role);
    if (!governanceRoles(context, id, as.id).includes(flags.role)) throw new Refusal({ code: 'not_permitted', message: `nobody asked for a decision by this key as ${flags.role}`, hint: 'see `3bot org show`' });
    const record = listOrganisations(context).find((o) => o.id === id);
    const prefix = change.startsWith('sha256:') ? change : `sha256:${change}`;
    // What is agreed to is named by who agrees: another change in its place is not meant.
    if (!record?.pending || prefix.length < 15 || !record.pending.change.startsWith(prefix)) throw new Refusal({ code: 'change_unknown', message: `no change ${change} of this organisation waits for approval`, hint: 'see `3bot org show`' });
    process.stderr.write(`${renderChange(record, record.pending, namesOf(context)).join('\n')}\n`);
    if (!flags.yes) await askFirst(`Agree to this as ${flags.role}?`);
    const { done } = accept(await approveChange(context, as, { organisation: id, change: record.pending.change, role: flags.role }));
    return { json: { ok: true, organisation: id, done }, text: done ? 'agreed; the change is in force' : 'agreed; others must agree too' };
  });
}

/** People by name and the beginning of their id: a name alone is anybody's. */
function namesOf(context: BotContext): (id: PrincipalId) => string {
  return (id) => `${printable(context.follower.state().principals[id]?.name ?? '?')} (${id.slice(7, 15)})`;
}

type Rules = Pick<OrganisationView, 'roles' | 'governance'>;

function renderChange(before: Rules, after: Rules, nameOf: (id: PrincipalId) => string): string[] {
  const show = (people: readonly PrincipalId[] | undefined): string => people?.map(nameOf).join(', ') || 'nobody';
  const roles = [...new Set([...Object.keys(before.roles), ...Object.keys(after.roles)])].filter((role) => show(before.roles[role]) !== show(after.roles[role]));
  const governance = [before.governance, after.governance].map((policy) => (policy ? JSON.stringify(policy) : 'its own key alone'));
  return [
    ...roles.map((role) => `    ${role}: was ${show(before.roles[role])}, becomes ${show(after.roles[role])}`),
    ...(governance[0] === governance[1] ? [] : [`    changed by: was ${governance[0]}, becomes ${governance[1]}`]),
  ];
}

async function identityOf(context: BotContext, flags: OrgFlags, name: string): Promise<Identity> {
  const signer = await (await openPartyKeystore(stateDir(flags.state), 'stakeholders')).signing(name);
  const id = principalOf(context, signer);
  if (!id) throw new Refusal({ code: 'principal_unknown', message: `the ledger knows nobody whose key is ${signer.key}`, hint: 'see `3bot key list --ledger`' });
  return { id, signer };
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => { throw new Refusal({ code: 'file_unreadable', message: `${file} cannot be read: ${cause instanceof Error ? cause.message : 'unknown'}`, hint: 'name a JSON file' }); });
  try {
    if (text.length > MAX_FILE) throw new Error(`it has more than ${MAX_FILE} characters`);
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal({ code: 'file_unreadable', message: `${file}: ${error instanceof Error ? error.message : 'not JSON'}`, hint: 'name a JSON file' });
  }
}
