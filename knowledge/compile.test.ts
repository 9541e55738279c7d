import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalize } from '../contract/canonical.ts';
import { digestOf } from '../contract/digest.ts';
import { parseBlueprint } from './blueprint.ts';
import { compileBlueprint } from './compile.ts';
import { loadLibrary, shippedDirectory } from './library.ts';
import { runBlueprintTests } from './test.ts';

const library = loadLibrary(shippedDirectory());
const archive = library.find(({ blueprint }) => blueprint.blueprint === 'archive')?.blueprint;
if (!archive) throw new Error('the archive blueprint is not shipped');

function compiled(parameters: Record<string, unknown>): Extract<ReturnType<typeof compileBlueprint>, { ok: true }> {
  const result = compileBlueprint(archive!, parameters);
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return result;
}

describe('the shipped library', () => {
  it('has blueprints, each with at least eight tests, and all pass', () => {
    expect(library.length).toBeGreaterThan(0);
    for (const { blueprint } of library) {
      expect(blueprint.tests.length).toBeGreaterThanOrEqual(8);
      for (const test of runBlueprintTests(blueprint)) expect(test).toMatchObject({ name: test.name, ok: true, failures: [] });
    }
  });

  it('makes one line of a title and of a refusal, whatever its expressions write', () => {
    const forged = { ...archive, summary: "a${'\\n'}b${'\\u202e'}c", checks: [] };
    expect(compileBlueprint(forged, archive.tests[0]!.parameters)).toMatchObject({ ok: true, title: 'a b c' });
    const refusing = { ...archive, checks: [{ that: 'size(countries) > 100', message: "a${'\\n'}b", hint: "c${'\\n'}d" }] };
    expect(compileBlueprint(refusing, archive.tests[0]!.parameters)).toMatchObject({ ok: false, code: 'check_failed', message: 'a b', hint: 'c d' });
  });

  it('notices a test that does not hold', () => {
    const [first] = archive.tests;
    const wrong = { ...archive, properties: [], tests: [{ ...first!, expect: { workloads: 9, golden: { 'zdb-0': { spec: { mode: 'seq' } }, nobody: {} }, that: ['size(slots) == 7'] } }, { name: 'empty', parameters: {}, expect: {} }] };
    expect(runBlueprintTests(wrong).map(({ ok, failures }) => [ok, failures.length])).toEqual([[false, 4], [false, 1]]);
  });
});

describe('compileBlueprint', () => {
  it('makes an archive of 1 PB in CH', () => {
    const result = compiled({ capacity: '1 PB', countries: ['CH'] });
    expect(result.workloads.map(({ name, group, type }) => `${name} ${group} ${type}`)).toEqual([
      ...[0, 1, 2, 3, 4, 5].map((i) => `zdb-${i} zdb zdb`),
      ...[0, 1, 2].map((i) => `archive-${i} archive archive`),
      'endpoint gateway gateway-name',
    ]);
    expect(result.constraints).toEqual({ countries: ['CH'], cities: [] });
    expect(result.title).toBe('Archive of 1 PB in CH (4 + 2 shards)');
    expect(result.workloads[0]).toEqual({
      name: 'zdb-0', group: 'zdb', type: 'zdb', secrets: [], dials: [],
      resources: { disk: '255000067108864', memory: '268435456', cpu: '250' },
      spec: { mode: 'user', capacity: '255000067108864', namespaces: ['index', 'data'] },
    });
    const slots = [0, 1, 2, 3, 4, 5].map((i) => `zdb-${i}`);
    expect(result.workloads[8]).toEqual({
      name: 'archive-2', group: 'archive', type: 'archive', secrets: ['data-key', 's3-credentials'], dials: slots,
      resources: { disk: '1073741824', memory: '536870912', cpu: '500' },
      spec: { dataShards: 4, parityShards: 2, slots, bucket: 'archive', region: 'ch', retentionDays: 0, immutable: false },
    });
    expect(result.workloads[9]).toEqual({
      name: 'endpoint', group: 'gateway', type: 'gateway-name', secrets: [], dials: ['archive-0', 'archive-1', 'archive-2'],
      resources: { disk: '0', memory: '16777216', cpu: '10' },
      spec: { name: 'archive', backends: ['archive-0', 'archive-1', 'archive-2'] },
    });
    // The whole of it, byte for byte: whoever changes this changes every contract made from the same words.
    expect(digestOf({ parameters: result.parameters, workloads: result.workloads })).toMatchInlineSnapshot(`"sha256:6e0d3916988cbf6266e305da21cb22ac58f145de46d3bd34ec5d5abc76fedd1c"`);
  });

  it('gives the same bytes for canonical parameters as for written ones, whatever their order', () => {
    const sizes = fc.bigInt({ min: 10n ** 9n, max: 10n ** 17n });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 2, max: 20 }), fc.integer({ min: 1, max: 6 }), fc.shuffledSubarray(['CH', 'DE', 'FR']), (capacity, data, parity, countries) => {
        const raw = { capacity: capacity.toString(), data_shards: data, parity_shards: parity, countries };
        const once = compileBlueprint(archive, raw);
        if (!once.ok) return once.code === 'check_failed' && data <= parity;
        const twice = compileBlueprint(archive, Object.fromEntries(Object.entries(once.parameters).reverse()));
        return twice.ok && canonicalize([once.parameters, once.workloads]) === canonicalize([twice.parameters, twice.workloads]);
      }),
      { seed: 31, numRuns: 60 },
    );
  });

  it('stores what was asked for on any data_shards of the shards', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 10n ** 9n, max: 10n ** 17n }), fc.integer({ min: 2, max: 24 }), (capacity, data) => {
        const { workloads } = compiled({ capacity: capacity.toString(), data_shards: data, parity_shards: 1 });
        const held = workloads.flatMap((w) => (w.type === 'zdb' ? [BigInt(w.spec.capacity)] : []));
        return held.length === data + 1 && held.slice(0, data).reduce((a, b) => a + b, 0n) >= capacity;
      }),
      { seed: 32, numRuns: 60 },
    );
  });

  it('keeps the price limit and the term among the parameters', () => {
    expect(compiled({ capacity: '1 TB', max_price: '500 EUR', months: 12 }).parameters).toMatchObject({ max_price: '500000000', months: 12 });
    expect(compiled({ capacity: '1 TB' }).parameters).not.toHaveProperty('max_price');
  });

  it.each([
    [{}, 'missing_parameter'],
    [{ capacity: 'much' }, 'invalid_value'],
    [{ capacity: '1 TB', color: 'red' }, 'unknown_parameter'],
    [{ capacity: '1 TB', __proto__x: 1 }, 'unknown_parameter'],
    [{ capacity: '1 TB', constructor: 1 }, 'unknown_parameter'],
    [{ capacity: '1 TB', data_shards: 2, parity_shards: 2 }, 'check_failed'],
    [{ capacity: '1 TB', name: 'No Good' }, 'invalid_value'],
    [{ capacity: '1 TB', max_price: '5 CHF' }, 'invalid_value'],
  ])('refuses %o with %s', (parameters, code) => {
    const result = compileBlueprint(archive, parameters);
    expect(result).toMatchObject({ ok: false, code });
    if (!result.ok) expect(result.hint).not.toBe('');
  });
});

describe('a blueprint by another author', () => {
  const yaml = (workload: string): string => `
blueprint: tiny
version: 0.1.0
title: Tiny
description: A key-value engine.
author: someone
parameters:
  count: {type: integer, required: true, description: How many.}
  each_name: {type: text, default: 'engine', description: First part of the names.}
intents: {nouns: [tiny], examples: [a tiny thing]}
policy: {role: it-expert}
autonomy: {replace: false}
workloads:
${workload}
`;
  const compile = (workload: string, parameters: Record<string, unknown>): unknown => {
    const parsed = parseBlueprint(yaml(workload));
    if (!parsed.ok) return parsed.problems;
    const result = compileBlueprint(parsed.blueprint, parameters);
    return result.ok ? result.workloads.map(({ name }) => name) : `${result.code}: ${result.message}`;
  };
  const zdb = (name: string, more = ''): string => `  - each: {i: range(count)}
    type: zdb
    name: ${name}
    group: zdb
    resources: {disk: 1 GB, memory: 64 MiB, cpu: 10m}
    spec: {mode: user, capacity: "1000", namespaces: [data]}
${more}`;

  it('compiles, with conditions', () => {
    expect(compile(zdb('${each_name}-${i}', '    when: i % 2 == 0\n'), { count: 5 })).toEqual(['engine-0', 'engine-2', 'engine-4']);
  });

  it.each([
    ['same names', zdb('one'), { count: 2 }, /same name/],
    ['a name that is no label', zdb('${each_name}${i}'), { count: 1, each_name: 'A b' }, /DNS label/],
    ['too many', zdb('e-${i}'), { count: 300 }, /more than 256/],
    ['a list too long', zdb('e-${i}'), { count: 5000 }, /512/],
    ['none', zdb('e-${i}'), { count: 0 }, /no workload/],
    ['dials to nobody', zdb('e-${i}', '    dials: [ghost]\n'), { count: 1 }, /ghost/],
    ['an unknown spec', zdb('e-${i}').replace('mode: user', 'mode: user, shell: true'), { count: 1 }, /shell/],
    ['resources that are none', zdb('e-${i}').replace('64 MiB', 'lots'), { count: 1 }, /decimal string/],
  ])('refuses %s', (_, workload, parameters, expected) => {
    expect(compile(workload, parameters)).toMatch(expected);
  });
});
