import type { Digest } from '../contract/digest.ts';
import type { EntrySigner } from '../contract/envelope.ts';
import type { PrincipalId } from '../contract/principal.ts';
import type { LibraryEntry } from '../knowledge/library.ts';
import type { Follower } from '../ledger/follower.ts';
import { speaksFor } from '../ledger/state/keys.ts';
import type { SealingKey } from '../signer/keystore.ts';

/** Somebody who can sign here: who they are on the ledger, and the use of their key. */
export interface Identity {
  readonly id: PrincipalId;
  readonly signer: EntrySigner;
}

/** What the bot's actions work on; adapters are chosen by whoever builds it. */
export interface BotContext {
  readonly follower: Follower;
  readonly grid: Digest;
  /** What this person may use of what is published on this grid; replaced whenever that changes (published.ts). */
  library: readonly LibraryEntry[];
  /** The person this bot serves, and the key that opens secrets sealed for them. */
  readonly requester: Identity & { readonly sealing: SealingKey };
}

/** The principal on this grid that a key speaks for; undefined when the ledger knows none. */
export function principalOf(context: Pick<BotContext, 'follower'>, signer: EntrySigner): PrincipalId | undefined {
  const state = context.follower.state();
  const owner = state.keyOwners[signer.key];
  if (owner !== undefined) return speaksFor(state, owner, signer.key) ? owner : undefined;
  // A key that was never used is bound to nobody yet: it speaks for whoever names it, if that is one.
  const named = (Object.keys(state.principals) as PrincipalId[]).filter((id) => speaksFor(state, id, signer.key));
  return named.length === 1 ? named[0] : undefined;
}

/** An expected no, from any action of the bot. */
export interface ToolRefusal {
  readonly ok: false;
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Of `missing_parameter`: what is still to be asked, so that a surface with forms can ask it. */
  readonly missing?: readonly { readonly name: string; readonly description: string; readonly type: string }[] | undefined;
}
