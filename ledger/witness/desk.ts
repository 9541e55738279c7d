import type { EntrySigner, VerifySignature } from '../../contract/envelope.ts';
import type { DidKey } from '../../contract/principal.ts';
import { type LedgerName, openCheckpoint, openCosigned, withoutCosignatures } from '../checkpoint.ts';
import { encodeHashes, type Evidence, EVIDENCE_FORMAT, verifyEvidence } from '../evidence.ts';
import { consistencyRoots, EMPTY_ROOT, equalHash, type Hash, verifyConsistency } from '../merkle.ts';
import { cosign } from './cosignature.ts';
import type { WitnessMemory } from './memory.ts';
import { type AddCheckpoint, parseRequest } from './request.ts';

/** An answer of https://c2sp.org/tlog-witness. */
export interface DeskAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly type: 'text/plain; charset=utf-8' | 'text/x.tlog.size';
  readonly body: string;
}

export interface DeskOptions {
  readonly name: string;
  readonly signer: EntrySigner;
  /** The logs that are watched: origin and the key that signs their checkpoints. */
  readonly logs: readonly LedgerName[];
  readonly memory: WitnessMemory;
  readonly verify: VerifySignature;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Told where the proof lies, when a log was forked. */
  readonly onFork?: (file: string) => void;
  /** Told of a log that is not cosigned because what is remembered of it is damaged. */
  readonly onDamaged?: (origin: string, error: Error) => void;
}

/**
 * Decides what a witness cosigns: only a log that begins with what it cosigned before. Deciding, remembering and signing
 * are one step without a pause, so that two requests cannot pass each other.
 */
export class WitnessDesk {
  readonly #o: DeskOptions;
  readonly #keys: ReadonlyMap<string, DidKey>;
  readonly #damaged: ReadonlySet<string>;

  /** @throws Error when what is remembered of every log is damaged. */
  constructor(options: DeskOptions) {
    this.#o = options;
    this.#keys = new Map(options.logs.map(({ origin, key }) => [origin, key]));
    // A damaged memory is found at the start, not at the first request. It silences the witness for that log alone.
    const damaged = options.logs.flatMap(({ origin, key }) => {
      try {
        this.#known(origin, key);
        return [];
      } catch (error) {
        return [{ origin, error: error instanceof Error ? error : new Error(String(error)) }];
      }
    });
    const [first] = damaged;
    if (first && damaged.length === options.logs.length) throw first.error;
    this.#damaged = new Set(damaged.map(({ origin }) => origin));
    for (const { origin, error } of damaged) options.onDamaged?.(origin, error);
  }

  addCheckpoint(body: string): DeskAnswer {
    const { memory, verify, name, signer, now = Date.now } = this.#o;
    const request = parseRequest(body);
    if (!request) return say(400, 'not an add-checkpoint request');
    const { origin } = request.parsed;
    const key = this.#keys.get(origin);
    if (!key) return say(404, 'this log is not watched here');
    const opened = openCosigned(request.note, { origin, key, verify });
    if (!opened.ok) return say(403, opened.message);
    const evidence = memory.evidence(origin);
    if (evidence !== undefined) return say(403, 'this log was forked: nothing of it is cosigned any more');
    if (this.#damaged.has(origin)) return say(403, 'what was cosigned of this log before is damaged here: nothing of it is cosigned until that is restored');
    const { size, root } = opened.checkpoint;
    if (request.old > size) return say(400, 'the old size is beyond the checkpoint');
    const note = withoutCosignatures(opened.parsed, { origin, key });
    // Only the log's owner can sign one with more in it. It could neither be read again from memory nor stand in evidence of a fork.
    if (!openCheckpoint(note, { origin, key, verify }).ok) return say(403, 'the checkpoint has extension lines, or is too long: such are not cosigned here');
    const known = this.#known(origin, key);
    if (known && known.size === size && !equalHash(known.root, root)) return this.#forked({ origin, key }, { older: known.note, newer: note, olderRoot: root, proof: [] }, conflict(known.size));
    if (request.old !== (known?.size ?? 0)) return conflict(known?.size ?? 0);
    if (!isExtension(request, { size, root }, known?.root)) {
      const roots = known && consistencyRoots({ from: known.size, to: size, proof: request.proof });
      if (known && roots) this.#forked({ origin, key }, { older: known.note, newer: note, olderRoot: roots.older, proof: request.proof }, conflict(known.size));
      return say(422, 'the proof does not lead from what was cosigned before to this checkpoint');
    }
    // The same size again is only seen once more: nothing new to remember.
    if (!known || size > known.size) memory.remember(origin, note);
    return { status: 200, type: 'text/plain; charset=utf-8', body: cosign(request.parsed.text, { name, signer, seconds: Math.floor(now() / 1000) }) };
  }

  #known(origin: string, key: DidKey): { note: string; size: number; root: Hash } | undefined {
    const note = this.#o.memory.last(origin);
    if (note === undefined) return undefined;
    const opened = openCosigned(note, { origin, key, verify: this.#o.verify });
    if (!opened.ok) throw new Error(`what is remembered of ${origin} is not signed by ${key}`);
    return { note, ...opened.checkpoint };
  }

  /** Keeps the proof if it is one: a proof that leads nowhere may come from anybody. */
  #forked({ origin, key }: LedgerName, { older, newer, olderRoot, proof }: { older: string; newer: string; olderRoot: Hash; proof: readonly Hash[] }, answer: DeskAnswer): DeskAnswer {
    const evidence: Evidence = { format: EVIDENCE_FORMAT, origin, key, genesis: null, message: 'the ledger signed two logs, of which the one does not begin with the other', kind: 'fork', older, newer, olderRoot: encodeHashes([olderRoot])[0] ?? '', proof: encodeHashes(proof) };
    if (verifyEvidence(evidence, { verify: this.#o.verify }).ok) this.#o.onFork?.(this.#o.memory.keep(evidence));
    return answer;
  }
}

function isExtension({ old, proof }: AddCheckpoint, { size, root }: { size: number; root: Hash }, knownRoot: Hash | undefined): boolean {
  if (old === 0 || knownRoot === undefined) return proof.length === 0 && (size > 0 || equalHash(root, EMPTY_ROOT));
  return verifyConsistency({ from: old, to: size, fromRoot: knownRoot, toRoot: root, proof });
}

function conflict(size: number): DeskAnswer {
  return { status: 409, type: 'text/x.tlog.size', body: `${size}\n` };
}

function say(status: DeskAnswer['status'], message: string): DeskAnswer {
  return { status, type: 'text/plain; charset=utf-8', body: `${message}\n` };
}
