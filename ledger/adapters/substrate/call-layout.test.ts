import { describe, expect, it } from 'vitest';
import { compact, encodeBatch, endsWith, startsWith } from './call-layout.ts';

describe('the layout of what is signed', () => {
  it('has the compact integers of SCALE (docs.substrate.io, type encoding)', () => {
    const hex = (value: number): string => Buffer.from(compact(value)).toString('hex');
    expect([0, 1, 42, 63, 64, 69, 16_383, 16_384, 65_535, 2 ** 30 - 1].map(hex)).toEqual(['00', '04', 'a8', 'fc', '0101', '1501', 'fdff', '02000100', 'feff0300', 'feffffff']);
    for (const value of [-1, 0.5, 2 ** 30, Number.NaN]) expect(() => compact(value)).toThrow(RangeError);
  });

  it('is batchAll of remarks, each with its length, and nothing else', () => {
    const remarks = [Buffer.from('aa', 'hex'), Buffer.alloc(64, 0xbb)];
    const bytes = encodeBatch(remarks, { batchAll: '2802', remark: '0007' });
    expect(Buffer.from(bytes).toString('hex')).toBe(`2802${'08'}0007${'04'}aa0007${'0101'}${'bb'.repeat(64)}`);
    expect([startsWith(bytes, bytes.slice(0, 9)), startsWith(bytes.slice(0, 9), bytes), endsWith(bytes, bytes.slice(9)), endsWith(bytes, bytes.slice(0, 9))]).toEqual([true, false, true, false]);
  });
});
