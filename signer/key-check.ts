import { Point } from '@noble/ed25519';

/** True for 32 bytes that encode a point canonically, not of small order and free of torsion. */
export function isAcceptableKey(publicKey: Uint8Array): boolean {
  try {
    const point = Point.fromBytes(publicKey, false);
    return !point.isSmallOrder() && point.isTorsionFree();
  } catch {
    return false;
  }
}
