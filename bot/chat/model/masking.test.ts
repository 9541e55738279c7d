import { expect, it } from 'vitest';
import { maskedDraft, maskedText, unmaskedCall } from './masking.ts';

const draft = { blueprint: 'container', parameters: { image: 'nginx', ports: [80], env: { MODE: 'hunter2', A: 'b' } }, earlier: 'sha256:1' };

it('tells a model which settings a draft has, and not what they are', () => {
  expect(maskedDraft(draft)).toEqual({ blueprint: 'container', parameters: { image: 'nginx', ports: [80], env: { MODE: '(kept)', A: '(kept)' } }, plan: 'sha256:1' });
});

it('gives a call the values again that it was not told, and no others', () => {
  const told = { image: 'nginx', env: { MODE: '(kept)', A: 'c', NEW: '(kept)' } };
  const again = { image: 'nginx', env: { MODE: 'hunter2', A: 'c', NEW: '(kept)' } };
  expect(unmaskedCall({ blueprint: 'container', parameters: told }, draft)).toEqual({ blueprint: 'container', parameters: again });
  expect(unmaskedCall({ parameters: {}, variants: [{ label: 'x', change: told }] }, draft)).toEqual({ parameters: {}, variants: [{ label: 'x', change: again }] });
  for (const input of [undefined, 'text', { text: '(kept)' }, { parameters: 5 }]) expect(unmaskedCall(input, draft)).toEqual(input);
});

it.each([
  ['set DB_PASSWORD=hunter2 and MODE="a b"', 'set DB_PASSWORD=(kept) and MODE=(kept)'],
  ['with api_key = abc, please', 'with api_key = (kept), please'],
  ['parity_shards = 2 is fine; a=b', 'parity_shards = 2 is fine; a=b'],
])('says %s again as %s', (text, masked) => {
  expect(maskedText(text)).toBe(masked);
});
