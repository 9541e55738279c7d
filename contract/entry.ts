import { z } from 'zod';
import { namesProto } from './canonical.ts';
import { ContractId, DeploymentId, Header } from './contract.ts';
import { Digest } from './digest.ts';
import { Role } from './policy.ts';
import { PolicyTemplate } from './policy-template.ts';
import { DidKey, PrincipalId, PrincipalKind } from './principal.ts';
import { Country, DecimalString, Label, Resources, Text, Time } from './units.ts';
import { Version } from './version.ts';
import { Engine, MAX_SHARDS, WorkloadType } from './workload.ts';

const SHAPE_HINT = 'contract/entry.ts says what each kind of entry holds';
const Key32 = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'expected 32 bytes in base64url');
const Nonce = z.string().regex(/^[0-9a-f]{32}$/, 'expected 32 hex digits');
const Name = Text(100);
export const Location = z.strictObject({ country: Country, city: Name });
export type Location = z.infer<typeof Location>;

/** Millionths of the grid's currency: a month of a terabyte (10^12 bytes), of a gibibyte of memory, of a core. */
export const Rates = z.strictObject({ terabyte: DecimalString, gibibyte: DecimalString, core: DecimalString });
export type Rates = z.infer<typeof Rates>;

/** Keys that one principal has at a time. */
export const MAX_KEYS = 8;
const Revision = z.int().min(1).max(1_000_000);
/** Who may together give a principal new keys when its own are lost: `k` of these. */
export const Recovery = z.strictObject({ k: z.int().min(1).max(16), guardians: z.array(PrincipalId).min(1).max(16) })
  .refine(({ k, guardians }) => new Set(guardians).size === guardians.length && k <= guardians.length, 'asks more guardians than there are');
export type Recovery = z.infer<typeof Recovery>;
const Roles = z.record(Role, z.array(PrincipalId).max(64));

/** Every payload but the first names the grid, so that nothing replays on another one, and who speaks. */
const said = { grid: Digest, by: PrincipalId };

export const payloads = {
  'grid.created': z.strictObject({
    name: Name,
    nonce: Nonce,
    ledger: DidKey,
    authors: z.array(DidKey).min(1).max(16),
    attestors: z.array(DidKey).min(1).max(16),
    issuers: z.array(DidKey).min(1).max(16),
    /** Organisations whose rosters count: else whoever makes an organisation would choose who must sign. */
    organisations: z.array(DidKey).min(1).max(1024),
    currency: z.string().regex(/^[A-Z]{3}$/),
    leaseSeconds: z.int().min(3).max(86_400),
    proposalSeconds: z.int().min(10).max(30 * 86_400),
  }),
  'principal.created': z.strictObject({ grid: Digest, kind: PrincipalKind, name: Name, keys: z.array(DidKey).min(1).max(MAX_KEYS), recovery: Recovery.exactOptional(), nonce: Nonce }),
  /** Adds keys and retires others; what the retired ones signed stays. A key counts from the next entry on. Names guardians if there are none: only they change themselves. */
  'principal.rotated': z.strictObject({ ...said, revision: Revision, add: z.array(DidKey).max(MAX_KEYS), retire: z.array(DidKey).max(MAX_KEYS), recovery: Recovery.exactOptional() }),
  /** Ends a key that somebody else may have: what it decided, and what is not decided yet, is void. */
  'principal.revoked': z.strictObject({ ...said, revision: Revision, key: DidKey, reason: Text(500) }),
  /** A guardian's word that these are the principal's keys from now on; it happens when enough guardians say the same. */
  'principal.recovered': z.strictObject({ ...said, principal: PrincipalId, round: Revision, keys: z.array(DidKey).min(1).max(MAX_KEYS), recovery: Recovery.exactOptional() }),
  'organisation.changed': z.strictObject({ ...said, revision: Revision, roles: Roles, governance: PolicyTemplate.exactOptional() }),
  /** A member's yes to a change that the organisation's governance must agree to. */
  'organisation.approved': z.strictObject({ ...said, organisation: PrincipalId, change: Digest, role: Role }),
  'node.registered': z.strictObject({ ...said, overlayKey: Key32, sealingKey: z.string().regex(/^age1[0-9a-z]{58}$/) }),
  'node.offer': z.strictObject({
    ...said,
    revision: z.int().min(1).max(1_000_000_000),
    label: Label,
    location: Location,
    endpoints: z.array(z.string().regex(/^wss?:\/\/[\w.:[\]-]{1,128}$/)).max(4),
    relay: z.boolean(),
    capabilities: z.array(WorkloadType).max(16),
    engines: z.array(Engine).max(16),
    capacity: Resources,
    /** True when the disk is promised, not yet there (a demonstration grid). */
    thin: z.boolean(),
    rates: Rates,
  }),
  'node.alive': z.strictObject({ ...said, beat: z.int().min(1).max(Number.MAX_SAFE_INTEGER) }),
  'location.attested': z.strictObject({ ...said, node: PrincipalId, location: Location }),
  /** `organisation`: it counts for that organisation alone, whose roster names the author; absent, for the grid, which names the author itself. */
  'blueprint.published': z.strictObject({ ...said, name: Label, version: Version, digest: Digest, policy: PolicyTemplate, acceptance: PolicyTemplate.exactOptional(), organisation: PrincipalId.exactOptional() }),
  /** Its author's advice against a version, which can still be used; `instead`: a version of the same name. */
  'blueprint.deprecated': z.strictObject({ ...said, name: Label, version: Version, reason: Text(500), instead: Version.exactOptional() }),
  /** Its author takes a version back, for good: nothing new begins under it. */
  'blueprint.yanked': z.strictObject({ ...said, name: Label, version: Version, reason: Text(500) }),
  'contract.proposed': z.strictObject({ ...said, header: Header }),
  /** `explanation`: digest of what was shown (contract/explain), which anybody can make again from the contract. */
  'contract.approved': z.strictObject({ ...said, contract: ContractId, role: Role, explanation: Digest, statement: Text(2000), signBefore: Time }),
  'contract.rejected': z.strictObject({ ...said, contract: ContractId, role: Role, reason: Text(2000) }),
  'contract.withdrawn': z.strictObject({ ...said, contract: ContractId }),
  'contract.cancelled': z.strictObject({ ...said, contract: ContractId, role: Role }),
  /** A stakeholder has seen the execution and accepts it; `execution` says which (ledger/state/acceptance). */
  'deployment.accepted': z.strictObject({ ...said, deployment: DeploymentId, contract: ContractId, role: Role, execution: Digest, statement: Text(2000) }),
  'secret.sealed': z.strictObject({ ...said, deployment: DeploymentId, secret: Label, recipient: PrincipalId, ciphertext: z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/).max(8192) }),
  'assignment.moved': z.strictObject({ ...said, deployment: DeploymentId, workload: Label, from: PrincipalId, to: PrincipalId, epoch: z.int().min(2).max(1_000_000) }),
  'deployment.reported': z.strictObject({
    ...said,
    deployment: DeploymentId,
    workload: Label,
    epoch: z.int().min(1).max(1_000_000),
    revision: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
    phase: z.enum(['starting', 'running', 'degraded', 'repairing', 'failed', 'stopped']),
    reason: z.union([z.literal(''), Text(500)]),
    /** Where the workload answers, for those that publish something. */
    endpoint: z.string().regex(/^https:\/\/[\w.:[\]-]{1,128}$/).optional(),
    /** Members of a bounded group, `<workload>@<epoch>`, that the reporter has seen to hold all of their part. */
    complete: z.array(z.string().regex(/^[a-z0-9-]{1,63}@[0-9]{1,7}$/)).max(MAX_SHARDS).optional(),
    /** Digest of the engine file that was measured before it was started. */
    measured: Digest.optional(),
  }),
  'credit.transferred': z.strictObject({ ...said, to: PrincipalId, amount: DecimalString.refine((amount) => amount !== '0', 'nothing is transferred'), nonce: Nonce }),
  /** `resumed`: the ledger was away until now, and nobody could renew a lease. */
  'tick': z.strictObject({ grid: Digest, beat: z.int().min(1).max(Number.MAX_SAFE_INTEGER), resumed: z.literal(true).optional() }),
} as const;

export type Kind = keyof typeof payloads;
export type Payload<K extends Kind> = z.infer<(typeof payloads)[K]>;
/** One parsed entry: `kind` discriminates `payload`. */
export type Entry = { [K in Kind]: { readonly kind: K; readonly payload: Payload<K> } }[Kind];

export type ParsedEntry = { ok: true; entry: Entry } | { ok: false; code: 'entry_invalid'; message: string; hint: string };

/** Parses the payload of an opened envelope; what is not exactly of its kind's shape is refused. */
export function parseEntry(kind: string, payload: unknown): ParsedEntry {
  if (!Object.hasOwn(payloads, kind)) return { ok: false, code: 'entry_invalid', message: `unknown entry kind ${kind.slice(0, 64)}`, hint: SHAPE_HINT };
  if (namesProto(payload)) return { ok: false, code: 'entry_invalid', message: `${kind}: no key may be called __proto__`, hint: SHAPE_HINT };
  const known = kind as Kind;
  const parsed = payloads[known].safeParse(payload);
  if (!parsed.success) return { ok: false, code: 'entry_invalid', message: `${known}: ${z.prettifyError(parsed.error).slice(0, 1000)}`, hint: SHAPE_HINT };
  return { ok: true, entry: { kind: known, payload: parsed.data } as Entry };
}
