import { sign } from '@noble/ed25519';
import type { DidKey } from '../../contract/principal.ts';
import { type Envelope, sealEnvelope } from '../../contract/envelope.ts';
import { Refused } from '../refusal.ts';
import { openKey, type Opener, type SealedKey, withSeed } from './vault.ts';

/** An unlocked key is locked again when it was not used for so long. */
const LOCK_AFTER_MS = 5 * 60_000;

/** At most one unlocked key. What is held is what opens it, not the key: that is in memory only while it signs. */
export class Session {
  #open: { readonly sealed: SealedKey; readonly opener: Opener } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Timers stand still while a machine sleeps. */
  #until = 0;
  #locks = 0;
  readonly #onLock: () => void;

  constructor(onLock: () => void) {
    this.#onLock = onLock;
    addEventListener('pagehide', () => { this.lock(); });
  }

  holds(key: DidKey): boolean {
    if (this.#open && Date.now() >= this.#until) this.lock();
    return this.#open?.sealed.key === key;
  }

  /** @throws Refused `passphrase_wrong`; `key_locked` when it was to be locked while it opened. */
  async unlock(sealed: SealedKey, passphrase: string): Promise<void> {
    const before = this.#locks;
    const opener = await openKey(sealed, passphrase);
    if (before !== this.#locks) throw new Refused('key_locked', 'the key was locked while it was being unlocked', 'give its passphrase again');
    this.#open = { sealed, opener };
    this.#restart();
  }

  lock(): void {
    this.#locks += 1;
    clearTimeout(this.#timer);
    if (!this.#open) return;
    this.#open = undefined;
    this.#onLock();
  }

  /** Signs an entry with the unlocked key. @throws Refused `key_locked`. */
  async sign(key: DidKey, kind: string, payload: unknown): Promise<Envelope> {
    if (!this.holds(key) || !this.#open) throw new Refused('key_locked', 'the key is locked', 'give its passphrase');
    this.#restart();
    const { sealed, opener } = this.#open;
    return withSeed(sealed, opener, (seed) => sealEnvelope(kind, payload, { key, sign: (message) => sign(message, seed) }));
  }

  #restart(): void {
    clearTimeout(this.#timer);
    this.#until = Date.now() + LOCK_AFTER_MS;
    this.#timer = setTimeout(() => { this.lock(); }, LOCK_AFTER_MS);
  }
}
