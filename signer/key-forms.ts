import { createHash, createPrivateKey } from 'node:crypto';
import { decodeDidKey, type DidKey } from '../contract/principal.ts';
import { requireFitPassphrase } from './passphrase.ts';

export const PRIVATE_FORMS = ['openssh', 'pkcs8'] as const;
export const PUBLIC_FORMS = ['did', 'openssh-public'] as const;
export type PrivateForm = (typeof PRIVATE_FORMS)[number];
export type PublicForm = (typeof PUBLIC_FORMS)[number];

/** SSH wire form of an Ed25519 public key (RFC 8709 section 4): 51 bytes. */
function sshWire(key: DidKey): Buffer {
  const type = Buffer.from('ssh-ed25519');
  return Buffer.concat([uint32(type.length), type, uint32(32), decodeDidKey(key)]);
}

/** One line as in authorized_keys; the comment is one of our key names. */
export function openSshPublic(key: DidKey, comment: string): string {
  return `ssh-ed25519 ${sshWire(key).toString('base64')} ${comment}`;
}

/** `SHA256:…`, the same that `ssh-keygen -l` prints. */
export function fingerprint(key: DidKey): string {
  return `SHA256:${createHash('sha256').update(sshWire(key)).digest('base64').replace(/=+$/, '')}`;
}

/**
 * A private key as a file for other programs, encrypted when a passphrase is given: OpenSSH with bcrypt (16 rounds) and aes256-ctr;
 * PKCS#8 with PBKDF2 (2048 rounds, OpenSSL's default, weak against guessing) and aes-256-cbc. Throws KeystoreError passphrase_unfit.
 */
export async function encodePrivate(pkcs8: Buffer, form: PrivateForm, options: { readonly comment: string; readonly passphrase?: string | undefined }): Promise<string> {
  const { comment, passphrase } = options;
  if (passphrase !== undefined) requireFitPassphrase(passphrase);
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  switch (form) {
    case 'pkcs8':
      return key.export({ format: 'pem', type: 'pkcs8', ...(passphrase !== undefined && { cipher: 'aes-256-cbc', passphrase }) }).toString();
    case 'openssh': {
      const { default: sshpk } = await import('sshpk');
      const ssh = sshpk.parsePrivateKey(key.export({ format: 'pem', type: 'pkcs8' }).toString(), 'pkcs8');
      ssh.comment = comment;
      return ssh.toString('ssh-private', passphrase === undefined ? undefined : { passphrase, cipher: 'aes256-ctr' });
    }
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
