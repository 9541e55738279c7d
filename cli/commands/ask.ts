import { ask } from '../ask.ts';
import { connectBot } from '../connect.ts';
import { type Outcome } from '../output.ts';
import { createProgress } from '../progress.ts';
import { openTerminal } from '../prompt.ts';
import { accessJson, renderAccess } from '../render/access.ts';
import { stateDir } from '../state-dir.ts';
import { openPartyKeystore } from '../up/grid-keys.ts';

export interface AskFlags { readonly yes?: boolean; readonly state?: string; readonly new?: boolean }

export async function askCommand(text: string, flags: AskFlags): Promise<Outcome> {
  const state = stateDir(flags.state);
  const progress = createProgress();
  const { running, context, close } = await connectBot(state);
  const terminal = flags.yes ? undefined : openTerminal();
  try {
    const access = await ask({ context, stakeholders: await openPartyKeystore(state, 'stakeholders'), ca: running.ca, text, yes: flags.yes ?? false, terminal, fresh: flags.new ?? false, progress });
    return { json: accessJson(access), text: await renderAccess(access, { state, ca: running.ca }) };
  } finally {
    progress.stop();
    terminal?.close();
    await close();
  }
}
