import { equalBytes, Reader } from './reader.ts';

const MAGIC = new TextEncoder().encode('openssh-key-v1\0');

export type OpenSshKey =
  | { readonly ok: true; readonly seed: Uint8Array; readonly publicKey: Uint8Array }
  | { readonly ok: false; readonly why: 'encrypted' | 'damaged' | 'other'; readonly type?: string };

/** An unencrypted `openssh-key-v1` blob with one Ed25519 key (OpenSSH, PROTOCOL.key). */
export function parseOpenSsh(blob: Uint8Array): OpenSshKey {
  try {
    return parse(new Reader(blob));
  } catch {
    return { ok: false, why: 'damaged' };
  }
}

function parse(outer: Reader): OpenSshKey {
  if (!equalBytes(outer.take(MAGIC.length), MAGIC)) return { ok: false, why: 'damaged' };
  const cipher = outer.text();
  outer.string();
  outer.string();
  if (outer.uint32() !== 1) return { ok: false, why: 'damaged' };
  const type = new Reader(outer.string()).text();
  if (type !== 'ssh-ed25519') return { ok: false, why: 'other', type };
  if (cipher !== 'none') return { ok: false, why: 'encrypted' };
  const inner = new Reader(outer.string());
  if (outer.left !== 0 || inner.uint32() !== inner.uint32() || inner.text() !== type) return { ok: false, why: 'damaged' };
  const publicKey = inner.string();
  const both = inner.string();
  if (publicKey.length !== 32 || both.length !== 64 || !equalBytes(both.slice(32), publicKey)) return { ok: false, why: 'damaged' };
  return { ok: true, seed: both.slice(0, 32), publicKey };
}
