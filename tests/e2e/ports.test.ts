import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stateDir } from '../../cli/state-dir.ts';
import { type Archive, type Grid, startGrid, tailsOnFailure } from './grid.fixture.ts';
import { commandOf, treeOf } from './processes.ts';

/** What a port scan of the machine finds: ledger, overlay links, gateway and bot; never a workload. */

const LISTEN = '0A';

let grid: Grid;
let archive: Archive;

tailsOnFailure(() => grid);

beforeAll(async () => {
  grid = await startGrid();
  archive = await grid.ask('give me an archive of 1 PB in CH');
}, 170_000);

afterAll(async () => {
  await grid?.stop();
}, 60_000);

interface Listener {
  readonly program: string;
  readonly address: string;
  readonly port: number;
}

/** Sockets that a process of the grid holds, by inode. */
function socketsOf(pid: number): Set<string> {
  const folder = `/proc/${pid}/fd`;
  return new Set(readdirSync(folder).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(path.join(folder, fd)))?.[1] ?? [];
    } catch {
      return [];
    }
  }));
}

/** Rows of a socket table (proc_net_tcp): local address and port in hex, state, inode. */
function tableOf(pid: number, name: 'tcp' | 'tcp6' | 'udp' | 'udp6'): { address: string; port: number; state: string; inode: string }[] {
  return readFileSync(`/proc/${pid}/net/${name}`, 'utf8').trimEnd().split('\n').slice(1).map((line) => {
    const fields = line.trim().split(/\s+/);
    const [address = '', port = ''] = (fields[1] ?? '').split(':');
    return { address, port: Number.parseInt(port, 16), state: fields[3] ?? '', inode: fields[9] ?? '' };
  });
}

function programOf(pid: number): string {
  return /([a-z0-9-]+?)(?:-[0-9a-f]{64})?\.mjs/.exec(commandOf(pid))?.[1] ?? commandOf(pid);
}

/** Every socket of the grid that strangers could reach: TCP that listens, and all UDP. */
function reachable(): Listener[] {
  return treeOf(grid.pid).flatMap(({ pid }) => {
    const own = socketsOf(pid);
    const tcp = (['tcp', 'tcp6'] as const).flatMap((name) => tableOf(pid, name).filter((row) => row.state === LISTEN));
    const udp = (['udp', 'udp6'] as const).flatMap((name) => tableOf(pid, name));
    return [...tcp, ...udp].filter((row) => own.has(row.inode)).map(({ address, port }) => ({ program: programOf(pid), address, port }));
  });
}

const portOf = (url: string): number => Number(new URL(url).port);

it('runs the engines that it is to look at', () => {
  const programs = treeOf(grid.pid).map(({ pid }) => programOf(pid));
  const count = (name: string): number => programs.filter((p) => p === name).length;
  expect(count('zdb')).toBe(archive.shards.data + archive.shards.parity);
  expect(count('archive')).toBe(archive.shards.parity + 1);
  expect(count('node-daemon')).toBe(grid.ready.nodes);
});

it('has no TCP or UDP listener but ledger, overlay links, gateway and bot, all on the loopback', async () => {
  const found = reachable();
  const ports = (program: string): number[] => found.filter((l) => l.program === program).map((l) => l.port).sort();
  expect(ports('ledger')).toEqual([portOf(grid.ready.ledger)]);
  expect(ports('bot')).toEqual([portOf(grid.ready.bot)]);
  expect(ports('gateway')).toEqual([portOf(grid.ready.gateway), portOf(archive.endpoint)].sort());
  const links = (await grid.nodes()).flatMap((n) => n.status?.overlay.endpoint ?? []).map(portOf).sort();
  expect(links).toHaveLength(6);
  expect(ports('node-daemon')).toEqual(links);
  expect(found.filter((l) => !['ledger', 'bot', 'gateway', 'node-daemon'].includes(l.program))).toEqual([]);
  // 127.0.0.1 as the kernel writes it.
  expect([...new Set(found.map((l) => l.address))]).toEqual(['0100007F']);
});

it('keeps the Unix sockets of workloads to their owner', () => {
  const { run } = stateDir(grid.state);
  const sockets = readdirSync(run, { recursive: true, withFileTypes: true }).filter((entry) => entry.isSocket()).map((entry) => path.join(entry.parentPath, entry.name));
  expect(sockets.length).toBeGreaterThanOrEqual(archive.shards.data + 3 * archive.shards.parity);
  expect(statSync(run).mode & 0o077).toBe(0);
  for (const socket of sockets) expect(statSync(path.dirname(socket)).mode & 0o077, socket).toBe(0);
});
