import { base64 } from '@scure/base';
import { MAX_COSIGNED_NOTE, parseNote, type ParsedNote } from '../checkpoint.ts';
import { HASH_BYTES, type Hash } from '../merkle.ts';

/** The body of `add-checkpoint` (https://c2sp.org/tlog-witness): old size, proof, empty line, checkpoint. Pure. */

/** Proof lines that a request may have. */
const MAX_PROOF_LINES = 63;
/** Longest body that is read. */
export const MAX_REQUEST = 32 + MAX_PROOF_LINES * 45 + MAX_COSIGNED_NOTE;
const OLD = /^old (0|[1-9][0-9]{0,15})$/;

export interface AddCheckpoint {
  /** The size that the witness is thought to have cosigned last; 0 for never. */
  readonly old: number;
  /** Consistency proof from `old` to the checkpoint (RFC 6962 section 2.1.2). */
  readonly proof: readonly Hash[];
  readonly note: string;
}

export function formatRequest({ old, proof, note }: AddCheckpoint): string {
  return [`old ${old}`, ...proof.map((hash) => base64.encode(hash)), '', note].join('\n');
}

/** Undefined when the body is no such request. */
export function parseRequest(body: string): (AddCheckpoint & { readonly parsed: ParsedNote }) | undefined {
  const end = body.indexOf('\n\n');
  if (body.length > MAX_REQUEST || end < 0) return undefined;
  const [first = '', ...lines] = body.slice(0, end).split('\n');
  const old = Number(OLD.exec(first)?.[1] ?? Number.NaN);
  if (!Number.isSafeInteger(old) || lines.length > MAX_PROOF_LINES) return undefined;
  const proof: Hash[] = [];
  for (const line of lines) {
    const hash = line.length === 44 ? decode(line) : undefined;
    if (hash?.length !== HASH_BYTES) return undefined;
    proof.push(hash);
  }
  const note = body.slice(end + 2);
  const parsed = parseNote(note);
  return parsed && { old, proof, note, parsed };
}

function decode(text: string): Uint8Array | undefined {
  try {
    return base64.decode(text);
  } catch {
    return undefined;
  }
}
