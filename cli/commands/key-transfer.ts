import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { fingerprint, openSshPublic, PRIVATE_FORMS, type PrivateForm, PUBLIC_FORMS } from '../../signer/key-forms.ts';
import { openKeystoreFiles } from '../../signer/keystore.ts';
import { MAX_KEY_FILE, readPrivateKey } from '../../signer/private-key.ts';
import type { Outcome } from '../output.ts';
import { Refusal } from '../refusal.ts';
import { stateDir } from '../state-dir.ts';
import { filePassphrase, isUnlockFd, newPassphrase, unlocking } from '../unlock.ts';
import { keystorePaths, openPartyKeystore } from '../up/grid-keys.ts';
import { describeKey, type KeyFlags, storeName } from './key.ts';

/** Takes in an Ed25519 private key (OpenSSH or PKCS#8) from a file or standard input (`-`), never from an argument. */
export async function keyImport(name: string, file: string, flags: KeyFlags): Promise<Outcome> {
  const store = storeName(flags.keystore);
  const text = await readKeyFile(file, flags);
  const keystore = await openKeystoreFiles({ ...keystorePaths(stateDir(flags.state), store), create: true, unlocking: unlocking() });
  const pkcs8 = await readPrivateKey(text, async () => Buffer.from(await filePassphrase(flags.passphraseFd, file === '-' ? 'the key' : file)));
  const { key } = await keystore.importSigning(name, pkcs8);
  return { json: { ok: true, name, keystore: store, ...describeKey(name, key) }, text: `${name}  ${key}\nthe file that it came from is as it was: keep it safe, or remove it` };
}

export interface ExportFlags extends KeyFlags {
  readonly format: string;
  readonly out?: string;
  readonly plain?: boolean;
  readonly force?: boolean;
}

/** Prints or writes a key in another program's form; a private one encrypted, unless --plain says otherwise. */
export async function keyExport(name: string, flags: ExportFlags): Promise<Outcome> {
  const form = PRIVATE_FORMS.find((known) => known === flags.format);
  if (form) return exportPrivate(name, form, flags);
  const publicForm = PUBLIC_FORMS.find((known) => known === flags.format);
  if (!publicForm) throw new Refusal({ code: 'format_unknown', message: `no form is called ${flags.format}`, hint: `there are: ${[...PRIVATE_FORMS, ...PUBLIC_FORMS].join(', ')}` });
  const { key } = await (await openPartyKeystore(stateDir(flags.state), storeName(flags.keystore))).signing(name);
  const text = publicForm === 'did' ? key : openSshPublic(key, name);
  if (flags.out !== undefined) await writeOnce(flags.out, `${text}\n`, 0o644);
  return { json: { ok: true, name, format: publicForm, key, fingerprint: fingerprint(key), ...(flags.out === undefined ? { text } : { file: flags.out }) }, text: flags.out ?? text };
}

async function exportPrivate(name: string, form: PrivateForm, flags: ExportFlags): Promise<Outcome> {
  const { out, plain = false, force = false } = flags;
  if (out === undefined && process.stdout.isTTY && !force) throw new Refusal({ code: 'export_exposed', message: 'a private key would be shown on this terminal', hint: 'write it to a file with --out FILE, or add --force' });
  const keystore = await openKeystoreFiles({ ...keystorePaths(stateDir(flags.state), storeName(flags.keystore)), unlocking: unlocking() });
  const { key } = await keystore.signing(name);
  const passphrase = plain ? undefined : await newPassphrase(flags.passphraseFd, 'the exported key');
  const text = await keystore.exportSigning(name, form, passphrase);
  if (out !== undefined) await writeOnce(out, text, 0o600);
  const warning = plain ? 'it is not encrypted: whoever reads it signs in your name' : form === 'pkcs8' ? 'PKCS#8 slows guessing down less than OpenSSH does: a long passphrase matters' : undefined;
  if (warning !== undefined) process.stderr.write(`${warning}\n`);
  return { json: { ok: true, name, format: form, key, fingerprint: fingerprint(key), encrypted: !plain, ...(out === undefined ? { text } : { file: out }) }, text: out ?? text.trimEnd() };
}

/** Writes a file that is not there yet. */
async function writeOnce(file: string, text: string, mode: number): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'wx', mode);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw new Refusal({ code: 'file_exists', message: `${file} is there already`, hint: 'choose another name: a key is never overwritten' });
    throw error;
  }
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readKeyFile(file: string, flags: KeyFlags): Promise<string> {
  const stdin = file === '-';
  if (stdin && (isUnlockFd(0) || flags.passphraseFd === 0)) throw new Refusal({ code: 'descriptor_unusable', message: 'standard input cannot bring the key and a passphrase', hint: 'use another descriptor for the passphrase, as in: 3bot … --unlock-fd 3 3< FILE' });
  const bytes = Buffer.alloc(MAX_KEY_FILE + 1);
  let size = 0;
  const handle = stdin ? undefined : await open(file, 'r');
  try {
    for await (const chunk of handle ? handle.createReadStream({ autoClose: false }) : process.stdin) {
      size += Buffer.from(chunk as Buffer).copy(bytes, size);
      (chunk as Buffer).fill(0);
      if (size > MAX_KEY_FILE) throw new Refusal({ code: 'key_unreadable', message: `a private key file has at most ${MAX_KEY_FILE} bytes` });
    }
    return bytes.toString('utf8', 0, size);
  } finally {
    bytes.fill(0);
    await handle?.close();
  }
}
