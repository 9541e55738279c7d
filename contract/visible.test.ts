import { describe, expect, it } from 'vitest';
import { Text } from './units.ts';
import { withoutUnseen } from './visible.ts';

/** By hand, so that the test does not trust the tables that the code trusts. */
const UNSEEN = ['\u0000', '\n', '\u001b', '\u007f', '\u009b', '\u00ad', '\u034f', '\u061c', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u180b', '\u200b', '\u202e', '\u2028', '\u2060', '\u2064', '\u2066', '\u2800', '\u3164', '\ufe00', '\ufe0f', '\ufeff', '\uffa0', '\ue000', '\ud800', '\u{1d173}', '\u{e0041}', '\u{e0100}'];
const SEEN = ['Zürich', 'कार्य', '東京', 'العربية', 'e\u0301', '한국', '😀', 'a b', '\u00a0', '⠁'];

describe('what nobody sees', () => {
  it.each(UNSEEN)('%j is replaced, and no text of a contract has it', (letter) => {
    expect(withoutUnseen(`a${letter}b${letter}`, '·')).toBe('a·b·');
    expect(Text(20).safeParse(`a${letter}b`).success).toBe(false);
  });

  it.each(SEEN)('%j stays', (text) => {
    expect(withoutUnseen(text, '·')).toBe(text);
    expect(Text(20).safeParse(text).success).toBe(true);
  });
});
