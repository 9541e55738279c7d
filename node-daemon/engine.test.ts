import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineProcess } from './drivers/engine-process.ts';
import { measureFile, type MeasuredEngine, stageEngine } from './engine.ts';
import { deviationOf } from './purity.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
/** Says what it was told and what it can see; ends with its parent, as engines do. */
const ENGINE = `
import Database from 'better-sqlite3';
process.on('disconnect', () => process.exit());
process.on('message', (m) => {
  if (m.type === 'start') process.send({ type: 'ready' });
  if (m.type === 'start') process.send({ type: 'facts', env: process.env, argv: process.argv.slice(2), execArgv: process.execArgv, sqlite: typeof Database, secret: m.secret });
  if (m.type === 'lease') process.send({ type: 'lease', validForMs: m.validForMs });
  if (m.type === 'stop') process.exit(0);
});
`;

let dir: string;
let source: string;
let processes: EngineProcess[] = [];

beforeEach(async () => {
  const cache = path.join(ROOT, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  dir = await mkdtemp(path.join(cache, 'engine-'));
  source = path.join(dir, 'engine.mjs');
  await writeFile(source, ENGINE);
});
afterEach(async () => {
  await Promise.all(processes.map((p) => p.stop()));
  processes = [];
  await rm(dir, { recursive: true, force: true });
});

async function until(condition: () => boolean, ms = 5000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain`);
    await sleep(10);
  }
}

const run = (engine: MeasuredEngine, messages: unknown[] = []): EngineProcess => {
  const started = new EngineProcess({
    engine, restage: () => stageEngine(source, path.dirname(engine.file)), startMessage: async () => ({ type: 'start', secret: 's3cret' }),
    workDir: path.join(dir, 'work'), logFile: path.join(dir, 'engine.log'), onMessage: (m) => messages.push(m), onChange: () => undefined,
  });
  processes.push(started);
  return started;
};

describe('stageEngine', () => {
  it('keeps a private, read-only copy under the digest of its bytes', async () => {
    const staged = await stageEngine(source, path.join(dir, 'copies'));
    expect(staged.digest).toBe(`sha256:${createHash('sha256').update(ENGINE).digest('hex')}`);
    expect((await stat(staged.file)).mode & 0o777).toBe(0o400);
    expect((await stat(path.dirname(staged.file))).mode & 0o777).toBe(0o700);
    await writeFile(source, `${ENGINE}// changed`);
    expect(await measureFile(staged.file)).toBe(staged.digest);
    expect((await stageEngine(source, path.join(dir, 'copies'))).digest).not.toBe(staged.digest);
    expect((await readdir(path.dirname(staged.file))).filter((f) => !f.startsWith('engine-')).sort()).toEqual(['node_modules']);
  });
});

describe('EngineProcess', () => {
  it('runs the copy with native modules, with nothing of the parent in its environment, arguments or flags', async () => {
    process.env['THREEBOT_TEST_LEAK'] = 'leak';
    const messages: { type: string; env?: Record<string, string>; argv?: string[]; execArgv?: string[]; sqlite?: string; secret?: string }[] = [];
    const started = run(await stageEngine(source, path.join(dir, 'copies')), messages);
    await until(() => messages.some((m) => m.type === 'facts'));
    delete process.env['THREEBOT_TEST_LEAK'];
    const facts = messages.find((m) => m.type === 'facts');
    expect(facts).toMatchObject({ argv: [], execArgv: [], sqlite: 'function', secret: 's3cret' });
    expect(Object.keys(facts?.env ?? {}).filter((k) => !['PATH', 'NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE'].includes(k))).toEqual([]);
    const { pid, phase } = started.condition();
    expect(phase).toBe('running');
    expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).not.toContain('s3cret');
  });

  it('passes on what is left of the lease, also to a process that was started again', async () => {
    const messages: { type: string; validForMs?: number }[] = [];
    const started = run(await stageEngine(source, path.join(dir, 'copies')), messages);
    started.lease(60_000);
    await until(() => messages.some((m) => (m.validForMs ?? 0) > 50_000));
    const { pid } = started.condition();
    messages.length = 0;
    process.kill(pid ?? 0, 'SIGKILL');
    await until(() => messages.some((m) => (m.validForMs ?? 0) > 50_000));
    expect(started.condition().pid).not.toBe(pid);
    started.lease(0);
    await until(() => messages.at(-1)?.validForMs === 0);
  });

  it('does not run another file than the measured one, and says why', async () => {
    const engine = await stageEngine(source, path.join(dir, 'copies'));
    await rm(engine.file);
    await writeFile(engine.file, `${ENGINE}// changed`);
    await writeFile(source, `${ENGINE}// changed too`);
    const messages: unknown[] = [];
    const started = run(engine, messages);
    await until(() => started.condition().reason.includes('engine_mismatch'));
    expect(messages).toEqual([]);
    expect(started.condition().pid).toBeUndefined();
  });

  it('notices a changed copy, another program and a process that is gone', async () => {
    const engine = await stageEngine(source, path.join(dir, 'copies'));
    const started = run(engine);
    await until(() => started.ready);
    const pid = started.condition().pid ?? 0;
    expect(await deviationOf(pid, engine)).toBeUndefined();
    expect(await deviationOf(process.pid, engine)).toContain('other arguments');
    expect(await deviationOf(2 ** 22 + 1, engine)).toContain('gone');
    await rm(engine.file);
    await writeFile(engine.file, `${ENGINE}// changed`);
    expect(await deviationOf(pid, engine)).toContain('not the one that was measured');
    await started.inspect();
    // The changed copy is made anew from the installation, which still has the pinned bytes.
    await until(() => started.ready && started.condition().pid !== pid);
    expect(await measureFile(engine.file)).toBe(engine.digest);
  });

  it('ends for good on stop', async () => {
    const started = run(await stageEngine(source, path.join(dir, 'copies')));
    await until(() => started.ready);
    const pid = started.condition().pid ?? 0;
    await started.stop();
    expect(existsSync(`/proc/${pid}/exe`)).toBe(false);
    await sleep(400);
    expect(started.condition()).toMatchObject({ phase: 'stopped' });
  });
});
