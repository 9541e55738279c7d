import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { stateDir } from '../state-dir.ts';
import { keepBotToken, readBotToken } from './bot-token.ts';
import { keepHistory, readHistory } from '../chat/history.ts';

const root = mkdtempSync(path.join(os.tmpdir(), '3bot-token-'));
afterAll(() => { rmSync(root, { recursive: true, force: true }); });

it('makes the token once, for its owner only, and replaces what is none', async () => {
  const state = stateDir(root);
  await expect(readBotToken(state)).rejects.toMatchObject({ code: 'token_missing' });
  const token = await keepBotToken(state);
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(statSync(state.part('bot', 'token')).mode & 0o777).toBe(0o600);
  expect(await keepBotToken(state)).toBe(token);
  expect(await readBotToken(state)).toBe(token);
  writeFileSync(state.part('bot', 'token'), 'short\n');
  await expect(readBotToken(state)).rejects.toMatchObject({ code: 'token_missing' });
  expect(await keepBotToken(state)).not.toBe(token);
});

it('keeps what was typed, newest first, bounded and a line each', async () => {
  const state = stateDir(root);
  expect(await readHistory(state)).toEqual([]);
  await keepHistory(state, ['second\nline', 'first', ...Array.from({ length: 300 }, (_, n) => `old ${n}`)]);
  const kept = await readHistory(state);
  expect(kept.slice(0, 3)).toEqual(['second line', 'first', 'old 0']);
  expect(kept).toHaveLength(200);
});
