import { describe, expect, it } from 'vitest';
import { type Blueprint, type BlueprintProperty, parseBlueprint, parametersOf } from './blueprint.ts';
import { drawValue, simplerValues } from './draw.ts';
import { BUILTIN_PARAMETERS } from './builtin.ts';
import { canonicalValue, Parameter, plainText } from './parameter.ts';
import { Seeded } from './random.ts';
import { runBlueprintTests, type TestResult } from './test.ts';

/** Stores of 1 TB for `capacity`, `copies` times. */
const SOURCE = `
blueprint: shelf
version: 1.0.0
title: A shelf
description: Stores beside each other.
author: tests
parameters:
  capacity: {type: bytes, required: true, minimum: 1 GB, maximum: 40 TB, description: How much.}
  copies: {type: integer, minimum: 1, maximum: 5, default: 1, description: How many copies.}
values:
  each: ceilDiv(capacity, 1000000000000)
intents: {nouns: [shelf], examples: [a shelf of 1 TB]}
policy: {role: legal}
autonomy: {replace: true}
checks:
  - that: copies != 4
    message: four is unlucky
    hint: take three
workloads:
  - each: {i: range(each * copies)}
    type: zdb
    name: shelf-\${i}
    group: shelf
    resources: {disk: 1 TB, memory: 1 MiB, cpu: 1m}
    spec: {mode: user, capacity: '1000000000000', namespaces: [data]}
`;

function shelf(property: Partial<BlueprintProperty> & Pick<BlueprintProperty, 'that'>, source = SOURCE): Blueprint {
  const parsed = parseBlueprint(source);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return { ...parsed.blueprint, properties: [{ name: 'a property', forall: { capacity: {}, copies: {} }, given: {}, draws: 100, ...property }] };
}
const check = (...args: Parameters<typeof shelf>): TestResult => runBlueprintTests(shelf(...args))[0]!;

describe('a property', () => {
  it('that holds is tried at least a hundred times', () => {
    expect(check({ that: ['size(names) >= copies', 'disks.all(d, d * size(disks) >= capacity)'] })).toEqual({ name: 'a property', ok: true, failures: [], draws: 100 });
  });

  it('that does not hold ends with the simplest request that shows it, the same every time', () => {
    const first = check({ that: ['size(names) < 7'] });
    expect(first).toMatchObject({ ok: false, failures: ['not true: size(names) < 7, for capacity = 6000000000001 (6 TB)'] });
    expect(check({ that: ['size(names) < 7'] })).toEqual(first);
  });

  it('keeps a parameter that the failure needs, at its simplest', () => {
    expect(check({ that: ['copies < 3'] }).failures).toEqual(['not true: copies < 3, for capacity = 1000000000 (1 GB), copies = 3']);
  });

  it('leaves out what the checks refuse and what `when` excludes', () => {
    expect(check({ that: ['copies != 4'] }).ok).toBe(true);
    expect(check({ when: 'copies < 3', that: ['copies < 3'] }).ok).toBe(true);
    expect(check({ when: 'copies == 4', that: ['false'] }).failures).toEqual([expect.stringMatching(/^only 0 of 1000 requests/)]);
  });

  it('finds what the blueprint itself cannot do inside its bounds', () => {
    const source = SOURCE.replace('maximum: 40 TB', 'maximum: 400 TB');
    expect(check({ that: ['true'] }, source).failures).toEqual([expect.stringMatching(/^refused: (workload_invalid: more than 256 workloads|expression_failed: .*), for capacity = \d+ \(\d/)]);
  });

  it('draws inside narrower bounds, from a list, and keeps what is given', () => {
    expect(check({ forall: { capacity: { minimum: '2 TB', maximum: '3 TB' }, copies: { oneOf: [2, 3] } }, that: ['capacity >= 2000000000000 && capacity <= 3000000000000', 'copies <= 3'] }).ok).toBe(true);
    expect(check({ forall: { capacity: {} }, given: { copies: 5 }, that: ['copies == 5'] }).ok).toBe(true);
    expect(check({ forall: { capacitee: {} }, that: ['true'] }).failures).toEqual(['forall.capacitee: there is no such parameter']);
  });

  it('is refused when it draws too little or nothing', () => {
    const property = (text: string) => parseBlueprint(`${SOURCE}properties:\n  - ${text}\n`);
    expect(property('{name: x, forall: {capacity: {}}, that: ["true"]}').ok).toBe(true);
    for (const text of ['{name: x, forall: {}, that: ["true"]}', '{name: x, forall: {capacity: {}}, draws: 99, that: ["true"]}', '{name: x, forall: {capacity: {}}, that: []}']) expect(property(text).ok).toBe(false);
  });
});

describe('what is drawn', () => {
  const KINDS: readonly Parameter[] = [
    ...Object.values(BUILTIN_PARAMETERS),
    ...['bytes', 'integer', 'integers', 'boolean', 'name', 'label', 'labels', 'text', 'image', 'command', 'location', 'pairs', 'flows', 'money'].map((type) => Parameter.parse({ type, description: 'x' })),
    Parameter.parse({ type: 'choice', description: 'x', choices: { one: { nouns: [] }, two: { nouns: [] } } }),
    Parameter.parse({ type: 'integers', description: 'x', minimum: 1, maximum: 65_535 }),
    Parameter.parse({ type: 'text', description: 'x', maxLength: 3 }),
  ];

  it.each(KINDS.map((parameter) => [parameter.type, parameter] as const))('of type %s is accepted, and so is everything simpler', (_, parameter) => {
    const random = new Seeded(parameter.type);
    for (let i = 0; i < 300; i++) {
      const value = drawValue(parameter, {}, random);
      for (const one of [value, ...simplerValues(parameter, {}, value)]) expect(canonicalValue(parameter, one), JSON.stringify(one)).toMatchObject({ ok: true });
    }
  });

  it('covers every type of parameter', () => {
    expect(new Set(KINDS.map(({ type }) => type))).toEqual(new Set(Parameter.options.map((option) => option.shape.type.value)));
  });

  it('reaches the ends of its bounds and all orders between them', () => {
    const parameter = parametersOf(shelf({ that: ['true'] }))['capacity']!;
    const random = new Seeded('ends');
    const drawn = Array.from({ length: 200 }, () => BigInt(plainText(drawValue(parameter, {}, random))));
    expect(drawn).toContain(10n ** 9n);
    expect(drawn).toContain(40n * 10n ** 12n);
    expect(new Set(drawn.map((n) => String(n).length)).size).toBeGreaterThan(4);
  });

  it('is the same on every machine', () => {
    const random = new Seeded('3bot');
    expect(Array.from({ length: 4 }, () => random.bits())).toEqual([1271981512, 2821818156, 2923577544, 2740054691]);
  });
});
