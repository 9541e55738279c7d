import type { ApiPromise } from '@polkadot/api';
import type {} from '@polkadot/api/augment';
import type { ApiOptions } from '@polkadot/api/types';
import { z } from 'zod';
import type { CallIndices } from './call-layout.ts';
import { ChainError } from './errors.ts';
import { BlockHash, type BlockRef, Header, headerHash, Hex, SignedBlock } from './header.ts';
import { type ApiAt, mayHoldEnvelopes, type RawBlock, type ReadBlock, readRemarks } from './remarks.ts';
import { ChainRpc } from './rpc.ts';

/** Metadata in hexadecimal; the largest runtimes have about 1.5 MB of it. */
const MAX_METADATA = 16 * 1024 * 1024;
/** How long the runtime's description may take to come. */
const READY_TIMEOUT_MS = 30_000;

export interface ChainOptions {
  /** `ws://` or `wss://` */
  readonly url: string;
  /** Each finalized head that the node tells of. */
  onFinalized(head: BlockRef): void;
  /** After each connection but the first, when finalized heads come again. */
  onReconnected(): void;
}

/** A Substrate chain as one of its nodes shows it: finalized blocks, checked as far as a header can be. */
export class Chain {
  readonly url: string;
  /** Hash of the first block: which chain this is. */
  readonly genesis: string;
  readonly name: string;
  readonly unit: { readonly symbol: string; readonly decimals: number };
  readonly #rpc: ChainRpc;
  #api: ApiPromise;

  private constructor(options: { url: string; rpc: ChainRpc; api: ApiPromise; genesis: string; name: string }) {
    this.url = options.url;
    this.genesis = options.genesis;
    this.name = options.name;
    this.#rpc = options.rpc;
    this.#api = options.api;
    const { chainTokens: [symbol = 'units'], chainDecimals: [decimals = 0] } = options.api.registry;
    this.unit = { symbol, decimals };
  }

  /** @throws ChainError `chain_unreachable` or `chain_unsupported`. */
  static async connect(options: ChainOptions): Promise<Chain> {
    const watch = async (): Promise<void> => {
      await rpc.subscribe('chain_subscribeFinalizedHeads', (result) => {
        const header = Header.safeParse(result);
        if (header.success) options.onFinalized({ number: header.data.number, hash: headerHash(header.data) });
      });
    };
    const rpc = new ChainRpc({ url: options.url, onReconnected: () => { watch().then(() => options.onReconnected(), () => undefined); } });
    try {
      await rpc.connect();
      const api = await openApi(rpc);
      const genesis = BlockHash.parse(await rpc.call('chain_getBlockHash', [0]));
      const chain = new Chain({ url: options.url, rpc, api, genesis, name: z.string().max(100).parse(await rpc.call('system_chain', [])) });
      const head = BlockHash.parse(await rpc.call('chain_getFinalizedHead', []));
      const header = Header.parse(await rpc.call('chain_getHeader', [head]));
      if (headerHash(header) !== head) throw new ChainError('chain_unsupported', `${chain.name} does not name its blocks by the Blake2b-256 digest of their header`);
      await watch();
      return chain;
    } catch (cause) {
      rpc.close();
      if (cause instanceof ChainError) throw cause;
      throw new ChainError('chain_unsupported', `${options.url} does not answer as a Substrate node does: ${cause instanceof Error ? cause.message.slice(0, 300) : String(cause)}`, { cause });
    }
  }

  async finalizedHead(): Promise<BlockRef> {
    const hash = BlockHash.parse(await this.#rpc.call('chain_getFinalizedHead', []));
    const header = Header.parse(await this.#rpc.call('chain_getHeader', [hash]));
    if (headerHash(header) !== hash) throw new ChainError('chain_inconsistent', `the finalized head ${hash} has a header with another hash`);
    return { number: header.number, hash };
  }

  /** Undefined while the node does not have that block. */
  async hashAt(number: number): Promise<string | undefined> {
    return BlockHash.nullable().parse(await this.#rpc.call('chain_getBlockHash', [number])) ?? undefined;
  }

  /** The block that the node says is there; undefined while it has none. @throws ChainError `chain_inconsistent` when header, hash and number do not belong together. */
  async blockAt(number: number): Promise<RawBlock | undefined> {
    const hash = await this.hashAt(number);
    if (hash === undefined) return undefined;
    const { block } = SignedBlock.parse(await this.#rpc.call('chain_getBlock', [hash]));
    if (block.header.number !== number || headerHash(block.header) !== hash) throw new ChainError('chain_inconsistent', `the node sent another block than ${number} (${hash})`);
    return { number, hash, header: block.header, extrinsics: block.extrinsics };
  }

  /** @throws ChainError `chain_inconsistent`. */
  async read(block: RawBlock): Promise<ReadBlock> {
    if (!mayHoldEnvelopes(block)) return { number: block.number, hash: block.hash, time: undefined, remarked: [], failed: new Map() };
    return readRemarks(block, await this.at(block.hash));
  }

  /** The runtime's description as it was at a block, and its storage there. */
  at(hash: string): Promise<ApiAt> {
    return this.#api.at(hash);
  }

  /** The runtime's description as it is at a finalized head, with its calls: what is signed is in its terms. */
  async current(hash: string): Promise<{ readonly at: ApiAt; readonly api: ApiPromise }> {
    const at = await this.at(hash);
    // A runtime that was upgraded is described anew; the library would only notice by a subscription.
    if (!at.runtimeVersion.specVersion.eq(this.#api.runtimeVersion.specVersion)) this.#api = await openApi(this.#rpc);
    return { at, api: this.#api };
  }

  /** Indices of the calls that are signed, as the runtime describes itself now. */
  calls(): CallIndices {
    return indicesOf(this.#api);
  }

  /** Milliseconds since the epoch, as the chain had it after that block. */
  async timeAt(hash: string): Promise<number> {
    return (await (await this.at(hash)).query.timestamp.now()).toNumber();
  }

  /** The node's answer to anything else. @throws as ChainRpc.call. */
  ask(method: string, params: readonly unknown[]): Promise<unknown> {
    return this.#rpc.call(method, params);
  }

  close(): void {
    this.#rpc.close();
  }
}

export function indicesOf({ tx }: ApiPromise): CallIndices {
  const index = ({ callIndex }: { readonly callIndex: Uint8Array }): string => Buffer.from(callIndex).toString('hex');
  return { batchAll: index(tx.utility.batchAll), remark: index(tx.system.remarkWithEvent) };
}

/** Loaded only by who follows a chain: the library has 155 MB and takes a third of a second. */
async function openApi(rpc: ChainRpc): Promise<ApiPromise> {
  const { ApiPromise: Api } = await import('@polkadot/api');
  const api = new Api({ provider: providerOver(rpc), noInitWarn: true, throwOnConnect: true });
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => { timer = setTimeout(() => { reject(new Error(`no description of the runtime in ${READY_TIMEOUT_MS} ms`)); }, READY_TIMEOUT_MS); });
    await Promise.race([api.isReadyOrError, late]);
  } finally {
    clearTimeout(timer);
  }
  const { tx, consts, call, query } = api;
  // What the library types as there is there only if the chain has it.
  const needed: readonly unknown[] = [tx['utility']?.['batchAll'], tx['system']?.['remarkWithEvent'], tx['timestamp']?.['set'], query['system']?.['account'], consts['balances']?.['existentialDeposit'], call['transactionPaymentApi']?.['queryInfo']];
  if (needed.includes(undefined)) throw new ChainError('chain_unsupported', 'the chain lacks one of utility.batchAll, system.remarkWithEvent, timestamp.set, balances, TransactionPaymentApi');
  return api;
}

/** The library's way to ask: without subscriptions, and with our bounds. */
function providerOver(rpc: ChainRpc): NonNullable<ApiOptions['provider']> {
  const provider: NonNullable<ApiOptions['provider']> = {
    hasSubscriptions: false,
    isClonable: false,
    isConnected: true,
    clone: () => provider,
    connect: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    on: () => () => undefined,
    send: async <T>(method: string, params: unknown[]): Promise<T> => {
      const result = await rpc.call(method, params);
      if (method === 'state_getMetadata' && Hex.parse(result).length > MAX_METADATA) throw new ChainError('chain_unsupported', 'the runtime describes itself at too great length');
      return result as T;
    },
    subscribe: () => Promise.reject(new Error('not used')),
    unsubscribe: () => Promise.reject(new Error('not used')),
  };
  return provider;
}
