import type { Digest } from '../../contract/digest.ts';
import type { VerifySignature } from '../../contract/envelope.ts';
import type { LeafCache } from '../adapters/sqlite/cache.ts';
import type { Evidence } from '../evidence.ts';
import { VerifiedLog, type VerifiedLogOptions } from '../verified-log.ts';
import { type AuditOptions, auditSnapshot, DEFAULT_SHARE, restingFor } from './audit.ts';
import type { BegunCopy } from './begun.ts';

export interface AuditorOptions extends Pick<AuditOptions, 'url' | 'signal' | 'share' | 'onProgress' | 'onTrouble'> {
  /** Begun from the snapshot, and followed meanwhile. */
  readonly log: VerifiedLog;
  readonly begun: BegunCopy;
  /** From entry 0 on, as far as an earlier run came. */
  readonly cache: LeafCache;
  readonly grid: Digest;
  readonly verify: VerifySignature;
  readonly onCaught?: VerifiedLogOptions['onCaught'];
}

/**
 * Audits the snapshot that a log was begun from. When it follows from the entries, the log becomes one from entry 0 on,
 * in the copy that the audit made; otherwise the evidence says what the ledger signed that cannot be true.
 * @throws the signal's reason; Error when the copy is damaged or the disk fails: the next start goes on from there.
 */
export async function auditBegun(options: AuditorOptions): Promise<Evidence | undefined> {
  const { log, begun, cache, grid, verify, onCaught, signal, share = DEFAULT_SHARE } = options;
  const { offer, statement } = begun;
  const audited = await VerifiedLog.openPaced({ cache, verify, pin: grid, onCaught }, restingFor(share, signal));
  const result = await auditSnapshot({ ...options, log: audited, statement, checkpoint: offer.checkpoint });
  signal.throwIfAborted();
  if (!result.ok) return result.evidence ?? audited.falseSnapshot(offer, { size: statement.size, derived: result.derived });
  log.complete(audited);
  begun.forget();
  begun.cache.close();
  return undefined;
}
