import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process, told apart from a later one of the same number by when it started. */
export interface ProcessId {
  readonly pid: number;
  readonly parent: number;
  /** Clock ticks since boot; field 22 of proc(5) stat. */
  readonly startedAt: string;
  readonly zombie: boolean;
}

function readProcess(pid: number): ProcessId | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may hold anything, also spaces and parentheses: the fields begin after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid, parent: Number(fields[1]), startedAt: fields[19] ?? '', zombie: fields[0] === 'Z' };
  } catch {
    return undefined;
  }
}

/** A process and everything it started, parents first; empty when it does not run. */
export function treeOf(pid: number): ProcessId[] {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (readProcess(Number(name)) ?? []) : []));
  const tree = all.filter((p) => p.pid === pid);
  for (const parent of tree) tree.push(...all.filter((p) => p.parent === parent.pid));
  return tree.filter((p) => !p.zombie);
}

/** True while exactly this process runs. */
export function isRunning({ pid, startedAt }: ProcessId): boolean {
  const now = readProcess(pid);
  return now !== undefined && !now.zombie && now.startedAt === startedAt;
}

/** `kill -9` of one process, if it is still that one. */
export function killNow(process_: ProcessId): void {
  try {
    if (isRunning(process_)) process.kill(process_.pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** `kill -9` of a process and of everything it started, each by its number; returns what was killed. */
export function killTree(pid: number): ProcessId[] {
  const tree = treeOf(pid);
  for (const member of tree) killNow(member);
  return tree;
}

/** Milliseconds until none of them runs. @throws when some still do after `withinMs`. */
export async function untilEnded(processes: readonly ProcessId[], withinMs: number): Promise<number> {
  const started = performance.now();
  for (;;) {
    const left = processes.filter(isRunning);
    const ms = performance.now() - started;
    if (left.length === 0) return ms;
    if (ms > withinMs) throw new Error(`still running after ${withinMs} ms: ${left.map(({ pid }) => `${pid} (${commandOf(pid)})`).join(', ')}`);
    await sleep(10);
  }
}

/** The command line of a process, for people. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '?';
  }
}
