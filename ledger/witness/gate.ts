import { z } from 'zod';
import type { VerifySignature } from '../../contract/envelope.ts';
import { type Checkpoint, type LedgerName, MAX_COSIGNATURES, openCosigned } from '../checkpoint.ts';
import { verifyConsistency } from '../merkle.ts';
import type { Frame } from '../protocol.ts';
import type { FollowerTrouble } from '../stop-record.ts';
import type { Admit } from '../verified-log.ts';
import { cosignersOf, SKEW_MS, Witness, witnessId } from './cosignature.ts';

/** Whom a client believes to compare what everybody is shown, and how many of them it asks for. */
export const WitnessPolicy = z.strictObject({
  keys: z.array(Witness).min(1).max(MAX_COSIGNATURES),
  k: z.int().min(1).max(MAX_COSIGNATURES),
  /** The log is up to date when `k` of them saw it within this time; default: any time. */
  maxAgeMs: z.int().min(1).exactOptional(),
}).refine(({ keys, k }) => new Set(keys.map(({ key }) => key)).size >= k, 'asks for more witnesses than there are keys');
export type WitnessPolicy = z.infer<typeof WitnessPolicy>;

/** Lets nothing into a follower's state that not enough witnesses have cosigned. */
export class WitnessGate {
  readonly #policy: WitnessPolicy;
  readonly #verify: VerifySignature;
  readonly #now: () => number;
  #latest: { size: number; seenAt: number } | undefined;

  constructor(policy: WitnessPolicy, { verify, now = Date.now }: { verify: VerifySignature; now?: () => number }) {
    this.#policy = WitnessPolicy.parse(policy);
    this.#verify = verify;
    this.#now = now;
  }

  /** What to ask the feed for: entries that `k` of these witnesses cosigned. */
  get query(): string {
    return `&cosigned=${this.#policy.k}&by=${this.#policy.keys.map(witnessId).join(',')}`;
  }

  /** Entries that the newest note with enough cosignatures covers; undefined while there was none. */
  get size(): number | undefined { return this.#latest?.size; }

  readonly admit: Admit = (frame, checkpoint, ledger) => {
    const missing = this.#look(frame, checkpoint, ledger);
    if (missing === undefined || frame.entries.length === 0) return { ok: true };
    return { ok: false, code: 'not_witnessed', message: missing };
  };

  /** Why the copy cannot be called up to date. */
  trouble(): FollowerTrouble | undefined {
    const { k, keys, maxAgeMs } = this.#policy;
    if (!this.#latest) return { code: 'not_witnessed', message: `nothing was shown yet that ${k} of ${keys.length} witnesses cosigned` };
    const age = this.#now() - this.#latest.seenAt;
    if (maxAgeMs === undefined || age <= maxAgeMs) return undefined;
    return { code: 'witnesses_stale', message: `the newest note that ${k} witnesses cosigned is ${Math.round(age / 1000)} s old` };
  }

  /** Why the frame is not covered, or undefined when it is. */
  #look({ witnessed }: Frame, checkpoint: Checkpoint, ledger: LedgerName): string | undefined {
    const { k, keys } = this.#policy;
    if (!witnessed) return 'the ledger sent entries without a cosigned note';
    const opened = openCosigned(witnessed.note, { ...ledger, verify: this.#verify });
    if (!opened.ok) return opened.message;
    const { size, root } = opened.checkpoint;
    if (!verifyConsistency({ from: checkpoint.size, to: size, fromRoot: checkpoint.root, toRoot: root, proof: witnessed.proof })) return `the cosigned log of ${size} entries is not shown to begin with these`;
    const times = [...cosignersOf(opened.parsed, { witnesses: keys, verify: this.#verify, latest: Math.floor((this.#now() + SKEW_MS) / 1000) }).values()].sort((a, b) => b - a);
    const oldest = times[k - 1];
    if (oldest === undefined) return `${times.length} of the witnesses cosigned the log of ${size} entries, ${k} are needed`;
    if (size > (this.#latest?.size ?? -1) || (size === this.#latest?.size && oldest * 1000 > this.#latest.seenAt)) this.#latest = { size, seenAt: oldest * 1000 };
    return undefined;
  }
}
