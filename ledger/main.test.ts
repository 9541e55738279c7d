import { type ChildProcess, fork } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKeystore } from '../signer/keystore.ts';
import { EntryStore, STORE_FILE } from './adapters/sqlite/store.ts';
import { LedgerClient } from './client.ts';
import { openFollower } from './follower.ts';
import { newGrid, newSigner, removeTemporaryFolders, temporaryFolder, type TestGrid } from './grid.fixture.ts';
import { parseLeaf } from './leaf.ts';
import { verifyLedger } from './verify.ts';

const KILLS = Number(process.env['LEDGER_KILLS'] ?? 5);
const WRITERS = 4;

let program: string;
let grid: TestGrid;
let keystore: { dir: string; unlock: string };
const children = new Set<ChildProcess>();

beforeAll(async () => {
  const folder = temporaryFolder();
  program = path.join(folder, 'ledger.mjs');
  symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), path.join(folder, 'node_modules'));
  await build({
    entryPoints: [fileURLToPath(new URL('main.ts', import.meta.url))], outfile: program, bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['better-sqlite3'], logLevel: 'silent',
    banner: { js: 'import { createRequire as bundleCreateRequire } from "node:module"; const require = bundleCreateRequire(import.meta.url);' },
  });
  keystore = { dir: path.join(folder, 'keys'), unlock: path.join(folder, 'unlock') };
  grid = newGrid(await (await openKeystore({ ...keystore, create: true })).signing('ledger'));
});
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  removeTemporaryFolders();
});

interface Running { child: ChildProcess; url: string; ended: Promise<number | NodeJS.Signals | null> }

async function start(dir: string, port = 0, key = 'ledger'): Promise<Running> {
  const child = fork(program, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  children.add(child);
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => child.once('exit', (code, signal) => {
    children.delete(child);
    resolve(signal ?? code);
  }));
  const told = new Promise<{ type: string; url: string }>((resolve, reject) => {
    child.once('message', (message) => resolve(message as { type: string; url: string }));
    void ended.then((how) => reject(new Error(`the ledger ended with ${how}`)));
  });
  child.send({ type: 'start', dir, host: '127.0.0.1', port, keystore, key });
  const message = await told;
  if (message.type !== 'ready') throw Object.assign(new Error('the ledger did not start'), { told: message });
  return { child, url: message.url, ended };
}

describe('the ledger process', () => {
  it(`loses nothing that it acknowledged over ${KILLS} kills under ${WRITERS} writers`, async () => {
    const dir = temporaryFolder();
    let running = await start(dir);
    const { url } = running;
    const port = Number(new URL(url).port);
    const client = new LedgerClient(url);
    await client.submit([grid.genesis], {});
    const acknowledged = new Map<number, { signature: string; time: string }>();
    let writing = true;
    const write = async (): Promise<void> => {
      const speaker = newSigner();
      for (let n = 0; writing; n++) {
        const envelopes = Array.from({ length: 1 + (n % 5) }, (_, i) => grid.principal(`${n}.${i}`, speaker));
        const results = await client.submit(envelopes, { timeoutMs: 20_000 });
        results.forEach((result, i) => {
          if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
          expect(acknowledged.has(result.seq)).toBe(false);
          acknowledged.set(result.seq, { signature: envelopes[i]!.signatures[0].sig, time: result.time });
        });
      }
    };
    const writers = Array.from({ length: WRITERS }, write);
    for (let round = 0; round < KILLS; round++) {
      const atLeast = acknowledged.size + 20;
      while (acknowledged.size < atLeast) await new Promise((resolve) => setTimeout(resolve, 5 + round * 3));
      running.child.kill('SIGKILL');
      expect(await running.ended).toBe('SIGKILL');
      const verdict = await verifyLedger(dir);
      expect(verdict).toMatchObject({ ok: true });
      running = await start(dir, port);
    }
    writing = false;
    await Promise.all(writers);
    const follower = await openFollower({ url, pin: { grid: grid.grid } });
    await follower.caughtUp({ timeoutMs: 5000 });
    const verdict = await verifyLedger(dir);
    expect(verdict).toMatchObject({ ok: true, size: follower.size(), root: follower.root() });
    await follower.close();
    client.close();
    expect(acknowledged.size).toBeGreaterThanOrEqual(KILLS * 20);
    const store = new EntryStore(path.join(dir, STORE_FILE), { readonly: true });
    for (const [seq, { signature, time }] of acknowledged) {
      const leaf = parseLeaf(store.row(seq)!.leaf);
      expect({ signature: leaf.envelope.signatures[0].sig, time: leaf.time }).toEqual({ signature, time });
    }
    store.close();
    running.child.kill('SIGTERM');
    expect(await running.ended).toBe(0);
  });

  it('ends when its parent goes, and says why it cannot start', async () => {
    const dir = temporaryFolder();
    const running = await start(dir);
    await expect(start(dir)).rejects.toMatchObject({ told: { type: 'failed', code: 'ledger_in_use' } });
    running.child.disconnect();
    expect(await running.ended).toBe(0);
    await expect(start(dir, 0, 'nobody')).rejects.toMatchObject({ told: { type: 'failed', code: 'key_missing' } });
  });
});
