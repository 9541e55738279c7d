import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSqliteLog } from '../../ledger/adapters/sqlite/log.ts';
import { newGrid, type TestGrid } from '../../ledger/grid.fixture.ts';
import { openKeystore } from '../../signer/keystore.ts';
import { ROOT } from './grid.fixture.ts';

/** The ledger's commands as a person runs them, on a ledger without a grid around it. */

const BIN = path.join(ROOT, 'bin', '3bot');
let base: string;
let state: string;
let grid: TestGrid;
let served: { url: string; end: () => Promise<number | null> };

interface Ran { readonly code: number; readonly json: Record<string, unknown> & { error?: { code: string; message: string; hint?: string } }; readonly text: string; readonly err: string }

function run(...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(BIN, ['ledger', ...args], (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code);
      resolve({ code, json: args.includes('--json') ? JSON.parse(stdout) as Ran['json'] : {}, text: stdout, err: stderr });
    });
  });
}

async function serve(): Promise<typeof served> {
  const child = spawn(BIN, ['ledger', 'serve', '--state', state, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => { child.once('exit', (code) => resolve(code)); });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (data: Buffer) => resolve(data.toString('utf8')));
    void ended.then((code) => reject(new Error(`it ended with ${code ?? 'a signal'}`)));
  });
  return { url: (JSON.parse(line) as { url: string }).url, end: () => { child.kill('SIGTERM'); return ended; } };
}

beforeAll(async () => {
  base = mkdtempSync(path.join(tmpdir(), '3bot-ledger-commands-'));
  state = path.join(base, 'state');
  const keystore = await openKeystore({ dir: path.join(state, 'keys', 'ledger'), unlock: path.join(state, 'keys', 'ledger.unlock'), create: true });
  const signer = await keystore.signing('ledger');
  grid = newGrid(signer);
  const log = await openSqliteLog({ dir: path.join(state, 'ledger'), signer });
  await log.submit([grid.genesis, ...Array.from({ length: 9 }, (_, i) => grid.principal(`person ${i}`))]);
  await log.close();
  served = await serve();
});
afterAll(async () => {
  await served?.end();
  rmSync(base, { recursive: true, force: true });
});

const there = (): string[] => ['--url', served.url, '--grid', grid.grid];

describe('3bot ledger', () => {
  it('serve: one process serves a ledger', async () => {
    expect(await run('serve', '--state', state, '--json')).toMatchObject({ code: 1, json: { ok: false, error: { code: 'ledger_in_use', hint: expect.any(String) as string } } });
    expect(await run('serve', '--state', path.join(base, 'none'), '--json')).toMatchObject({ code: 1, json: { ok: false, error: { code: 'store_missing', hint: expect.any(String) as string } } });
  });

  it('show: who said what, without what they would do to the terminal', async () => {
    const list = await run('show', ...there(), '--from', '0', '--limit', '10');
    expect(list).toMatchObject({ code: 0 });
    expect(list.text.split('\n').filter(Boolean)).toHaveLength(10);
    expect(list.text).toMatch(/ 9 {2}20\S+ {2}principal.created +person 8 +a new person: person 8/);
    // Control characters other than the newline, and those that reorder text.
    expect(/[\p{Cc}\p{Cf}]/u.test(list.text.replaceAll('\n', ''))).toBe(false);
    const one = await run('show', '3', ...there());
    expect(/[\p{Cc}\p{Cf}]/u.test(one.text.replaceAll('\n', ''))).toBe(false);
    expect(await run('show', 'latest', ...there(), '--json')).toMatchObject({ code: 0, json: { ok: true, entry: { kind: 'tick', who: 'the ledger' } } });
    for (const [args, code, refusal] of [[['show', '999'], 1, 'entry_unknown'], [['show', 'x'], 1, 'entry_unknown'], [['show', '--limit', '20000'], 1, 'too_many']] as const) {
      expect(await run(...args, ...there(), '--json')).toMatchObject({ code, json: { ok: false, error: { code: refusal, hint: expect.any(String) as string } } });
    }
    expect((await run('show', '--from', '-1', ...there())).code).toBe(2);
    expect(await run('show', '--url', served.url, '--json')).toMatchObject({ code: 1, json: { error: { code: 'grid_needed' } } });
    expect(await run('show', '--url', served.url, '--grid', `sha256:${'0'.repeat(64)}`, '--json')).toMatchObject({ code: 1, json: { error: { code: 'grid_mismatch' } } });
    expect(await run('show', '--state', path.join(base, 'none'), '--json')).toMatchObject({ code: 1, json: { error: { code: 'grid_not_running' } } });
  });

  it('proof: a file that anybody can check, offline', async () => {
    const file = path.join(base, 'proof.json');
    expect(await run('proof', '4', ...there(), '--out', file, '--json')).toMatchObject({ code: 0, json: { ok: true, seq: 4 } });
    expect(await run('proof', 'check', file, '--grid', grid.grid, '--json')).toMatchObject({ code: 0, json: { ok: true, seq: 4, kind: 'principal.created' } });
    expect(await run('proof', 'check', file, '--grid', newGrid().grid, '--json')).toMatchObject({ code: 1, json: { error: { code: 'grid_mismatch' } } });
    const bent = path.join(base, 'bent.json');
    writeFileSync(bent, readFileSync(file, 'utf8').replace('"seq":4', '"seq":5'));
    expect(await run('proof', 'check', bent, '--grid', grid.grid, '--json')).toMatchObject({ code: 1, json: { error: { code: 'not_included', hint: expect.any(String) as string } } });
    writeFileSync(bent, '{');
    expect(await run('proof', 'check', bent, '--grid', grid.grid, '--json')).toMatchObject({ code: 1, json: { error: { code: 'proof_invalid' } } });
    expect(await run('proof', 'check', path.join(base, 'nothing'), '--grid', grid.grid, '--json')).toMatchObject({ code: 1, json: { error: { code: 'enoent' } } });
    expect(await run('proof', 'check', file, '--state', path.join(base, 'none'), '--json')).toMatchObject({ code: 1, json: { error: { code: 'grid_needed' } } });
  });

  it('snapshot, backup, restore and verify, beside the running ledger', async () => {
    const taken = await run('snapshot', '--state', state, '--json');
    expect(taken).toMatchObject({ code: 0, json: { ok: true } });
    expect(await (await fetch(`${served.url}/v1/snapshot`)).json()).toMatchObject({ ok: true });
    expect(await run('verify', '--state', state, '--json')).toMatchObject({ code: 0, json: { ok: true } });
    const [backup, restored] = [path.join(base, 'backup'), path.join(base, 'restored')];
    const made = await run('backup', backup, '--state', state, '--json');
    expect(made).toMatchObject({ code: 0, json: { ok: true, dir: backup } });
    expect(await run('backup', backup, '--state', state, '--json')).toMatchObject({ code: 1, json: { error: { code: 'target_not_empty' } } });
    expect(await run('restore', backup, '--to', restored, '--json')).toMatchObject({ code: 0, json: { ok: true, size: made.json['size'], warning: expect.stringContaining('acknowledged after') as string } });
    expect(await run('verify', '--dir', restored, '--json')).toMatchObject({ code: 0, json: { ok: true, size: made.json['size'], root: made.json['root'] } });
    expect((await run('restore', backup)).code).toBe(2);
    expect(await run('restore', state, '--to', path.join(base, 'other'), '--json')).toMatchObject({ code: 1, json: { error: { code: 'not_a_backup' } } });
    expect(readdirSync(base).filter((name) => name.endsWith('.partial'))).toEqual([]);
    expect(await run('verify', '--dir', base, '--json')).toMatchObject({ code: 1, json: { error: { code: 'store_missing', hint: expect.any(String) as string } } });
  });

  it('serve: goes at SIGTERM, and starts again from its snapshot', async () => {
    expect(await served.end()).toBe(0);
    served = await serve();
    expect(await run('show', 'latest', ...there(), '--json')).toMatchObject({ code: 0, json: { entry: { kind: 'tick', payload: { resumed: true } } } });
    expect(await run('verify', '--state', state, '--json')).toMatchObject({ code: 0 });
  });
});
