import { createCipheriv, createDecipheriv } from 'node:crypto';

/** Bytes that AES-GCM adds to every message. */
export const TAG_LENGTH = 16;

const ALGORITHM = 'aes-256-gcm';
const GCM = { authTagLength: TAG_LENGTH } as const;
const KEY_LENGTH = 32;
const NOTHING = Buffer.alloc(0);
const REKEY_NONCE = Buffer.from('00000000ffffffffffffffff', 'hex');

/** CipherState of the Noise specification (rev 34, section 5.1) for AESGCM: nonce = 4 zero bytes, then the counter as 8 bytes big-endian. */
export class CipherState {
  #key: Buffer | undefined;
  #counter = 0;
  readonly #nonce = Buffer.alloc(12);

  constructor(key?: Uint8Array) {
    if (key !== undefined) this.#key = Buffer.from(key);
  }

  get hasKey(): boolean {
    return this.#key !== undefined;
  }

  /** Messages sealed or opened so far, thus the nonce of the next one. */
  get counter(): number {
    return this.#counter;
  }

  /** ENCRYPTWITHAD: ciphertext and tag, or the plaintext itself while there is no key. */
  encrypt(associated: Uint8Array, plaintext: Uint8Array): Buffer {
    if (this.#key === undefined) return Buffer.from(plaintext);
    const sealed = Buffer.allocUnsafe(plaintext.length + TAG_LENGTH);
    this.encryptInto(sealed, { offset: 0, pieces: [plaintext], associated });
    return sealed;
  }

  /** Seals the pieces as one message at `offset` of `target` and returns the end of what it wrote. */
  encryptInto(target: Buffer, message: { offset: number; pieces: readonly Uint8Array[]; associated?: Uint8Array }): number {
    const cipher = createCipheriv(ALGORITHM, this.#requireKey(), this.#nextNonce(), GCM);
    if (message.associated !== undefined) cipher.setAAD(message.associated);
    let at = message.offset;
    for (const piece of message.pieces) {
      const out = cipher.update(piece);
      target.set(out, at);
      at += out.length;
    }
    cipher.final();
    target.set(cipher.getAuthTag(), at);
    this.#counter += 1;
    return at + TAG_LENGTH;
  }

  /** DECRYPTWITHAD: the plaintext; throws when the message is not authentic, and the counter then stays where it was. */
  decrypt(associated: Uint8Array, message: Uint8Array): Buffer {
    if (this.#key === undefined) return Buffer.from(message);
    if (message.length < TAG_LENGTH) throw new RangeError('message shorter than its tag');
    const end = message.length - TAG_LENGTH;
    const decipher = createDecipheriv(ALGORITHM, this.#key, this.#nextNonce(), GCM);
    decipher.setAuthTag(message.subarray(end));
    decipher.setAAD(associated);
    const plaintext = decipher.update(message.subarray(0, end));
    decipher.final();
    this.#counter += 1;
    return plaintext;
  }

  /** REKEY (section 11.3): one-way, so an old key cannot be computed from the new one. The counter goes on. */
  rekey(): void {
    const cipher = createCipheriv(ALGORITHM, this.#requireKey(), REKEY_NONCE, GCM);
    cipher.setAAD(NOTHING);
    const next = cipher.update(Buffer.alloc(KEY_LENGTH));
    cipher.final();
    this.#requireKey().fill(0);
    this.#key = next;
  }

  #requireKey(): Buffer {
    if (this.#key === undefined) throw new Error('cipher has no key yet');
    return this.#key;
  }

  #nextNonce(): Buffer {
    if (this.#counter >= Number.MAX_SAFE_INTEGER) throw new RangeError('nonces exhausted');
    this.#nonce.writeUInt32BE(Math.floor(this.#counter / 2 ** 32), 4);
    this.#nonce.writeUInt32BE(this.#counter % 2 ** 32, 8);
    return this.#nonce;
  }
}
