import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const entries = ['knowledge/compile.ts', 'knowledge/blueprint.ts', 'knowledge/expression.ts', 'knowledge/lint.ts', 'knowledge/test.ts', 'bot/planner/understand/understand.ts'];

// A stakeholder's browser recompiles what it is asked to sign, so these rooms must run there as they are.
describe('pure rooms', () => {
  it('bundle for a browser, without any module of Node', async () => {
    const { metafile } = await build({ absWorkingDir: root, entryPoints: entries, bundle: true, write: false, format: 'esm', platform: 'browser', outdir: 'out', metafile: true, logLevel: 'silent' });
    const ours = Object.keys(metafile.inputs).filter((file) => !file.includes('node_modules'));
    expect(ours).toContain('knowledge/program.ts');
    expect(ours).toContain('bot/planner/understand/places.ts');
    for (const file of ours.filter((name) => name.endsWith('.ts'))) {
      expect([file, /from 'node:|\bDate\.now|new Date\(\)|Math\.random|performance\.now|process\.|localeCompare|toLocale|Intl\./.exec(readFileSync(join(root, file), 'utf8'))?.[0]]).toEqual([file, undefined]);
    }
  });
});
