import { describe, expect, it } from 'vitest';
import type { Language } from './language.ts';
import { guessLanguage } from './language.ts';
import { parseDigits, readNumber } from './numbers.ts';
import { Request, tokenize } from './tokens.ts';
import { distance, isTypoOf } from './typo.ts';

function value(text: string, language: Language = 'en'): number | undefined {
  const number = readNumber(new Request(text), 0, language);
  return number && (number.negative ? -1 : 1) * (Number(number.numerator) / Number(number.denominator));
}

describe('numbers', () => {
  it.each<[string, Language, number | undefined]>([
    ['1', 'en', 1], ['1.5', 'en', 1.5], ['1,5', 'de', 1.5], ['1,000', 'en', 1000], ['1.000', 'de', 1000], ['1.000', 'en', 1], ['1.000.000', 'en', 1e6], ['1,234.5', 'en', 1234.5], ['1.234,5', 'fr', 1234.5],
    ["1'000", 'de', 1000], ['1 000', 'fr', 1000], ['1\u202f000', 'fr', 1000], ['10 000 000', 'en', 1e7], ['1 0000', 'en', 1], ['0.125', 'en', 0.125], ['1,0,0', 'en', undefined], ['1.2.3', 'en', undefined],
    ['-5', 'en', -5], ['minus 5', 'en', -5], ['- 5', 'en', undefined], ['9'.repeat(30), 'en', undefined],
    ['two hundred and fifty', 'en', 250], ['twenty four', 'en', 24], ['three thousand two hundred', 'en', 3200], ['a dozen', 'en', 12], ['a', 'en', 1], ['dozen', 'en', 12], ['half a', 'en', 0.5], ['one and a half', 'en', 1.5],
    ['fünfhundert', 'de', 500], ['zweiunddreissig', 'de', 32], ['zwölf', 'de', 12], ['anderthalb', 'de', 1.5], ['zweitausendfünfhundert', 'de', 2500], ['deux cents', 'fr', 200], ['duecento', 'it', 200], ['vijfentwintig', 'nl', 25], ['banana', 'en', undefined],
  ])('%s (%s)', (text, language, expected) => {
    expect(value(text, language)).toBe(expected);
  });

  it('refuses endless digits', () => {
    expect(parseDigits('1'.repeat(25), 'en')).toBeUndefined();
  });
});

describe('language', () => {
  it.each<[string, Language]>([['give me the archive', 'en'], ['ich brauche ein Archiv mit', 'de'], ['je veux une archive', 'fr'], ['dammi un archivio di', 'it'], ['quiero un archivo de', 'es'], ['geef mij het archief van', 'nl'], ['1 PB CH', 'en']])('%s: %s', (text, expected) => {
    expect(guessLanguage(tokenize(text))).toBe(expected);
  });
});

describe('typing slips', () => {
  it('counts swaps once', () => {
    expect([distance('petabtye', 'petabyte'), distance('', 'abc'), distance('kitten', 'sitting')]).toEqual([1, 3, 3]);
  });

  it('forgives few, and none in short words', () => {
    expect([isTypoOf('archve', 'archive'), isTypoOf('switzrlnd', 'switzerland'), isTypoOf('oran', 'oman'), isTypoOf('marchive', 'archive'), isTypoOf('austria', 'australia')]).toEqual([true, true, false, false, false]);
  });
});
