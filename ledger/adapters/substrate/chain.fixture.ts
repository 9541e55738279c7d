import { setTimeout as sleep } from 'node:timers/promises';
import { decodeDidKey, type DidKey } from '../../../contract/principal.ts';
import { toHex } from './header.ts';

/** How often the block maker looks whether somebody sent something. */
const LOOK_MS = 20;
/** An account's worth for many thousand entries: 1000 units of a chain with 12 decimals. */
export const PLENTY = 1_000_000_000_000_000n;

/**
 * A real Substrate runtime (Rococo Asset Hub 900, from a published genesis) in this process, without a network: blocks are
 * executed by its own WebAssembly. Simulated: there is one node, it never forks by itself, and its head is final at once.
 */
export interface TestChain {
  /** `ws://127.0.0.1:port` */
  readonly url: string;
  /** Sets the free balance of a key's account, in the smallest unit. */
  fund(key: DidKey, free?: bigint): Promise<void>;
  /** Milliseconds since the epoch that the next blocks carry; a block is at least 1 ms after the one before. Default: the machine's clock. */
  setClock(now: () => number): void;
  head(): { readonly number: number; readonly hash: string };
  /** Makes a block now, of whatever waits. */
  build(): Promise<void>;
  /** Makes no blocks by itself until `resume`. */
  pause(): void;
  resume(): void;
  /** Takes everything out of the node's pool, as a node does that restarts; returns how many extrinsics. */
  dropPool(): number;
  /** Extrinsics that wait. */
  pending(): number;
  /** Makes an older block the head: the next one is its child, beside those that were. */
  setHead(hash: string): Promise<void>;
  close(): Promise<void>;
}

/** Starts a chain that makes a block whenever something waits. One serves many tests: each its own grid and keys. Boots in about a second. */
export async function startTestChain(options: { port?: number } = {}): Promise<TestChain> {
  // Both are read when the libraries load.
  process.env['LOG_LEVEL'] ??= 'fatal';
  process.env['POLKADOTJS_DISABLE_ESM_CJS_WARNING'] ??= '1';
  const { setupWithServer, setStorage, timeTravel, BuildBlockMode } = await import('@acala-network/chopsticks');
  const { rococo_v2_2_asset_hub: published } = await import('@substrate/connect-known-chains');
  const node = await setupWithServer({
    'chain-spec': sortedGenesis(published), port: options.port ?? 0, host: '127.0.0.1', 'build-block-mode': BuildBlockMode.Manual,
  } as unknown as Parameters<typeof setupWithServer>[0]);
  const { chain, addr } = node;
  const slotMs = Number((await chain.head.meta).consts['aura']?.['slotDuration']?.toString() ?? 12_000);
  let now: () => number = Date.now;
  let last = 0;
  let paused = false;
  let closed = false;
  let building = Promise.resolve();

  const build = (): Promise<void> => {
    building = building.then(async () => {
      last = Math.max(now(), last + 1);
      // The runtime adds one slot to the time before.
      await timeTravel(chain, last - slotMs);
      await chain.newBlock();
    });
    return building;
  };
  const maker = (async () => {
    while (!closed) {
      if (!paused && chain.txPool.pendingExtrinsics.length > 0) await build();
      await sleep(LOOK_MS);
    }
  })();
  return {
    url: `ws://${addr}`,
    fund: async (key, free = PLENTY) => {
      await building;
      await setStorage(chain, { System: { Account: [[[toHex(decodeDidKey(key))], { providers: 1, data: { free: free.toString() } }]] } });
    },
    setClock: (clock) => { now = clock; },
    head: () => ({ number: chain.head.number, hash: chain.head.hash }),
    build,
    pause: () => { paused = true; },
    resume: () => { paused = false; },
    pending: () => chain.txPool.pendingExtrinsics.length,
    dropPool: () => {
      const { length } = chain.txPool.pendingExtrinsics;
      chain.txPool.clear();
      return length;
    },
    setHead: async (hash) => {
      const block = await chain.getBlock(hash as `0x${string}`);
      if (!block) throw new Error(`no block ${hash}`);
      await chain.setHead(block);
    },
    close: async () => {
      closed = true;
      await maker;
      await building;
      await node.close();
    },
  };
}

/** The published genesis, its keys in the order that a trie has them. */
function sortedGenesis(published: string): unknown {
  const spec = JSON.parse(published) as { genesis: { raw: { top: Record<string, string> } } };
  spec.genesis.raw.top = Object.fromEntries(Object.entries(spec.genesis.raw.top).sort(([a], [b]) => (a < b ? -1 : 1)));
  return spec;
}
