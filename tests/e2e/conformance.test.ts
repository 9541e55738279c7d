import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ROOT } from './grid.fixture.ts';

/** The official suites of both revisions, over HTTP, against the product's transport and dispatcher. */
it('passes every scenario that applies', async () => {
  const { stderr } = await promisify(execFile)(process.execPath, [path.join(ROOT, 'scripts', 'mcp-conformance.mjs')], { cwd: ROOT, timeout: 600_000 });
  const lines = stderr.split('\n').filter((line) => line.includes('scenarios that apply pass'));
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line).toMatch(/: (\d+) of \1 scenarios/);
}, 620_000);
