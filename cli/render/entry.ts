import type { Entry, Kind, Payload } from '../../contract/entry.ts';
import type { DidKey, PrincipalId } from '../../contract/principal.ts';
import { formatBytes, formatMoney } from '../../contract/units.ts';
import type { LedgerState } from '../../ledger/state/machine.ts';
import { printable } from './printable.ts';

/** One entry in a line: who says it, and what. */
export interface EntrySummary { readonly who: string; readonly summary: string }

type Describe = { readonly [K in Kind]: (payload: Payload<K>, name: (id: PrincipalId) => string, state: LedgerState) => string };

const DESCRIBE: Describe = {
  'grid.created': (p) => `the grid ${p.name} begins: leases of ${p.leaseSeconds} s, money in ${p.currency}`,
  'principal.created': (p) => `a new ${p.kind}: ${p.name}`,
  'principal.rotated': (p) => `changes its keys: ${p.add.length} new, ${p.retire.length} retired`,
  'principal.revoked': (p) => `revokes a key: ${p.reason}`,
  'principal.recovered': (p, name) => `vouches for new keys of ${name(p.principal)}`,
  'organisation.changed': (p) => `its roster, revision ${p.revision}: ${Object.entries(p.roles).map(([role, members]) => `${role} ${members.length}`).join(', ')}`,
  'organisation.approved': (p, name) => `agrees, as ${p.role}, to a change of ${name(p.organisation)}`,
  'node.registered': () => 'registers its overlay and sealing keys',
  'node.offer': (p) => `offers ${formatBytes(BigInt(p.capacity.disk))} disk, ${formatBytes(BigInt(p.capacity.memory))} memory and ${Number(p.capacity.cpu) / 1000} cores in ${p.location.city}, ${p.location.country}`,
  'node.alive': (p) => `renews its lease (${p.beat})`,
  'location.attested': (p, name) => `attests that ${name(p.node)} is in ${p.location.city}, ${p.location.country}`,
  'blueprint.published': (p, name) => `publishes blueprint ${p.name} ${p.version}${p.organisation === undefined ? '' : ` for ${name(p.organisation)}`}`,
  'blueprint.deprecated': (p) => `advises against blueprint ${p.name} ${p.version}${p.instead === undefined ? '' : `, and for ${p.instead}`}: ${p.reason}`,
  'blueprint.yanked': (p) => `takes back blueprint ${p.name} ${p.version}: ${p.reason}`,
  'contract.proposed': (p, _, state) => `proposes ${p.header.title}, version ${p.header.version}, for ${formatMoney(BigInt(p.header.price.month), state.grid?.payload.currency ?? '')} a month`,
  'contract.approved': (p) => `approves ${short(p.contract)} as ${p.role}: ${p.statement}`,
  'contract.rejected': (p) => `rejects ${short(p.contract)} as ${p.role}: ${p.reason}`,
  'contract.withdrawn': (p) => `withdraws ${short(p.contract)}`,
  'contract.cancelled': (p) => `cancels ${short(p.contract)} as ${p.role}`,
  'deployment.accepted': (p) => `accepts how ${short(p.deployment)} runs, as ${p.role}: ${p.statement}`,
  'secret.sealed': (p, name) => `seals secret ${p.secret} of ${short(p.deployment)} for ${name(p.recipient)}`,
  'assignment.moved': (p, name) => `moves ${p.workload} of ${short(p.deployment)} from ${name(p.from)} to ${name(p.to)}, epoch ${p.epoch}`,
  'deployment.reported': (p) => `${p.workload} of ${short(p.deployment)} is ${p.phase}${p.reason === '' ? '' : `: ${p.reason}`}`,
  'credit.transferred': (p, name, state) => `gives ${name(p.to)} ${formatMoney(BigInt(p.amount), state.grid?.payload.currency ?? '')}`,
  'tick': (p) => (p.resumed ? 'was away, and is back' : 'time passes'),
};

/** Describes an entry with the names that the ledger knows now. What others wrote is shown without its control characters. */
export function summarizeEntry(entry: Entry, { key, id, state }: { key: DidKey; id: PrincipalId; state: LedgerState }): EntrySummary {
  const name = (of: PrincipalId): string => state.nodes[of]?.offer?.label ?? state.principals[of]?.name ?? short(of);
  const describe = DESCRIBE[entry.kind] as (payload: Entry['payload'], name: (id: PrincipalId) => string, state: LedgerState) => string;
  const speaker = 'by' in entry.payload ? name(entry.payload.by) : entry.kind === 'principal.created' ? name(id) : key === state.grid?.payload.ledger ? 'the ledger' : key;
  return { who: printable(speaker), summary: printable(describe(entry.payload, name, state)) };
}

function short(digest: string): string {
  return digest.slice('sha256:'.length, 'sha256:'.length + 12);
}
