import type { DeploymentId } from '../contract/contract.ts';
import { sealEnvelope } from '../contract/envelope.ts';
import type { Workload } from '../contract/workload.ts';
import { seal } from '../signer/seal.ts';
import type { Standing } from './standing.ts';
import { openSecret, resealsFor } from './secrets.ts';

/** Between the turns of those who could seal, so that usually one does. */
const TURN_MS = 500;
/** Between two tries for the same secret and recipient. */
const RETRY_MS = 5000;
const SUBMIT_MS = 10_000;
const MAX_PENDING = 64;

/** Seals secrets again for holders that replaced others. */
export class Resealer {
  readonly #standing: Standing;
  readonly #pending = new Map<string, NodeJS.Timeout>();

  constructor(standing: Standing) {
    this.#standing = standing;
  }

  /** Looks at one deployment that this node holds a part of. */
  look(deployment: DeploymentId, workloads: readonly Workload[]): void {
    const { follower, id } = this.#standing;
    for (const { secret, recipient, rank } of resealsFor(follower.state(), id, deployment, workloads)) {
      const key = `${deployment} ${secret} ${recipient}`;
      if (this.#pending.has(key) || this.#pending.size >= MAX_PENDING) continue;
      const submit = async (): Promise<void> => {
        // Somebody may have done it, or the holder may have changed again, since this turn was given out.
        const still = resealsFor(follower.state(), id, deployment, workloads).some((r) => r.secret === secret && r.recipient === recipient);
        if (still) await this.#seal({ deployment, secret, recipient }).catch(() => this.#standing.log('warn', 'secret.not_sealed', { deployment, secret }));
      };
      this.#pending.set(key, setTimeout(() => void submit().finally(() => {
        this.#pending.set(key, setTimeout(() => this.#pending.delete(key), RETRY_MS).unref());
      }), rank * TURN_MS).unref());
    }
  }

  close(): void {
    for (const timer of this.#pending.values()) clearTimeout(timer);
    this.#pending.clear();
  }

  async #seal({ deployment, secret, recipient }: { deployment: DeploymentId; secret: string; recipient: Standing['id'] }): Promise<void> {
    const { follower, grid, id, signer, sealing, leaseHeld } = this.#standing;
    const to = follower.state().nodes[recipient]?.sealingKey;
    if (!to || !leaseHeld()) return;
    const plain = await openSecret(follower.state(), { node: id, deployment, secret, key: sealing });
    const ciphertext = await seal(plain, to);
    await follower.submit([sealEnvelope('secret.sealed', { grid, by: id, deployment, secret, recipient, ciphertext }, signer)], { timeoutMs: SUBMIT_MS });
  }
}
