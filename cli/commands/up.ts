import path from 'node:path';
import { readFile } from 'node:fs/promises';
import { Digest } from '../../contract/digest.ts';
import { counted } from '../../contract/units.ts';
import { openBot } from '../../bot/open.ts';
import type { BotContext } from '../../bot/context.ts';
import { ask } from '../ask.ts';
import { paint, present } from '../output.ts';
import { createProgress, type Progress } from '../progress.ts';
import { openTerminal, type Terminal } from '../prompt.ts';
import { Refusal } from '../refusal.ts';
import { accessJson, renderAccess } from '../render/access.ts';
import { installRoot, type RunningGrid, type StateDir, stateDir } from '../state-dir.ts';
import { type LocalGrid, startGrid } from '../up/grid.ts';
import { loadGridFile } from '../up/grid-file.ts';
import { keystorePaths, openPartyKeystore } from '../up/grid-keys.ts';
import { probeArchive } from '../up/probe.ts';
import { unlocking } from '../unlock.ts';

export interface UpFlags { readonly grid?: string; readonly state?: string; readonly ledger?: string; readonly json?: boolean; readonly ask?: string; readonly yes?: boolean; readonly new?: boolean; readonly prompt?: boolean; readonly exit?: boolean }

/** One Ctrl-C may arrive twice, from the terminal and from npm; only one later than this insists. */
const SECOND_INTERRUPT_MS = 1000;

/** Starts a grid on this machine and keeps it up until Ctrl-C. */
export async function upCommand(flags: UpFlags): Promise<void> {
  const state = stateDir(flags.state);
  const progress = createProgress();
  const interrupted = new AbortController();
  let firstInterrupt = 0;
  const onSignal = (): void => {
    if (!interrupted.signal.aborted) {
      firstInterrupt = performance.now();
      interrupted.abort();
    } else if (performance.now() - firstInterrupt > SECOND_INTERRUPT_MS) process.exit(130);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  let grid: LocalGrid | undefined;
  await present(flags.json ?? false, async () => {
    const loaded = await loadGridFile(flags.grid ?? path.join(installRoot(), 'grids', 'local.yaml'));
    if (!loaded.ok) throw new Refusal(loaded);
    progress.update('starting the grid');
    const started = performance.now();
    try {
      grid = await startGrid({ state, spec: loaded.grid, ledger: flags.ledger, signal: interrupted.signal, events: { progress: (text) => { progress.update(`starting the grid: ${text}`); }, event: (text) => { progress.note(paint('yellow', text)); } } });
    } finally {
      progress.stop();
    }
    progress.done(`grid ${loaded.grid.grid}: ledger, ${counted(grid.running.nodes, 'node')}, ${counted(loaded.grid.gateways.length, 'gateway')} and your bot are up (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    progress.note(`  your bot is at ${grid.running.bot}: signing pages, and its API`);
    if (grid.chain) progress.note(`  the log lies on ${grid.chain.name}; account ${grid.chain.account} pays for it and had ${grid.chain.balance} at the start`);
    progress.note(paint('dim', '  simulated: places, thin disks, and the stakeholders, whose keys lie on this machine'));
    return { json: flags.ask === undefined ? { ok: true, ...readyDocument(grid.running), ...(grid.chain && { chain: grid.chain }) } : undefined, text: flags.ask === undefined ? `ledger   ${grid.running.ledger}\nbot      ${grid.running.bot}\ngateway  ${grid.running.gateway}\nstate    ${grid.running.state}` : '' };
  });
  if (!grid) return;
  try {
    await converse(flags, { state, grid, progress, signal: interrupted.signal });
    if (!flags.exit) await untilAborted(interrupted.signal, progress);
  } finally {
    interrupted.abort();
    progress.update('stopping the grid');
    await grid.stop();
    progress.done('the grid is down; its state is kept, and `npm start` continues it');
  }
}

function readyDocument({ state, ledger, bot, gateway, ca, nodes }: RunningGrid): Record<string, unknown> {
  return { state, ledger, bot, gateway, ca, nodes };
}

interface Session { readonly state: StateDir; readonly grid: LocalGrid; readonly progress: Progress; readonly signal: AbortSignal }

/** What was asked on the command line, then, with a prompt, whatever is typed. */
async function converse(flags: UpFlags, session: Session): Promise<void> {
  const { state, grid: { running }, signal } = session;
  const terminal = flags.ask === undefined && !flags.prompt ? undefined : openTerminal();
  signal.addEventListener('abort', () => { terminal?.close(); }, { once: true });
  if (flags.ask === undefined && !terminal) return;
  const context = await openBot({ ledger: running.ledger, grid: Digest.parse(running.grid), keystore: { ...keystorePaths(state, 'bot'), unlocking: unlocking() }, signal });
  try {
    if (flags.ask !== undefined) await answer(flags.ask, flags, { ...session, context, terminal });
    if (flags.prompt && terminal) await prompt(flags, { ...session, context, terminal });
  } finally {
    terminal?.close();
    await context.follower.close();
  }
}

interface Conversation extends Session { readonly context: BotContext; readonly terminal: Terminal | undefined }

async function answer(text: string, flags: UpFlags, { context, terminal, state, grid: { running }, progress, signal }: Conversation): Promise<void> {
  await present(flags.json ?? false, async () => {
    const access = await (async () => {
      try {
        return await ask({ context, stakeholders: await openPartyKeystore(state, 'stakeholders'), ca: running.ca, text, yes: flags.yes ?? false, terminal, fresh: flags.new ?? false, progress, signal });
      } finally {
        progress.stop();
      }
    })();
    if (flags.exit && 'bucket' in access) {
      await probeArchive(access, await readFile(running.ca, 'utf8'));
      progress.done('stored a probe object, read it back the same, and deleted it');
    }
    return { json: accessJson(access), text: await renderAccess(access, { state, ca: running.ca }) };
  });
}

async function prompt(flags: UpFlags, conversation: Conversation & { terminal: Terminal }): Promise<void> {
  process.stderr.write('Say what you need, for example: give me an archive of 1 PB in CH\n');
  for (;;) {
    const line = await conversation.terminal.ask(paint('cyan', '3bot> '));
    if (line === undefined) return;
    if (line.trim() !== '') await answer(line, { ...flags, exit: false }, conversation);
  }
}

function untilAborted(signal: AbortSignal, progress: Progress): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  progress.note(paint('dim', 'The grid stays up until Ctrl-C. In another terminal: ./bin/3bot ask "…", ./bin/3bot contract list, ./bin/3bot doctor'));
  return new Promise((resolve) => { signal.addEventListener('abort', () => { resolve(); }, { once: true }); });
}
