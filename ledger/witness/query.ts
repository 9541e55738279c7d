import { MAX_COSIGNATURES } from '../checkpoint.ts';
import type { Wanted } from './cosigned-notes.ts';

const COUNT = /^[1-9][0-9]?$/;
const ID = /^[0-9a-f]{8}$/;

/** What `cosigned=K` and `by=ID,ID` ask for: nothing when neither is there; false when they make no sense. */
export function parseWanted(query: URLSearchParams): Wanted | undefined | false {
  const count = query.get('cosigned');
  const by = query.get('by');
  if (count === null) return by === null ? undefined : false;
  const ids = by?.split(',');
  if (!COUNT.test(count) || Number(count) > MAX_COSIGNATURES) return false;
  if (ids && (ids.length > MAX_COSIGNATURES || !ids.every((id) => ID.test(id)))) return false;
  return { k: Number(count), by: ids && new Set(ids) };
}
