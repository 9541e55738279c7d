/**
 * Why the log stops on a chain. `chain_unreachable`, `chain_unsupported` and `chain_mismatch` come when it opens; the
 * others say that the endpoint contradicts itself, which a node that follows its protocol never does.
 */
export type ChainErrorCode = 'chain_unreachable' | 'chain_unsupported' | 'chain_mismatch' | 'chain_rewound' | 'chain_inconsistent';

const HINTS: Readonly<Record<ChainErrorCode, string>> = {
  chain_unreachable: 'is the node running, and is this its WebSocket address?',
  chain_unsupported: 'use a chain with the pallets System, Timestamp, Utility and TransactionPayment, Blake2-256 block hashes and Ed25519 accounts',
  chain_mismatch: 'connect to the chain that this ledger folder was read from, or give another state folder with --state',
  chain_rewound: 'nothing was rewound here; find out what this endpoint is, and connect to another node of the chain',
  chain_inconsistent: 'nothing of that block was taken; find out what this endpoint is, and connect to another node of the chain',
};

/** The chain, or what speaks for it, cannot be followed. */
export class ChainError extends Error {
  override readonly name = 'ChainError';
  readonly code: ChainErrorCode;
  readonly hint: string;
  constructor(code: ChainErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = HINTS[code];
  }
}
