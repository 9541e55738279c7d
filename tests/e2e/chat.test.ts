import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { type Grid, ROOT, startGrid, tailsOnFailure } from './grid.fixture.ts';

const Reply = z.object({ ok: z.boolean(), text: z.string(), plan: z.string().optional(), contract: z.string().optional(), by: z.string() });
type Reply = z.infer<typeof Reply>;
let grid: Grid;

tailsOnFailure(() => grid);

beforeAll(async () => { grid = await startGrid(); }, 240_000);
afterAll(async () => { await grid?.stop(); }, 60_000);

/** Pipes lines into `3bot chat` and gives what it prints. */
async function chat(lines: readonly string[], ...flags: string[]): Promise<{ stdout: string; stderr: string; exitCode: number | null }> {
  const child = spawn(path.join(ROOT, 'bin', '3bot'), ['chat', '--state', grid.state, ...flags], { stdio: ['pipe', 'pipe', 'pipe'] });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (data: Buffer) => { out.stdout += data.toString('utf8'); });
  child.stderr.on('data', (data: Buffer) => { out.stderr += data.toString('utf8'); });
  child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  const exitCode = await new Promise<number | null>((resolve) => { child.on('close', resolve); });
  return { ...out, exitCode };
}

async function replies(...lines: string[]): Promise<Reply[]> {
  const { stdout, stderr } = await chat(lines, '--json');
  const documents = stdout.trim().split('\n').map((line) => Reply.parse(JSON.parse(line)));
  expect([documents.length, stderr]).toEqual([lines.length, '']);
  return documents;
}

it('talks a contract into running: a missing piece, a correction, a yes, signatures, and what is kept of it', async () => {
  const [asked, planned, corrected, proposed] = await replies('an archive in CH called talk', '2 GB', 'no, 1 GB', 'yes');
  expect(asked?.text).toContain('Which size?');
  expect(planned?.plan).toMatch(/^sha256:/);
  expect(corrected?.text).toContain('Archive of 1 GB in CH');
  expect(proposed?.contract).toBe(corrected?.plan);
  const id = (proposed?.contract ?? '').slice(7, 19);
  for (const role of ['it-expert', 'legal', 'budget']) expect((await grid.cli('contract', 'approve', id, '--role', role, '--yes')).exitCode).toBe(0);
  const [running] = await replies('tell me when it runs');
  expect(running?.text).toContain('all 10 workloads');
  expect(running?.text).toContain('https://');

  // The same that `ask` would give, whose secret stays out of what is kept.
  const access = await grid.ask('an archive of 1 GB in CH called talk');
  expect(access.contract).toBe(proposed?.contract);
  const folder = path.join(grid.state, 'bot');
  const kept = readdirSync(folder).filter((name) => name.startsWith('conversations.db'));
  expect(kept.length).toBeGreaterThan(0);
  for (const name of kept) {
    expect([name, (statSync(path.join(folder, name)).mode & 0o077)]).toEqual([name, 0]);
    expect(readFileSync(path.join(folder, name)).includes(access.secretAccessKey)).toBe(false);
  }
});

it('is plain when piped, lists what is kept, and begins anew when asked to', async () => {
  const { stdout, stderr, exitCode } = await chat(['hello', 'why?'], '--new');
  expect([stderr, exitCode]).toEqual(['', 0]);
  expect(stdout).not.toContain('\u001b');
  expect(stdout).toContain('Say what you need');
  const listed = await chat([], '--list', '--json');
  const { conversations } = z.object({ conversations: z.array(z.object({ id: z.string(), messages: z.int(), first: z.string() })) }).parse(JSON.parse(listed.stdout));
  expect(conversations.map(({ first }) => first)).toEqual(['hello', 'an archive in CH called talk']);
  const [, older] = conversations;
  expect((await chat(['list my contracts'], '--resume', older?.id.slice(0, 12) ?? '')).exitCode).toBe(0);
  const again = await chat([], '--list', '--json');
  expect(again.stdout.indexOf('an archive in CH called talk')).toBeLessThan(again.stdout.indexOf('"hello"'));
  expect(await chat(['hello'], '--resume', 'ffffffffffffffff')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('conversation_unknown') as string });
});

it('takes the token of the state folder', async () => {
  expect(statSync(path.join(grid.state, 'bot', 'token')).mode & 0o777).toBe(0o600);
  const refused = await fetch(`${grid.ready.bot}/v1/conversations`, { method: 'POST' });
  expect(refused.status).toBe(401);
});
