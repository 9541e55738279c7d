/** Mulberry32: the same numbers for the same seed, so that a failed run can be had again. */
export interface Random {
  /** From 0 up to 1. */
  next(): number;
  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number;
  bytes(count: number): Buffer;
}

export function randomOf(seed: number): Random {
  let a = seed >>> 0;
  const next = (): number => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end: number): number => Math.floor(next() * end);
  return {
    next,
    below,
    bytes: (count) => {
      const out = Buffer.alloc(count);
      for (let i = 0; i < count; i += 4) out.writeUInt32LE(below(2 ** 32), Math.min(i, Math.max(0, count - 4)));
      return out;
    },
  };
}
