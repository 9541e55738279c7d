import { expect, it } from 'vitest';
import { understandCommand } from './understand.ts';

it('shows which words each parameter came from, and what is assumed', () => {
  const lines = understandCommand('an archive of 1 PB in CH').text.split('\n');
  expect(lines[0]).toBe('blueprint archive');
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}capacity = 1 PB {2}“.*1 PB”$/) as string);
  expect(lines).toContain('  data_shards = 4  (assumed)');
});
