import { expect, it } from 'vitest';
import { changeRows } from './plan-text.ts';
import { sayIn } from './words/messages.ts';

const say = sayIn('en');

it('shows every change that ends or deletes something, and says how many others are left out', () => {
  const changes = [...Array.from({ length: 30 }, (_, i) => `zdb-${i} is new, on sha256:${'a'.repeat(64)}`), 'archive-2 ends, and what it holds is deleted', 'ends: was 2026, becomes 2027'];
  const rows = changeRows({ say }, changes);
  expect(rows.slice(24)).toEqual(['  archive-2 ends, and what it holds is deleted', '  ends: was 2026, becomes 2027', '  and 6 more']);
  expect(rows[0]).toBe('  zdb-0 is new, on aaaaaaaaaaaa');
});

it('shows a short list whole, as harmless text', () => {
  expect(changeRows({ say }, ['a\u001b[2J\nb'])).toEqual(['  a·[2J·b']);
});
