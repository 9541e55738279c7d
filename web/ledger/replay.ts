import { base64 } from '@scure/base';
import { bytesToHex } from '@noble/hashes/utils.js';
import { canonicalBytes } from '../../contract/canonical.ts';
import { parseEntry } from '../../contract/entry.ts';
import { openEnvelope, preAuthEncoding } from '../../contract/envelope.ts';
import { Leaf } from '../../ledger/leaf-form.ts';
import { Frontier, type Hash, leafHash } from '../../ledger/merkle.ts';
import { applyEntry, emptyState, type LedgerState } from '../../ledger/state/machine.ts';
import { Refused } from '../refusal.ts';
import type { CheckSignatures, Signed } from './signatures.ts';

const DISTRUST = 'do not sign anything here: either the ledger or what stands between it and you does not keep to its own rules';
const NOTHING = new Uint8Array(0);

/** The log from its first entry on, applied in the browser: every signature, every rule of the state machine, every leaf's hash. */
export class Replay {
  readonly #check: CheckSignatures;
  readonly #state = emptyState();
  readonly #frontier = new Frontier();

  constructor(check: CheckSignatures) {
    this.#check = check;
  }

  get size(): number { return this.#frontier.size; }
  /** The live state: read it before the next entry is applied. */
  get state(): LedgerState { return this.#state; }
  get root(): Hash { return this.#frontier.root(); }
  get rootHex(): string { return bytesToHex(this.root); }

  /** Applies the leaves that must come next. @throws Refused `entry_invalid`, and nothing can be applied after that. */
  async append(raw: readonly unknown[]): Promise<void> {
    const leaves = raw.map((value, i) => this.#parse(value, this.size + i));
    const signed = await this.#check(leaves.map(signedOf));
    for (const [i, leaf] of leaves.entries()) this.#apply(leaf, signed[i] === true);
  }

  #parse(value: unknown, seq: number): Leaf {
    const parsed = Leaf.safeParse(value);
    if (!parsed.success) throw invalid(seq, 'it has not the form of an entry');
    if (parsed.data.seq !== seq) throw invalid(seq, `it says that it is entry ${parsed.data.seq}`);
    return parsed.data;
  }

  #apply(leaf: Leaf, isSigned: boolean): void {
    const opened = openEnvelope(leaf.envelope, () => isSigned);
    if (!opened.ok) throw invalid(leaf.seq, opened.message);
    const parsed = parseEntry(opened.kind, opened.payload);
    if (!parsed.ok) throw invalid(leaf.seq, parsed.message);
    const applied = applyEntry(this.#state, { entry: parsed.entry, payloadDigest: opened.payloadDigest, key: opened.key }, leaf.time);
    if (!applied.ok) throw invalid(leaf.seq, `the rules refuse it: ${applied.message}`);
    this.#frontier.append(leafHash(canonicalBytes(leaf)));
  }
}

/** What the signature of a leaf is over; what cannot be decoded is signed by nobody. */
function signedOf({ envelope: { payloadType, payload, signatures: [{ keyid, sig }] } }: Leaf): Signed {
  try {
    return { key: keyid, message: Uint8Array.from(preAuthEncoding(payloadType, base64.decode(payload))), signature: Uint8Array.from(base64.decode(sig)) };
  } catch {
    return { key: keyid, message: NOTHING, signature: NOTHING };
  }
}

function invalid(seq: number, message: string): Refused {
  return new Refused('entry_invalid', `entry ${seq} of the ledger: ${message}`, DISTRUST);
}
