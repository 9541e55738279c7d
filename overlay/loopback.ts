import { Duplex } from 'node:stream';

class End extends Duplex {
  #other: End | undefined;
  #resume: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true });
    this.on('error', () => undefined);
  }

  join(other: End): void {
    this.#other = other;
  }

  override _read(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    const other = this.#other;
    if (other === undefined || other.destroyed || other.push(chunk)) callback();
    else other.#resume = callback;
  }

  override _final(callback: () => void): void {
    if (this.#other?.destroyed === false) this.#other.push(null);
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    callback(error);
    const other = this.#other;
    if (other === undefined || other.destroyed || (this.readableEnded && this.writableFinished)) return;
    other.destroy(error ?? new Error('the other end was destroyed'));
  }
}

/** Two ends of a stream inside this process, for a node that dials its own service. */
export function loopbackPair(): [Duplex, Duplex] {
  const [a, b] = [new End(), new End()];
  a.join(b);
  b.join(a);
  return [a, b];
}
