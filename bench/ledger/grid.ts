import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { digestOf } from '../../contract/digest.ts';
import { type EntrySigner, type Envelope, sealEnvelope } from '../../contract/envelope.ts';
import { encodeDidKey } from '../../contract/principal.ts';
import { sha256Digest } from '../../ledger/native.ts';

/** A grid of nodes that renew their leases: the smallest entries, and the ones that a grid sends most. */
export interface BenchGrid {
  readonly signer: EntrySigner;
  /** To be accepted first, in this order. */
  readonly preamble: readonly Envelope[];
  /** The next `node.alive` of a node. */
  readonly alive: (node: number) => Envelope;
}

/** Everything is made from the same random keys: nothing of it is kept. */
export function makeGrid(nodes: number, signer: EntrySigner = newSigner()): BenchGrid {
  const genesis = {
    name: 'bench', nonce: nonce(), ledger: signer.key, authors: [signer.key], attestors: [signer.key], issuers: [signer.key], organisations: [signer.key], currency: 'EUR', leaseSeconds: 60, proposalSeconds: 600,
  };
  const grid = digestOf(genesis);
  const keys = Array.from({ length: nodes }, newSigner);
  const created = keys.map((key, i) => sealEnvelope('principal.created', { grid, kind: 'node', name: `node-${i}`, keys: [key.key], nonce: nonce() }, key));
  const ids = created.map(({ payload }) => sha256Digest(Buffer.from(payload, 'base64')));
  const registered = keys.map((key, i) => sealEnvelope('node.registered', { grid, by: ids[i], overlayKey: randomBytes(32).toString('base64url'), sealingKey: `age1${'q'.repeat(58)}` }, key));
  const beats = new Uint32Array(nodes);
  return {
    signer,
    preamble: [sealEnvelope('grid.created', genesis, signer), ...created, ...registered],
    alive: (node) => {
      const key = keys[node];
      if (!key) throw new RangeError(`no node ${node}`);
      beats[node]! += 1;
      return sealEnvelope('node.alive', { grid, by: ids[node], beat: beats[node] }, key);
    },
  };
}

/** Node's own Ed25519, without the keystore. */
export function newSigner(): EntrySigner {
  return signerFrom(generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }));
}

export function signerFrom(pkcs8: Buffer): EntrySigner & { readonly pkcs8: Buffer } {
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  return { pkcs8, key: encodeDidKey(raw), sign: (message) => sign(null, message, key) };
}

function nonce(): string {
  return randomBytes(16).toString('hex');
}
