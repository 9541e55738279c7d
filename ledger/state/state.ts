import type { DeploymentId, ContractId, Header } from '../../contract/contract.ts';
import { digestOf, type Digest } from '../../contract/digest.ts';
import type { Location, Payload } from '../../contract/entry.ts';
import type { PolicyTemplate, Vote } from '../../contract/policy.ts';
import type { DidKey, PrincipalId, PrincipalKind } from '../../contract/principal.ts';
import type { Resources } from '../../contract/units.ts';

export interface Principal { kind: PrincipalKind; name: string; key: DidKey }

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

/** proposed -> active -> cancelled | expired; proposed -> rejected | withdrawn | lapsed (not signed in time). */
export type ContractStatus = 'proposed' | 'active' | 'rejected' | 'withdrawn' | 'lapsed' | 'cancelled' | 'expired';

export interface ContractRecord {
  header: Header;
  status: ContractStatus;
  votes: (Vote & { note: string })[];
  cancellations: Vote[];
  escrow: string;
}

export interface Holding { node: PrincipalId; epoch: number }
export interface Report { node: PrincipalId; epoch: number; revision: number; phase: Payload<'deployment.reported'>['phase']; reason: string; endpoint?: string; measured?: string; time: string }

export interface DeploymentRecord {
  contract: ContractId;
  holdings: Record<string, Holding>;
  reports: Record<string, Report>;
  /** Members of bounded groups that moved and that nobody has yet seen to hold all of their part again. */
  unrestored: Record<string, true>;
  /** secret name -> recipient (a holder, or the requester) -> age ciphertext (base64). */
  secrets: Record<string, Record<string, string>>;
}

export interface BlueprintRecord { author: PrincipalId; digest: Digest; policy: PolicyTemplate }

/** Everything the log says, as plain JSON: two parties that applied the same entries have the same digest. */
export interface LedgerState {
  grid: { digest: Digest; payload: Payload<'grid.created'> } | null;
  time: string;
  size: number;
  tick: number;
  principals: Record<PrincipalId, Principal>;
  principalCount: number;
  organisations: Record<PrincipalId, { revision: number; roles: Record<string, PrincipalId[]> }>;
  nodes: Record<PrincipalId, NodeRecord>;
  blueprints: Record<string, BlueprintRecord>;
  contracts: Record<ContractId, ContractRecord>;
  /** Ids of contracts that are proposed or active: those that time can end. */
  live: Record<ContractId, true>;
  deployments: Record<DeploymentId, DeploymentRecord>;
  names: Record<string, DeploymentId>;
  balances: Record<PrincipalId, string>;
  transfers: Record<Digest, true>;
}

export function emptyState(): LedgerState {
  return {
    grid: null, time: '1970-01-01T00:00:00.000Z', size: 0, tick: 0,
    principals: {}, principalCount: 0, organisations: {}, nodes: {}, blueprints: {}, contracts: {}, live: {}, deployments: {}, names: {}, balances: {}, transfers: {},
  };
}

/** Digest of the whole state; equal on every machine and backend after the same entries. */
export function stateDigest(state: LedgerState): Digest {
  return digestOf(state);
}
