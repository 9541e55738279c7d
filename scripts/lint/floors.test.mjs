import { join } from 'node:path';
import { Linter } from 'eslint';
import { expect, it } from 'vitest';
import { floors } from './floors.mjs';

const linter = new Linter({ cwd: '/house' });
const config = { files: ['**/*.js'], plugins: { '3bot': { rules: { floors } } }, rules: { '3bot/floors': 'error' } };
const judge = (path, code) => linter.verify(code, [config], { filename: join('/house', path) }).map(({ message }) => message);

it.each([
  ['signer/a.js', "import '../ledger/x.ts'"],
  ['storage/zdb/a.js', "import '../../contract/x.ts'"],
  ['contract/a.js', "export * from '../signer/x.ts'"],
  ['overlay/a.js', "export { x } from '../ledger/x.ts'"],
  ['bot/planner/a.js', "await import('../../overlay/x.ts')"],
])('refuses %s: %s', (path, code) => {
  expect(judge(path, code)).toEqual([expect.stringContaining('imports run downward only')]);
});

it.each([
  ['cli/a.js', "import '../bot/x.ts'"],
  ['bot/planner/a.js', "import '../../knowledge/compile.ts'"],
  ['bot/a.js', "import './ledger/x.ts'"],
  ['node-daemon/drivers/a.js', "import '../../storage/zdb/x.ts'"],
  ['contract/a.js', "import 'zod'"],
])('allows %s: %s', (path, code) => {
  expect(judge(path, code)).toEqual([]);
});
