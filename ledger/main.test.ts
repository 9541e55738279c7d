import { type ChildProcess, fork } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKeystore } from '../signer/keystore.ts';
import { removeTemporaryFolders, temporaryFolder } from './grid.fixture.ts';

let program: string;
let keystore: { dir: string; unlock: string };
const children = new Set<ChildProcess>();

beforeAll(async () => {
  const folder = temporaryFolder();
  program = path.join(folder, 'ledger.mjs');
  symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), path.join(folder, 'node_modules'));
  await build({
    entryPoints: [fileURLToPath(new URL('main.ts', import.meta.url))], outfile: program, bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['better-sqlite3', '@polkadot/api'], logLevel: 'silent',
    banner: { js: 'import { createRequire as bundleCreateRequire } from "node:module"; const require = bundleCreateRequire(import.meta.url);' },
  });
  keystore = { dir: path.join(folder, 'keys'), unlock: path.join(folder, 'unlock') };
  await (await openKeystore({ ...keystore, create: true })).signing('ledger');
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
  it('ends when its parent goes, and says why it cannot start', async () => {
    const dir = temporaryFolder();
    const running = await start(dir);
    await expect(start(dir)).rejects.toMatchObject({ told: { type: 'failed', code: 'ledger_in_use' } });
    running.child.disconnect();
    expect(await running.ended).toBe(0);
    await expect(start(dir, 0, 'nobody')).rejects.toMatchObject({ told: { type: 'failed', code: 'key_missing' } });
  });
});
