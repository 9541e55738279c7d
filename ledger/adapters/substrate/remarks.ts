import type { ApiPromise } from '@polkadot/api';
// The types of the pallets; which of them a chain has is asked when it is opened.
import type {} from '@polkadot/api/augment';
import type { Bytes, Compact, u64 } from '@polkadot/types';
import type { Call } from '@polkadot/types/interfaces';
import { type BlockRef, blake256, fromHex, type Header, toHex } from './header.ts';
import { ChainError } from './errors.ts';
import { Pace } from './pace.ts';

export type ApiAt = Awaited<ReturnType<ApiPromise['at']>>;

/** Longest remark that is looked at: an envelope with the largest payload. */
export const MAX_REMARK = 180 * 1024;

/** How every envelope begins (RFC 8785 puts `payload` first), in hexadecimal: nearly all of a chain's extrinsics have it nowhere. */
const ENVELOPE_BEGINS = Buffer.from('{"payload":').toString('hex');
/** First byte of a signed extrinsic of format 4, after its length. */
const SIGNED_V4 = 0x84;
/** The inherent that sets the time is one of the first. */
const MAX_INHERENTS = 8;

/** A block of the finalized chain whose header has that hash. */
export interface RawBlock extends BlockRef {
  readonly header: Header;
  readonly extrinsics: readonly string[];
}

/** What one extrinsic that succeeded says, in order. */
export interface Remarks {
  /** Blake2b-256 of the extrinsic. */
  readonly extrinsic: string;
  readonly remarks: readonly Uint8Array[];
}

export interface ReadBlock extends BlockRef {
  /** RFC 3339 with milliseconds; undefined when the block has nothing for us. */
  readonly time: string | undefined;
  readonly remarked: readonly Remarks[];
  /** Extrinsics with envelopes that the chain took in and that failed: hash and why. Nothing of them counts. */
  readonly failed: ReadonlyMap<string, string>;
}

/** False for nearly every block: then nothing of it needs to be decoded. */
export function mayHoldEnvelopes({ extrinsics }: RawBlock): boolean {
  return extrinsics.some((hex) => hex.includes(ENVELOPE_BEGINS));
}

/**
 * The remarks of a block. The extrinsics' own calls give the bytes; the events say which succeeded, and each
 * `system.Remarked` must be the digest of its remark. Read are signed extrinsics of format 4 whose call is
 * `system.remarkWithEvent`, or a `utility.batchAll` of nothing else: what stands deeper (proxy, multisig, batch) has
 * outcomes of its own, and whoever wants to speak through one of those lets somebody else submit the envelope.
 * @throws ChainError `chain_inconsistent` when events and extrinsics contradict each other.
 */
export async function readRemarks(block: RawBlock, at: ApiAt): Promise<ReadBlock> {
  const candidates: { index: number; extrinsic: string; remarks: Uint8Array[] }[] = [];
  const pace = new Pace();
  for (const [index, hex] of block.extrinsics.entries()) {
    if (!hex.includes(ENVELOPE_BEGINS)) continue;
    await pace.step(hex.length / 2);
    const remarks = remarksOf(hex, at);
    if (remarks) candidates.push({ index, extrinsic: toHex(blake256(fromHex(hex))), remarks });
  }
  const { number, hash } = block;
  if (candidates.length === 0) return { number, hash, time: undefined, remarked: [], failed: new Map() };
  const outcomes = await outcomesOf(block, at);
  const remarked: Remarks[] = [];
  const failed = new Map<string, string>();
  for (const { index, extrinsic, remarks } of candidates) {
    await pace.step(remarks.reduce((sum, { length }) => sum + length, 0));
    const outcome = outcomes.get(index);
    if (!outcome) throw new ChainError('chain_inconsistent', `block ${number}: no event says whether extrinsic ${index} succeeded`);
    if (outcome.failure !== undefined) {
      failed.set(extrinsic, outcome.failure);
      continue;
    }
    const digests = remarks.map((remark) => toHex(blake256(remark)));
    if (digests.length !== outcome.remarked.length || digests.some((digest, i) => digest !== outcome.remarked[i])) {
      throw new ChainError('chain_inconsistent', `block ${number}: extrinsic ${index} has ${digests.length} remarks, its events show ${outcome.remarked.length} or others`);
    }
    remarked.push({ extrinsic, remarks });
  }
  return { number, hash, time: timeOf(block, at), remarked, failed };
}

/** What an extrinsic remarks; undefined when it is of another kind, or not one that can be decoded. */
function remarksOf(hex: string, at: ApiAt): Uint8Array[] | undefined {
  try {
    const extrinsic = at.registry.createType('Extrinsic', hex);
    if (extrinsic.version !== SIGNED_V4) return undefined;
    const { method } = extrinsic;
    const [argument] = method.args;
    const calls = method.section === 'utility' && method.method === 'batchAll' && Array.isArray(argument) ? (argument as unknown as readonly Call[]) : [method];
    if (calls.some((call) => call.section !== 'system' || call.method !== 'remarkWithEvent')) return undefined;
    return calls.map(({ args: [remark] }) => (remark as Bytes).toU8a(true));
  } catch {
    // A stranger's extrinsic of a form that this program does not know must not stop the log.
    return undefined;
  }
}

interface Outcome { failure?: string; readonly remarked: string[] }

/** By extrinsic: that it succeeded, or why not, and the digests that it remarked. */
async function outcomesOf({ number, extrinsics }: RawBlock, at: ApiAt): Promise<Map<number, Outcome>> {
  const outcomes = new Map<number, Outcome>();
  const remarked = new Map<number, string[]>();
  for (const { phase, event } of await at.query.system.events()) {
    if (!phase.isApplyExtrinsic) continue;
    const index = phase.asApplyExtrinsic.toNumber();
    if (index >= extrinsics.length) throw new ChainError('chain_inconsistent', `block ${number} has ${extrinsics.length} extrinsics and an event of extrinsic ${index}`);
    const digests = remarked.get(index) ?? [];
    remarked.set(index, digests);
    const { system } = at.events;
    if (system.Remarked.is(event)) digests.push(event.data[1].toHex());
    const failure = system.ExtrinsicFailed.is(event) ? event.data[0].toString().slice(0, 200) : undefined;
    if (failure === undefined && !system.ExtrinsicSuccess.is(event)) continue;
    if (outcomes.has(index)) throw new ChainError('chain_inconsistent', `block ${number}: extrinsic ${index} ended twice`);
    outcomes.set(index, { remarked: digests, ...(failure === undefined ? {} : { failure }) });
  }
  return outcomes;
}

/** The time that the block's own inherent sets. */
function timeOf({ number, extrinsics }: RawBlock, at: ApiAt): string {
  for (const hex of extrinsics.slice(0, MAX_INHERENTS)) {
    let ms: number | undefined;
    try {
      const { method } = at.registry.createType('Extrinsic', hex);
      if (method.section === 'timestamp' && method.method === 'set') ms = (method.args[0] as Compact<u64>).toNumber();
    } catch {
      continue;
    }
    if (ms !== undefined) return new Date(ms).toISOString();
  }
  throw new ChainError('chain_inconsistent', `block ${number} does not set its time`);
}
