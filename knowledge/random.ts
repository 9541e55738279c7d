/** A small generator that gives the same numbers on every machine; for tests of blueprints, never for secrets. */
export class Seeded {
  #state: number;

  /** Any text is a seed. */
  constructor(seed: string) {
    // FNV-1a over UTF-16 units.
    let hash = 0x811c9dc5;
    for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193) >>> 0;
    this.#state = hash;
  }

  /** 32 random bits (mulberry32). */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** 0 to below n; n at most 2^32. */
  below(n: number): number {
    return Math.floor((this.bits() / 2 ** 32) * n);
  }

  /** A whole number from `least` to `most`; often at an end, or of any order of magnitude: mistakes lie there. */
  between(least: bigint, most: bigint): bigint {
    const span = most - least;
    if (span <= 0n) return least;
    switch (this.below(8)) {
      case 0: return least;
      case 1: return most;
      case 2: return least + 1n;
      case 3:
      case 4:
      case 5: {
        const bits = this.below(span.toString(2).length) + 1;
        return least + (this.#wide() % (1n << BigInt(bits))) % (span + 1n);
      }
      default: return least + (this.#wide() % (span + 1n));
    }
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }

  #wide(): bigint {
    return (BigInt(this.bits()) << 64n) | (BigInt(this.bits()) << 32n) | BigInt(this.bits());
  }
}
