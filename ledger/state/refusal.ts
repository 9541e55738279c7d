/** Why the state machine does not accept an entry. Facts in the message, what to do next in the hint. */
export type RefusalCode =
  | 'grid_missing' | 'grid_exists' | 'grid_mismatch' | 'time_backwards'
  | 'principal_unknown' | 'principal_exists' | 'key_mismatch' | 'not_permitted'
  | 'stale_revision' | 'node_unknown' | 'node_not_alive' | 'node_fenced' | 'location_not_allowed' | 'location_not_attested'
  | 'blueprint_exists' | 'blueprint_unknown' | 'blueprint_untrusted'
  | 'contract_exists' | 'contract_unknown' | 'contract_expired' | 'contract_not_open' | 'contract_invalid'
  | 'policy_mismatch' | 'price_mismatch' | 'no_capacity' | 'no_credit' | 'name_taken' | 'placement_invalid'
  | 'already_voted' | 'lease_held' | 'move_mismatch' | 'move_not_allowed' | 'epoch_mismatch'
  | 'secret_exists' | 'too_many' | 'too_many_lost' | 'transfer_repeated';

export type Applied = { readonly ok: true } | { readonly ok: false; readonly code: RefusalCode; readonly message: string; readonly hint: string };

export const APPLIED: Applied = { ok: true };

/** What to do next when the place that refuses knows nothing better. */
const HINTS: Readonly<Record<RefusalCode, string>> = {
  grid_missing: 'begin the grid first: `3bot up` does',
  grid_exists: 'give another grid a ledger folder of its own',
  grid_mismatch: 'sign it again for this grid',
  time_backwards: 'set the clock of the ledger right',
  principal_unknown: 'create the principal first',
  principal_exists: 'use the one that is there',
  key_mismatch: 'sign with the key of the principal that the entry names',
  not_permitted: 'have somebody sign who may',
  stale_revision: 'read the ledger again, and count on from there',
  node_unknown: 'register the node first',
  node_not_alive: 'plan again',
  node_fenced: 'stop the workload: another node has it now',
  location_not_allowed: 'plan again: every workload must lie where the contract says',
  location_not_attested: 'have an attestor of the grid say where the node is',
  blueprint_exists: 'publish it under a higher version',
  blueprint_unknown: 'plan again with a blueprint that `3bot plan` knows, or have a trusted author publish this one',
  blueprint_untrusted: 'have an author named in grid.created publish it',
  contract_exists: 'plan again for a new deployment',
  contract_unknown: 'see `3bot contract list`',
  contract_expired: 'plan again',
  contract_not_open: 'see `3bot contract list`: only a proposal is signed or withdrawn, only what runs is cancelled',
  contract_invalid: 'plan again, and do not change what the planner made',
  policy_mismatch: 'plan again: the signers follow from the blueprint and the organisation',
  price_mismatch: 'plan again',
  no_capacity: 'ask for less, or for more places',
  no_credit: 'ask for less, or have the grid\'s issuer credit the requester',
  name_taken: 'choose another name',
  placement_invalid: 'plan again',
  already_voted: 'a decision stands; withdraw the proposal and plan again to ask anew',
  lease_held: 'wait until the lease has ended',
  move_mismatch: 'compute the move from the ledger as it is now',
  move_not_allowed: 'have the stakeholders cancel it and sign a new contract',
  epoch_mismatch: 'compute the move from the ledger as it is now',
  secret_exists: 'use the one that is there',
  too_many: 'end something first',
  too_many_lost: 'bring nodes back, or wait until what moved is restored',
  transfer_repeated: 'nothing is left to do, or take another nonce',
};

export function refuse(code: RefusalCode, message: string, hint: string = HINTS[code]): Applied {
  return { ok: false, code, message, hint };
}
