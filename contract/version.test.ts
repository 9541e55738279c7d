import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, Version } from './version.ts';

describe('versions', () => {
  it('are ordered by number, not by text', () => {
    expect(['1.10.0', '1.9.9', '10.0.0', '2.0.0', '1.9.10'].sort(compareVersions)).toEqual(['1.9.9', '1.9.10', '1.10.0', '2.0.0', '10.0.0']);
    expect(compareVersions('01.0.0', '1.0.0')).toBe(0);
  });

  it('are a total order', () => {
    const version = fc.tuple(fc.nat(30), fc.nat(30), fc.nat(30)).map((parts) => parts.join('.'));
    fc.assert(fc.property(version, version, version, (a, b, c) => {
      expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
    }));
  });

  it.each(['1', '1.0', '1.0.0.0', 'v1.0.0', '1.0.0-beta', '1.0.0\n', '12345.0.0', ''])('%j is none', (text) => {
    expect(Version.safeParse(text).success).toBe(false);
  });
});
