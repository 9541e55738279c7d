import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { build } from './build.mjs';
import { checkedBlueprint } from '../knowledge/lint.ts';
import { DIST, ROOT, sha256 } from './checkout.mjs';
import { PROGRAMS } from './sources.mjs';

it('bundles programs as single files that name no path of this machine', async () => {
  await build();
  const files = readdirSync(DIST).filter((name) => /\.m?js$/.test(name));
  expect(files).toEqual(expect.arrayContaining(Object.keys(PROGRAMS).map((name) => `${name}.mjs`)));
  for (const name of files) expect(readFileSync(join(DIST, name), 'utf8').includes(`${ROOT}/`), name).toBe(false);
  for (const name of Object.keys(PROGRAMS)) expect(readFileSync(join(DIST, `${name}.mjs`), 'utf8'), name).not.toMatch(/['"]\.\/chunk-/);
}, 60_000);

it('builds nothing when nothing changed', async () => {
  await build();
  const { mtimeMs } = statSync(join(DIST, '.build.json'));
  await build();
  expect(statSync(join(DIST, '.build.json')).mtimeMs).toBe(mtimeMs);
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

it('keeps the shipped blueprints as they parse, by the digest of their source', async () => {
  await build();
  const kept = JSON.parse(readFileSync(join(DIST, 'blueprints.json'), 'utf8'));
  const folder = join(ROOT, 'knowledge/blueprints');
  const sources = readdirSync(folder).filter((name) => name.endsWith('.yaml')).map((name) => new Uint8Array(readFileSync(join(folder, name))));
  expect(Object.keys(kept).sort()).toEqual(sources.map((source) => `sha256:${sha256(source)}`).sort());
  for (const source of sources) expect(checkedBlueprint(source)).toEqual({ ok: true, blueprint: kept[`sha256:${sha256(source)}`] });
}, 60_000);
