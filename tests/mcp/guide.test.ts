import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { toolNames } from '../../bot/mcp/tools.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const guide = readFileSync(path.join(ROOT, 'docs/guides/mcp.md'), 'utf8');

it('shows configurations that parse and start the server', () => {
  const blocks = [...guide.matchAll(/```json\n([\s\S]*?)```/g)].map(([, block = '']) => JSON.parse(block) as Record<string, Record<string, { command: string; args: string[] }>>);
  expect(blocks.length).toBeGreaterThan(2);
  for (const block of blocks) for (const servers of Object.values(block)) expect(servers['3bot']).toMatchObject({ command: '/path/to/3bot/bin/3bot', args: ['mcp'] });
});

it('names every tool, and only options that there are', () => {
  const [, listed = ''] = /\nTools: ([\s\S]*?)\n\n/.exec(guide) ?? [];
  expect([...listed.matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual(toolNames());
  const command = /add\(root, 'mcp'[\s\S]*?action/.exec(readFileSync(path.join(ROOT, 'cli/main.ts'), 'utf8'))?.[0] ?? '';
  const named = [...new Set(guide.split('--transport')[0]?.match(/`--[a-z-]+/g))].map((option) => option.slice(1));
  expect(named.length).toBeGreaterThan(3);
  for (const option of named) expect(command).toContain(`'${option}`);
});
