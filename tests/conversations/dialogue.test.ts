import { describe, expect, it } from 'vitest';
import { runScript } from './run.ts';
import { loadScripts } from './script.ts';

const scripts = loadScripts();

describe('conversations with the offline dialogue', () => {
  it('has a corpus', () => {
    expect(scripts.length).toBeGreaterThanOrEqual(44);
    expect(new Set(scripts.map(({ script }) => script.name)).size).toBe(scripts.length);
  });

  it.each(scripts.map(({ file, script }) => [file.replace('.yaml', ''), script.name, script] as const))('%s: %s', async (_, __, script) => {
    await runScript(script, { mode: 'dialogue' });
  });
});
