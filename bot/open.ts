import type { Digest } from '../contract/digest.ts';
import { openFollower } from '../ledger/follower.ts';
import { findOpeners } from '../ledger/opening/find.ts';
import { type KeystoreOptions, openKeystore } from '../signer/keystore.ts';
import { type BotContext, principalOf } from './context.ts';
import { keepLibrary } from './published.ts';

export interface OpenBotOptions {
  readonly ledger: string;
  readonly grid: Digest;
  /** Folder for this bot's verified copy of the ledger; absent: in memory. */
  readonly dir?: string;
  readonly keystore: Omit<KeystoreOptions, 'create'>;
  readonly signal: AbortSignal;
}

/** Connects a bot to its grid. Throws when the ledger does not know its key. */
export async function openBot(options: OpenBotOptions): Promise<BotContext> {
  const { ledger, grid, dir, signal } = options;
  const [keystore, follower] = await Promise.all([
    openKeystore({ ...options.keystore, create: true }),
    openFollower({ url: ledger, pin: { grid }, openers: findOpeners(), signal, ...(dir !== undefined && { dir }) }),
  ]);
  const signer = await keystore.signing('requester');
  const sealing = await keystore.sealing('requester');
  const id = await follower.waitFor(() => principalOf({ follower }, signer), { signal, timeoutMs: 30_000 });
  const context: BotContext = { follower, grid, library: [], requester: { id, signer, sealing } };
  await keepLibrary(follower, id, (library) => { context.library = library; });
  return context;
}
