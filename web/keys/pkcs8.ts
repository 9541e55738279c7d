import { equalBytes, Reader } from './reader.ts';

/** PKCS#8 version 1 of an Ed25519 key (RFC 8410) up to its seed; what `3bot key export` and OpenSSL write. */
const PREFIX = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20);

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTETS = 0x04;
const OID = 0x06;
const NULL = 0x05;
const PBES2 = '2a864886f70d01050d';
const PBKDF2 = '2a864886f70d01050c';
const PRFS: Readonly<Record<string, 'SHA-1' | 'SHA-256' | 'SHA-512'>> = { '2a864886f70d0207': 'SHA-1', '2a864886f70d0209': 'SHA-256', '2a864886f70d020b': 'SHA-512' };
const CIPHERS: Readonly<Record<string, 128 | 256>> = { '60864801650304012a': 256, '608648016503040102': 128 };
/** More rounds would keep a page busy for a minute. */
const MAX_ITERATIONS = 10_000_000;

/** The 32-byte seed of an unencrypted PKCS#8 key; undefined when it is not one of Ed25519 in that form. */
export function seedOfPkcs8(der: Uint8Array): Uint8Array | undefined {
  return der.length === PREFIX.length + 32 && equalBytes(der.slice(0, PREFIX.length), PREFIX) ? der.slice(PREFIX.length) : undefined;
}

/** How an EncryptedPrivateKeyInfo was encrypted (RFC 8018, PBES2 with PBKDF2 and AES-CBC). */
export interface Pbes2 {
  readonly hash: 'SHA-1' | 'SHA-256' | 'SHA-512';
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly iterations: number;
  readonly bits: 128 | 256;
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly sealed: Uint8Array<ArrayBuffer>;
}

/** Undefined for every other way to encrypt. */
export function parsePbes2(der: Uint8Array): Pbes2 | undefined {
  try {
    return parse(new Reader(new Reader(der).der(SEQUENCE)));
  } catch {
    return undefined;
  }
}

function parse(info: Reader): Pbes2 | undefined {
  const algorithm = new Reader(info.der(SEQUENCE));
  const sealed = Uint8Array.from(info.der(OCTETS));
  if (hex(algorithm.der(OID)) !== PBES2) return undefined;
  const parts = new Reader(algorithm.der(SEQUENCE));
  const derivation = new Reader(parts.der(SEQUENCE));
  const encryption = new Reader(parts.der(SEQUENCE));
  if (hex(derivation.der(OID)) !== PBKDF2) return undefined;
  const derived = new Reader(derivation.der(SEQUENCE));
  const salt = Uint8Array.from(derived.der(OCTETS));
  const iterations = derived.der(INTEGER).reduce((number, byte) => number * 256 + byte, 0);
  if (derived.next(INTEGER)) derived.der(INTEGER);
  const prf = derived.next(SEQUENCE) ? new Reader(derived.der(SEQUENCE)) : undefined;
  const hash = prf ? PRFS[hex(prf.der(OID))] : 'SHA-1';
  if (prf?.next(NULL)) prf.der(NULL);
  const bits = CIPHERS[hex(encryption.der(OID))];
  const iv = Uint8Array.from(encryption.der(OCTETS));
  if (!hash || !bits || iv.length !== 16 || iterations < 1 || iterations > MAX_ITERATIONS) return undefined;
  return { hash, salt, iterations, bits, iv, sealed };
}

/** PKCS#8 DER; undefined when the passphrase does not open it. */
export async function openPbes2({ hash, salt, iterations, bits, iv, sealed }: Pbes2, passphrase: string): Promise<Uint8Array | undefined> {
  const material = await crypto.subtle.importKey('raw', new TextEncoder().encode(passphrase), 'PBKDF2', false, ['deriveKey']);
  const key = await crypto.subtle.deriveKey({ name: 'PBKDF2', hash, salt, iterations }, material, { name: 'AES-CBC', length: bits }, false, ['decrypt']);
  return crypto.subtle.decrypt({ name: 'AES-CBC', iv }, key, sealed).then((plain) => new Uint8Array(plain), () => undefined);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
