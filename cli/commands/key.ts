import { readFile } from 'node:fs/promises';
import { openKeystore } from '../../signer/keystore.ts';
import type { Outcome } from '../output.ts';
import { Refusal } from '../refusal.ts';
import { stateDir } from '../state-dir.ts';
import { KEYSTORES, type KeystoreName, keystorePaths, openPartyKeystore } from '../up/grid-keys.ts';

export interface KeyFlags { readonly state?: string; readonly keystore?: string }

function storeName(flags: KeyFlags): KeystoreName {
  const name = KEYSTORES.find((known) => known === (flags.keystore ?? 'stakeholders'));
  if (!name) throw new Refusal({ code: 'keystore_unknown', message: `no keystore is called ${flags.keystore ?? ''}`, hint: `there are: ${KEYSTORES.join(', ')}` });
  return name;
}

/** Makes a signing key; what is printed is its public half. */
export async function keyNew(name: string, flags: KeyFlags): Promise<Outcome> {
  const store = storeName(flags);
  const existing = await openPartyKeystore(stateDir(flags.state), store, true);
  if ((await existing.list()).includes(`${name}.signing`)) throw new Refusal({ code: 'key_exists', message: `there is a key ${name} in ${store}`, hint: 'choose another name: a key is never overwritten' });
  const { key } = await existing.signing(name);
  return { json: { ok: true, name, keystore: store, key }, text: `${name}  ${key}` };
}

export async function keyList(flags: KeyFlags): Promise<Outcome> {
  const state = stateDir(flags.state);
  const keys: { keystore: string; name: string }[] = [];
  for (const store of flags.keystore === undefined ? KEYSTORES : [storeName(flags)]) {
    const names = await openKeystore(keystorePaths(state, store)).then((k) => k.list(), () => []);
    keys.push(...names.map((name) => ({ keystore: store, name })));
  }
  return { json: { ok: true, keys }, text: keys.map((k) => `${k.keystore.padEnd(14)} ${k.name}`).join('\n') || 'no keys yet: `3bot up` makes the demonstration ones' };
}

export async function keyShow(name: string, flags: KeyFlags): Promise<Outcome> {
  const store = storeName(flags);
  const { key } = await (await openPartyKeystore(stateDir(flags.state), store)).signing(name);
  return { json: { ok: true, name, keystore: store, key }, text: key };
}

/** Takes in an Ed25519 private key in PKCS#8 PEM from a file or standard input (`-`), never from an argument. */
export async function keyImport(name: string, file: string, flags: KeyFlags): Promise<Outcome> {
  const store = storeName(flags);
  const pem = file === '-' ? await readStdin() : await readFile(file, 'utf8');
  const keystore = await openPartyKeystore(stateDir(flags.state), store, true);
  const { key } = await keystore.importSigning(name, pem);
  return { json: { ok: true, name, keystore: store, key }, text: `${name}  ${key}` };
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
