import { openAgentKeystore } from './agent/client.ts';
import { openKeystoreFiles } from './key-files.ts';
import type { Keystore, KeystoreOptions } from './ports.ts';
import { protectionOf } from './unlock.ts';

export { KeystoreError } from './keystore-error.ts';
export type { Keystore, KeystoreOptions, SealingKey, Unlocking } from './ports.ts';
export { type KeystoreFiles, openKeystoreFiles } from './key-files.ts';

/** Opens a keystore for use, by its file, an agent or a passphrase. Throws KeystoreError. */
export async function openKeystore(options: KeystoreOptions): Promise<Keystore> {
  const agent = options.unlocking?.agent;
  if (agent !== undefined && (await protectionOf(options)) === 'passphrase') {
    const held = await openAgentKeystore(agent, options.dir);
    if (held) return held;
  }
  return openKeystoreFiles(options);
}
