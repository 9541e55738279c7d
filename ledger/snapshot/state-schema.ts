import { z } from 'zod';
import { canonicalize } from '../../contract/canonical.ts';
import { ContractId, DeploymentId, Header } from '../../contract/contract.ts';
import { Digest } from '../../contract/digest.ts';
import { Location, payloads, Recovery } from '../../contract/entry.ts';
import { Role } from '../../contract/policy.ts';
import { PolicyTemplate } from '../../contract/policy-template.ts';
import { DidKey, PrincipalId, PrincipalKind } from '../../contract/principal.ts';
import { DecimalString, Label, Resources, Time } from '../../contract/units.ts';
import { Version } from '../../contract/version.ts';
import type { LedgerState } from '../state/machine.ts';
import type { CastVote } from '../state/state.ts';
import { danglingReference } from './references.ts';

/** The state as a stranger sends it: exactly the shape that the state machine makes, or nothing. */

const Count = z.int().min(0);
const LogTime = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/).refine((t) => Number.isFinite(Date.parse(t)), 'no such time');
const Yes = z.literal(true);
const Text = z.string().max(2000);
const Vote: z.ZodType<CastVote> = z.strictObject({ principal: PrincipalId, role: Role, decision: z.enum(['approve', 'reject']), note: Text, key: DidKey, explanation: Digest.exactOptional() });
const Votes = z.array(Vote).max(4096);

const PrincipalRecord = z.strictObject({
  kind: PrincipalKind,
  name: z.string().min(1).max(100),
  inception: DidKey,
  keys: z.record(DidKey, z.strictObject({ since: Count, until: Count.exactOptional(), ended: z.enum(['retired', 'revoked']).exactOptional() })),
  revision: Count,
  recovery: Recovery.nullable(),
  recoveries: Count,
  recovering: z.record(PrincipalId, z.strictObject({ word: Digest, key: DidKey })),
  wards: z.record(PrincipalId, Yes),
});

const NodeRecord = z.strictObject({
  overlayKey: payloads['node.registered'].shape.overlayKey,
  sealingKey: payloads['node.registered'].shape.sealingKey,
  offer: payloads['node.offer'].nullable(),
  attested: Location.nullable(),
  beat: Count,
  leaseUntil: LogTime.nullable(),
  reserved: Resources,
});

const OrganisationRecord = z.strictObject({
  revision: Count,
  roles: payloads['organisation.changed'].shape.roles,
  governance: PolicyTemplate.exactOptional(),
  pending: z.strictObject({ change: Digest, payload: payloads['organisation.changed'], key: DidKey, votes: Votes }).exactOptional(),
});

const ContractRecord = z.strictObject({
  header: Header,
  key: DidKey,
  status: z.enum(['proposed', 'active', 'rejected', 'withdrawn', 'lapsed', 'overtaken', 'cancelled', 'expired', 'superseded']),
  votes: Votes,
  cancellations: Votes,
  escrow: DecimalString,
  reserved: z.array(z.strictObject({ node: PrincipalId, resources: Resources })).max(1024),
});

/** A principal's id where the state machine has a plain string. */
const DIGEST_TEXT = /^sha256:[0-9a-f]{64}$/;
const Epoch = z.int().min(0).max(1_000_000);
const reported = payloads['deployment.reported'].shape;
const DeploymentRecord = z.strictObject({
  contract: ContractId,
  holdings: z.record(Label, z.strictObject({ node: PrincipalId, epoch: Epoch })),
  ended: z.record(Label, Epoch),
  reports: z.record(Label, z.strictObject({
    node: PrincipalId, epoch: Epoch, revision: Count, phase: reported.phase, reason: reported.reason,
    endpoint: reported.endpoint.unwrap().exactOptional(), measured: z.string().max(71).exactOptional(), time: LogTime,
  })),
  unrestored: z.record(Label, Yes),
  secrets: z.record(Label, z.record(z.string().regex(DIGEST_TEXT), payloads['secret.sealed'].shape.ciphertext)),
  updates: z.array(ContractId).max(1024),
  acceptance: z.strictObject({ execution: Digest, votes: Votes, met: z.boolean() }).nullable(),
});

const BlueprintRecord = z.strictObject({
  author: PrincipalId, digest: Digest, policy: PolicyTemplate, acceptance: PolicyTemplate.exactOptional(), organisation: PrincipalId.exactOptional(),
  deprecated: z.strictObject({ reason: Text, instead: Version.exactOptional() }).exactOptional(),
  yanked: z.strictObject({ reason: Text }).exactOptional(),
});
const BlueprintName = z.string().regex(/^[a-z0-9-]{1,63}@\d{1,4}\.\d{1,4}\.\d{1,4}$/);

export const StateSchema = z.strictObject({
  grid: z.strictObject({ digest: Digest, payload: payloads['grid.created'] }).nullable(),
  time: LogTime,
  size: Count,
  tick: Count,
  principals: z.record(PrincipalId, PrincipalRecord),
  principalCount: Count,
  keyOwners: z.record(DidKey, PrincipalId),
  organisations: z.record(PrincipalId, OrganisationRecord),
  nodes: z.record(PrincipalId, NodeRecord),
  overlayKeys: z.record(payloads['node.registered'].shape.overlayKey, PrincipalId),
  blueprints: z.record(BlueprintName, BlueprintRecord),
  contracts: z.record(ContractId, ContractRecord),
  live: z.record(ContractId, Yes),
  nextEnd: z.union([z.literal(''), Time]),
  firstOf: z.record(DeploymentId, ContractId),
  deployments: z.record(DeploymentId, DeploymentRecord),
  names: z.record(Label, DeploymentId),
  balances: z.record(PrincipalId, z.string().regex(/^(0|-?[1-9][0-9]{0,59})$/)),
  transfers: z.record(Digest, Yes),
});

/** Does not compile when the schema and the state machine's type are not the same to the letter. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Different = { [K in keyof LedgerState]: Same<z.infer<typeof StateSchema>[K], LedgerState[K]> extends true ? never : K }[keyof LedgerState];
const SAME: [Different] extends [never] ? true : Different = true;
void SAME;

export type ParsedState = { readonly ok: true; readonly state: LedgerState } | { readonly ok: false; readonly message: string };

/**
 * Parses the canonical JSON of a state. Says no to anything that the state machine could trip over: other shapes,
 * references to what is not there, text that means more than what was parsed from it (repeated keys, `__proto__`).
 */
export function parseState(bytes: Uint8Array): ParsedState {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    return { ok: false, message: 'not JSON in UTF-8' };
  }
  if (!saysNoMore(text, value)) return { ok: false, message: 'not canonical JSON' };
  const parsed = StateSchema.safeParse(value);
  if (!parsed.success) return { ok: false, message: z.prettifyError(parsed.error).slice(0, 500) };
  const dangling = danglingReference(parsed.data);
  return dangling === undefined ? { ok: true, state: parsed.data } : { ok: false, message: dangling };
}

/**
 * True when the value is all that the text says: no key twice, none that a record would leave out. The quick comparison
 * holds for all but keys that look like numbers, which objects sort in their own way.
 */
function saysNoMore(text: string, value: unknown): boolean {
  if (text.includes('"__proto__":')) return false;
  try {
    return JSON.stringify(value) === text || canonicalize(value) === text;
  } catch {
    return false;
  }
}
