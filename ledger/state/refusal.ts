/** Why the state machine does not accept an entry. Facts in the message, what to do next in the hint. */
export type RefusalCode =
  | 'grid_missing' | 'grid_exists' | 'grid_mismatch' | 'time_backwards'
  | 'principal_unknown' | 'principal_exists' | 'key_mismatch' | 'key_ended' | 'key_taken' | 'key_unknown' | 'key_in_use' | 'not_permitted'
  | 'stale_revision' | 'node_unknown' | 'node_not_alive' | 'node_fenced' | 'location_not_allowed' | 'location_not_attested'
  | 'blueprint_exists' | 'blueprint_unknown' | 'blueprint_untrusted' | 'blueprint_taken' | 'blueprint_version' | 'blueprint_yanked'
  | 'contract_exists' | 'contract_unknown' | 'contract_expired' | 'contract_not_open' | 'contract_invalid' | 'base_changed'
  | 'policy_mismatch' | 'price_mismatch' | 'no_capacity' | 'no_credit' | 'name_taken' | 'placement_invalid'
  | 'already_voted' | 'change_unknown' | 'not_running' | 'execution_changed' | 'lease_held' | 'move_mismatch' | 'move_not_allowed' | 'epoch_mismatch'
  | 'secret_exists' | 'too_many' | 'too_many_lost' | 'transfer_repeated';

export type Refused = { readonly ok: false; readonly code: RefusalCode; readonly message: string; readonly hint: string };
export type Applied = { readonly ok: true } | Refused;

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
  key_ended: 'sign with a present key of this principal',
  key_taken: 'make a new key',
  key_unknown: 'see `3bot key list` for the keys that the ledger knows',
  key_in_use: 'sign with a key that stays',
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
  blueprint_taken: 'choose another name',
  blueprint_version: 'give it a higher version',
  blueprint_yanked: 'use another version: see `3bot blueprint list`',
  contract_exists: 'plan again for a new deployment',
  contract_unknown: 'see `3bot contract list`',
  contract_expired: 'plan again',
  contract_not_open: 'see `3bot contract list`: only a proposal is signed or withdrawn, only what runs is cancelled',
  contract_invalid: 'plan again, and do not change what the planner made',
  base_changed: 'plan the update again from what runs now',
  policy_mismatch: 'plan again: the signers follow from the blueprint and the organisation',
  price_mismatch: 'plan again',
  no_capacity: 'ask for less, or for more places',
  no_credit: 'ask for less, or have the grid\'s issuer credit the requester',
  name_taken: 'choose another name',
  placement_invalid: 'plan again',
  already_voted: 'a decision stands; withdraw the proposal and plan again to ask anew',
  change_unknown: 'read the ledger again: another change may have taken its place',
  not_running: 'wait until everything runs, then accept',
  execution_changed: 'look at it again, and accept what is there now',
  lease_held: 'wait until the lease has ended',
  move_mismatch: 'compute the move from the ledger as it is now',
  move_not_allowed: 'have the stakeholders cancel it and sign a new contract',
  epoch_mismatch: 'compute the move from the ledger as it is now',
  secret_exists: 'use the one that is there',
  too_many: 'end something first',
  too_many_lost: 'bring nodes back, or wait until what moved is restored',
  transfer_repeated: 'nothing is left to do, or take another nonce',
};

export function refuse(code: RefusalCode, message: string, hint: string = HINTS[code]): Refused {
  return { ok: false, code, message, hint };
}
