import type { Digest } from '../contract/digest.ts';
import type { EntrySigner } from '../contract/envelope.ts';
import type { PrincipalId } from '../contract/principal.ts';
import type { Follower } from '../ledger/follower.ts';
import type { SealingKey } from '../signer/keystore.ts';

export type Log = (level: 'info' | 'warn', event: string, facts?: Readonly<Record<string, unknown>>) => void;

/** Who this node is and what it speaks with; the parts of the daemon that say something to the ledger share it. */
export interface Standing {
  readonly id: PrincipalId;
  readonly grid: Digest;
  readonly follower: Follower;
  readonly signer: EntrySigner;
  readonly sealing: SealingKey;
  readonly leaseHeld: () => boolean;
  readonly log: Log;
}
