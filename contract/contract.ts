import { z } from 'zod';
import { canonicalBytes, namesProto, parseCanonical } from './canonical.ts';
import { Digest, digestBytes, digestOf } from './digest.ts';
import { Policy } from './policy.ts';
import { PrincipalId } from './principal.ts';
import { Country, DecimalString, Label, Resources, Text, Time } from './units.ts';
import { Bound, boundsOf, Engine, Workload, WorkloadType } from './workload.ts';

export const DeploymentId = Digest;
export type DeploymentId = Digest;
export const ContractId = Digest;
export type ContractId = Digest;

/** Most workloads in one contract. */
export const MAX_WORKLOADS = 256;
/** Largest body, in bytes. */
export const MAX_BODY = 1024 * 1024;

export const Constraints = z.strictObject({
  /** Ascending; empty means anywhere. */
  countries: z.array(Country).max(64),
  cities: z.array(Text(64)).max(64),
});
export type Constraints = z.infer<typeof Constraints>;

export const Assignment = z.strictObject({ workload: Label, type: WorkloadType, group: Label, node: PrincipalId, resources: Resources });
export type Assignment = z.infer<typeof Assignment>;

/** Amounts are millionths of the currency. */
export const Price = z.strictObject({ currency: z.string().regex(/^[A-Z]{3}$/), month: DecimalString });
export type Price = z.infer<typeof Price>;

/** What may happen without asking again. */
export const Autonomy = z.strictObject({
  /** A node whose lease lapsed is replaced by the deterministic rule, inside the same constraints. */
  replace: z.boolean(),
});

export const BlueprintRef = z.strictObject({ name: Label, version: z.string().regex(/^\d{1,4}\.\d{1,4}\.\d{1,4}$/), digest: Digest });
export type BlueprintRef = z.infer<typeof BlueprintRef>;

/** One version of a deployment, as it is signed. Its id is the digest of its canonical form. */
export const Header = z.strictObject({
  grid: Digest,
  deployment: DeploymentId,
  version: z.int().min(1).max(1_000_000),
  /** The contract that this one replaces when it is signed; there is one from version 2 on. */
  supersedes: ContractId.exactOptional(),
  requester: PrincipalId,
  organisation: PrincipalId,
  title: Text(200),
  blueprint: BlueprintRef,
  policy: Policy,
  /** Who must accept the execution, when somebody must. */
  acceptance: Policy.exactOptional(),
  autonomy: Autonomy,
  constraints: Constraints,
  assignments: z.array(Assignment).min(1).max(MAX_WORKLOADS),
  engines: z.array(Engine).max(16),
  /** Groups whose members hold parts of one whole, and how many of each may be without their part at once. */
  bounds: z.array(Bound).max(16),
  /** Public names that the gateway-name workloads publish; reserved with the contract. */
  names: z.array(Label).max(16),
  price: Price,
  validity: z.strictObject({ signBefore: Time, notAfter: Time }),
  derivation: z.strictObject({
    planner: z.string().max(64),
    ledger: z.strictObject({ size: z.int().min(0), root: z.string().regex(/^[0-9a-f]{64}$/) }),
    time: Time,
    nonce: z.string().regex(/^[0-9a-f]{32}$/),
  }),
  bodyDigest: Digest,
});
export type Header = z.infer<typeof Header>;

/** The bulk of a contract; lies in the blob store under its digest. */
export const Body = z.strictObject({
  parameters: z.record(z.string(), z.json()),
  workloads: z.array(Workload).min(1).max(MAX_WORKLOADS),
});
export type Body = z.infer<typeof Body>;

/** Stable over versions: addresses, names, volumes and secrets hang on it. */
export function deploymentId(of: { grid: Digest; requester: PrincipalId; nonce: string }): DeploymentId {
  return digestOf({ grid: of.grid, requester: of.requester, nonce: of.nonce });
}

export function contractId(header: Header): ContractId {
  return digestOf(header);
}

export function bodyBytes(body: Body): Uint8Array {
  return canonicalBytes(body);
}

export type BodyCheck = { ok: true; body: Body } | { ok: false; code: 'body_mismatch'; message: string };

/** Holds a body against its header: the digest, and that both speak of the same workloads with the same needs. */
export function checkBody(header: Header, bytes: Uint8Array): BodyCheck {
  const got = digestBytes(bytes);
  if (got !== header.bodyDigest) return { ok: false, code: 'body_mismatch', message: `body has digest ${got}, the header names ${header.bodyDigest}` };
  let parsed;
  try {
    // Canonical, as everything signed: with a key twice, two readers would see two bodies.
    const value = parseCanonical(bytes);
    if (namesProto(value)) return { ok: false, code: 'body_mismatch', message: 'body: no key may be called __proto__' };
    parsed = Body.safeParse(value);
  } catch (error) {
    return { ok: false, code: 'body_mismatch', message: `body: ${error instanceof Error ? error.message : 'not canonical JSON'}` };
  }
  if (!parsed.success) return { ok: false, code: 'body_mismatch', message: z.prettifyError(parsed.error) };
  const { workloads } = parsed.data;
  const byName = new Map(workloads.map((w) => [w.name, w]));
  const assigned = new Set(header.assignments.map((a) => a.workload));
  if (byName.size !== workloads.length || assigned.size !== workloads.length || workloads.length !== header.assignments.length) return { ok: false, code: 'body_mismatch', message: 'header and body do not name the same workloads' };
  for (const a of header.assignments) {
    const w = byName.get(a.workload);
    if (!w || w.type !== a.type || w.group !== a.group || digestOf(w.resources) !== digestOf(a.resources)) {
      return { ok: false, code: 'body_mismatch', message: `the header's assignment of ${a.workload} does not match the body` };
    }
  }
  const oversized = workloads.find((w) => (w.type === 'zdb' || w.type === 'volume') && BigInt(w.spec.capacity) > BigInt(w.resources.disk));
  if (oversized) return { ok: false, code: 'body_mismatch', message: `${oversized.name} may store more than the disk it reserves and pays` };
  const published = workloads.flatMap((w) => (w.type === 'gateway-name' ? [w.spec.name] : []));
  if (digestOf(published) !== digestOf(header.names)) return { ok: false, code: 'body_mismatch', message: 'header and body do not publish the same names' };
  if (digestOf(boundsOf(workloads)) !== digestOf(header.bounds)) return { ok: false, code: 'body_mismatch', message: 'header and body do not bound the same groups' };
  return { ok: true, body: parsed.data };
}

/** Name under which a service of a deployment is dialled; the epoch fences earlier holders. */
export function serviceName(of: { deployment: DeploymentId; workload: string; epoch: number }): string {
  return `${of.deployment}/${of.workload}@${of.epoch}`;
}
