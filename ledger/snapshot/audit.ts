import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Digest } from '../../contract/digest.ts';
import { MAX_NOTE } from '../checkpoint.ts';
import { HttpClient } from '../http-client.ts';
import { Leaf, MAX_LEAF } from '../leaf.ts';
import { type Frame, MAX_FRAME_ENTRIES } from '../protocol.ts';
import type { Evidence } from '../evidence.ts';
import type { VerifiedLog } from '../verified-log.ts';
import { pacedStateDigest } from './paced-digest.ts';
import type { SnapshotStatement } from './statement.ts';

/** Entries in one step; their signatures take about 10 ms. */
const PAGE_ENTRIES = 64;
const MAX_REPLY = PAGE_ENTRIES * MAX_LEAF;
const MIN_RETRY_MS = 200;
const MAX_RETRY_MS = 30_000;
/** Part of the time that the audit works; the rest is for what the copy is there for. */
export const DEFAULT_SHARE = 0.5;

const Entries = z.object({ ok: z.literal(true), entries: z.array(Leaf).max(MAX_FRAME_ENTRIES) });
const Inclusion = z.object({ ok: z.literal(true), checkpoint: z.string().max(MAX_NOTE) });

export type Audited =
  | { readonly ok: true }
  /** Convicted on the way: the log that the ledger signed is not one. */
  | { readonly ok: false; readonly evidence: Evidence }
  /** The log is one, and the state does not follow from it. */
  | { readonly ok: false; readonly evidence: undefined; readonly derived: Digest };

export interface AuditOptions {
  readonly url: string;
  /** A copy from the first entry on, which grows; it may have some of the entries already. */
  readonly log: VerifiedLog;
  readonly statement: SnapshotStatement;
  /** The signed note that came with the statement. */
  readonly checkpoint: string;
  readonly signal: AbortSignal;
  /** Part of one core, 0 to 1, exclusive of 0. */
  readonly share?: number;
  readonly onProgress?: () => void;
  readonly onTrouble?: (message: string) => void;
}

/**
 * Replays the log of a snapshot from its first entry, every signature and every step, and compares the state with what
 * the ledger signed. Takes only a part of the time, and tries again while the ledger is away or what comes is not the
 * signed log (which proves nothing against the ledger). @throws the signal's reason.
 */
export async function auditSnapshot(options: AuditOptions): Promise<Audited> {
  const { log, statement, checkpoint, signal } = options;
  const rest = restingFor(options.share ?? DEFAULT_SHARE, signal);
  const convicted = await extendTo(statement.size, options, rest);
  if (convicted) return { ok: false, evidence: convicted };
  // Another root over the same entries: the ledger has signed two logs.
  const examined = log.examine(checkpoint);
  if (!examined.ok && examined.proven) return { ok: false, evidence: examined.evidence };
  // Longer only if another process follows with the same copy.
  const state = log.size === statement.size ? log.state : log.stateAt(statement.size);
  const derived = await pacedStateDigest(state, rest);
  const same = derived === statement.state && state.time === statement.time;
  return same ? { ok: true } : { ok: false, evidence: undefined, derived };
}

/** Brings a copy to `size` entries, a page at a time; evidence when that convicts the ledger. @throws the signal's reason. */
export async function extendTo(size: number, { url, log, signal, onProgress, onTrouble }: Omit<AuditOptions, 'statement' | 'checkpoint' | 'share'>, rest: () => Promise<void>): Promise<Evidence | undefined> {
  const http = new HttpClient(url);
  try {
    for (let retryMs = MIN_RETRY_MS; log.size < size;) {
      const frame = await fetchPage(http, log.size, Math.min(size - log.size, PAGE_ENTRIES), signal).catch((error: unknown) => {
        signal.throwIfAborted();
        return error instanceof Error ? error : new Error(String(error));
      });
      const accepted = frame instanceof Error ? { ok: false as const, proven: false as const, message: frame.message } : log.accept(frame);
      if (!accepted.ok && accepted.proven) return accepted.evidence;
      if (!accepted.ok) {
        onTrouble?.(accepted.message);
        await sleep(retryMs, undefined, { signal });
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
        continue;
      }
      retryMs = MIN_RETRY_MS;
      onProgress?.();
      await rest();
    }
    return undefined;
  } finally {
    http.close();
  }
}

/** Some entries, and the signed note over exactly the log up to their end: a frame, as the feed has them. */
async function fetchPage(http: HttpClient, from: number, limit: number, signal: AbortSignal): Promise<Frame> {
  const ask = async (path: string): Promise<unknown> => {
    const { status, body } = await http.call({ method: 'GET', path, maxBytes: MAX_REPLY, signal });
    if (status !== 200) throw new Error(`the ledger answered ${status} to ${path}`);
    return JSON.parse(body.toString('utf8'));
  };
  const { entries } = Entries.parse(await ask(`/v1/entries?from=${from}&limit=${limit}`));
  if (entries.length === 0) throw new Error(`the ledger does not show entry ${from}`);
  const size = from + entries.length;
  const { checkpoint } = Inclusion.parse(await ask(`/v1/proof/inclusion?seq=${from}&size=${size}`));
  return { entries, checkpoint, size };
}

/** A pause that makes the work before it `share` of the time. */
export function restingFor(share: number, signal: AbortSignal): () => Promise<void> {
  let resumed = performance.now();
  return async () => {
    const worked = performance.now() - resumed;
    await sleep(worked * (1 / share - 1), undefined, { signal });
    resumed = performance.now();
  };
}
