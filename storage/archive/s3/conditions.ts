import type { ObjectState } from '../index/record.ts';
import { Refusal } from './refusal.ts';

export interface Conditions {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly ifModifiedSince: string | undefined;
  readonly ifUnmodifiedSince: string | undefined;
}

function matches(header: string, etag: string): boolean {
  return header.split(',').some((tag) => { const t = tag.trim().replace(/^W\//, '').replace(/^"|"$/g, ''); return t === '*' || t === etag; });
}

/** RFC 9110 section 13.2.2: true when the answer is 304 Not Modified; throws PreconditionFailed. */
export function notModified(c: Conditions, object: ObjectState): boolean {
  // HTTP dates carry whole seconds.
  const modified = Math.floor(Date.parse(object.modified) / 1000);
  const seconds = (header: string | undefined): number => Math.floor(Date.parse(header ?? '') / 1000);
  if (c.ifMatch !== undefined) {
    if (!matches(c.ifMatch, object.etag)) throw new Refusal('PreconditionFailed', 'If-Match does not hold');
  } else if (modified > seconds(c.ifUnmodifiedSince)) {
    throw new Refusal('PreconditionFailed', 'If-Unmodified-Since does not hold');
  }
  if (c.ifNoneMatch !== undefined) return matches(c.ifNoneMatch, object.etag);
  return modified <= seconds(c.ifModifiedSince);
}
