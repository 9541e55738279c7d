import { type Body, checkBody, contractId, type Header } from '../contract/contract.ts';
import type { Digest } from '../contract/digest.ts';
import { allowedAt } from '../contract/placement.ts';
import { explainMissing } from '../contract/policy-words.ts';
import type { PrincipalId } from '../contract/principal.ts';
import { fits } from '../contract/units.ts';
import { type EngineName, engineOf, type Workload, type WorkloadType } from '../contract/workload.ts';
import type { LedgerState } from '../ledger/state/machine.ts';
import { isNamed } from '../ledger/state/principals.ts';
import { quorumOf } from '../ledger/state/views.ts';
import { type HeldWorkload, isHeldBy } from './holdings.ts';

/** Headers in the state never change, and hashing one at every entry of the log would cost more than all the rest. */
const contractIds = new WeakMap<Header, Digest>();

export type RefusalCode =
  | 'grid_mismatch' | 'contract_mismatch' | 'contract_not_open' | 'contract_superseded' | 'contract_expired' | 'quorum_missing'
  | 'blueprint_unknown' | 'blueprint_untrusted' | 'not_assigned' | 'location_not_attested' | 'location_not_allowed'
  | 'capability_missing' | 'engine_mismatch' | 'no_capacity' | 'body_mismatch' | 'workload_invalid';

export interface Refusal {
  readonly ok: false;
  readonly code: RefusalCode;
  readonly message: string;
}

export type Verified = { readonly ok: true; readonly header: Header; readonly body: Body; readonly workload: Workload } | Refusal;

/** What this node can say about itself, measured, not claimed. */
export interface OwnFacts {
  readonly id: PrincipalId;
  readonly capabilities: readonly WorkloadType[];
  /** Digests of the engine files as they lie here. */
  readonly engines: ReadonlyMap<EngineName, readonly Digest[]>;
}

/**
 * Whether this node may run a holding, computed again from the verified log: the state machine has said so already,
 * and a node takes nobody's word for it. The body is checked apart (verifyBody), since it must be fetched first.
 */
export function verifyHeader(state: LedgerState, held: HeldWorkload, own: OwnFacts): { ok: true; header: Header } | Refusal {
  const contract = state.contracts[held.contract];
  if (!state.grid || !contract) return refuse('contract_mismatch', `no contract ${held.contract} on this grid`);
  const { header } = contract;
  if (header.grid !== state.grid.digest) return refuse('grid_mismatch', `the contract is for grid ${header.grid}`);
  const id = contractIds.get(header) ?? contractId(header);
  contractIds.set(header, id);
  if (id !== held.contract) return refuse('contract_mismatch', `the header has digest ${id}, not ${held.contract}`);
  if (contract.status !== 'active') return refuse('contract_not_open', `the contract is ${contract.status}`);
  if (state.deployments[held.deployment]?.contract !== held.contract || header.deployment !== held.deployment) return refuse('contract_superseded', 'the deployment runs under another contract');
  if (header.validity.notAfter <= state.time) return refuse('contract_expired', `the contract ended at ${header.validity.notAfter}`);
  const quorum = quorumOf(state, held.contract);
  if (!quorum?.met) return refuse('quorum_missing', `not signed by: ${explainMissing(quorum?.missing ?? [], (id) => state.principals[id]?.name ?? id).join(', ')}`);
  for (const check of [checkBlueprint(state, header), checkPlace(state, header, held, own)]) if (!check.ok) return check;
  return { ok: true, header };
}

/** Whether these bytes are the signed body and the held workload in it can be run as it is written. */
export function verifyBody(header: Header, held: HeldWorkload, bytes: Uint8Array): Verified {
  const checked = checkBody(header, bytes);
  if (!checked.ok) return checked;
  const { body } = checked;
  const workload = body.workloads.find((w) => w.name === held.workload);
  if (!workload || workload.type !== held.type) return refuse('workload_invalid', `the body has no ${held.type} workload ${held.workload}`);
  if (workload.type === 'archive') {
    const { slots, dataShards, parityShards } = workload.spec;
    const types = new Map(body.workloads.map((w) => [w.name, w.type]));
    if (slots.length !== dataShards + parityShards || new Set(slots).size !== slots.length) return refuse('workload_invalid', `${workload.name} has ${slots.length} slots for ${dataShards}+${parityShards} shards`);
    const stranger = slots.find((slot) => types.get(slot) !== 'zdb' || !workload.dials.includes(slot));
    if (stranger) return refuse('workload_invalid', `slot ${stranger} of ${workload.name} is not a zdb workload that it may dial`);
  }
  return { ok: true, header, body, workload };
}

function checkBlueprint(state: LedgerState, header: Header): { ok: true } | Refusal {
  const { name, version, digest } = header.blueprint;
  const published = state.blueprints[`${name}@${version}`];
  if (published?.digest !== digest) return refuse('blueprint_unknown', `blueprint ${name}@${version} with digest ${digest} is not published on this grid`);
  // Whether its organisation still names the author was asked when it was proposed: what was signed goes on.
  if (published.organisation !== undefined && published.organisation !== header.organisation) return refuse('blueprint_untrusted', `${name}@${version} was published for another organisation`);
  if (published.organisation === undefined && !isNamed(state, 'authors', published.author)) return refuse('blueprint_untrusted', `the author of ${name}@${version} is not one that this grid trusts`);
  return { ok: true };
}

function checkPlace(state: LedgerState, header: Header, held: HeldWorkload, own: OwnFacts): { ok: true } | Refusal {
  if (!isHeldBy(state, own.id, held)) return refuse('not_assigned', `${held.workload} is not assigned to this node at epoch ${held.epoch}`);
  const node = state.nodes[own.id];
  if (!node?.attested) return refuse('location_not_attested', 'no attestor has said where this node is');
  if (!allowedAt(header.constraints, node.attested)) return refuse('location_not_allowed', `this node is in ${node.attested.city}, ${node.attested.country}`);
  if (!own.capabilities.includes(held.type)) return refuse('capability_missing', `this node does not run ${held.type}`);
  const engine = engineOf(held.type);
  const pinned = engine && header.engines.find((e) => e.name === engine)?.digest;
  const here = (engine && own.engines.get(engine)) ?? [];
  if (engine && (!pinned || !here.includes(pinned))) return refuse('engine_mismatch', `the contract pins ${engine} ${pinned ?? '(nothing)'}, the engine here is ${here.join(', ') || 'missing'}`);
  if (!node.offer || !fits(node.reserved, node.offer.capacity)) return refuse('no_capacity', 'this node is promised more than it has');
  return { ok: true };
}

function refuse(code: RefusalCode, message: string): Refusal {
  return { ok: false, code, message };
}
