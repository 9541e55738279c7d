import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Lower-case hex as bytes. */
export const Hex = z.string().regex(/^([0-9a-f]{2})*$/).transform((text) => Uint8Array.from(Buffer.from(text, 'hex')));

export const Verdict = z.enum(['accept', 'refuse']);

/** The cases of a file beside this one, or of another. A file without a source, an empty one and two cases of one name are defects. */
export function readVectors<T extends { readonly name: string }>(file: string | URL, Case: z.ZodType<T>): T[] {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8');
  const { cases } = z.strictObject({ description: z.string().min(20), source: z.string().min(20), cases: z.array(Case).min(1) }).parse(JSON.parse(text));
  if (new Set(cases.map(({ name }) => name)).size !== cases.length) throw new Error(`${String(file)}: two cases have one name`);
  return cases;
}

/** How many cases a set of the file has, by what stands before the slash of their names. */
export function countSets(cases: readonly { readonly name: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { name } of cases) {
    const set = name.split('/')[0] ?? '';
    counts[set] = (counts[set] ?? 0) + 1;
  }
  return counts;
}
