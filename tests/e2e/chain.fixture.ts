import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { ChainRpc } from '../../ledger/adapters/substrate/rpc.ts';
import { ROOT } from './grid.fixture.ts';

const START_MS = 60_000;

export interface ChainProcess {
  /** `ws://127.0.0.1:port` */
  readonly url: string;
  /** Sets an account's free balance, in the chain's smallest unit, as a faucet would add to it. */
  fund(address: string, free: bigint): Promise<void>;
  /** The number of the latest block. */
  height(): Promise<number>;
  stop(): void;
}

/** Starts a real Substrate runtime in a process of its own (chopsticks), without a network. */
export async function startChainProcess(): Promise<ChainProcess> {
  const folder = mkdtempSync(path.join(tmpdir(), '3bot-chain-'));
  const program = path.join(folder, 'chain.mjs');
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  await build({ entryPoints: [path.join(import.meta.dirname, 'chain.program.ts')], outfile: program, bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', logLevel: 'silent' });
  const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const stop = (): void => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const url = await told(child);
    const ask = async (method: string, params: readonly unknown[]): Promise<unknown> => {
      const rpc = new ChainRpc({ url, onReconnected: () => undefined });
      await rpc.connect();
      try {
        return await rpc.call(method, params);
      } finally {
        rpc.close();
      }
    };
    return {
      url, stop,
      fund: async (address, free) => { await ask('dev_setStorage', [{ System: { Account: [[[address], { providers: 1, data: { free: free.toString() } }]] } }]); },
      height: async () => Number(((await ask('chain_getHeader', [await ask('chain_getFinalizedHead', [])])) as { number: string }).number),
    };
  } catch (error) {
    stop();
    throw error;
  }
}

function told(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => { reject(new Error(`the chain did not start in ${START_MS} ms`)); }, START_MS);
    const settle = (outcome: () => void): void => {
      clearTimeout(timer);
      outcome();
    };
    child.once('message', (message) => settle(() => { resolve((message as { url: string }).url); }));
    child.once('exit', (code) => settle(() => { reject(new Error(`the chain ended with ${code ?? 'a signal'}`)); }));
  });
}
