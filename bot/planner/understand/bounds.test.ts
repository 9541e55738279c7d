import { describe, expect, it } from 'vitest';
import { boundOf, rangeOf } from './bounds.ts';
import type { Language } from './language.ts';
import { readQuantities } from './quantities.ts';
import { Request } from './tokens.ts';

describe('bounds', () => {
  it.each<[string, Language, 'lower' | 'upper' | undefined]>([
    ['at least 2', 'en', 'lower'], ['at most 6', 'en', 'upper'], ['up to 10', 'en', 'upper'], ['never fewer than 3', 'en', 'lower'], ['no more than 4', 'en', 'upper'], ['fewer than 4', 'en', 'upper'], ['max. 4', 'en', 'upper'], ['half a dozen at peak', 'en', 'upper'], ['3 or more', 'en', 'lower'], ['with 3', 'en', undefined],
    ['mindestens zwei', 'de', 'lower'], ['höchstens sechs', 'de', 'upper'], ['nicht mehr als 5', 'de', 'upper'], ['au moins 2', 'fr', 'lower'], ["jusqu'à 7", 'fr', 'upper'], ['au plus 5', 'fr', 'upper'], ['almeno 3', 'it', 'lower'], ['fino a 9', 'it', 'upper'],
    ['al menos 2', 'es', 'lower'], ['como máximo 7', 'es', 'upper'], ['nooit minder dan 2', 'nl', 'lower'], ['hooguit 8', 'nl', 'upper'],
  ])('%s', (text, language, expected) => {
    const request = new Request(text);
    const [count] = readQuantities(request, language);
    expect(count && boundOf(request, count)).toBe(expected);
  });

  it.each<[string, Language, boolean]>([
    ['2 to 6', 'en', true], ['between two and ten', 'en', true], ['2-6', 'en', true], ['from 3 up to 12', 'en', true], ['80 and 443', 'en', false], ['80, 443', 'en', false],
    ['zwischen 2 und 5', 'de', true], ['2 bis 6', 'de', true], ['une à trois', 'fr', true], ['da 1 a 5', 'it', true], ['entre una y cuatro', 'es', true], ['tussen drie en vijftien', 'nl', true], ['2 tot 4', 'nl', true],
  ])('range: %s', (text, language, expected) => {
    const request = new Request(text);
    const [first, second] = readQuantities(request, language);
    expect(first && rangeOf(request, first, second)).toBe(expected);
  });
});
