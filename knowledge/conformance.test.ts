import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isExpression, isReserved, MAX_EXPRESSION, MAX_LIST, Scope, type Value } from './expression.ts';

/** The file says what the language is; a change of the library, or of ours around it, that breaks a case changes the meaning of contracts. */
const Plain: z.ZodType<Json> = z.lazy(() => z.union([z.string(), z.int(), z.boolean(), z.array(Plain), z.strictObject({ int: z.string() }), z.strictObject({ map: z.record(z.string(), Plain) })]));
type Json = string | number | boolean | readonly Json[] | { readonly int: string } | { readonly map: Readonly<Record<string, Json>> };
const Answer = { type: z.string().optional(), refused: z.enum(['compile', 'evaluate']).optional(), value: z.union([Plain, z.strictObject({ textOf: z.int() }), z.strictObject({ listOf: z.int() })]).optional() };
const File = z.strictObject({
  description: z.string(), differences: z.array(z.string()),
  bounds: z.strictObject({ characters: z.int(), listElements: z.int(), textUnits: z.int(), loopDepth: z.int() }),
  functions: z.array(z.string()), scope: z.record(z.string(), z.string()), values: z.record(z.string(), Plain),
  cases: z.array(z.union([
    z.strictObject({ group: z.string(), expression: z.string(), ...Answer }),
    z.strictObject({ group: z.string(), name: z.string(), parts: z.tuple([z.string(), z.string(), z.int(), z.string()]), ...Answer }),
  ])),
});
const file = File.parse(JSON.parse(readFileSync(new URL('expression.conformance.json', import.meta.url), 'utf8')));
const scope = new Scope(Object.entries(file.scope));
const values = Object.fromEntries(Object.entries(file.values).map(([name, value]) => [name, read(value)]));

function read(value: Json): Value {
  if (typeof value === 'number') return BigInt(value);
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map((item: Json) => read(item));
  if ('int' in value) return BigInt(value.int);
  return Object.fromEntries(Object.entries((value as { map: Readonly<Record<string, Json>> }).map).map(([key, item]) => [key, read(item)]));
}

describe('the frozen expression language', () => {
  it.each(file.cases.map((c) => ({ ...c, title: 'expression' in c ? `${c.group}: ${JSON.stringify(c.expression)}` : `${c.group}: ${c.name}` })))('$title', (c) => {
    const text = 'expression' in c ? c.expression : `${c.parts[0]}${c.parts[1].repeat(c.parts[2])}${c.parts[3]}`;
    const expression = scope.compile(text);
    if (!isExpression(expression)) {
      expect(c.refused, expression.message).toBe('compile');
      expect(expression.offset).toBeGreaterThanOrEqual(0);
      expect(expression.offset).toBeLessThanOrEqual(text.length);
      return;
    }
    expect(c.refused).not.toBe('compile');
    expect(expression.type).toBe(c.type);
    const result = expression.evaluate(values);
    if (!result.ok) return expect(c.refused, result.message).toBe('evaluate');
    expect(c.refused).toBeUndefined();
    if (typeof c.value === 'object' && 'textOf' in c.value) expect(typeof result.value === 'string' && result.value.length).toBe(c.value.textOf);
    else if (typeof c.value === 'object' && 'listOf' in c.value) expect(Array.isArray(result.value) && result.value.length).toBe(c.value.listOf);
    else expect(result.value).toEqual(c.value === undefined ? undefined : read(c.value));
  });

  it('has accepted and refused cases of every group, and calls every function', () => {
    expect(file.cases.length).toBeGreaterThanOrEqual(250);
    const called = file.cases.flatMap((c) => ('expression' in c && c.refused === undefined ? [c.expression] : [])).join('\n');
    for (const name of file.functions) expect(called, name).toMatch(new RegExp(`\\b${name}\\(`));
    for (const group of new Set(file.cases.map((c) => c.group))) {
      const outcomes = new Set(file.cases.filter((c) => c.group === group).map((c) => c.refused ?? 'accepted'));
      expect([...outcomes], group).toEqual(expect.arrayContaining(group === 'left out' ? ['compile'] : ['accepted', 'compile']));
    }
  });

  it('is what the code has: the functions, and the bounds', () => {
    for (const name of file.functions) expect(isReserved(name), name).toBe(true);
    expect(file.bounds).toMatchObject({ characters: MAX_EXPRESSION, listElements: MAX_LIST });
    // What is added to the language is added to the file.
    const others = ['matches', 'join', 'split', 'replace', 'trim', 'sort', 'timestamp', 'duration', 'double', 'uint', 'type', 'bytes', 'dyn'].filter((name) => isExpression(scope.compile(`${name}("a")`)) || isExpression(scope.compile(`s.${name}("a")`)) || isExpression(scope.compile(`words.${name}()`)));
    expect(others).toEqual([]);
  });
});
