import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Speaker } from './speaker.ts';

function speak(use: (speaker: Speaker) => void, seen: (text: string) => boolean = () => false): { text: string; pieces: string[] } {
  const pieces: string[] = [];
  const speaker = new Speaker({ onText: (piece) => pieces.push(piece), seen });
  use(speaker);
  return { text: speaker.text, pieces };
}
const said = (text: string, seen?: (text: string) => boolean): string => speak((s) => { s.model(text); s.pause(); }, seen).text;

describe('the model\'s words', () => {
  it('pass on word by word, before the answer is whole', () => {
    const { pieces, text } = speak((s) => {
      for (const piece of ['An arch', 'ive of', ' 1 P', 'B, ', 'yes']) s.model(piece);
    });
    expect(pieces.join('')).toBe(text);
    expect(text).toBe('An archive of 1 PB, ');
    expect(pieces.length).toBeGreaterThan(1);
  });

  it.each([
    ['\x1b[2J\x1b]0;title\x07done', '·[2J·]0;title·done'],
    ['a\u202egnp.exe', 'a·gnp.exe'],
    ['<script>x</script> <b>', '‹script>x‹/script> ‹b>'],
    ['one\r\ntwo\tthree', 'one\ntwo three'],
    ['see https://evil.example/pay now', 'see (address left out) now'],
    ['[sign](https://evil.example/) or www.evil.example', '(address left out) or (address left out)'],
    ['contract sha256:1a2b3c4d5e6f7a8b9c and 1a2b3c4d5e6f7a8b9c', 'contract (unknown id) and (unknown id)'],
    ['1000000000000000 bytes at 500 EUR', '1000000000000000 bytes at 500 EUR'],
    ['<think>the person wants x</think>Fine.', 'Fine.'],
    ['  \n Fine.', 'Fine.'],
    ['5 < 6 and a <= b', '5 < 6 and a <= b'],
  ])('%j becomes %j', (text, expected) => {
    expect(said(text)).toBe(expected);
    expect(speak((s) => { for (const each of text) s.model(each); s.pause(); }).text).toBe(expected);
  });

  it('keep addresses and ids that somebody gave', () => {
    expect(said('at https://127.0.0.1:8443/, id 1a2b3c4d5e6f', (text) => ['https://127.0.0.1:8443/', '1a2b3c4d5e6f'].includes(text))).toBe('at https://127.0.0.1:8443/, id 1a2b3c4d5e6f');
  });

  it('end somewhere, and never in the middle of a character', () => {
    const { text } = speak((s) => { for (let i = 0; i < 100; i++) s.model('😀'.repeat(1000)); s.pause(); });
    expect(text.length).toBeLessThanOrEqual(16_000);
    expect(text.replace(/·$/, '').isWellFormed()).toBe(true);
    expect(text).toContain('😀');
  });

  it('hold nothing that a terminal obeys, however they are cut', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('\x1b', '[31m', '\u009b', '\u2028', '\ud83d', ' ', '\n', '<think>', '</think>')), { maxLength: 40 }), (pieces) => {
      const { text, pieces: passed } = speak((s) => { for (const piece of pieces) s.model(piece); s.pause(); s.paragraph('ours'); });
      expect(text).not.toMatch(/[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      expect(passed.join('')).toBe(text);
      expect(text.endsWith('ours')).toBe(true);
    }), { seed: 1, numRuns: 300 });
  });
});

it('separates messages and our own words by one empty line', () => {
  expect(speak((s) => {
    s.model('Let me see.');
    s.pause();
    s.pause();
    s.model('\nHere.\n');
    s.paragraph('ours');
  }).text).toBe('Let me see.\n\nHere.\n\nours');
});
