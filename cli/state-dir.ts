import { createHash } from 'node:crypto';
import { lstat, mkdir, readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';

/** Where everything of one grid on this machine lies; delete it to start afresh. */
export interface StateDir {
  readonly root: string;
  /** Short folder for Unix sockets, whose paths end at 107 bytes. */
  readonly run: string;
  readonly gridFile: string;
  part(...names: string[]): string;
}

/** Where the project is installed: the folder above dist/. */
export function installRoot(): string {
  return path.resolve(import.meta.dirname, '..');
}

export function stateDir(option: string | undefined): StateDir {
  const root = path.resolve(option ?? process.env['THREEBOT_STATE'] ?? path.join(installRoot(), '.3bot'));
  const run = path.join(os.tmpdir(), `3bot-${process.getuid?.() ?? 0}-${createHash('sha256').update(root).digest('hex').slice(0, 10)}`);
  return { root, run, gridFile: path.join(root, 'grid.json'), part: (...names) => path.join(root, ...names) };
}

/** Makes the state and socket folders private; refuses a socket folder that somebody else made first. */
export async function prepareStateDir(state: StateDir): Promise<void> {
  await mkdir(state.root, { recursive: true, mode: 0o700 });
  await mkdir(state.run, { recursive: true, mode: 0o700 });
  const info = await lstat(state.run);
  if (!info.isDirectory() || info.uid !== process.getuid?.() || (info.mode & 0o077) !== 0) throw new Error(`${state.run} is not a private folder of this user; remove it`);
}

/** What `3bot up` writes when the grid is ready, and every other command reads. */
export const RunningGrid = z.strictObject({
  pid: z.int().positive(),
  grid: z.string(),
  state: z.string(),
  ledger: z.url(),
  bot: z.url(),
  gateway: z.url(),
  ca: z.string(),
  nodes: z.int().nonnegative(),
});
export type RunningGrid = z.infer<typeof RunningGrid>;

/** The grid that runs (or last ran) in this state folder; undefined when there never was one. */
export async function readRunningGrid(state: StateDir): Promise<RunningGrid | undefined> {
  try {
    const parsed = RunningGrid.safeParse(JSON.parse(await readFile(state.gridFile, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
