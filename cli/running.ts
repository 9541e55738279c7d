import { Refusal } from './refusal.ts';
import { readRunningGrid, type RunningGrid, type StateDir } from './state-dir.ts';

/** The grid of this state folder, which must be up. Throws a Refusal that says what to do when it is not. */
export async function requireGrid(state: StateDir): Promise<RunningGrid> {
  const running = await readRunningGrid(state);
  if (running && isRunning(running.pid)) return running;
  throw new Refusal({ code: 'grid_not_running', message: `no grid is running in ${state.root}`, hint: 'start one with `npm start`, or name its folder with --state' });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
