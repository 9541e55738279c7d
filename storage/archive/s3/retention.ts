import { objectName } from '../index/record.ts';
import type { RecordState } from '../index/record.ts';
import type { Retention, S3Request } from './context.ts';
import { Refusal } from './refusal.ts';

export const NO_RETENTION: Retention = { days: 0, immutable: false };
const DAY_MS = 86_400_000;

/**
 * Refuses to replace an object that the signed contract retains. It holds for what was complete before the request came:
 * two writers that create the same new name at the same moment are not ordered by it (the index has no compare-and-swap).
 */
export async function refuseWhileRetained(request: S3Request, key = request.key): Promise<void> {
  if (!request.retention.immutable && request.retention.days === 0) return;
  const state: RecordState | undefined = (await request.register.read(objectName(request.bucket, key)))?.state;
  if (state?.kind !== 'object') return;
  if (request.retention.immutable) throw new Refusal('AccessDenied', 'This archive is immutable by its contract: objects are not overwritten or deleted', { Key: key });
  const until = Date.parse(state.modified) + request.retention.days * DAY_MS;
  if (Date.now() < until) throw new Refusal('AccessDenied', `By its contract this archive retains the object until ${new Date(until).toISOString()}`, { Key: key });
}
