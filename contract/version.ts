import { z } from 'zod';

/** Version of a blueprint: major.minor.patch. */
export const Version = z.string().regex(/^\d{1,4}\.\d{1,4}\.\d{1,4}$/, 'expected a version such as 1.0.0');

/** Orders versions by number: negative when a is lower, 0 when they are the same. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [a.split('.').map(Number), b.split('.').map(Number)];
  for (let i = 0; i < 3; i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
