import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { replaceFile } from '../../signer/durable.ts';
import type { StateDir } from '../state-dir.ts';

const MAX_LINES = 200;

const fileOf = (state: StateDir): string => state.part('cli', 'chat-history');

/** What was typed before, newest first; empty when there is nothing. */
export async function readHistory(state: StateDir): Promise<string[]> {
  const text = await readFile(fileOf(state), 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '').slice(0, MAX_LINES);
}

/** Keeps it for the next time; to lose it costs nothing. */
export async function keepHistory(state: StateDir, lines: readonly string[]): Promise<void> {
  await mkdir(path.dirname(fileOf(state)), { recursive: true, mode: 0o700 }).catch(() => undefined);
  await replaceFile(fileOf(state), `${lines.slice(0, MAX_LINES).map((line) => line.replaceAll('\n', ' ')).join('\n')}\n`).catch(() => undefined);
}
