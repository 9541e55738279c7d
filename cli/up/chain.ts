import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { replaceFile } from '../../signer/durable.ts';
import { Refusal } from '../refusal.ts';
import type { StateDir } from '../state-dir.ts';

/** What the ledger's process says of the chain that keeps its log. */
export const ChainInfo = z.object({
  name: z.string(),
  genesis: z.string(),
  /** The first block that the log was read from. */
  from: z.int(),
  /** Where fees are paid from: the ledger key's account. */
  account: z.string(),
  /** What it has, in the chain's smallest unit, and for people. */
  free: z.string(),
  balance: z.string(),
});
export type ChainInfo = z.infer<typeof ChainInfo>;

/** Which chain the grid of a state folder lies on: an address that may change, and the block that it began after. */
const Kept = z.strictObject({ url: z.string(), genesis: z.string(), from: z.int() });

export interface ChosenChain { readonly url: string; readonly from: number | 'head' }

const keptFile = (state: StateDir): string => state.part('chain.json');

/** The chain that was asked for, else the one that this grid is on; undefined for a ledger of this machine's own. @throws Refusal. */
export async function chooseChain(state: StateDir, url: string | undefined): Promise<ChosenChain | undefined> {
  if (url !== undefined && !/^wss?:\/\/[^\s/]+/.test(url)) throw new Refusal({ code: 'ledger_url_invalid', message: `${JSON.stringify(url)} is not the address of a chain's node`, hint: 'for example: --ledger ws://127.0.0.1:9944' });
  const kept = await readKept(state);
  if (kept) return { url: url ?? kept.url, from: kept.from };
  return url === undefined ? undefined : { url, from: 'head' };
}

/** Remembers the chain, so that a lost copy is read again from the block where the grid began. */
export async function keepChain(state: StateDir, { url }: ChosenChain, { genesis, from }: ChainInfo): Promise<void> {
  await replaceFile(keptFile(state), JSON.stringify({ url, genesis, from }));
}

async function readKept(state: StateDir): Promise<z.infer<typeof Kept> | undefined> {
  let text: string;
  try {
    text = await readFile(keptFile(state), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return Kept.parse(JSON.parse(text));
}
