import { createHash } from 'node:crypto';
import { canonicalize } from '../../contract/canonical.ts';
import { Digest } from '../../contract/digest.ts';
import type { LedgerState } from '../state/machine.ts';

/** Members that are written between two pauses: about a millisecond of work. */
const MEMBERS_A_SLICE = 64;

/**
 * The state's digest, as stateDigest, for who has other things to do meanwhile: `pause` is awaited between slices of
 * about a millisecond. The state must not change until it is done.
 */
export async function pacedStateDigest(state: LedgerState, pause: () => Promise<void>): Promise<Digest> {
  const hash = createHash('sha256');
  let members = 0;
  let first = true;
  for (const [name, value] of sortedEntries(state)) {
    hash.update(`${first ? '{' : ','}${JSON.stringify(name)}:`);
    first = false;
    if (typeof value !== 'object' || value === null || name === 'grid') {
      hash.update(canonicalize(value));
      continue;
    }
    let empty = true;
    for (const [key, member] of sortedEntries(value)) {
      hash.update(`${empty ? '{' : ','}${JSON.stringify(key)}:${canonicalize(member)}`);
      empty = false;
      if (++members % MEMBERS_A_SLICE === 0) await pause();
    }
    hash.update(empty ? '{}' : '}');
  }
  hash.update('}');
  return Digest.parse(`sha256:${hash.digest('hex')}`);
}

/** In the order of RFC 8785 section 3.2.3: by UTF-16 code units, which is what sort does. */
function sortedEntries(record: object): [string, unknown][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}
