import { createHash, createHmac } from 'node:crypto';
import { CipherState } from './cipher-state.ts';

const HASH_LENGTH = 32;
const NOTHING = Buffer.alloc(0);

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** HKDF of the Noise specification (section 4.3) with two outputs. */
function hkdf(chainingKey: Uint8Array, material: Uint8Array): [Buffer, Buffer] {
  const secret = createHmac('sha256', chainingKey).update(material).digest();
  const first = createHmac('sha256', secret).update(Buffer.of(1)).digest();
  const second = createHmac('sha256', secret).update(first).update(Buffer.of(2)).digest();
  return [first, second];
}

/** SymmetricState of the Noise specification (rev 34, section 5.2) with SHA-256 and AESGCM. */
export class SymmetricState {
  #cipher = new CipherState();
  #chainingKey: Buffer;
  #hash: Buffer;

  constructor(protocolName: string) {
    const name = Buffer.from(protocolName, 'ascii');
    this.#hash = name.length <= HASH_LENGTH ? Buffer.concat([name, Buffer.alloc(HASH_LENGTH - name.length)]) : sha256(name);
    this.#chainingKey = this.#hash;
  }

  /** The handshake hash: equal on both sides only when they saw the same handshake. */
  get hash(): Buffer {
    return this.#hash;
  }

  get hasKey(): boolean {
    return this.#cipher.hasKey;
  }

  mixKey(material: Uint8Array): void {
    const [chainingKey, key] = hkdf(this.#chainingKey, material);
    this.#chainingKey = chainingKey;
    this.#cipher = new CipherState(key);
  }

  mixHash(data: Uint8Array): void {
    this.#hash = sha256(this.#hash, data);
  }

  encryptAndHash(plaintext: Uint8Array): Buffer {
    const message = this.#cipher.encrypt(this.#hash, plaintext);
    this.mixHash(message);
    return message;
  }

  decryptAndHash(message: Uint8Array): Buffer {
    const plaintext = this.#cipher.decrypt(this.#hash, message);
    this.mixHash(message);
    return plaintext;
  }

  /** Keys for initiator-to-responder and responder-to-initiator, in this order. */
  split(): [CipherState, CipherState] {
    const [first, second] = hkdf(this.#chainingKey, NOTHING);
    return [new CipherState(first), new CipherState(second)];
  }
}
