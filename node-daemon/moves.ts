import type { DeploymentId } from '../contract/contract.ts';
import { digestOf } from '../contract/digest.ts';
import { sealEnvelope } from '../contract/envelope.ts';
import type { PrincipalId } from '../contract/principal.ts';
import type { LedgerState } from '../ledger/state/machine.ts';
import { isAlive, lapsedHoldings, replacementFor } from '../ledger/state/views.ts';
import type { Standing } from './standing.ts';

const LOOK_MS = 300;
/** Between the turns of the daemons, so that usually one submits. */
const TURN_MS = 300;
/** Most turns anybody waits: with very many nodes several submit, which does no harm. */
const MAX_TURNS = 20;
/** After a refusal: the state has changed, or there is no room anywhere. */
const RETRY_MS = 1000;
/** A submission that the ledger does not take in this time is computed anew. */
const SUBMIT_MS = 3000;
/** Moves one look submits. */
const MAX_MOVES = 64;

/** This node's turn for the lapsed work of a deployment: its place among the nodes with a lease, by digest. */
export function turnOf(state: LedgerState, o: { node: PrincipalId; deployment: DeploymentId; lost: PrincipalId; time: string }): number {
  const mine = digestOf([o.deployment, o.lost, o.node]);
  let before = 0;
  for (const [id, record] of Object.entries(state.nodes)) {
    if (isAlive(record, o.time) && digestOf([o.deployment, o.lost, id]) < mine) before += 1;
  }
  return Math.min(before, MAX_TURNS);
}

/**
 * Sees to it that lapsed work moves, whoever runs it: any node may submit the move, and all recompute it. The log's
 * time is the last entry's; between entries it is estimated as that plus what has passed here, which is never ahead
 * of the ledger's clock by more than the difference of the clocks' rates. It decides only when to try.
 */
export class MoveWatcher {
  readonly #standing: Standing;
  readonly #timer: NodeJS.Timeout;
  readonly #unsubscribe: () => void;
  #seen: { time: string; at: number };
  /** Lapsed holding -> when this node's turn comes (performance.now()). */
  readonly #due = new Map<string, number>();
  #busy = false;

  constructor(standing: Standing) {
    this.#standing = standing;
    this.#seen = { time: standing.follower.state().time, at: performance.now() };
    this.#unsubscribe = standing.follower.onChange(() => {
      const { time } = standing.follower.state();
      if (time !== this.#seen.time) this.#seen = { time, at: performance.now() };
    });
    this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#unsubscribe();
  }

  /** The log's time by now, RFC 3339. */
  estimatedTime(): string {
    return new Date(Date.parse(this.#seen.time) + Math.floor(performance.now() - this.#seen.at)).toISOString();
  }

  async #look(): Promise<void> {
    const { follower, leaseHeld, log } = this.#standing;
    if (this.#busy || !leaseHeld()) return;
    const time = this.estimatedTime();
    const lapsed = lapsedHoldings(follower.state(), time);
    if (lapsed.length === 0) return this.#due.clear();
    this.#busy = true;
    try {
      const due = this.#takeTurns(lapsed, time);
      for (const holding of due.slice(0, MAX_MOVES)) await this.#move(holding);
    } catch (error) {
      log('warn', 'move.failed', { reason: error instanceof Error ? error.message : 'unknown' });
    } finally {
      this.#busy = false;
    }
  }

  #takeTurns(lapsed: ReturnType<typeof lapsedHoldings>, time: string): ReturnType<typeof lapsedHoldings> {
    const now = performance.now();
    const keys = new Set(lapsed.map(keyOf));
    for (const key of this.#due.keys()) if (!keys.has(key)) this.#due.delete(key);
    return lapsed.filter((holding) => {
      const key = keyOf(holding);
      let at = this.#due.get(key);
      if (at === undefined) {
        at = now + TURN_MS * turnOf(this.#standing.follower.state(), { node: this.#standing.id, deployment: holding.deployment, lost: holding.node, time });
        this.#due.set(key, at);
      }
      return at <= now;
    });
  }

  async #move(holding: ReturnType<typeof lapsedHoldings>[number]): Promise<void> {
    const { follower, grid, id, signer, log } = this.#standing;
    this.#due.set(keyOf(holding), performance.now() + RETRY_MS);
    const state = follower.state();
    const now = state.deployments[holding.deployment]?.holdings[holding.workload];
    if (now?.node !== holding.node || now.epoch !== holding.epoch) return;
    const { deployment, workload, node: from } = holding;
    const answer = replacementFor(state, { deployment, workload, time: this.estimatedTime() });
    const to = answer?.ok ? answer.assignments[0]?.node : undefined;
    if (!to) return;
    // Resolves when the own state has it: the next move of the same deployment is computed on that.
    const [result] = await follower.submit([sealEnvelope('assignment.moved', { grid, by: id, deployment, workload, from, to, epoch: holding.epoch + 1 }, signer)], { timeoutMs: SUBMIT_MS });
    if (!result?.ok) return log('info', 'move.refused', { workload, code: result?.code });
    log('info', 'move.submitted', { workload, to, epoch: holding.epoch + 1 });
  }
}

function keyOf(holding: { deployment: DeploymentId; workload: string; epoch: number }): string {
  return `${holding.deployment}/${holding.workload}@${holding.epoch}`;
}
