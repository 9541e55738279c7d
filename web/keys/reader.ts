/** Reads a binary form from its beginning; throws a RangeError at its end. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number { return this.#bytes.length - this.#at; }

  take(count: number): Uint8Array {
    if (count > this.left) throw new RangeError('too short');
    const taken = this.#bytes.slice(this.#at, this.#at + count);
    this.#at += count;
    return taken;
  }

  uint8(): number {
    return this.take(1)[0] ?? 0;
  }

  uint32(): number {
    return this.take(4).reduce((number, byte) => number * 256 + byte, 0);
  }

  /** SSH: a length of four bytes, and so many bytes. */
  string(): Uint8Array {
    return this.take(this.uint32());
  }

  text(): string {
    return new TextDecoder('utf-8', { fatal: true }).decode(this.string());
  }

  /** DER: the content of the element that comes next, which must have this tag. */
  der(tag: number): Uint8Array {
    if (this.uint8() !== tag) throw new RangeError('another element');
    const first = this.uint8();
    if (first < 0x80) return this.take(first);
    if (first > 0x82 || first === 0x80) throw new RangeError('too long');
    return this.take(this.take(first - 0x80).reduce((number, byte) => number * 256 + byte, 0));
  }

  /** Whether the element that comes next has this tag. */
  next(tag: number): boolean {
    return this.left > 0 && this.#bytes[this.#at] === tag;
  }
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
