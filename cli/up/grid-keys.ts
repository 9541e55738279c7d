import type { EntrySigner } from '../../contract/envelope.ts';
import { type Keystore, openKeystore } from '../../signer/keystore.ts';
import type { StateDir } from '../state-dir.ts';
import { unlocking } from '../unlock.ts';

/** Who signs what in the demonstration; a real organisation names its own people. */
export const STAKEHOLDERS = ['it-expert', 'legal', 'budget'] as const;

/** Keystores of a local grid, one a party, as if each were on a machine of its own. */
export const KEYSTORES = ['ledger', 'operator', 'author', 'bot', 'stakeholders'] as const;
export type KeystoreName = (typeof KEYSTORES)[number];

export interface GridKeys {
  readonly ledger: EntrySigner;
  readonly operator: EntrySigner;
  readonly author: EntrySigner;
  readonly organisation: EntrySigner;
  readonly requester: EntrySigner;
  readonly stakeholders: Readonly<Record<(typeof STAKEHOLDERS)[number], EntrySigner>>;
}

/** Paths of a party's keystore: key files, and the file that opens them. */
export function keystorePaths(state: StateDir, party: string): { dir: string; unlock: string } {
  return { dir: state.part('keys', party), unlock: state.part('keys', `${party}.unlock`) };
}

export function openPartyKeystore(state: StateDir, party: KeystoreName, create = false): Promise<Keystore> {
  return openKeystore({ ...keystorePaths(state, party), create, unlocking: unlocking() });
}

/** Opens the keys that begin a grid; makes them at the first start. */
export async function openGridKeys(state: StateDir): Promise<GridKeys> {
  const open = (party: KeystoreName): Promise<Keystore> => openPartyKeystore(state, party, true);
  const [ledger, operator, author, bot, stakeholders] = await Promise.all([open('ledger'), open('operator'), open('author'), open('bot'), open('stakeholders')]);
  return {
    ledger: await ledger.signing('ledger'),
    operator: await operator.signing('operator'),
    author: await author.signing('author'),
    organisation: await stakeholders.signing('organisation'),
    requester: await bot.signing('requester'),
    stakeholders: {
      'it-expert': await stakeholders.signing('it-expert'),
      legal: await stakeholders.signing('legal'),
      budget: await stakeholders.signing('budget'),
    },
  };
}
