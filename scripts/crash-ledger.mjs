// `node scripts/crash-ledger.mjs --rounds 200 --seed N`: what tests/crash and tests/hostile do, for a night: kills, power loss at every
// sync of a longer run, and ten times the hostile inputs.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MODULES, ROOT, Refusal, isMain, run, say } from './checkout.mjs';

const WHOLE = /^[1-9]\d{0,8}$/;
const HOSTILE = { HOSTILE_INPUTS: '600000', HOSTILE_ENVELOPES: '370000', HOSTILE_REQUESTS: '27000', HOSTILE_FRAMES: '3000' };

/** One after the other: each of them wants the machine for itself. */
const PARTS = [
  { file: 'tests/crash/kills.test.ts', env: {} },
  { file: 'tests/crash/power.test.ts', env: { LEDGER_POWER: 'heavy' } },
  { file: 'tests/hostile', env: HOSTILE },
];

function runPart({ file, env }, { rounds, seed }) {
  const args = [join(MODULES, 'vitest/vitest.mjs'), 'run', '--project', 'unit', '--maxWorkers', '1', file];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env, LEDGER_KILLS: rounds, THREEBOT_SEED: seed } });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done(code ?? 1));
  });
}

async function crash() {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '200' }, seed: { type: 'string', default: String(1 + (Date.now() % 1e8)) } } });
  for (const [name, value] of Object.entries(values)) {
    if (!WHOLE.test(value)) throw new Refusal(`--${name} ${value} is not a whole number`, 'For example: node scripts/crash-ledger.mjs --rounds 200 --seed 7');
  }
  say(`crash: ${values.rounds} kills, seed ${values.seed}`);
  let worst = 0;
  for (const part of PARTS) worst = Math.max(worst, await runPart(part, values));
  return worst;
}

if (isMain(import.meta.url)) await run(crash);
