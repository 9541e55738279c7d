import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { build } from './build.mjs';
import { DIST, ROOT } from './checkout.mjs';
import { PROGRAMS } from './sources.mjs';

it('bundles programs as single files that name no path of this machine', async () => {
  await build();
  const files = readdirSync(DIST).filter((name) => name.endsWith('.mjs'));
  expect(files).toEqual(expect.arrayContaining(Object.keys(PROGRAMS).map((name) => `${name}.mjs`)));
  for (const name of files) expect(readFileSync(join(DIST, name), 'utf8').includes(`${ROOT}/`), name).toBe(false);
  for (const name of Object.keys(PROGRAMS)) expect(readFileSync(join(DIST, `${name}.mjs`), 'utf8'), name).not.toMatch(/['"]\.\/chunk-/);
}, 60_000);

it('puts the openers beside the ledger, which looks for them there', async () => {
  await build();
  expect(readFileSync(join(DIST, 'ledger.mjs'), 'utf8')).toContain('./ledger-opener.mjs');
  const worker = new Worker(pathToFileURL(join(DIST, 'ledger-opener.mjs')));
  const answer = new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  worker.postMessage({ id: 7, envelopes: '[{}]' });
  const { id, answers } = await answer;
  await worker.terminate();
  expect(id).toBe(7);
  expect(JSON.parse(answers)).toMatchObject([{ ok: false, code: 'envelope_invalid' }]);
}, 60_000);
