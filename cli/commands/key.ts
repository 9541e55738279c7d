import type { DidKey } from '../../contract/principal.ts';
import { fingerprint, openSshPublic } from '../../signer/key-forms.ts';
import { listKeys } from '../../signer/key-files.ts';
import { KeystoreError, openKeystore, openKeystoreFiles } from '../../signer/keystore.ts';
import { changePassphrase, protectKeystore, protectionOf } from '../../signer/unlock.ts';
import type { Outcome } from '../output.ts';
import { Refusal } from '../refusal.ts';
import { stateDir } from '../state-dir.ts';
import { filePassphrase, newPassphrase, unlocking } from '../unlock.ts';
import { KEYSTORES, type KeystoreName, keystorePaths, openPartyKeystore } from '../up/grid-keys.ts';

export interface KeyFlags { readonly state?: string; readonly keystore?: string; readonly passphraseFd?: number }

/** The keystore that the flags name. Throws a Refusal for one that does not exist. */
export function storeName(name = 'stakeholders'): KeystoreName {
  const found = KEYSTORES.find((known) => known === name);
  if (!found) throw new Refusal({ code: 'keystore_unknown', message: `no keystore is called ${name}`, hint: `there are: ${KEYSTORES.join(', ')}` });
  return found;
}

/** Public half of a key, in every form that people compare. */
export function describeKey(name: string, key: DidKey): { key: DidKey; fingerprint: string; openssh: string } {
  return { key, fingerprint: fingerprint(key), openssh: openSshPublic(key, name) };
}

/** Makes a signing key, with --protect in a keystore under a passphrase; what is printed is its public half. */
export async function keyNew(name: string, flags: KeyFlags & { readonly protect?: boolean }): Promise<Outcome> {
  const store = storeName(flags.keystore);
  const paths = keystorePaths(stateDir(flags.state), store);
  const passphrase = flags.protect && (await protectionOf(paths)) !== 'passphrase' ? await protect(store, paths, flags) : undefined;
  const keystore = await openKeystoreFiles({ ...paths, create: true, unlocking: passphrase === undefined ? unlocking() : { passphrase: () => Promise.resolve(passphrase) } });
  const { key } = await keystore.newSigning(name);
  return { json: { ok: true, name, keystore: store, ...describeKey(name, key), protection: await protectionOf(paths) }, text: `${name}  ${key}${passphrase === undefined ? '' : `\nthe whole keystore ${store} opens with this passphrase from now on: ${(await keystore.list()).join(', ')}`}` };
}

/** Puts a keystore that a file opens under a passphrase. */
export async function keyProtect(flags: KeyFlags): Promise<Outcome> {
  const store = storeName(flags.keystore);
  const paths = keystorePaths(stateDir(flags.state), store);
  const before = await protectionOf(paths);
  if (before === undefined) throw new Refusal({ code: 'keystore_missing', message: `there is no keystore ${store} yet`, hint: 'make one with `3bot key new NAME --protect`' });
  await protect(store, paths, flags);
  const warning = 'the file that opened it was overwritten and removed; a disk, a snapshot or a backup may still hold a copy, and whoever has one opens copies of these keys: replace the keys if that matters';
  return { json: { ok: true, keystore: store, protection: 'passphrase', warning }, text: `${store} opens with the passphrase only\n${warning}` };
}

async function protect(store: KeystoreName, paths: { dir: string; unlock: string }, flags: KeyFlags): Promise<string> {
  if (store === 'ledger') throw new Refusal({ code: 'keystore_headless', message: 'the ledger opens its keystore with nobody there', hint: 'protect the folder it lies in instead' });
  if ((await protectionOf(paths)) === 'passphrase') throw new KeystoreError('keystore_protected', `the keystore ${store} has a passphrase`, 'change it with `3bot key passphrase`');
  const passphrase = await newPassphrase(flags.passphraseFd, `the keystore ${store}`);
  await protectKeystore({ ...paths, passphrase });
  return passphrase;
}

/** Changes the passphrase: the old one comes as always (--unlock-fd or the terminal), the new one over --passphrase-fd or the terminal. */
export async function keyPassphrase(flags: KeyFlags): Promise<Outcome> {
  const store = storeName(flags.keystore);
  const paths = keystorePaths(stateDir(flags.state), store);
  const old = await (unlocking().passphrase ?? ((file: string) => filePassphrase(undefined, file)))(`the keystore ${store}`);
  await changePassphrase({ ...paths, old, passphrase: await newPassphrase(flags.passphraseFd, `the keystore ${store}`) });
  return { json: { ok: true, keystore: store, protection: 'passphrase' }, text: `${store} opens with the new passphrase; copies made before still open with the old one` };
}

interface ListedKey { readonly keystore: KeystoreName; readonly name: string; readonly type: string; readonly protection: 'passphrase' | 'file'; readonly key?: DidKey; readonly fingerprint?: string }

/** All keys; the public halves only where that takes no passphrase. */
export async function keyList(flags: KeyFlags): Promise<Outcome> {
  const state = stateDir(flags.state);
  const stores = flags.keystore === undefined ? KEYSTORES : [storeName(flags.keystore)];
  const keys = (await Promise.all(stores.map((store) => listStore(store, keystorePaths(state, store))))).flat();
  const text = keys.map((k) => `${k.keystore.padEnd(14)} ${`${k.name}.${k.type}`.padEnd(28)} ${k.fingerprint ?? (k.protection === 'passphrase' ? 'locked' : '')}`.trimEnd()).join('\n');
  return { json: { ok: true, keys }, text: text || 'no keys yet: `3bot up` makes the demonstration ones' };
}

async function listStore(store: KeystoreName, paths: { dir: string; unlock: string }): Promise<ListedKey[]> {
  const protection = await protectionOf(paths);
  if (protection === undefined) return [];
  const { agent } = unlocking();
  // A listing asks nobody: what is locked is listed by name.
  const keystore = await openKeystore({ ...paths, unlocking: { agent } }).catch((error: unknown) => {
    if (error instanceof KeystoreError) return undefined;
    throw error;
  });
  return Promise.all((await listKeys(paths.dir)).map(async (entry): Promise<ListedKey> => {
    const [name = '', type = ''] = entry.split('.');
    const listed = { keystore: store, name, type, protection };
    if (type !== 'signing' || !keystore) return listed;
    const { key } = await keystore.signing(name);
    return { ...listed, key, fingerprint: fingerprint(key) };
  }));
}

export async function keyShow(name: string, flags: KeyFlags): Promise<Outcome> {
  const store = storeName(flags.keystore);
  const { key } = await (await openPartyKeystore(stateDir(flags.state), store)).signing(name);
  const described = describeKey(name, key);
  return { json: { ok: true, name, keystore: store, ...described }, text: `${key}\n${described.fingerprint}\n${described.openssh}` };
}
