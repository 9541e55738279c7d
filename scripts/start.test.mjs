import { expect, it } from 'vitest';
import { upArguments } from './start.mjs';

it.each([
  [['give me an archive of 1 PB in CH'], ['up', '--ask', 'give me an archive of 1 PB in CH']],
  [['give me an archive', '--yes', '--exit'], ['up', '--ask', 'give me an archive', '--yes', '--exit']],
  [['--yes', 'give me an archive'], ['up', '--ask', 'give me an archive', '--yes']],
  [['give', 'me', 'an', 'archive', '--state', '/s'], ['up', '--ask', 'give me an archive', '--state', '/s']],
  [['--state', '/s'], ['up', '--prompt', '--state', '/s']],
  [[], ['up', '--prompt']],
  [['--ask', 'an archive'], ['up', '--ask', 'an archive']],
  [['--help'], ['up', '--help']],
])('npm start -- %j', (args, expected) => {
  expect(upArguments(args)).toEqual(expected);
});
