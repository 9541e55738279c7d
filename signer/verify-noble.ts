import { Point } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import { decodeDidKey, type DidKey } from '../contract/principal.ts';
import { isAcceptableKey } from './key-check.ts';

const L = 2n ** 252n + 27742317777372353535851937790883648493n;

/** The rule of verify.ts in point arithmetic, for browsers; about 25 times slower. */
export function verifySignatureNoble(key: DidKey, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  try {
    const a = decodeDidKey(key);
    if (!isAcceptableKey(a)) return false;
    const r = signature.subarray(0, 32);
    const s = littleEndian(signature.subarray(32));
    if (s >= L) return false;
    const hashed = new Uint8Array(64 + message.length);
    hashed.set(r);
    hashed.set(a, 32);
    hashed.set(message, 64);
    const k = littleEndian(sha512(hashed)) % L;
    const expected = multiply(Point.BASE, s).add(multiply(Point.fromBytes(a, false), k).negate()).toBytes();
    return expected.every((byte, i) => byte === r[i]);
  } catch {
    return false;
  }
}

function multiply(point: Point, scalar: bigint): Point {
  return scalar === 0n ? Point.ZERO : point.multiply(scalar, false);
}

function littleEndian(bytes: Uint8Array): bigint {
  let n = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) n = (n << 8n) | BigInt(bytes[i] ?? 0);
  return n;
}
