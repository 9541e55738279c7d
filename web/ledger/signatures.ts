import { decodeDidKey, type DidKey } from '../../contract/principal.ts';
import { isAcceptableKey } from '../../signer/key-check.ts';
import { verifySignatureNoble } from '../../signer/verify-noble.ts';

export interface Signed {
  readonly key: DidKey;
  readonly message: Uint8Array<ArrayBuffer>;
  /** 64 bytes, or it is no signature. */
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** One answer each, in order. */
export type CheckSignatures = (items: readonly Signed[]) => Promise<boolean[]>;

const MAX_CACHED_KEYS = 10_000;
type BrowserKey = Awaited<ReturnType<typeof importKey>>;

/**
 * The one rule of signer/verify: the browser's own Ed25519 answers where it has it, about 20 times faster than portable code.
 * Its yes counts for keys that pass our key check: who could make a signature on which the two differ holds the key. Its no
 * is asked again in portable code, so that a browser that is stricter than the rule does not call an honest log false.
 */
export function browserSignatures(): CheckSignatures {
  const keys = new Map<DidKey, Promise<BrowserKey | undefined>>();
  const keyOf = (did: DidKey): Promise<BrowserKey | undefined> => {
    const known = keys.get(did);
    if (known) return known;
    const raw = decodeDidKey(did);
    const key = isAcceptableKey(raw) ? importKey(raw).catch(() => undefined) : Promise.resolve(undefined);
    if (keys.size >= MAX_CACHED_KEYS) keys.clear();
    keys.set(did, key);
    return key;
  };
  return (items) => Promise.all(items.map(async ({ key, message, signature }) => {
    if (signature.length !== 64) return false;
    const imported = await keyOf(key);
    if (imported && (await crypto.subtle.verify('Ed25519', imported, signature, message).catch(() => false))) return true;
    return verifySignatureNoble(key, message, signature);
  }));
}

function importKey(raw: Uint8Array): ReturnType<typeof crypto.subtle.importKey> {
  return crypto.subtle.importKey('raw', Uint8Array.from(raw), 'Ed25519', false, ['verify']);
}
