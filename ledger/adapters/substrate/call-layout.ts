/**
 * What a batch of remarks is in bytes (SCALE), by a layout of our own: the library encodes by the runtime's description,
 * which is the endpoint's word, and must come to the same. Pure.
 */

/** Pallet and call, as two bytes in hexadecimal, of the two calls that are ever signed. */
export interface CallIndices { readonly batchAll: string; readonly remark: string }

export function encodeBatch(remarks: readonly Uint8Array[], { batchAll, remark }: CallIndices): Uint8Array {
  const parts = [Buffer.from(batchAll, 'hex'), compact(remarks.length)];
  for (const bytes of remarks) parts.push(Buffer.from(remark, 'hex'), compact(bytes.length), bytes);
  return Buffer.concat(parts);
}

export function sameIndices(a: CallIndices, b: CallIndices): boolean {
  return a.batchAll === b.batchAll && a.remark === b.remark;
}

export function startsWith(bytes: Uint8Array, head: Uint8Array): boolean {
  return bytes.length >= head.length && Buffer.compare(bytes.subarray(0, head.length), head) === 0;
}

export function endsWith(bytes: Uint8Array, tail: Uint8Array): boolean {
  return bytes.length >= tail.length && Buffer.compare(bytes.subarray(bytes.length - tail.length), tail) === 0;
}

/** SCALE's compact integer, up to 2^30 - 1: a mode in the two lowest bits, then little-endian. */
export function compact(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0 || value >= 2 ** 30) throw new RangeError(`${value} is no length of ours`);
  if (value < 2 ** 6) return Uint8Array.of(value << 2);
  const bytes = new Uint8Array(value < 2 ** 14 ? 2 : 4);
  const shifted = value * 4 + (bytes.length === 2 ? 1 : 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(shifted / 2 ** (8 * i)) % 256;
  return bytes;
}
