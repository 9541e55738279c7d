import { spawn } from 'node:child_process';
import { access, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Outcome } from '../output.ts';
import { Refusal } from '../refusal.ts';
import { installRoot, stateDir } from '../state-dir.ts';

interface NodeStatus { readonly label: string; readonly pid?: number | undefined; readonly alive: boolean; readonly status: Record<string, unknown> | undefined }

/** Every node that this state folder has, whether its process runs, and what it last wrote about itself. */
export async function nodeStatus(flags: { readonly state?: string }): Promise<Outcome> {
  const nodes = await readNodes(flags);
  if (nodes.length === 0) throw new Refusal({ code: 'no_nodes', message: 'this state folder has no nodes', hint: 'start a grid with `npm start`' });
  const text = nodes.map((n) => `${n.label.padEnd(14)} ${n.alive ? `pid ${n.pid ?? '?'}  ${workloadsOf(n.status)}` : 'not running'}`).join('\n');
  return { json: { ok: true, nodes }, text };
}

export async function readNodes(flags: { readonly state?: string }): Promise<NodeStatus[]> {
  const state = stateDir(flags.state);
  const labels = await readdir(state.part('nodes')).catch(() => []);
  return Promise.all(labels.sort().map(async (label) => {
    const [identity, status] = await Promise.all([readJson(state.part('nodes', label, 'node.pid.json')), readJson(state.part('nodes', label, 'status.json'))]);
    const pid = typeof identity?.['pid'] === 'number' ? identity['pid'] : undefined;
    return { label, pid, alive: pid !== undefined && (await runsNode(pid)), status };
  }));
}

/** A pid may be somebody else's by now: its command line must be a node daemon's. */
async function runsNode(pid: number): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return commandLine.includes('node-daemon');
}

async function readJson(file: string): Promise<Record<string, unknown> | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function workloadsOf(status: Record<string, unknown> | undefined): string {
  const workloads = Array.isArray(status?.['workloads']) ? (status['workloads'] as { workload?: string; phase?: string }[]) : [];
  return workloads.map((w) => `${w.workload ?? '?'} ${w.phase ?? '?'}`).join(', ') || 'idle';
}

/** Runs one node of this state folder in the foreground; how a machine that was down comes back. Ends with its exit code. */
export async function nodeRun(label: string, flags: { readonly state?: string }): Promise<number> {
  const config = stateDir(flags.state).part('nodes', label, 'config.json');
  await access(config).catch(() => { throw new Refusal({ code: 'node_unknown', message: `this state folder has no node ${label}`, hint: 'see `3bot node status`' }); });
  // The channel is how the daemon learns that this process has died: it ends too.
  const child = spawn(process.execPath, [path.join(installRoot(), 'dist', 'node-daemon.mjs'), '--config', config], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise<number>((resolve) => { child.once('exit', (code) => { resolve(code ?? 1); }); });
}
