import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { EntrySigner } from '../../../contract/envelope.ts';
import { newGrid, newSigner, removeTemporaryFolders, temporaryFolder, type TestGrid } from '../../grid.fixture.ts';
import { stateDigest } from '../../state/machine.ts';
import type { BudgetLimits } from './budget.ts';
import { startTestChain, type TestChain } from './chain.fixture.ts';
import { Header, headerHash } from './header.ts';
import { openSubstrateLog, type SubstrateLog } from './log.ts';
import { MAX_MESSAGE } from './rpc.ts';
import { ScriptedError, type SimulatedEndpoint, startSimulatedEndpoint } from './simulated-endpoint.fixture.ts';

/** Lag, reorganisations and lies, which the real runtime in this process never shows: a simulated node stands before it. */

/** Generous: every block is executed by WebAssembly in this process, on a machine that may be busy. */
const WAIT_MS = 90_000;
const CASE = { timeout: 180_000 };
let chain: TestChain;
let endpoint: SimulatedEndpoint;
const open: SubstrateLog[] = [];
let failures: Error[] = [];

beforeAll(async () => { chain = await startTestChain(); }, WAIT_MS);
beforeEach(async () => {
  endpoint = await startSimulatedEndpoint(chain.url);
  failures = [];
  chain.resume();
});
afterEach(async () => {
  for (const log of open.splice(0)) await log.close();
  await endpoint.close();
}, WAIT_MS);
afterAll(async () => {
  await chain.close();
  removeTemporaryFolders();
}, WAIT_MS);

async function openLog(grid: TestGrid, { dir = temporaryFolder(), url = endpoint.url, payer = grid.signer, from = 'head', budget = {} }: { dir?: string; url?: string; payer?: EntrySigner; from?: number | 'head'; budget?: Partial<BudgetLimits> } = {}): Promise<SubstrateLog> {
  await chain.fund(payer.key);
  const log = await openSubstrateLog({ dir, url, signer: grid.signer, payer, from, budget, onFailure: (error) => failures.push(error) });
  open.push(log);
  return log;
}

async function until(what: string, test: () => boolean): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!test()) {
    if (Date.now() > deadline) throw new Error(`not in ${WAIT_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Of a signed extrinsic of format 4: after its length come a byte, the account (33), the signature (65) and the era (2). */
function nonceOf(hex: string): number {
  const bytes = Buffer.from(hex.slice(2), 'hex');
  const length = [1, 2, 4][bytes[0]! & 3]!;
  expect([bytes[length], bytes[length + 101]! & 3]).toEqual([0x84, 0]);
  return bytes[length + 101]! >> 2;
}

/** Hands extrinsics to the real node, whatever it says to each. */
async function sendAll(extrinsics: readonly string[]): Promise<void> {
  const socket = new WebSocket(chain.url);
  await new Promise((resolve, reject) => { socket.once('open', resolve).once('error', reject); });
  for (const [id, hex] of extrinsics.entries()) {
    const answered = new Promise((resolve) => { socket.once('message', resolve); });
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'author_submitExtrinsic', params: [hex] }));
    await answered;
  }
  socket.close();
}

/** The header that the real node has for its head. */
let headers: unknown[] = [];
const keepHeaders = (header: unknown): undefined => {
  headers.push(header);
  return undefined;
};

describe('a node that lags or breaks off (simulated)', CASE, () => {
  it('counts nothing before it is finalized, however far the best chain is', async () => {
    const grid = newGrid();
    const log = await openLog(grid);
    await log.submit([grid.genesis]);
    headers = [];
    endpoint.script = { finalized: keepHeaders };
    const { number } = chain.head();
    let settled = false;
    const submitted = log.submit([grid.principal('soon')]).then((results) => { settled = true; return results; });
    await until('the entry is in a block', () => chain.head().number > number);
    await chain.build();
    await chain.build();
    await until('heads are held back', () => headers.length >= 3);
    expect([settled, log.size()]).toEqual([false, 1]);
    endpoint.script = {};
    for (const header of headers) endpoint.announce(header);
    expect(await submitted).toMatchObject([{ ok: true, seq: 1 }]);
  });

  it('follows a reorganisation of what was not final: the entry counts where the final chain has it', async () => {
    const grid = newGrid();
    const log = await openLog(grid);
    await log.submit([grid.genesis]);
    chain.pause();
    headers = [];
    endpoint.script = { finalized: keepHeaders };
    const parent = chain.head();
    const submitted = log.submit([grid.principal('moved')]);
    await until('the extrinsic waits', () => chain.pending() === 1);
    await chain.build();
    const lost = chain.head();
    // Another branch wins; what only the lost one had is gone, and the node has forgotten it.
    await chain.setHead(parent.hash);
    chain.setClock(() => Date.now() + 5_000);
    for (let i = 0; i < 9; i++) await chain.build();
    const won = headers.filter((header) => Header.parse(header).number > parent.number && headerHash(Header.parse(header)) !== lost.hash);
    await until('the branch is told of', () => headers.length >= 10);
    endpoint.script = {};
    chain.resume();
    endpoint.announce(headers.at(-1));
    const [result] = await submitted;
    expect(won.length).toBeGreaterThan(0);
    expect(result).toMatchObject({ ok: true, seq: 1 });
    expect(result?.ok && Date.parse(result.time) > Date.now() + 2_000).toBe(true);
    expect(failures).toEqual([]);
  });

  it('misses no block over a broken connection, and brings what was sent meanwhile', async () => {
    const grid = newGrid();
    const log = await openLog(grid);
    await log.submit([grid.genesis]);
    const other = await openLog(grid, { url: chain.url, payer: newSigner(), from: log.chain.from });
    endpoint.disconnect({ refuse: true });
    for (const name of ['a', 'b', 'c']) expect(await other.submit([grid.principal(name)])).toMatchObject([{ ok: true }]);
    await chain.build();
    const submitted = log.submit([grid.principal('d')]);
    expect(log.size()).toBe(1);
    endpoint.disconnect();
    expect(await submitted).toMatchObject([{ ok: true, seq: 4 }]);
    await until('the other writer has it too', () => other.size() === 5);
    expect(Buffer.from(other.root())).toEqual(Buffer.from(log.root()));
    expect(stateDigest(other.state())).toBe(stateDigest(log.state()));
  });

  it('sends again what a node dropped, and signs anew when a nonce was used', async () => {
    const grid = newGrid();
    const log = await openLog(grid);
    await log.submit([grid.genesis]);
    chain.pause();
    const dropped = log.submit([grid.principal('dropped')]);
    await until('the extrinsic waits', () => chain.pending() === 1);
    expect(chain.dropPool()).toBe(1);
    for (let i = 0; i < 9; i++) await chain.build();
    chain.resume();
    expect(await dropped).toMatchObject([{ ok: true, seq: 1 }]);

    let lies = 0;
    endpoint.script = { answer: (method, params, ask) => (method === 'system_accountNextIndex' && lies++ === 0 ? ask(method, params).then((nonce) => Number(nonce) - 1) : undefined) };
    expect(await log.submit([grid.principal('late')])).toMatchObject([{ ok: true, seq: 2 }]);
    expect(lies).toBe(2);
  });

  it('survives frames that are too long or are not JSON-RPC', async () => {
    const grid = newGrid();
    const log = await openLog(grid);
    await log.submit([grid.genesis]);
    for (const frame of [Buffer.alloc(MAX_MESSAGE + 1, 0x20), 'not JSON', '{"jsonrpc":"2.0","id":"x"}']) {
      let sent = 0;
      endpoint.script = { raw: (method) => (method === 'chain_getBlock' && sent++ === 0 ? frame : undefined) };
      expect(await log.submit([grid.principal(`after ${frame.length}`)])).toMatchObject([{ ok: true }]);
      expect(sent).toBeGreaterThan(1);
    }
    expect(log.size()).toBe(4);
  });
});

describe('a node that lies (simulated)', CASE, () => {
  it('about extrinsics and nonces makes nobody pay twice: what may still be taken in has one nonce, and the day has a limit', async () => {
    const grid = newGrid();
    const log = await openLog(grid, { budget: { total: 8_000 } });
    await log.submit([grid.genesis]);
    const kept: string[] = [];
    let nonce = 1;
    endpoint.script = {
      answer: (method, params) => {
        if (method === 'system_accountNextIndex') return Promise.resolve(nonce++);
        if (method !== 'author_submitExtrinsic') return undefined;
        kept.push(String(params[0]));
        return chain.build().then(() => { throw new ScriptedError(1010, 'Invalid Transaction: whatever'); });
      },
    };
    expect(await log.submit([grid.principal('wanted')])).toMatchObject([{ code: 'busy' }]);
    expect([kept.length, new Set(kept).size > 2, new Set(kept.map(nonceOf)).size]).toEqual([5, true, 1]);
    const codes: string[] = [];
    while (codes.length < 5 && codes.at(-1) !== 'fee_budget') codes.push(...(await log.submit([grid.principal('more')])).map((result) => (result.ok ? 'ok' : result.code)));
    expect(codes.at(-1)).toBe('fee_budget');
    expect(new Set(kept.map(nonceOf)).size).toBe(1);
    expect(kept.reduce((sum, hex) => sum + hex.length / 2, 0)).toBeLessThan(8_000);
    // All that was kept comes to one extrinsic.
    endpoint.script = {};
    const { nonce: before } = await log.chain.account();
    await sendAll(kept);
    await chain.build();
    await until('one of them is taken in', () => log.size() === 2);
    expect((await log.chain.account()).nonce - before).toBe(1);
  });

  /** Opens a log with one entry, lets the script loose, and expects the log to stop with this code, and nothing to have changed. */
  async function expectStop(code: string, message: RegExp, lie: (grid: TestGrid) => EndpointLie): Promise<void> {
    const grid = newGrid();
    const dir = temporaryFolder();
    const log = await openLog(grid, { dir });
    await log.submit([grid.genesis, grid.principal('before')]);
    const before = { size: log.size(), root: Buffer.from(log.root()), digest: stateDigest(log.state()) };
    const told = lie(grid);
    endpoint.script = told.script;
    const submitted = told.provoke(log).then(() => 'answered', (error: unknown) => String(error));
    await until('the log stops', () => failures.length > 0);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ code, message: expect.stringMatching(message) as string, hint: expect.stringMatching(/another node/) as string });
    expect(await submitted).toMatch(/answered|must be started again/);
    await expect(log.submit([grid.principal('after')])).rejects.toThrow(/must be started again/);
    expect({ size: log.size(), root: Buffer.from(log.root()), digest: stateDigest(log.state()) }).toEqual(before);
    endpoint.script = {};
    // With an honest node it goes on from where it was.
    const again = await openLog(grid, { dir, url: chain.url });
    expect(again.size()).toBeGreaterThanOrEqual(before.size);
    expect(Buffer.from(again.root(before.size))).toEqual(before.root);
    expect(await again.submit([grid.principal('honest')])).toMatchObject([{ ok: true }]);
  }
  interface EndpointLie { script: SimulatedEndpoint['script']; provoke(log: SubstrateLog): Promise<unknown> }

  it('with a finalized head that goes back', () => expectStop('chain_rewound', /finalized head/, () => ({
    script: {},
    provoke: async () => {
      const { number } = chain.head();
      endpoint.announce({ parentHash: `0x${'00'.repeat(32)}`, number: `0x${(number - 1).toString(16)}`, stateRoot: `0x${'00'.repeat(32)}`, extrinsicsRoot: `0x${'00'.repeat(32)}`, digest: { logs: [] } });
    },
  })));

  it('with another finalized block of the same number', () => expectStop('chain_rewound', /finalized head/, () => ({
    script: {},
    provoke: async () => {
      const { number } = chain.head();
      endpoint.announce({ parentHash: `0x${'00'.repeat(32)}`, number: `0x${number.toString(16)}`, stateRoot: `0x${'11'.repeat(32)}`, extrinsicsRoot: `0x${'00'.repeat(32)}`, digest: { logs: [] } });
    },
  })));

  it('with a block under the hash of another', () => expectStop('chain_inconsistent', /sent another block/, (grid) => ({
    script: {
      answer: (method, params, ask) => (method !== 'chain_getBlock' ? undefined : ask(method, params).then((answer) => {
        const block = structuredClone(answer) as { block: { header: { parentHash: string } } };
        block.block.header.parentHash = `0x${'ab'.repeat(32)}`;
        return block;
      })),
    },
    provoke: (log) => log.submit([grid.principal('x')]),
  })));

  it('with a block of another parent, consistent in itself', () => {
    const forged = { parentHash: `0x${'cd'.repeat(32)}`, number: '0x0', stateRoot: `0x${'00'.repeat(32)}`, extrinsicsRoot: `0x${'00'.repeat(32)}`, digest: { logs: [] } };
    return expectStop('chain_inconsistent', /is not a child of/, () => ({
      script: {
        answer: (method, params) => {
          if (method === 'chain_getBlockHash' && params[0] === Number(forged.number)) return Promise.resolve(headerHash(Header.parse(forged)));
          return method === 'chain_getBlock' && params[0] === headerHash(Header.parse(forged)) ? Promise.resolve({ block: { header: forged, extrinsics: [] }, justifications: null }) : undefined;
        },
      },
      provoke: async () => {
        forged.number = `0x${(chain.head().number + 1).toString(16)}`;
        endpoint.announce(forged);
      },
    }));
  });

  it('with events that do not fit the block', () => {
    const nothing = '0x00';
    let eventsKey = '';
    return expectStop('chain_inconsistent', /no event says/, (grid) => ({
      script: {
        answer: (method, params) => {
          // twox128("System") ++ twox128("Events")
          eventsKey = '0x26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7';
          return /^state_getStorage/.test(method) && params[0] === eventsKey ? Promise.resolve(nothing) : undefined;
        },
      },
      provoke: (log) => log.submit([grid.principal('x')]),
    }));
  });
});
