import { describe, expect, it } from 'vitest';
import type { Json } from '../contract/canonical.ts';
import type { WorkloadType } from '../contract/workload.ts';
import { type Blueprint, parametersOf } from './blueprint.ts';
import { compileBlueprint } from './compile.ts';
import { drawValue } from './draw.ts';
import { loadLibrary, shippedDirectory } from './library.ts';
import { lintBlueprint } from './lint.ts';
import { planOnMarket } from './market.ts';
import { Seeded } from './random.ts';
import { runBlueprintTests } from './test.ts';

const LEAST_TESTS = 8;
const LANGUAGES = 6;
const DRAWS = 150;

/** What each makes of the least that can be asked: names and types are public interface, and so is this. */
const MAKES: Readonly<Record<string, { least: Readonly<Record<string, unknown>>; types: readonly WorkloadType[] }>> = {
  archive: { least: { capacity: '1 TB' }, types: ['archive', 'gateway-name', 'zdb'] },
  container: { least: { image: 'nginx' }, types: ['container'] },
  crm: { least: { users: 10 }, types: ['archive', 'container', 'gateway-name', 'network', 'volume', 'zdb'] },
  'data-job': { least: { image: 'python', command: 'python -V' }, types: ['job', 'volume'] },
  database: { least: { capacity: '1 GB' }, types: ['container', 'network', 'volume'] },
  'key-value-store': { least: { capacity: '1 GB' }, types: ['zdb'] },
  kubernetes: { least: { workers: 1 }, types: ['kubernetes', 'network'] },
  'private-network': { least: { members: ['a', 'b'] }, types: ['network'] },
  'virtual-disk': { least: { capacity: '1 GB' }, types: ['volume'] },
  'web-app': { least: { image: 'nginx' }, types: ['container', 'gateway-name', 'network'] },
  website: { least: { source: 'https://example.org/site.git' }, types: ['container', 'gateway-name'] },
};

/** What is required, and of the rest sometimes some; of each any value that its bounds allow. */
function drawRequest(blueprint: Blueprint, random: Seeded): Record<string, Json> {
  const wanted = Object.entries(parametersOf(blueprint)).filter(([, parameter]) => parameter.required || random.below(3) === 0);
  return Object.fromEntries(wanted.map(([name, parameter]) => [name, drawValue(parameter, {}, random)]));
}

const library = loadLibrary(shippedDirectory());

it('ships eleven blueprints', () => {
  expect(library.map(({ blueprint }) => blueprint.blueprint)).toEqual(Object.keys(MAKES));
});

describe.each(library.map((entry) => [entry.blueprint.blueprint, entry] as const))('the %s blueprint', (name, { blueprint, source }) => {
  const { least, types } = MAKES[name] ?? { least: {}, types: [] };

  it('is clean', () => {
    expect(lintBlueprint(source)).toEqual([]);
    expect(blueprint.summary).toBeDefined();
    expect(blueprint.intents.nouns.length).toBeGreaterThanOrEqual(LANGUAGES);
  });

  it('brings its own tests, of what it makes and of what it refuses, and they pass', () => {
    const results = runBlueprintTests(blueprint);
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(results.length).toBeGreaterThanOrEqual(LEAST_TESTS);
    expect(blueprint.properties.length).toBeGreaterThanOrEqual(1);
    for (const kind of ['golden', 'that', 'refused'] as const) expect(blueprint.tests.some(({ expect: expected }) => expected[kind] !== undefined), kind).toBe(true);
    expect(new Set(blueprint.tests.map((test) => test.name)).size).toBe(blueprint.tests.length);
  });

  it('makes what it says of the least that can be asked', () => {
    const plan = planOnMarket(blueprint, least);
    if (!plan.ok) throw new Error(plan.message);
    expect([...new Set(plan.compiled.workloads.map(({ type }) => type))].sort()).toEqual(types);
    expect(Object.keys(least).sort()).toEqual(Object.entries(blueprint.parameters).filter(([, p]) => p.required).map(([parameter]) => parameter).sort());
    expect(BigInt(plan.price.month)).toBeGreaterThan(0n);
  });

  it('lets its first test be placed, and what is required be nothing else', () => {
    const [first] = blueprint.tests;
    const plan = planOnMarket(blueprint, first?.parameters ?? {});
    expect(plan).toMatchObject({ ok: true });
    if (!plan.ok) return;
    const { countries } = plan.compiled.constraints;
    expect(plan.assignments.every(({ location }) => countries.length === 0 || countries.includes(location.country))).toBe(true);
    expect(plan.assignments.map(({ workload }) => workload)).toEqual(plan.compiled.workloads.map((w) => w.name));
  });

  it('makes workloads of every request inside its bounds, or says with a check why not', () => {
    const random = new Seeded(name);
    let made = 0;
    for (let i = 0; i < DRAWS; i++) {
      const request = drawRequest(blueprint, random);
      const result = compileBlueprint(blueprint, request);
      if (!result.ok) {
        expect(result.code, `${JSON.stringify(request)}: ${result.message}`).toBe('check_failed');
        expect(`${result.message} ${result.hint}`).not.toMatch(/undefined|\$\{/);
        continue;
      }
      made += 1;
      expect(result.title.length).toBeLessThanOrEqual(200);
      expect(compileBlueprint(blueprint, result.parameters)).toMatchObject({ ok: true, workloads: result.workloads });
      const oversized = result.workloads.find((w) => (w.type === 'zdb' || w.type === 'volume') && BigInt(w.spec.capacity) > BigInt(w.resources.disk));
      expect(oversized?.name).toBeUndefined();
    }
    expect(made).toBeGreaterThan(DRAWS / 20);
  });

  it('replaces only what begins empty without loss', () => {
    const plan = planOnMarket(blueprint, least);
    if (!plan.ok) throw new Error(plan.message);
    const lonely = plan.compiled.workloads.some((w) => (w.type === 'zdb' && !types.includes('archive')) || w.type === 'job');
    expect(blueprint.autonomy.replace).toBe(!lonely);
  });
});
