import { TAG_LENGTH } from './cipher-state.ts';
import type { CipherState } from './cipher-state.ts';
import { SymmetricState } from './symmetric-state.ts';
import { DH_LENGTH, generateDhKey, sharedSecret } from './x25519.ts';
import type { DhKey } from './x25519.ts';

/** Longest Noise message in bytes (rev 34, section 3). */
export const MAX_NOISE_MESSAGE = 65_535;

export type PatternName = 'IK' | 'XX';
type Token = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss';
interface Pattern {
  readonly responderKnown: boolean; // pre-message "<- s"
  readonly messages: readonly (readonly Token[])[];
}

const PATTERNS: Record<PatternName, Pattern> = {
  IK: { responderKnown: true, messages: [['e', 'es', 's', 'ss'], ['e', 'ee', 'se']] },
  XX: { responderKnown: false, messages: [['e'], ['e', 'ee', 's', 'es'], ['s', 'se']] },
};

export interface HandshakeOptions {
  pattern: PatternName;
  initiator: boolean;
  prologue: Uint8Array;
  staticKey: DhKey;
  /** The responder's static public key; the initiator of IK must know it. */
  remoteStatic?: Uint8Array;
  /** Only for test vectors: without it the handshake makes its own, as it must. */
  ephemeral?: DhKey;
}

/** What a finished handshake leaves: two keys, the channel binding, and who is on the other side. */
export interface HandshakeResult {
  readonly send: CipherState;
  readonly receive: CipherState;
  readonly hash: Buffer;
  readonly remoteStatic: Uint8Array;
}

/** HandshakeState of the Noise specification (rev 34, section 5.3) for Noise_{IK,XX}_25519_AESGCM_SHA256. */
export class HandshakeState {
  readonly #symmetric: SymmetricState;
  readonly #options: HandshakeOptions;
  #ephemeral: DhKey | undefined;
  #remoteEphemeral: Uint8Array | undefined;
  #remoteStatic: Uint8Array | undefined;
  #step = 0;

  constructor(options: HandshakeOptions) {
    this.#options = options;
    this.#symmetric = new SymmetricState(`Noise_${options.pattern}_25519_AESGCM_SHA256`);
    this.#symmetric.mixHash(options.prologue);
    if (!PATTERNS[options.pattern].responderKnown) return;
    if (options.initiator) {
      this.#remoteStatic = options.remoteStatic;
      this.#symmetric.mixHash(need(options.remoteStatic, "the responder's static key"));
    } else {
      this.#symmetric.mixHash(options.staticKey.publicKey);
    }
  }

  /** The peer's static public key as soon as it is known; on a responder it is proven only by the transport messages that follow. */
  get remoteStatic(): Uint8Array | undefined {
    return this.#remoteStatic;
  }

  /** Writes the next handshake message around `payload`. */
  writeMessage(payload: Uint8Array): Buffer {
    const parts: Buffer[] = [];
    for (const token of this.#tokens(true)) {
      if (token === 'e') {
        this.#ephemeral = this.#options.ephemeral ?? generateDhKey();
        const key = Buffer.from(this.#ephemeral.publicKey);
        this.#symmetric.mixHash(key);
        parts.push(key);
      } else if (token === 's') {
        parts.push(this.#symmetric.encryptAndHash(this.#options.staticKey.publicKey));
      } else {
        this.#mixSecret(token);
      }
    }
    parts.push(this.#symmetric.encryptAndHash(payload));
    this.#step += 1;
    return Buffer.concat(parts);
  }

  /** Reads the next handshake message and returns its payload; throws when it is not authentic, after which the state is of no use. */
  readMessage(message: Uint8Array): Buffer {
    if (message.length > MAX_NOISE_MESSAGE) throw new RangeError('handshake message too long');
    let rest = message;
    const take = (length: number): Uint8Array => {
      if (rest.length < length) throw new RangeError('handshake message too short');
      const part = rest.subarray(0, length);
      rest = rest.subarray(length);
      return part;
    };
    for (const token of this.#tokens(false)) {
      if (token === 'e') {
        this.#remoteEphemeral = Buffer.from(take(DH_LENGTH));
        this.#symmetric.mixHash(this.#remoteEphemeral);
      } else if (token === 's') {
        const length = this.#symmetric.hasKey ? DH_LENGTH + TAG_LENGTH : DH_LENGTH;
        this.#remoteStatic = this.#symmetric.decryptAndHash(take(length));
      } else {
        this.#mixSecret(token);
      }
    }
    const payload = this.#symmetric.decryptAndHash(rest);
    this.#step += 1;
    return payload;
  }

  /** The transport keys; throws before the last message. */
  finish(): HandshakeResult {
    if (this.#step !== PATTERNS[this.#options.pattern].messages.length) throw new Error('the handshake is not finished');
    const [forward, backward] = this.#symmetric.split();
    const { initiator } = this.#options;
    return {
      send: initiator ? forward : backward,
      receive: initiator ? backward : forward,
      hash: this.#symmetric.hash,
      remoteStatic: need(this.#remoteStatic, "the peer's static key"),
    };
  }

  #tokens(writing: boolean): readonly Token[] {
    const tokens = PATTERNS[this.#options.pattern].messages[this.#step];
    const mine = (this.#step % 2 === 0) === this.#options.initiator;
    if (tokens === undefined || mine !== writing) throw new Error('handshake message out of turn');
    return tokens;
  }

  /** The first letter names the initiator's key, the second one the responder's. */
  #mixSecret(token: 'ee' | 'es' | 'se' | 'ss'): void {
    const [ours, theirs] = this.#options.initiator ? [token[0], token[1]] : [token[1], token[0]];
    const key = ours === 'e' ? need(this.#ephemeral, 'our ephemeral key') : this.#options.staticKey;
    const peer = theirs === 'e' ? need(this.#remoteEphemeral, "the peer's ephemeral key") : need(this.#remoteStatic, "the peer's static key");
    this.#symmetric.mixKey(sharedSecret(key, peer));
  }
}

function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the handshake lacks ${what}`);
  return value;
}
