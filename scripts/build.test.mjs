import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
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
