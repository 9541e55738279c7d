import { describe, expect, it } from 'vitest';
import { askedNumber, near } from './numbers.ts';

describe('the number that is asked about', () => {
  it.each([
    ['why 10 workloads?', { value: 10, noun: 'workloads', money: false, bytes: undefined }],
    ['what does 255 TB come from?', { value: 255, bytes: 255e12 }],
    ['d’où viennent 255 To ?', { bytes: 255e12 }],
    ['why 1.5 GiB?', { bytes: 1.5 * 2 ** 30 }],
    ['why 3,840.06 EUR?', { value: 3840.06, money: true }],
    ['warum 3.840,06 EUR?', { value: 3840.06, money: true }],
    ['pourquoi 3 840,06 euros ?', { value: 3840.06, money: true }],
    ['why €500?', { value: 500, money: true }],
    ['why 500 a month', { value: 500, money: false, noun: 'a' }],
    ['warum 6 Böcke', { value: 6, noun: 'bocke' }],
  ])('%s', (text, expected) => {
    expect(askedNumber(text)).toMatchObject(expected);
  });

  it('is none where there is none', () => {
    expect(askedNumber('why Zurich?')).toBeUndefined();
  });

  it('is near what is shown rounded, and not near its neighbours', () => {
    expect(near(255, 255.000067)).toBe(true);
    expect(near(10, 9)).toBe(false);
    expect(near(3840, 3840.06)).toBe(true);
  });
});
