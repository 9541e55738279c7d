// `npm test`: install, build, lint, types, boundaries, unit, end to end; every step runs even if one before it failed.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MODULES, ROOT, isMain, readJson, run, say } from './checkout.mjs';
import { build } from './build.mjs';
import { install } from './install.mjs';

const NO_SKIPS = process.env.CI === 'true' || process.env.THREEBOT_NO_SKIPS === '1';
/** Only one child runs at a time: signals go to it. */
let current;

function execute(args, env = {}) {
  return new Promise((done, fail) => {
    current = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
    current.once('error', fail);
    current.once('close', (code) => done(code === 0));
  });
}

const tool = (path, ...args) => () => execute([join(MODULES, path), ...args]);

/** A vitest project as a step; `filters` are the person's own arguments to vitest. */
function vitest(project, filters) {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), '3bot-test-'));
    const file = join(folder, 'summary.json');
    const reporters = ['--reporter=default', `--reporter=${join(ROOT, 'scripts/summary-reporter.mjs')}`];
    const args = [join(MODULES, 'vitest/vitest.mjs'), 'run', '--project', project, ...reporters, ...filters];
    if (filters.length > 0) args.push('--passWithNoTests');
    try {
      const ok = await execute(args, { THREEBOT_TEST_SUMMARY: file });
      const summary = readJson(file) ?? { passed: 0, failed: 0, skips: [] };
      // Vitest itself may fail (no tests, a broken configuration) without any test failing.
      return { ...summary, failed: ok ? summary.failed : Math.max(1, summary.failed) };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

/** A step that is one check: it passes or fails as a whole. */
const check = (work) => async () => {
  const ok = (await work()) !== false;
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skips: [] };
};

const stepsFor = (filters) => ({
  install: check(install),
  build: check(build),
  lint: check(tool('eslint/bin/eslint.js', '.', '--max-warnings', '0')),
  // Twice: web/ has the browser's types and not Node's, everything else the other way round.
  types: check(async () => (await tool('typescript/bin/tsc', '--noEmit')()) && tool('typescript/bin/tsc', '--noEmit', '-p', 'web')()),
  boundaries: vitest('boundaries', filters),
  unit: vitest('unit', filters),
  e2e: vitest('e2e', filters),
});

async function runStep([name, work]) {
  say(`\n── ${name}`);
  const started = Date.now();
  let outcome;
  try {
    outcome = await work();
  } catch (error) {
    say(error.hint ? `3bot: ${error.message}\n  ${error.hint}` : String(error.stack ?? error));
    outcome = { passed: 0, failed: 1, skips: [] };
  }
  return { name, seconds: (Date.now() - started) / 1000, ...outcome };
}

function report(steps) {
  const skips = steps.flatMap((step) => step.skips);
  console.log('\n── summary');
  for (const { name, seconds, passed, failed, skips: { length } } of steps) {
    const result = failed > 0 ? 'FAILED' : 'ok';
    console.log(`${name.padEnd(11)} ${result.padEnd(7)} ${seconds.toFixed(1).padStart(6)} s   ${passed} passed, ${failed} failed, ${length} skipped`);
  }
  if (skips.length > 0) console.log(`\nskipped${NO_SKIPS ? ', which counts as a failure here' : ''}:`);
  for (const { test, reason } of skips) console.log(`  ${test}: ${reason || 'NO REASON GIVEN, which counts as a failure'}`);
  const total = (key) => steps.reduce((sum, step) => sum + step[key], 0);
  const unexplained = skips.some(({ reason }) => reason === '');
  console.log(`\n${total('passed')} passed, ${total('failed')} failed, ${skips.length} skipped`);
  return total('failed') > 0 || unexplained || (NO_SKIPS && skips.length > 0) ? 1 : 0;
}

async function test() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      current?.kill(signal);
      process.exit(130);
    });
  }
  const filters = process.argv.slice(2);
  const steps = [];
  for (const step of Object.entries(stepsFor(filters))) {
    steps.push(await runStep(step));
    // Nothing below can run without the dependencies.
    if (step[0] === 'install' && steps[0].failed > 0) break;
  }
  return report(steps);
}

if (isMain(import.meta.url)) await run(test);
