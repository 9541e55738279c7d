import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Digest } from '../contract/digest.ts';
import { AbandonedData, KEEP_ENDED_MS, KEEP_MOVED_MS, type Loss } from './abandoned.ts';
import { MAX_LOG_BYTES, openLogFile } from './log-file.ts';
import { type NodeStore, openStore, StateInUse } from './store.ts';

const deployment = `sha256:${'d'.repeat(64)}` as Digest;
const held = { deployment, contract: deployment, workload: 'zdb-0', type: 'zdb' as const, epoch: 1 };
const KEY = `${deployment}/zdb-0@1`;

let dir: string;
let store: NodeStore;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), '3d-'));
  store = openStore(dir);
});
afterEach(async () => {
  store.close();
  await rm(dir, { recursive: true, force: true });
});

describe('openStore', () => {
  it('remembers over restarts what was run, and lets nobody else in', () => {
    store.remember(KEY, held);
    store.remember(KEY, held);
    expect(() => openStore(dir)).toThrow(StateInUse);
    store.close();
    store = openStore(dir);
    expect(store.known()).toEqual([{ key: KEY, deployment, workload: 'zdb-0', epoch: 1 }]);
    store.forget(KEY);
    expect(store.known()).toEqual([]);
  });
});

describe('AbandonedData', () => {
  it('deletes what moved away ten minutes ago without a doubt, counts anew after each doubt, and keeps what ended much longer', async () => {
    const folder = path.join(dir, 'data');
    await mkdir(folder);
    store.remember(KEY, held);
    let loss: Loss = 'moved';
    let running = false;
    const data = new AbandonedData({ store, folderOf: () => folder, lossOf: () => loss, isRunning: () => running });
    expect(await data.sweep(0)).toEqual([]);
    expect(await data.sweep(KEEP_MOVED_MS - 1)).toEqual([]);
    loss = undefined;
    await data.sweep(KEEP_MOVED_MS);
    loss = 'moved';
    expect(await data.sweep(KEEP_MOVED_MS + 1)).toEqual([]);
    running = true;
    expect(await data.sweep(3 * KEEP_MOVED_MS)).toEqual([]);
    running = false;
    loss = 'ended';
    expect(await data.sweep(3.5 * KEEP_MOVED_MS)).toEqual([]);
    expect(await data.sweep(KEEP_ENDED_MS)).toEqual([]);
    loss = 'moved';
    expect(await data.sweep(4 * KEEP_MOVED_MS)).toEqual([]);
    expect(existsSync(folder)).toBe(true);
    expect(await data.sweep(5 * KEEP_MOVED_MS)).toEqual([KEY]);
    expect(existsSync(folder)).toBe(false);
    expect(store.known()).toEqual([]);
  });
});

describe('openLogFile', () => {
  it('keeps at most twice its bound', async () => {
    const file = path.join(dir, 'x.log');
    await writeFile(file, 'before\n');
    const log = openLogFile(file);
    for (let i = 0; i < 40; i++) log('x'.repeat(MAX_LOG_BYTES / 10));
    for (const each of [file, `${file}.1`]) expect((await stat(each)).size).toBeLessThanOrEqual(MAX_LOG_BYTES * 1.2);
  });
});
