import { parseCanonical } from '../../contract/canonical.ts';
import { type Entry, parseEntry, type Recovery } from '../../contract/entry.ts';
import { Envelope, MAX_PAYLOAD, preAuthEncoding } from '../../contract/envelope.ts';

const HEAD = /^DSSEv1 \d{1,3} ([!-~]{1,128}) \d{1,6} /;
const MAX_HEAD = 160;

/**
 * The entry that these bytes are the pre-authentication encoding of; undefined when they are anything else. So what an agent
 * signs is an entry of a ledger, of a kind and shape that this program knows and can tell its person about, and never a login,
 * a commit, another protocol's message, or a statement of a kind that another version may come to heed.
 */
export function readEntryBytes(message: Uint8Array): Entry | undefined {
  if (message.length > MAX_PAYLOAD + MAX_HEAD) return undefined;
  const [head, type] = HEAD.exec(Buffer.from(message.subarray(0, MAX_HEAD)).toString('latin1')) ?? [];
  if (head === undefined || type === undefined || !Envelope.shape.payloadType.safeParse(type).success) return undefined;
  const payload = message.subarray(head.length);
  if (payload.length > MAX_PAYLOAD || !Buffer.from(preAuthEncoding(type, payload)).equals(message)) return undefined;
  try {
    const parsed = parseEntry(type.slice('application/vnd.3bot.'.length, -'.v1+json'.length), parseCanonical(payload));
    return parsed.ok ? parsed.entry : undefined;
  } catch {
    return undefined;
  }
}

/** What a person should compare before an entry is signed, whole: digests, keys and amounts, which nobody can word. */
export function describeEntry({ kind, payload }: Entry): string {
  switch (kind) {
    case 'credit.transferred': return `${kind} of ${payload.amount} millionths from ${payload.by} to ${payload.to}`;
    case 'principal.rotated': return `${kind} of ${payload.by}: ${[...listed('adds', payload.add), ...listed('retires', payload.retire), ...guarded(payload.recovery)].join('; ') || 'changes nothing'}`;
    case 'principal.revoked': return `${kind} of ${payload.by}: ends ${payload.key}`;
    case 'principal.recovered': return `${kind}: ${[`gives ${payload.principal} the keys ${payload.keys.join(', ')}`, ...guarded(payload.recovery)].join('; ')}`;
    case 'principal.created': return `${kind}: ${[`keys ${payload.keys.join(', ')}`, ...guarded(payload.recovery)].join('; ')}`;
    default: return 'contract' in payload ? `${kind} of contract ${payload.contract}` : kind;
  }
}

function listed(verb: string, keys: readonly string[]): string[] {
  return keys.length === 0 ? [] : [`${verb} ${keys.join(', ')}`];
}

function guarded(recovery: Recovery | undefined): string[] {
  return recovery ? [`guardians, ${recovery.k} of ${recovery.guardians.join(', ')}`] : [];
}
