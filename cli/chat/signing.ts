import { connectBot } from '../connect.ts';
import { collectSignatures, waitUntilRunning } from '../ask.ts';
import { findContract, readContract } from '../../bot/tools/contracts.ts';
import { accept } from '../ask.ts';
import { type Progress } from '../progress.ts';
import type { Terminal } from '../prompt.ts';
import { accessJson, renderAccess } from '../render/access.ts';
import type { StateDir } from '../state-dir.ts';
import { openPartyKeystore } from '../up/grid-keys.ts';

export interface SigningOptions { readonly state: StateDir; readonly contract: string; readonly terminal: Terminal; readonly progress: Progress; readonly signal: AbortSignal }

/** Signs a proposal as the demonstration stakeholders, asking for each, then waits until it runs; what a person needs to use it. */
export async function signAndWatch({ state, contract, terminal, progress, signal }: SigningOptions): Promise<{ text: string; json: Record<string, unknown> }> {
  progress.update('opening the ledger, to sign');
  const { running, context, close } = await connectBot(state);
  try {
    const id = accept(findContract(context, contract)).contract;
    const { header, body } = accept(await readContract(context, id));
    const options = { context, stakeholders: await openPartyKeystore(state, 'stakeholders'), ca: running.ca, yes: false, terminal, progress, signal, leaveOpen: true };
    progress.stop();
    await collectSignatures(options, { contract: id, header, body });
    const access = { ...(await waitUntilRunning(options, header.deployment)), existing: false };
    return { json: accessJson(access), text: await renderAccess(access, { state, ca: running.ca }) };
  } finally {
    progress.stop();
    await close();
  }
}
