import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withLock } from './lock.mjs';

let folder;
let path;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), '3bot-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const MODULE = new URL('./lock.mjs', import.meta.url).href;

/** Starts a process that holds the lock while it writes `in` and `out` to a log, and resolves when it has ended. */
function holder(log, holdMs) {
  const script = `
    import { appendFileSync } from 'node:fs';
    import { withLock } from ${JSON.stringify(MODULE)};
    await withLock(${JSON.stringify(path)}, async () => {
      appendFileSync(${JSON.stringify(log)}, 'in\\n');
      await new Promise((done) => setTimeout(done, ${holdMs}));
      appendFileSync(${JSON.stringify(log)}, 'out\\n');
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  return { child, ended: new Promise((done) => child.once('close', done)) };
}

it('lets one process in at a time', async () => {
  const log = join(folder, 'log');
  await Promise.all([1, 2, 3, 4].map(() => holder(log, 100).ended));
  expect(readFileSync(log, 'utf8')).toBe('in\nout\n'.repeat(4));
  expect(readdirSync(folder)).toEqual(['log']);
});

it('takes over from a killed owner, and from a pid that another process now has', async () => {
  const log = join(folder, 'log');
  const { child, ended } = holder(log, 60_000);
  while (!existsSync(log)) await new Promise((done) => setTimeout(done, 20));
  child.kill('SIGKILL');
  await ended;
  expect(existsSync(path)).toBe(true);
  expect(await withLock(path, () => 'taken')).toBe('taken');
  writeFileSync(path, `${process.pid} 1`);
  expect(await withLock(path, () => 'again')).toBe('again');
});

it('releases when the work throws', async () => {
  await expect(
    withLock(path, () => {
      throw new Error('broken');
    }),
  ).rejects.toThrow('broken');
  expect(existsSync(path)).toBe(false);
});
