import { expect, it } from 'vitest';
import { chooseConversation } from './resume.ts';

const kept = [{ id: 'aa11000000000000' }, { id: 'aa22000000000000' }, { id: 'bb00000000000000' }];

it('goes on with the last conversation, or with the one that is named', () => {
  expect(chooseConversation([], undefined)).toBeUndefined();
  expect(chooseConversation(kept, undefined)).toBe('aa11000000000000');
  expect(chooseConversation(kept, 'BB')).toBe('bb00000000000000');
  expect(chooseConversation(kept, 'aa22000000000000')).toBe('aa22000000000000');
});

it.each([['aa', 'conversation_ambiguous'], ['cc', 'conversation_unknown'], ['', 'conversation_unknown'], ['aa220000000000000', 'conversation_unknown']])('refuses %j', (reference, code) => {
  expect(() => chooseConversation(kept, reference)).toThrow(expect.objectContaining({ code }) as Error);
});
