import type { DeploymentId, ContractId, Header } from '../../contract/contract.ts';
import { digestOf, type Digest } from '../../contract/digest.ts';
import type { Location, Payload, Recovery } from '../../contract/entry.ts';
import type { PolicyTemplate } from '../../contract/policy-template.ts';
import type { Vote } from '../../contract/quorum.ts';
import type { DidKey, PrincipalId, PrincipalKind } from '../../contract/principal.ts';
import type { Resources } from '../../contract/units.ts';

/** A key speaks for its principal in the entries from `since` on, and before `until`; entries are counted from 0. */
export interface KeyRecord { since: number; until?: number; ended?: 'retired' | 'revoked' }

export interface Principal {
  kind: PrincipalKind;
  name: string;
  /** The key that created it. What the grid entrusts to a key, it entrusts to the principal that began with it. */
  inception: DidKey;
  keys: Record<DidKey, KeyRecord>;
  /** Of its keys; rises with every change. */
  revision: number;
  /** Set once; whoever has stolen a key cannot replace the guardians. */
  recovery: Recovery | null;
  /** How often it was recovered. */
  recoveries: number;
  /** What each guardian has said so far towards the next recovery. */
  recovering: Record<PrincipalId, { word: Digest; key: DidKey }>;
  /** Whose recovery it has ever spoken for, as a guardian. */
  wards: Record<PrincipalId, true>;
}

export interface NodeRecord {
  overlayKey: string;
  sealingKey: string;
  offer: Payload<'node.offer'> | null;
  /** What an attestor of the grid says; only this counts for placement. */
  attested: Location | null;
  beat: number;
  /** The node holds its assignments until then; RFC 3339. */
  leaseUntil: string | null;
  reserved: Resources;
}

export interface OrganisationRecord {
  revision: number;
  roles: Record<string, PrincipalId[]>;
  /** When set, a change needs this quorum of the roster that it changes. */
  governance?: PolicyTemplate;
  /** A change that waits for its quorum, by the digest of its payload. */
  pending?: { change: Digest; payload: Payload<'organisation.changed'>; key: DidKey; votes: CastVote[] };
}

/** A decision and the key that signed it: a key that is revoked takes its open decisions with it. */
export type CastVote = Vote & { note: string; key: DidKey; /** Digest of what an approver was shown. */ explanation?: Digest };

/**
 * proposed -> active -> cancelled | expired | superseded (by a later version);
 * proposed -> rejected | withdrawn | lapsed (not signed in time) | overtaken (what it would replace has changed).
 */
export type ContractStatus = 'proposed' | 'active' | 'rejected' | 'withdrawn' | 'lapsed' | 'overtaken' | 'cancelled' | 'expired' | 'superseded';

export interface ContractRecord {
  header: Header;
  /** The requester's key that proposed it. */
  key: DidKey;
  status: ContractStatus;
  votes: CastVote[];
  cancellations: CastVote[];
  /** What the requester has paid in for it. */
  escrow: string;
  /** While proposed: what it holds besides what already runs. */
  reserved: { node: PrincipalId; resources: Resources }[];
}

export interface Holding { node: PrincipalId; epoch: number }
export interface Report { node: PrincipalId; epoch: number; revision: number; phase: Payload<'deployment.reported'>['phase']; reason: string; endpoint?: string; measured?: string; time: string }

export interface DeploymentRecord {
  contract: ContractId;
  holdings: Record<string, Holding>;
  /** Proposals that would replace the contract in force. */
  updates: ContractId[];
  /** Last epoch of workloads that an update removed: a later one of that name begins above it. */
  ended: Record<string, number>;
  reports: Record<string, Report>;
  /** Members of bounded groups that moved and that nobody has yet seen to hold all of their part again. */
  unrestored: Record<string, true>;
  /** secret name -> recipient (a holder, or the requester) -> age ciphertext (base64). */
  secrets: Record<string, Record<string, string>>;
  /** Who accepted which execution of the contract in force; `met` once all have who must. It counts while that is what runs (isAccepted). */
  acceptance: { execution: Digest; votes: CastVote[]; met: boolean } | null;
}

/** A published version, under `name@version`. On the grid, and in each organisation, a name belongs to the author who published it first there; the grid goes before. */
export interface BlueprintRecord {
  author: PrincipalId;
  digest: Digest;
  policy: PolicyTemplate;
  acceptance?: PolicyTemplate;
  /** The one organisation that it counts for; absent when the grid trusts its author. */
  organisation?: PrincipalId;
  deprecated?: { reason: string; instead?: string };
  /** For good. */
  yanked?: { reason: string };
}

/** Everything the log says, as plain JSON: two parties that applied the same entries have the same digest. */
export interface LedgerState {
  grid: { digest: Digest; payload: Payload<'grid.created'> } | null;
  time: string;
  size: number;
  tick: number;
  principals: Record<PrincipalId, Principal>;
  principalCount: number;
  /** Whose key it is, from its first use on: one key is one principal's, so that none counts twice. */
  keyOwners: Record<DidKey, PrincipalId>;
  organisations: Record<PrincipalId, OrganisationRecord>;
  nodes: Record<PrincipalId, NodeRecord>;
  /** Whose overlay key it is: one is one node's. */
  overlayKeys: Record<string, PrincipalId>;
  blueprints: Record<string, BlueprintRecord>;
  contracts: Record<ContractId, ContractRecord>;
  /** Ids of contracts that are proposed or active: those that time can end. */
  live: Record<ContractId, true>;
  /** When the first of the live ones ends unless something happens; empty when none is. */
  nextEnd: string;
  /** The first contract of each deployment that was ever proposed. */
  firstOf: Record<DeploymentId, ContractId>;
  deployments: Record<DeploymentId, DeploymentRecord>;
  names: Record<string, DeploymentId>;
  balances: Record<PrincipalId, string>;
  transfers: Record<Digest, true>;
}

export function emptyState(): LedgerState {
  return {
    grid: null, time: '1970-01-01T00:00:00.000Z', size: 0, tick: 0,
    principals: {}, principalCount: 0, keyOwners: {}, organisations: {}, nodes: {}, overlayKeys: {}, blueprints: {},
    contracts: {}, live: {}, nextEnd: '', firstOf: {}, deployments: {}, names: {}, balances: {}, transfers: {},
  };
}

/** Digest of the whole state; equal on every machine and backend after the same entries. */
export function stateDigest(state: LedgerState): Digest {
  return digestOf(state);
}
