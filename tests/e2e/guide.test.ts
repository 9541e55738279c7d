import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Grid, ROOT, startGrid, tailsOnFailure } from './grid.fixture.ts';

/** Runs docs/guides/first-blueprint.md as a reader would: every `sh` block in one shell, in order; what stands in the `text` block after it must be in what it prints. */

const GUIDE = path.join(ROOT, 'docs', 'guides', 'first-blueprint.md');
const LIMIT_MS = 600_000;

interface Step { readonly script: string; readonly fails: boolean; readonly prints: readonly string[]; readonly line: number }

let grid: Grid;
tailsOnFailure(() => grid);
beforeAll(async () => { grid = await startGrid(); }, 240_000);
afterAll(async () => { await grid?.stop(); }, 60_000);

function stepsOf(markdown: string): Step[] {
  const steps: Step[] = [];
  const fences = [...markdown.matchAll(/^```(\S*)(?: (\S+))?\n([\s\S]*?)^```$/gm)];
  for (const [i, [, language, mark, content = '']] of fences.entries()) {
    if (language !== 'sh') continue;
    const [next, end] = [fences[i + 1], (fences[i]?.index ?? 0) + (fences[i]?.[0].length ?? 0)];
    const output = next?.[1] === 'text' && markdown.slice(end, next.index).trim() === '' ? next[3] ?? '' : '';
    steps.push({ script: content, fails: mark === 'fails', prints: output.split('\n').map((text) => text.trim()).filter((text) => text !== ''), line: markdown.slice(0, fences[i]?.index).split('\n').length });
  }
  return steps;
}

/** One shell for all of them, so that `cd` and `export` last; answers what each printed and how it ended. */
function runAll(steps: readonly Step[], env: NodeJS.ProcessEnv): Promise<{ output: string; code: number }[]> {
  const script = steps.map(({ script: text }, i) => `echo "@@begin ${i}"\n${text}\necho "@@end ${i} $?"`).join('\n');
  return new Promise((resolve, reject) => {
    const shell = spawn('bash', ['-c', `exec 2>&1\n${script}`], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'], timeout: LIMIT_MS });
    let all = '';
    shell.stdout.setEncoding('utf8').on('data', (text: string) => { all += text; });
    shell.once('error', reject);
    shell.once('close', () => {
      resolve(steps.map((_, i) => {
        const [, output = '', code = '-1'] = new RegExp(`@@begin ${i}\\n([\\s\\S]*?)@@end ${i} (\\d+)\\n`).exec(all) ?? [];
        return { output, code: Number(code) };
      }));
    });
  });
}

it('every step of the guide does what it says', async () => {
  const steps = stepsOf(readFileSync(GUIDE, 'utf8'));
  expect(steps.length).toBeGreaterThanOrEqual(12);
  expect(steps.filter(({ prints }) => prints.length > 0).length).toBeGreaterThanOrEqual(9);
  const results = await runAll(steps, { ...process.env, THREEBOT_STATE: grid.state, NO_COLOR: '1' });
  for (const [i, { script, fails, prints, line }] of steps.entries()) {
    const { output, code } = results[i] ?? { output: '', code: -1 };
    const where = `line ${line} of the guide:\n${script}\n${output}`;
    expect(code === 0, where).toBe(!fails);
    // White space is laid out for the eye.
    const flat = output.replace(/\s+/g, ' ');
    for (const text of prints) expect(flat, where).toContain(text.replace(/\s+/g, ' '));
  }
}, LIMIT_MS);
