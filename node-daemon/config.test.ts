import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCapabilities } from './capabilities.ts';
import { type DaemonConfig, readConfig } from './config.ts';
import { makePrivateFolders } from './folders.ts';

let dir: string;
beforeEach(async () => { dir = await mkdtemp(path.join(tmpdir(), '3c-')); });
afterEach(async () => { await rm(dir, { recursive: true, force: true }); });

const good = (): DaemonConfig => ({
  state: path.join(dir, 'state'), runDir: path.join(dir, 'r'), ledger: 'http://127.0.0.1:1', keystore: { dir: path.join(dir, 'k'), unlock: path.join(dir, 'u') }, key: 'node', engines: {},
  offer: { label: 'n', location: { country: 'CH', city: 'Zug' }, relay: false, capabilities: ['zdb'], capacity: { disk: '1', memory: '1', cpu: '1' }, thin: true, rates: { terabyte: '1', gibibyte: '1', core: '1' } },
});
const read = async (config: unknown): Promise<DaemonConfig> => {
  const file = path.join(dir, 'config.json');
  await writeFile(file, JSON.stringify(config));
  return readConfig(file);
};

describe('the configuration', () => {
  it('is read as it is written', async () => {
    expect(await read(good())).toEqual(good());
  });

  it.each<[string, (c: DaemonConfig) => unknown, RegExp]>([
    ['an unknown setting', (c) => ({ ...c, controlPort: 1 }), /controlPort/],
    ['a relative path', (c) => ({ ...c, state: 'here' }), /state/],
    ['a folder too long for sockets', (c) => ({ ...c, runDir: `/${'x'.repeat(80)}` }), /runDir/],
    ['work that daemons do not run', (c) => ({ ...c, offer: { ...c.offer, capabilities: ['gateway-name'] } }), /capabilities/],
    ['bytes as a number', (c) => ({ ...c, offer: { ...c.offer, capacity: { ...c.offer.capacity, disk: 1e15 } } }), /disk/],
  ])('refuses %s and names it', async (_what, change, message) => {
    await expect(read(change(good()))).rejects.toThrow(message);
  });
});

describe('what a node offers', () => {
  it('leaves out an engine that is not there, or whose native modules do not load', async () => {
    const engine = path.join(dir, 'zdb.mjs');
    await writeFile(engine, '');
    const config = good();
    expect(await findCapabilities(config)).toMatchObject({ capabilities: [], missing: [{ name: 'zdb', reason: 'no engine file is configured' }] });
    // No node_modules above the temporary folder.
    expect(await findCapabilities({ ...config, engines: { zdb: engine } })).toMatchObject({ capabilities: [], missing: [{ name: 'zdb', reason: expect.stringContaining('better-sqlite3') as string }] });
  });
});

describe('the folders', () => {
  it('are private, also when they were there before', async () => {
    await makePrivateFolders(dir, path.join(dir, 'r'));
    for (const folder of [dir, path.join(dir, 'r'), path.join(dir, 'log')]) expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });
});
