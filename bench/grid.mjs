// A whole grid for the time of a measurement, and what its processes cost.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';

const READY_MS = 180_000;
const STOP_MS = 30_000;
const TICKS_PER_SECOND = 100;

/** Runs a program to its end; resolves with exit code, stdout and seconds. Throws when it does not end with 0. */
export function execute(command, args, options = {}) {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (text) => { stdout += text; });
    child.stderr?.on('data', (text) => { stderr += text; });
    child.once('error', reject);
    child.once('close', (code) => {
      const seconds = (performance.now() - started) / 1000;
      if (code === 0) resolve({ stdout, stderr, seconds });
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}\n${stderr.slice(-2000)}`));
    });
  });
}

/** `3bot up` in a state folder of its own; `stop()` ends it and deletes the folder. */
export async function startGrid(root, state) {
  const up = spawn(join(root, 'bin/3bot'), ['up', '--json', '--state', state], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
  const ready = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no grid after ${READY_MS} ms`)), READY_MS);
    up.once('exit', (code) => reject(new Error(`3bot up ended with ${code}`)));
    createInterface({ input: up.stdout }).once('line', (text) => {
      clearTimeout(timer);
      resolve(JSON.parse(text));
    });
  });
  return {
    ready,
    processes: () => treeOf(up.pid),
    stop: async () => {
      const ended = new Promise((resolve) => up.once('exit', resolve));
      const force = setTimeout(() => up.kill('SIGKILL'), STOP_MS);
      up.kill('SIGTERM');
      await ended;
      clearTimeout(force);
      rmSync(state, { recursive: true, force: true });
    },
  };
}

function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { pid, parent: Number(fields[1]), cpu: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND };
  } catch {
    return undefined;
  }
}

/** Every process below `root`, with the part of the system that it is. */
function treeOf(root) {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (statOf(Number(name)) ?? []) : []));
  const tree = all.filter(({ pid }) => pid === root);
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid));
  return tree.map((p) => ({ ...p, part: partOf(p.pid) }));
}

function partOf(pid) {
  try {
    readlinkSync(`/proc/${pid}/exe`);
    const script = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').find((argument) => argument.endsWith('.mjs'));
    return basename(script ?? 'other', '.mjs').replace(/-[0-9a-f]{64}$/, '');
  } catch {
    return 'other';
  }
}

/** CPU seconds that each part of the grid used while `work` ran, most first. */
export async function cpuDuring(grid, work) {
  const before = new Map(grid.processes().map(({ pid, cpu }) => [pid, cpu]));
  const result = await work();
  const parts = new Map();
  for (const { pid, part, cpu } of grid.processes()) {
    const known = parts.get(part) ?? { part, cpu: 0, busiest: pid, most: 0 };
    const used = cpu - (before.get(pid) ?? 0);
    known.cpu += used;
    if (used > known.most) Object.assign(known, { most: used, busiest: pid });
    parts.set(part, known);
  }
  return { result, parts: [...parts.values()].sort((a, b) => b.cpu - a.cpu) };
}
