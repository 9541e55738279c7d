import type { Digest } from '../contract/digest.ts';
import { type Envelope, sealEnvelope } from '../contract/envelope.ts';
import { withoutUnseen } from '../contract/visible.ts';
import type { Phase } from './driver.ts';
import { type HeldWorkload, isHeldBy, keyOf } from './holdings.ts';
import type { Standing } from './standing.ts';

/** At most one report a workload in this time (and one more at the end of a start): the log is everybody's. */
const MIN_INTERVAL_MS = 2000;
/** A report that only words the reason differently waits longer. */
const REASON_INTERVAL_MS = 10_000;
/** A start that succeeds at once is reported as `running` only. */
const STARTING_DELAY_MS = 1500;
const SUBMIT_MS = 10_000;
const MAX_REASON = 500;
const MAX_BATCH = 64;

export interface Observation {
  readonly held: HeldWorkload;
  readonly phase: Phase;
  readonly reason: string;
  readonly measured?: Digest;
  readonly complete?: readonly string[];
}

interface Entry {
  latest: Observation;
  firstSeen: number;
  lastSent: number;
  lastPhase: Phase | undefined;
  lastRevision: number;
}

/** Tells the ledger how the workloads are, signed: changes only, the latest wins, at a bounded rate. */
export class Reporter {
  readonly #standing: Standing;
  readonly #entries = new Map<string, Entry>();
  readonly #timer: NodeJS.Timeout;
  #busy = false;

  constructor(standing: Standing) {
    this.#standing = standing;
    this.#timer = setInterval(() => void this.flush(), 500).unref();
  }

  /** Replaces all that was observed; what is no longer held is forgotten. */
  observe(observations: readonly Observation[]): void {
    const now = performance.now();
    const keys = new Set(observations.map(({ held }) => keyOf(held)));
    for (const key of this.#entries.keys()) if (!keys.has(key)) this.#entries.delete(key);
    for (const latest of observations) {
      const known = this.#entries.get(keyOf(latest.held));
      if (known) known.latest = latest;
      else this.#entries.set(keyOf(latest.held), { latest, firstSeen: now, lastSent: -Infinity, lastPhase: undefined, lastRevision: 0 });
    }
    if (observations.some((o) => o.phase !== 'starting')) void this.flush();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Submits what is due. */
  async flush(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const now = performance.now();
      const due = [...this.#entries.values()].filter((entry) => this.#isDue(entry, now)).slice(0, MAX_BATCH);
      if (due.length === 0) return;
      const envelopes = due.map((entry) => this.#write(entry, now));
      await this.#standing.follower.submit(envelopes, { timeoutMs: SUBMIT_MS });
    } catch (error) {
      // Tried again at the next interval; by then there may be newer things to say.
      this.#standing.log('warn', 'report.failed', { reason: error instanceof Error ? error.message : 'unknown' });
    } finally {
      this.#busy = false;
    }
  }

  #isDue({ latest, firstSeen, lastSent, lastPhase }: Entry, now: number): boolean {
    const { follower, id } = this.#standing;
    const state = follower.state();
    // Somebody waits for the end of a start: it is told at once. Starts themselves keep the interval.
    const started = lastPhase === 'starting' && latest.phase !== 'starting';
    if (!isHeldBy(state, id, latest.held) || (now - lastSent < MIN_INTERVAL_MS && !started)) return false;
    if (latest.phase === 'starting' && now - firstSeen < STARTING_DELAY_MS) return false;
    const said = state.deployments[latest.held.deployment]?.reports[latest.held.workload];
    if (said?.epoch !== latest.held.epoch || said.phase !== latest.phase) return true;
    // What has moved counts as lost until somebody says that it holds its part again.
    const { unrestored = {}, holdings = {} } = state.deployments[latest.held.deployment] ?? {};
    if (Object.keys(unrestored).some((moved) => latest.complete?.includes(`${moved}@${holdings[moved]?.epoch ?? 0}`))) return true;
    return said.reason !== publicReason(latest.reason) && now - lastSent >= REASON_INTERVAL_MS;
  }

  #write(entry: Entry, now: number): Envelope {
    const { follower, grid, id, signer } = this.#standing;
    const { held, phase, reason, measured, complete } = entry.latest;
    const said = follower.state().deployments[held.deployment]?.reports[held.workload];
    // A report of this process that is not in the verified log yet, or one that an earlier process sent, has a lower number.
    entry.lastRevision = Math.max(entry.lastRevision, said?.revision ?? 0) + 1;
    entry.lastSent = now;
    entry.lastPhase = phase;
    return sealEnvelope('deployment.reported', {
      grid, by: id, deployment: held.deployment, workload: held.workload, epoch: held.epoch,
      revision: entry.lastRevision, phase, reason: publicReason(reason), ...(measured && { measured }), ...(complete && { complete: [...complete] }),
    }, signer);
  }
}

/** Everybody reads the log: names of files on this machine stay in its own status and logs. */
export function publicReason(reason: string): string {
  return withoutUnseen(reason, ' ').replace(/(^|[\s'"(=])\/[^\s'"),]*/g, '$1(path)').slice(0, MAX_REASON);
}
