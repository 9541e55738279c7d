import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach } from 'vitest';
import { stateDir } from '../../cli/state-dir.ts';
import { killNow, killTree, type ProcessId, treeOf, untilEnded } from './processes.ts';

export const ROOT = path.resolve(import.meta.dirname, '../..');
const COMMAND = path.join(ROOT, 'bin', '3bot');
export const FAST_GRID = path.join(import.meta.dirname, 'grids', 'fast.yaml');

const READY_MS = 110_000;
const CLI_MS = 170_000;
const STOP_MS = 30_000;
const TAIL_LINES = 12;

/** The line that `3bot up --json` prints when the grid is ready. */
export interface Ready {
  readonly ok: true;
  readonly state: string;
  readonly ledger: string;
  readonly bot: string;
  readonly gateway: string;
  readonly ca: string;
  readonly nodes: number;
}

/** What `3bot ask --json` ends with for an archive. */
export interface Archive {
  readonly ok: true;
  readonly deployment: string;
  readonly contract: string;
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly nodes: readonly { readonly id: string; readonly country: string; readonly city: string }[];
  readonly shards: { readonly data: number; readonly parity: number };
  readonly price: { readonly currency: string; readonly month: string };
}

export interface Refused {
  readonly ok: false;
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
}

/** A row of `3bot node status --json`. */
export interface NodeRow {
  readonly label: string;
  readonly pid?: number;
  readonly alive: boolean;
  readonly status?: { readonly id: string; readonly at: string; readonly lease: number; readonly overlay: { readonly endpoint?: string }; readonly workloads: readonly { readonly deployment: string; readonly workload: string; readonly epoch: number; readonly phase: string; readonly reason: string; readonly pid?: number }[] };
}

/** A row of `workloads` in `3bot contract show --json`. */
export interface WorkloadRow {
  readonly workload: string;
  readonly type: string;
  readonly node: string;
  readonly label: string;
  readonly city: string;
  readonly country: string;
  readonly epoch: number;
  readonly phase: string;
  readonly reason: string;
}

export interface CommandResult<T> {
  readonly exitCode: number;
  /** The one document on stdout. */
  readonly json: T;
  readonly stderr: string;
}

export interface Grid {
  readonly state: string;
  readonly ready: Ready;
  /** Process of `3bot up`; everything else that the grid runs descends from it. */
  readonly pid: number;
  /** Runs `3bot <args> --json --state <state>`. */
  cli<T = Record<string, unknown>>(...args: string[]): Promise<CommandResult<T>>;
  /** Runs `3bot <args> --state <state>` as a person does; returns what it prints. @throws when it does not end with 0. */
  print(...args: string[]): Promise<string>;
  /** `3bot ask TEXT --yes`. @throws when it is refused. */
  ask(text: string, ...flags: string[]): Promise<Archive>;
  nodes(): Promise<NodeRow[]>;
  workloads(contract: string): Promise<WorkloadRow[]>;
  /** `kill -9` of a node's daemon and of everything it started; returns what was killed. */
  killNode(label: string): Promise<ProcessId[]>;
  /** `3bot node run LABEL`: the machine is switched on again. Ends with the grid. */
  restartNode(label: string): void;
  /** `kill -9` of every process of the grid. The state stays; `startGrid({state})` continues it. */
  kill(): Promise<void>;
  /** Stops the grid and, unless it was given, deletes its state. */
  stop(): Promise<void>;
  /** The ends of all logs, for a failed test. */
  tails(): string;
}

export interface GridOptions {
  /** Grid file; grids/fast.yaml beside the tests by default. */
  readonly grid?: string;
  /** `--ledger`: the chain to keep the log on. */
  readonly ledger?: string;
  /** A state folder of the caller's own, kept at the end. */
  readonly state?: string;
}

/** Starts a whole grid with `3bot up` and waits for its ready line. */
export async function startGrid(options: GridOptions = {}): Promise<Grid> {
  const base = options.state === undefined ? mkdtempSync(path.join(tmpdir(), '3bot-e2e-')) : undefined;
  const state = options.state ?? path.join(base ?? '', 'state');
  const outLog = `${state}.up.log`;
  const log = openSync(outLog, 'a', 0o600);
  const up = spawn(COMMAND, ['up', '--json', '--state', state, '--grid', options.grid ?? FAST_GRID, ...(options.ledger === undefined ? [] : ['--ledger', options.ledger])], { cwd: ROOT, stdio: ['ignore', 'pipe', log] });
  closeSync(log);
  const again: ChildProcess[] = [];
  // A test process that ends early takes its grid along.
  const onExit = (): void => { for (const child of [up, ...again]) if (child.pid !== undefined) killTree(child.pid); };
  process.once('exit', onExit);
  const tails = (): string => tailsOf([outLog, ...logFiles(path.join(state, 'logs')), ...logFiles(path.join(state, 'nodes'), 2)]);
  const killAll = async (): Promise<void> => {
    const killed = [up, ...again].flatMap((child) => (child.pid === undefined ? [] : killTree(child.pid)));
    await untilEnded(killed, STOP_MS);
  };
  const clean = (): void => {
    process.off('exit', onExit);
    rmSync(stateDir(state).run, { recursive: true, force: true });
    if (base !== undefined) rmSync(base, { recursive: true, force: true });
  };

  let ready: Ready;
  try {
    ready = await readyLine(up);
  } catch (error) {
    const evidence = tails();
    await killAll();
    clean();
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${evidence}`, { cause: error });
  }

  const cli = async <T>(...args: string[]): Promise<CommandResult<T>> => {
    const { exitCode, stdout, stderr } = await runCommand([...args, '--json', '--state', state]);
    try {
      return { exitCode, json: JSON.parse(stdout) as T, stderr };
    } catch (error) {
      throw new Error(`3bot ${args.join(' ')} ended with ${exitCode} and printed ${JSON.stringify(stdout.slice(0, 500))}\n${stderr}`, { cause: error });
    }
  };
  const nodes = async (): Promise<NodeRow[]> => (await cli<{ nodes: NodeRow[] }>('node', 'status')).json.nodes;
  return {
    state,
    ready,
    pid: up.pid ?? 0,
    cli,
    nodes,
    tails,
    print: async (...args) => {
      const { exitCode, stdout, stderr } = await runCommand([...args, '--state', state]);
      if (exitCode !== 0) throw new Error(`3bot ${args.join(' ')} ended with ${exitCode}\n${stderr}`);
      return stdout;
    },
    ask: async (text, ...flags) => {
      const { exitCode, json, stderr } = await cli<Archive | Refused>('ask', text, '--yes', ...flags);
      if (exitCode !== 0 || !json.ok) throw new Error(`3bot ask was refused: ${JSON.stringify(json)}\n${stderr}`);
      return json;
    },
    workloads: async (contract) => (await cli<{ workloads: WorkloadRow[] }>('contract', 'show', contract)).json.workloads,
    killNode: async (label) => {
      const row = (await nodes()).find((n) => n.label === label);
      if (row?.pid === undefined || !row.alive) throw new Error(`node ${label} does not run`);
      return killTree(row.pid);
    },
    restartNode: (label) => {
      const file = openSync(path.join(state, 'logs', `${label}.log`), 'a', 0o600);
      again.push(spawn(COMMAND, ['node', 'run', label, '--state', state], { cwd: ROOT, stdio: ['ignore', file, file] }));
      closeSync(file);
    },
    kill: killAll,
    stop: async () => {
      const everything = [up, ...again].flatMap((child) => (child.pid === undefined ? [] : treeOf(child.pid)));
      for (const child of again) child.kill('SIGTERM');
      up.kill('SIGTERM');
      try {
        await untilEnded(everything, STOP_MS);
      } finally {
        // Also what no longer descends from it: a frozen process outlives its parent.
        for (const member of everything) killNow(member);
        await killAll();
        clean();
      }
    },
  };
}

/** Prints the ends of the grid's logs after each failed test of a file. */
export function tailsOnFailure(grid: () => Grid | undefined): void {
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') console.error(grid()?.tails() ?? 'the grid did not start');
  });
}

/** Tries until it gives something. @throws with the last failure when it does not in time. */
export async function eventually<T>(what: string, withinMs: number, attempt: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + withinMs;
  let failure: unknown;
  for (;;) {
    try {
      const found = await attempt();
      if (found !== undefined) return found;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`, { cause: failure });
    await sleep(250);
  }
}

function readyLine(up: ChildProcess): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => { reject(new Error(`3bot up was not ready after ${READY_MS} ms`)); }, READY_MS);
    up.once('error', reject);
    up.once('exit', (code, signal) => { reject(new Error(`3bot up ended (${signal ?? `code ${code ?? '?'}`}) before it was ready`)); });
    if (!up.stdout) throw new Error('3bot up has no stdout');
    createInterface({ input: up.stdout }).once('line', (line) => {
      clearTimeout(timer);
      try {
        const document = JSON.parse(line) as Ready | Refused;
        if (document.ok) resolve(document);
        else reject(new Error(`3bot up refused: ${line}`));
      } catch (error) {
        reject(new Error(`3bot up printed no JSON: ${line}`, { cause: error }));
      }
    });
  });
}

function runCommand(args: readonly string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(COMMAND, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], timeout: CLI_MS });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
    child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
    child.once('error', reject);
    child.once('close', (code) => { resolve({ exitCode: code ?? -1, stdout, stderr }); });
  });
}

function logFiles(folder: string, depth = 0): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) return depth > 0 ? logFiles(file, depth - 1) : [];
      return entry.name.endsWith('.log') ? [file] : [];
    });
  } catch {
    return [];
  }
}

function tailsOf(files: readonly string[]): string {
  return files.map((file) => {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES);
    return `── ${file}\n${lines.join('\n')}`;
  }).join('\n');
}
