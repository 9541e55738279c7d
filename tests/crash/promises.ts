import path from 'node:path';
import type { Digest } from '../../contract/digest.ts';
import type { VerifySignature } from '../../contract/envelope.ts';
import type { DidKey } from '../../contract/principal.ts';
import { EntryStore, STORE_FILE } from '../../ledger/adapters/sqlite/store.ts';
import { openCheckpoint, originOf } from '../../ledger/checkpoint.ts';
import { envelopeDigest, parseLeaf } from '../../ledger/leaf.ts';
import { leafHash } from '../../ledger/merkle.ts';
import { MerkleTree } from '../../ledger/merkle-tree.ts';
import { verifySignature } from '../../signer/verify.ts';

/** A signature that was judged once is not judged again: rounds and images hold mostly the same entries. */
export function rememberingVerifier(verify: VerifySignature = verifySignature): VerifySignature {
  const known = new Map<string, boolean>();
  return (key, message, signature) => {
    const id = `${key}${Buffer.from(signature).toString('latin1')}${Buffer.from(message).toString('latin1')}`;
    const before = known.get(id);
    if (before !== undefined) return before;
    const answer = verify(key, message, signature);
    known.set(id, answer);
    return answer;
  };
}

export interface StoredEntry { readonly digest: Digest; readonly time: string; readonly kind: string }

/** The log in a folder, read past the code that serves it: what stands where, and every root it has had. */
export class StoredLog {
  readonly entries: readonly StoredEntry[];
  readonly #tree = new MerkleTree();

  constructor(dir: string) {
    const store = new EntryStore(path.join(dir, STORE_FILE), { readonly: true });
    try {
      this.entries = [...store.rows()].map(({ seq, leaf: bytes }, i) => {
        const leaf = parseLeaf(bytes);
        if (seq !== i || leaf.seq !== i) throw new Error(`entry ${seq} stands at ${i}`);
        this.#tree.append(leafHash(bytes));
        return { digest: envelopeDigest(leaf.envelope), time: leaf.time, kind: leaf.envelope.payloadType };
      });
    } finally {
      store.close();
    }
  }

  get size(): number {
    return this.entries.length;
  }

  /** 64 hex digits. @throws RangeError beyond the log. */
  root(size: number = this.size): string {
    return Buffer.from(this.#tree.root(size)).toString('hex');
  }

  /** Why a signed note is not about a prefix of this log; undefined when it is. */
  contradictionOf(note: string, of: { grid: Digest; key: DidKey; verify: VerifySignature }): string | undefined {
    const opened = openCheckpoint(note, { origin: originOf(of.grid), key: of.key, verify: of.verify });
    if (!opened.ok) return opened.message;
    const { size, root } = opened.checkpoint;
    if (size > this.size) return `a note over ${size} entries was signed, there are ${this.size}`;
    return Buffer.from(root).toString('hex') === this.root(size) ? undefined : `a note over ${size} entries has another root`;
  }
}
