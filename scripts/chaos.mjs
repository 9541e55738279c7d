// `node scripts/chaos.mjs --rounds 200 --seed N`: the restarts test of tests/e2e, for as long as one likes.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MODULES, ROOT, Refusal, isMain, run, say } from './checkout.mjs';

const WHOLE = /^[1-9]\d{0,8}$/;

async function chaos() {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '200' }, seed: { type: 'string', default: String(1 + (Date.now() % 1e8)) } } });
  for (const [name, value] of Object.entries(values)) {
    if (!WHOLE.test(value)) throw new Refusal(`--${name} ${value} is not a whole number`, 'For example: node scripts/chaos.mjs --rounds 200 --seed 7');
  }
  say(`chaos: ${values.rounds} rounds, seed ${values.seed}`);
  const args = [join(MODULES, 'vitest/vitest.mjs'), 'run', '--project', 'e2e', 'tests/e2e/restarts.test.ts'];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, THREEBOT_ROUNDS: values.rounds, THREEBOT_SEED: values.seed } });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done(code ?? 1));
  });
}

if (isMain(import.meta.url)) await run(chaos);
