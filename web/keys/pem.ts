import { base64 } from '@scure/base';

/** Largest private key file that is read, in characters. */
export const MAX_KEY_FILE = 16 * 1024;

export interface Pem { readonly label: string; readonly bytes: Uint8Array }

/** The one block of a PEM text (RFC 7468); undefined when it is none. */
export function parsePem(text: string): Pem | undefined {
  const parts = /^-----BEGIN ([A-Z0-9 ]{1,40})-----\s+([A-Za-z0-9+/=\s]+)-----END ([A-Z0-9 ]{1,40})-----$/.exec(text.trim());
  const [, label, body, end] = parts ?? [];
  if (label === undefined || body === undefined || label !== end) return undefined;
  try {
    return { label, bytes: base64.decode(body.replace(/\s+/g, '')) };
  } catch {
    return undefined;
  }
}
