import { createPrivateKey, type KeyObject, type PrivateKeyInput } from 'node:crypto';
import { KeystoreError } from './keystore-error.ts';
import { judgePkcs8Cost } from './pkcs8-cost.ts';

/** Largest private key file that is read, in bytes; an encrypted Ed25519 key has under 600. */
export const MAX_KEY_FILE = 16 * 1024;
/** bcrypt rounds of an OpenSSH key that are worked through: ssh-keygen writes 16 or 24, and 1024 take about ten seconds. */
const MAX_ROUNDS = 1024;
const OPENSSH = /^-----BEGIN OPENSSH PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----\s*$/;
const ENCRYPTED_PKCS8 = /^-----BEGIN ENCRYPTED PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+)-----END ENCRYPTED PRIVATE KEY-----\s*$/;
const OPENSSH_CIPHERS = /^aes(128|192|256)-(ctr|cbc)$/;
const ONLY_ED25519 = 'only Ed25519 signs here: make one with `3bot key new`, or `ssh-keygen -t ed25519`';

/** Asks for the passphrase of the file that is read; called only when it has one. */
export type AskFilePassphrase = () => Promise<Buffer>;

/**
 * Reads an Ed25519 private key: OpenSSH (`openssh-key-v1`) or PKCS#8 PEM, either of them encrypted or not. Returns PKCS#8 DER,
 * which the caller overwrites after use. Throws KeystoreError key_unreadable, which names what it got, or passphrase_wrong.
 */
export async function readPrivateKey(text: string, ask: AskFilePassphrase): Promise<Buffer> {
  const trimmed = text.trim();
  if (trimmed.length > MAX_KEY_FILE) throw unreadable(`a private key file has at most ${MAX_KEY_FILE} bytes`);
  const label = /^-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(trimmed)?.[1];
  switch (label) {
    case 'OPENSSH PRIVATE KEY':
      return readOpenSsh(trimmed, ask);
    case 'PRIVATE KEY':
      return readPkcs8({ key: trimmed, format: 'pem' });
    case 'ENCRYPTED PRIVATE KEY':
      return readEncryptedPkcs8(trimmed, ask);
    case undefined:
      throw /^(ssh-|ecdsa-|sk-|did:key:)/.test(trimmed) ? unreadable('this is a public key') : unreadable('this is no private key that is known here', 'OpenSSH and PKCS#8 PEM files are read');
    default:
      throw unreadable(`got a PEM file labelled ${label}`, /PUBLIC|CERTIFICATE/.test(label) ? 'the private half is needed' : `OpenSSH and PKCS#8 are read, and ${ONLY_ED25519}`);
  }
}

async function readEncryptedPkcs8(text: string, ask: AskFilePassphrase): Promise<Buffer> {
  const der = Buffer.from(ENCRYPTED_PKCS8.exec(text)?.[1] ?? '', 'base64');
  const cost = judgePkcs8Cost(der);
  if (!cost.ok) throw unreadable(cost.message, 'write it again with `openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE`');
  // The bytes that were judged, not the text: what OpenSSL would find in that may be another file.
  return withPassphrase(ask, (passphrase) => readPkcs8({ key: der, format: 'der', type: 'pkcs8', passphrase }));
}

function readPkcs8(input: PrivateKeyInput): Buffer {
  const { passphrase } = input;
  let key: KeyObject;
  try {
    key = createPrivateKey(input);
  } catch {
    // OpenSSL's words may depend on what was decrypted: they stay here.
    throw passphrase ? wrongPassphrase() : unreadable('this PKCS#8 file is damaged');
  }
  if (key.asymmetricKeyType !== 'ed25519') throw unreadable(`got ${named(key.asymmetricKeyType ?? 'unknown')}`, ONLY_ED25519);
  return key.export({ format: 'der', type: 'pkcs8' });
}

async function readOpenSsh(text: string, ask: AskFilePassphrase): Promise<Buffer> {
  const { type, cipher, rounds } = openSshHeader(text);
  if (type !== 'ssh-ed25519') throw unreadable(`got ${named(type)}`, ONLY_ED25519);
  if (cipher === 'none') return decodeOpenSsh(text, undefined);
  if (!OPENSSH_CIPHERS.test(cipher)) throw unreadable(`this OpenSSH key is encrypted with ${JSON.stringify(cipher)}`, 'write it again with `ssh-keygen -p -Z aes256-ctr -f FILE`');
  if (rounds < 1 || rounds > MAX_ROUNDS) throw unreadable(`this OpenSSH key asks for ${rounds} rounds of bcrypt, at most ${MAX_ROUNDS} are worked through`);
  return withPassphrase(ask, (passphrase) => decodeOpenSsh(text, passphrase));
}

async function decodeOpenSsh(text: string, passphrase: Buffer | undefined): Promise<Buffer> {
  // 2 MB of code that only this needs.
  const { default: sshpk } = await import('sshpk');
  let seed: Buffer | undefined;
  let claimed: Buffer | undefined;
  try {
    const { parts } = sshpk.parsePrivateKey(text, 'ssh-private', passphrase ? { passphrase } : {});
    seed = parts.find((part) => part.name === 'k')?.data;
    claimed = parts.find((part) => part.name === 'A')?.data;
  } catch {
    throw passphrase ? wrongPassphrase() : unreadable('this OpenSSH key file is damaged');
  }
  if (seed?.length !== 32 || claimed?.length !== 32) throw unreadable('this OpenSSH key file is damaged');
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  seed.fill(0);
  // A file whose public half is another key's would make this key sign under a name that is not its own.
  if (!publicHalf(der).equals(claimed)) throw unreadable('the two halves of this OpenSSH key do not belong together');
  return der;
}

const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

function publicHalf(der: Buffer): Buffer {
  const { x } = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' });
  return Buffer.from(x ?? '', 'base64url');
}

interface OpenSshHeader { readonly type: string; readonly cipher: string; readonly rounds: number }

/** The unencrypted head of an `openssh-key-v1` file (OpenSSH, PROTOCOL.key): enough to refuse before any work is done. */
function openSshHeader(text: string): OpenSshHeader {
  const blob = Buffer.from(OPENSSH.exec(text)?.[1] ?? '', 'base64');
  const magic = 'openssh-key-v1\0';
  try {
    if (blob.toString('latin1', 0, magic.length) !== magic) throw new RangeError('magic');
    let at = magic.length;
    const field = (): Buffer => {
      const length = blob.readUInt32BE(at);
      if (length > blob.length - at - 4) throw new RangeError('length');
      at += 4 + length;
      return blob.subarray(at - length, at);
    };
    const cipher = field().toString('latin1');
    const kdf = field().toString('latin1');
    const options = field();
    const count = blob.readUInt32BE(at);
    at += 4;
    if (count !== 1) throw new RangeError('count');
    const type = field();
    // A length that no block cipher makes would end in an error that nobody can catch.
    if (field().length % (cipher === 'none' ? 8 : 16) !== 0 || at !== blob.length) throw new RangeError('private part');
    const rounds = kdf === 'bcrypt' ? options.readUInt32BE(4 + options.readUInt32BE(0)) : 0;
    return { type: type.toString('latin1', 4, 4 + type.readUInt32BE(0)), cipher, rounds };
  } catch {
    throw unreadable('this OpenSSH key file is damaged, encrypted in a way that is not known here, or holds several keys', 'write it again with `ssh-keygen -p -Z aes256-ctr -f FILE`');
  }
}

async function withPassphrase(ask: AskFilePassphrase, read: (passphrase: Buffer) => Buffer | Promise<Buffer>): Promise<Buffer> {
  const passphrase = await ask();
  try {
    return await read(passphrase);
  } finally {
    passphrase.fill(0);
  }
}

function named(type: string): string {
  return `a key of type ${/^[\w@.-]{1,64}$/.test(type) ? type : 'unknown'}`;
}

function unreadable(message: string, hint?: string): KeystoreError {
  return new KeystoreError('key_unreadable', message, hint);
}

function wrongPassphrase(): KeystoreError {
  return new KeystoreError('passphrase_wrong', 'the passphrase does not open this key file, or the file is damaged');
}
