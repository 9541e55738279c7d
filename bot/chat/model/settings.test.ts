import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type ModelSettings, readModelSettings, Secret } from './settings.ts';

const CANARY = 'sk-canary-3f9c';
const root = mkdtempSync(path.join(os.tmpdir(), '3bot-settings-'));
afterAll(() => { rmSync(root, { recursive: true, force: true }); });

let file: string;
let n = 0;
beforeEach(() => { file = path.join(root, `model-${++n}.json`); });

const LOCAL = { baseUrl: 'http://127.0.0.1:11434/v1/', model: 'qwen3' };
function write(settings: object, mode = 0o600): string {
  writeFileSync(file, JSON.stringify(settings), { mode });
  return file;
}
async function read(env: Record<string, string> = {}): Promise<ModelSettings> {
  const result = await readModelSettings({ file, env });
  if (!result.ok || !result.settings) throw new Error(`no settings: ${JSON.stringify(result)}`);
  return result.settings;
}
const refusal = async (env: Record<string, string> = {}) => readModelSettings({ file, env });

describe('readModelSettings', () => {
  it('finds nothing where nothing is set up, whatever keys other programs left in the environment', async () => {
    expect(await refusal({ OPENAI_API_KEY: CANARY, OPENAI_BASE_URL: 'https://api.openai.com/v1' })).toEqual({ ok: true });
  });

  it('reads a file with bounds and defaults', async () => {
    write(LOCAL);
    const settings = await read();
    expect(settings).toMatchObject({ baseUrl: 'http://127.0.0.1:11434/v1', model: 'qwen3', temperature: 0, stream: true, maxSteps: 8 });
    expect(settings.key).toBeUndefined();
  });

  it.each([
    [{ ...LOCAL, keyEnv: 'MY_KEY' }, { MY_KEY: ` ${CANARY}\n` }],
    [{ ...LOCAL, keyFile: 'key' }, {}],
  ])('takes the key from where the file says: %j', async (settings, env) => {
    write(settings);
    writeFileSync(path.join(root, 'key'), `${CANARY}\n`, { mode: 0o600 });
    expect((await read(env)).key?.reveal()).toBe(CANARY);
  });

  it('takes everything from the environment where there is no file, and nothing of it where there is one', async () => {
    const env = { THREEBOT_MODEL_URL: 'https://models.example/v1', THREEBOT_MODEL_NAME: 'm', THREEBOT_MODEL_KEY: CANARY };
    const settings = await read(env);
    expect(settings).toMatchObject({ baseUrl: 'https://models.example/v1', model: 'm' });
    expect(settings.key?.reveal()).toBe(CANARY);
    write(LOCAL);
    expect((await read(env)).key).toBeUndefined();
  });

  it.each([
    [{ ...LOCAL, baseUrl: 'http://models.example/v1' }, 'model_settings_invalid'],
    [{ ...LOCAL, baseUrl: 'http://127.0.0.1.example/v1' }, 'model_settings_invalid'],
    [{ ...LOCAL, baseUrl: `https://user:${CANARY}@models.example/v1` }, 'model_settings_invalid'],
    [{ ...LOCAL, baseUrl: 'file:///etc/passwd' }, 'model_settings_invalid'],
    [{ ...LOCAL, key: CANARY }, 'model_settings_invalid'],
    [{ ...LOCAL, keyFile: 'key', keyEnv: 'KEY' }, 'model_settings_invalid'],
    [{ ...LOCAL, maxSteps: 1000 }, 'model_settings_invalid'],
    [{ ...LOCAL, keyFile: 'nowhere' }, 'model_key_missing'],
    [{ ...LOCAL, keyEnv: 'NOWHERE' }, 'model_key_missing'],
    [{ ...LOCAL, keyEnv: 'SPLIT' }, 'model_key_invalid'],
  ])('refuses %j with %s, and repeats no key', async (settings, code) => {
    write(settings);
    const result = await refusal({ SPLIT: `${CANARY}\r\nx-other: 1` });
    expect(result).toMatchObject({ ok: false, code });
    expect(JSON.stringify(result)).not.toContain(CANARY);
  });

  it('lets plain http leave the machine only when told to', async () => {
    write({ ...LOCAL, baseUrl: 'http://10.0.0.5:8000/v1', plainHttp: true });
    expect((await read()).baseUrl).toBe('http://10.0.0.5:8000/v1');
  });

  it.each([0o640, 0o604, 0o622])('refuses a file that others can use (%o), and so a key file', async (mode) => {
    write(LOCAL);
    chmodSync(file, mode);
    expect(await refusal()).toMatchObject({ ok: false, code: 'model_settings_not_private', hint: expect.stringContaining('chmod 600') as string });
    write({ ...LOCAL, keyFile: `key-${mode}` });
    chmodSync(file, 0o600);
    writeFileSync(path.join(root, `key-${mode}`), CANARY);
    chmodSync(path.join(root, `key-${mode}`), mode);
    expect(await refusal()).toMatchObject({ ok: false, code: 'model_settings_not_private' });
  });

  it('refuses what is no file, and what is no JSON', async () => {
    symlinkSync(root, file);
    expect(await refusal()).toMatchObject({ ok: false, code: 'model_settings_invalid' });
    file = `${file}-2`;
    writeFileSync(file, '{', { mode: 0o600 });
    expect(await refusal()).toMatchObject({ ok: false, code: 'model_settings_invalid' });
  });
});

it('a secret shows itself nowhere by accident', () => {
  const secret = new Secret(CANARY);
  const shown = [String(secret), JSON.stringify({ secret }), inspect({ secret }, { showHidden: true, depth: 9 }), `${JSON.stringify(Object.getOwnPropertyNames(secret))}`].join('\n');
  expect(shown).not.toContain(CANARY);
  expect(secret.reveal()).toBe(CANARY);
});

describe('the guide', () => {
  const guide = readFileSync(path.join(import.meta.dirname, '../../../docs/guides/models.md'), 'utf8');

  it('names every setting with its default, and no other', async () => {
    write(LOCAL);
    const { key: _key, baseUrl: _baseUrl, model: _model, ...defaults } = await read();
    const rows = [...guide.matchAll(/^\| (`[^|]*) \| ([^|]*) \|/gm)].flatMap(([, names = '', values = '']) => {
      const all = [...names.matchAll(/`(\w+)`/g)].map((match) => match[1] ?? '');
      const given = values.trim() === '' ? [] : values.trim().split(/, (?=\d)/);
      return all.map((name, i) => [name, given[i]?.replaceAll(',', '')] as const);
    });
    expect(Object.fromEntries(rows)).toEqual({ keyFile: undefined, keyEnv: undefined, plainHttp: 'false', ...Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, String(value)])) });
  });

  it('shows a file that is taken', async () => {
    const example = /<<'END'\n([^]*?)\nEND/.exec(guide)?.[1] ?? expect.fail('the guide shows no file');
    writeFileSync(file, example, { mode: 0o600 });
    expect(await read()).toMatchObject({ model: 'qwen3:8b' });
  });
});
