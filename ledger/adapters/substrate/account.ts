import type { ApiPromise } from '@polkadot/api';
import { z } from 'zod';
import type { EntrySigner } from '../../../contract/envelope.ts';
import { decodeDidKey } from '../../../contract/principal.ts';
import type { Refusal } from '../../ports.ts';
import type { FeeBudget } from './budget.ts';
import { type CallIndices, compact, encodeBatch, endsWith, startsWith } from './call-layout.ts';
import { type Chain, indicesOf } from './chain.ts';
import { blake256, type BlockRef, fromHex, toHex } from './header.ts';
import type { ApiAt } from './remarks.ts';

/** Blocks in which a signed extrinsic may be taken in; after them it never can (a power of two: see sp_runtime::generic::Era). */
export const ERA_BLOCKS = 64;
/** Bytes of one extrinsic, whatever more the chain would take. */
const MAX_EXTRINSIC_BYTES = 1024 * 1024;
/** Signature, account and extensions around the call. */
const OVERHEAD_BYTES = 1024;
/** Longer payloads are signed by their digest (sp_runtime::generic::SignedPayload). */
const SIGNED_AS_IT_IS = 256;
const ED25519 = 0x00;
/** A mortal era. */
const ERA_BYTES = 2;
/** Nonces are 32 bits on the chain; no account of ours comes so far. */
const MAX_NONCE = 2 ** 30 - 1;
/** In place of a signature, when the fee is asked for: what is signed is shown to nobody before it is to be sent. */
const NO_SIGNATURE = new Uint8Array(64).fill(1);

/**
 * `no_funds`: the account cannot pay. `chain_entry_too_large`: not even one of the remarks fits into a block.
 * `fee_budget`: it has paid enough for today. `chain_calls_changed`: what would be signed is not what is meant.
 */
export type SignRefusal = Refusal;

export interface SignedBatch {
  readonly ok: true;
  readonly hex: string;
  /** Blake2b-256 of the extrinsic. */
  readonly hash: string;
  readonly nonce: number;
  /** How many of the remarks it holds, from the first on. */
  readonly count: number;
  /** The last block that can take it in. */
  readonly lastBlock: number;
}

/** Where the account is and what it has; amounts in the chain's smallest unit. */
export interface Funds { readonly address: string; readonly nonce: number; readonly free: bigint; readonly spendable: bigint }

/**
 * The account on the chain that pays for entries: the Ed25519 key that signs the log's checkpoints. What it signs here
 * is always a digest of 32 bytes, which no envelope, note or other message of ours can be.
 */
export class ChainAccount {
  readonly #chain: Chain;
  readonly #signer: EntrySigner;
  readonly #publicKey: Uint8Array;
  readonly #budget: FeeBudget;
  readonly #isKnownCall: (calls: CallIndices) => boolean;
  /** What was signed last and may still be taken in. */
  #open: { readonly nonce: number; readonly lastBlock: number } | undefined;

  /** `isKnownCall`: whether these indices are those that were seen first. */
  constructor({ chain, signer, budget, isKnownCall }: { chain: Chain; signer: EntrySigner; budget: FeeBudget; isKnownCall: (calls: CallIndices) => boolean }) {
    this.#chain = chain;
    this.#signer = signer;
    this.#publicKey = decodeDidKey(signer.key);
    this.#budget = budget;
    this.#isKnownCall = isKnownCall;
  }

  /** The chain has used this nonce, as its finalized blocks show: whatever else was signed with it is void. */
  used(nonce: number): void {
    if (this.#open && this.#open.nonce <= nonce) this.#open = undefined;
  }

  async funds(hash: string): Promise<Funds> {
    const at = await this.#chain.at(hash);
    const { nonce, data } = await at.query.system.account(this.#publicKey);
    const amounts = z.looseObject({ free: Amount, frozen: Amount.optional(), miscFrozen: Amount.optional(), feeFrozen: Amount.optional() }).parse(JSON.parse(JSON.stringify(data)));
    const frozen = [amounts.frozen, amounts.miscFrozen, amounts.feeFrozen].reduce<bigint>((most, one) => (one !== undefined && one > most ? one : most), 0n);
    const kept = at.consts.balances.existentialDeposit.toBigInt();
    const locked = frozen > kept ? frozen : kept;
    return { address: this.#address(at), nonce: nonce.toNumber(), free: amounts.free, spendable: amounts.free > locked ? amounts.free - locked : 0n };
  }

  /**
   * Signs as many of the remarks as one extrinsic may hold, valid for ERA_BLOCKS from the finalized block `head`. While
   * what was signed before may still be taken in, the nonce stays that one's whatever the node says: of all that is signed
   * with one nonce the chain takes one, so that a node that calls extrinsics invalid, and keeps them, makes nobody pay twice.
   */
  async sign(remarks: readonly Uint8Array[], head: BlockRef): Promise<SignedBatch | SignRefusal> {
    const { at, api } = await this.#chain.current(head.hash);
    const told = z.int().min(0).max(MAX_NONCE).parse(await this.#chain.ask('system_accountNextIndex', [this.#address(at)]));
    const nonce = this.#open && head.number <= this.#open.lastBlock ? this.#open.nonce : told;
    const calls = indicesOf(api);
    if (!this.#isKnownCall(calls)) return changed(`the node says that utility.batchAll is call ${calls.batchAll} and system.remarkWithEvent ${calls.remark}; when this ledger first saw the chain they were others`);
    for (let count = this.#fitting(remarks, at); count > 0; count = Math.floor(count / 2)) {
      const meant = encodeBatch(remarks.slice(0, count), calls);
      const draft = this.#compose(remarks.slice(0, count), { api, nonce, head });
      if (!isMeant(draft, meant, nonce)) return changed('the node describes the runtime so that the extrinsic would not be the remarks that are meant');
      const { weight, partialFee } = await at.call.transactionPaymentApi.queryInfo(draft.unsigned, fromHex(draft.unsigned).length);
      if (isHeavy(weight, at)) continue;
      const { address, spendable, free } = await this.funds(head.hash);
      const fee = partialFee.toBigInt();
      if (spendable < fee) {
        const missing = fee - spendable;
        return {
          ok: false, code: 'no_funds',
          message: `account ${address} on ${this.#chain.name} has ${this.amount(free)}, of which it may spend ${this.amount(spendable)}; these ${count} entries cost ${this.amount(fee)}`,
          hint: `send at least ${this.amount(missing)} to ${address}`,
        };
      }
      const spent = this.#budget.sign(fromHex(draft.unsigned).length);
      if (spent) return spent;
      const lastBlock = head.number + ERA_BLOCKS;
      // The longest that anything signed with this nonce may live.
      this.#open = { nonce, lastBlock };
      const hex = draft.complete(this.#signer.sign(blake256(draft.payload)));
      if (!endsWith(fromHex(hex), meant)) return changed('the node describes extrinsics so that this one would not end with the remarks that are meant');
      return { ok: true, hex, hash: toHex(blake256(fromHex(hex))), nonce, count, lastBlock };
    }
    return { ok: false, code: 'chain_entry_too_large', message: `an entry of ${remarks[0]?.length ?? 0} bytes does not fit into a block of ${this.#chain.name}`, hint: 'ask for less at once: a contract with fewer assignments' };
  }

  /** An amount of the chain's smallest unit, for people. */
  amount(value: bigint): string {
    const { symbol, decimals } = this.#chain.unit;
    const text = value.toString().padStart(decimals + 1, '0');
    const fraction = decimals === 0 ? '' : text.slice(-decimals).replace(/0+$/, '');
    return `${text.slice(0, text.length - decimals)}${fraction === '' ? '' : `.${fraction}`} ${symbol}`;
  }

  #address({ registry }: Pick<ApiAt, 'registry'>): string {
    return registry.createType('AccountId', this.#publicKey).toString();
  }

  /** How many remarks the chain's limits of length and of calls let into one extrinsic. */
  #fitting(remarks: readonly Uint8Array[], at: ApiAt): number {
    const limit = Math.min(MAX_EXTRINSIC_BYTES, at.consts.system.blockLength.max.normal.toNumber());
    const calls = at.consts.utility.batchedCallsLimit.toNumber();
    let bytes = OVERHEAD_BYTES;
    const end = remarks.findIndex((remark, i) => (bytes += remark.length + 8) > limit || i >= calls);
    return end === -1 ? remarks.length : end;
  }

  #compose(remarks: readonly Uint8Array[], { api, nonce, head }: { api: ApiPromise; nonce: number; head: BlockRef }): Draft {
    const { registry, runtimeVersion: { specVersion, transactionVersion } } = api;
    const call = api.tx.utility.batchAll(remarks.map((remark) => api.tx.system.remarkWithEvent(toHex(remark))));
    const era = registry.createType('ExtrinsicEra', { current: head.number, period: ERA_BLOCKS });
    const fields = {
      method: call.method.toHex(), nonce, tip: 0, specVersion, transactionVersion, era: era.toHex(),
      genesisHash: this.#chain.genesis, blockHash: head.hash,
    };
    const payload = registry.createType('ExtrinsicPayload', fields, { version: 4 });
    const bytes = payload.toU8a({ method: true });
    if (bytes.length <= SIGNED_AS_IT_IS) throw new Error('a batch of envelopes is never so short');
    const complete = (signature: Uint8Array): string => call.addSignature(this.#address(api), toHex(Uint8Array.of(ED25519, ...signature)) as `0x${string}`, payload.toHex()).toHex();
    return { payload: bytes, era: era.toU8a(), unsigned: complete(NO_SIGNATURE), complete };
  }
}

interface Draft {
  /** What is signed the digest of. */
  readonly payload: Uint8Array;
  readonly era: Uint8Array;
  /** The extrinsic with a signature that is none. */
  readonly unsigned: string;
  complete(signature: Uint8Array): string;
}

/** Whether the signed bytes begin as they should: the remarks, the era, the nonce, no tip (the order of all runtimes that Substrate's own template has). */
function isMeant({ payload, era, unsigned }: Draft, meant: Uint8Array, nonce: number): boolean {
  return era.length === ERA_BYTES && startsWith(payload, Buffer.concat([meant, era, compact(nonce), compact(0)])) && endsWith(fromHex(unsigned), meant);
}

function changed(message: string): Refusal {
  return { ok: false, code: 'chain_calls_changed', message, hint: 'nothing was signed. Ask a node of your own; if the chain\'s runtime was really renumbered, take `calls` out of the file `chain` in the ledger\'s folder' };
}

/** Balances as the library writes them in JSON: a number, or hexadecimal when it is large. */
const Amount = z.union([z.int().min(0), z.string().regex(/^(0x[0-9a-f]{1,32}|[0-9]{1,39})$/)]).transform((value) => BigInt(value));

const Weight = z.union([
  z.union([z.int().min(0), z.string()]).transform((time) => ({ refTime: BigInt(time), proofSize: 0n })),
  z.object({ refTime: Amount, proofSize: Amount }),
]);

/** Whether an extrinsic weighs more than one may. Older runtimes weigh by time alone. */
function isHeavy(weight: { toJSON(): unknown }, at: ApiAt): boolean {
  const limit = at.consts.system.blockWeights.perClass.normal.maxExtrinsic;
  if (limit.isNone) return false;
  const has = Weight.parse(weight.toJSON());
  const most = Weight.parse(limit.unwrap().toJSON());
  return has.refTime > most.refTime || has.proofSize > most.proofSize;
}
