import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stateDir } from '../state-dir.ts';
import { checkModel } from './model-settings.ts';

let folder = '';
beforeAll(() => { folder = mkdtempSync(path.join(os.tmpdir(), '3bot-model-settings-')); });
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

it('tells a model from none, and says why settings are refused', async () => {
  const state = stateDir(folder);
  expect(await checkModel(state)).toEqual({});
  const file = path.join(folder, 'model.json');
  writeFileSync(file, '{"baseUrl":"http://127.0.0.1:9/v1","model":"small"}', { mode: 0o600 });
  expect(await checkModel(state)).toEqual({ model: 'small' });
  chmodSync(file, 0o644);
  expect((await checkModel(state)).refused).toMatchObject({ code: 'model_settings_not_private', hint: expect.stringContaining('chmod 600') as string });
});
