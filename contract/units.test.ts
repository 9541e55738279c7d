import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addResources, counted, fits, formatBytes, formatMoney, parseBytes, subtractResources } from './units.ts';

describe('a number of things', () => {
  it('is one of one, and many of none', () => {
    expect([counted(0, 'node'), counted(1, 'node'), counted(2, 'node'), counted(1, 'workload runs', 'workloads run')]).toEqual(['0 nodes', '1 node', '2 nodes', '1 workload runs']);
  });
});

describe('units', () => {
  it.each([['1 PB', 10n ** 15n], ['500 TiB', 500n * 2n ** 40n], ['20GB', 20n * 10n ** 9n], ['1.5 gb', 1_500_000_000n], ['0.1 B', 0n], ['7 b', 7n]])('reads %s', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each(['', '1', 'PB', '-1 PB', '1e3 GB', '1,5 GB', '1 XB', '1 PB or so', '99999999999999999 PB'])('does not read %s as a size', (text) => {
    expect(parseBytes(text)).toBeUndefined();
  });

  it('writes sizes and money for people', () => {
    expect([formatBytes(10n ** 15n), formatBytes(1_500_000n), formatBytes(999n), formatBytes(1_010_000_000n)]).toEqual(['1 PB', '1.5 MB', '999 B', '1.01 GB']);
    expect([formatMoney(3_840_060_000n, 'EUR'), formatMoney(4_999n, 'EUR'), formatMoney(1_234_567_890_000_000n, 'CHF')]).toEqual(['3,840.06 EUR', '0.00 EUR', '1,234,567,890.00 CHF']);
  });

  it('adds and takes away resources beyond 2^53 without loss', () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 24n }).map(String);
    const resources = fc.record({ disk: amount, memory: amount, cpu: amount });
    fc.assert(fc.property(resources, resources, (a, b) => {
      expect(subtractResources(addResources(a, b), b)).toEqual(a);
      expect(fits(a, addResources(a, b))).toBe(true);
    }), { seed: 3 });
  });
});
