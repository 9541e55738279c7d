import path from 'node:path';
import { Digest } from '../contract/digest.ts';
import type { BotContext } from '../bot/context.ts';
import { openBot } from '../bot/open.ts';
import { keystorePaths } from './up/grid-keys.ts';
import { Refusal } from './refusal.ts';
import { unlocking } from './unlock.ts';
import { requireGrid } from './running.ts';
import { installRoot, type RunningGrid, type StateDir } from './state-dir.ts';

export { requireGrid } from './running.ts';

/** Where the shipped blueprints lie. */
export function blueprintsDir(): string {
  return path.join(installRoot(), 'knowledge', 'blueprints');
}

/** Opens the demonstration requester's bot on the running grid; call close() when done. */
export async function connectBot(state: StateDir): Promise<{ running: RunningGrid; context: BotContext; close: () => Promise<void> }> {
  const running = await requireGrid(state);
  const context = await openBot({ ledger: running.ledger, grid: Digest.parse(running.grid), dir: state.part('cli'), keystore: { ...keystorePaths(state, 'bot'), unlocking: unlocking() }, signal: AbortSignal.timeout(24 * 3_600_000) });
  refuseStopped(context);
  return { running, context, close: () => context.follower.close() };
}

/** A copy that caught its ledger lying shows what was true before; nothing may be decided on it. */
export function refuseStopped({ follower }: Pick<BotContext, 'follower'>): void {
  const { stopped } = follower.status();
  if (stopped) throw new Refusal({ code: stopped.code, message: stopped.message, hint: stopped.evidence === undefined ? 'do not trust this ledger' : `the evidence is ${stopped.evidence}; keep it, and remove that folder only to begin anew` });
}
