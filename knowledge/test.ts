import type { Json } from '../contract/canonical.ts';
import { canonicalize } from '../contract/canonical.ts';
import { counted } from '../contract/units.ts';
import type { Blueprint, BlueprintTest } from './blueprint.ts';
import { compileBlueprint, type Compiled } from './compile.ts';
import { isExpression, type Scope, type Value } from './expression.ts';
import { programOf } from './program.ts';
import { checkProperty } from './property.ts';

export interface TestResult {
  readonly name: string;
  readonly ok: boolean;
  /** What differs, one line each; empty when it passed. */
  readonly failures: readonly string[];
  /** Of a property: how many requests were compiled. */
  readonly draws?: number;
}

/** Runs the tests and the properties that a blueprint brings; the same results on every machine. */
export function runBlueprintTests(blueprint: Blueprint): TestResult[] {
  const tests = blueprint.tests.map((test): TestResult => {
    const failures = run(blueprint, test);
    return { name: test.name, ok: failures.length === 0, failures };
  });
  const properties = blueprint.properties.map((property): TestResult => {
    const { draws, failures } = checkProperty(blueprint, property, (compiled, that) => untrue(blueprint, compiled, that));
    return { name: property.name, ok: failures.length === 0, failures, draws };
  });
  return [...tests, ...properties];
}

function run(blueprint: Blueprint, { parameters, expect }: BlueprintTest): string[] {
  if (Object.keys(expect).length === 0) return ['expects nothing, so it cannot fail'];
  const result = compileBlueprint(blueprint, parameters);
  if (!result.ok) return expect.refused === result.code ? [] : [`refused: ${result.code}: ${result.message}`];
  if (expect.refused !== undefined) return [`expected to be refused with ${expect.refused}, it compiled`];
  const failures: string[] = [];
  if (expect.workloads !== undefined && result.workloads.length !== expect.workloads) failures.push(`got ${counted(result.workloads.length, 'workload')}, expected ${expect.workloads}`);
  for (const [name, value] of Object.entries(expect.parameters ?? {})) differences(value, result.parameters[name], `parameters.${name}`, failures);
  for (const [name, value] of Object.entries(expect.golden ?? {})) {
    const workload = result.workloads.find((w) => w.name === name);
    if (workload) differences(value, workload, name, failures);
    else failures.push(`no workload is called ${name}`);
  }
  failures.push(...untrue(blueprint, result, expect.that ?? []));
  return failures;
}

/** The expressions that are not true of what came out, and why. */
function untrue(blueprint: Blueprint, result: Compiled, that: readonly string[]): string[] {
  const values = outcomeValues(result);
  return that.flatMap((text) => {
    const expression = outcomeScope(programOf(blueprint).scope).compile(text);
    const holds = isExpression(expression) ? expression.evaluate(values) : expression;
    if (!holds.ok) return [`${text}: ${holds.message}`];
    return holds.value === true ? [] : [`not true: ${text}`];
  });
}

/** Everything that `expected` mentions must be in `got`: maps in part, lists and scalars exactly. */
function differences(expected: Json, got: Json | undefined, path: string, failures: string[]): void {
  if (isMap(expected) && isMap(got)) {
    for (const [key, value] of Object.entries(expected)) differences(value, got[key], `${path}.${key}`, failures);
  } else if (got === undefined || canonicalize(expected) !== canonicalize(got)) {
    failures.push(`${path}: got ${got === undefined ? 'nothing' : canonicalize(got)}, expected ${canonicalize(expected)}`);
  }
}

const scopes = new WeakMap<Scope, Scope>();

/** What expressions of tests and properties may read: the blueprint's own, and one element a workload of these lists. */
export function outcomeScope(scope: Scope): Scope {
  const known = scopes.get(scope) ?? scope.with('names', 'list<string>').with('groups', 'list<string>').with('types', 'list<string>').with('disks', 'list<int>');
  scopes.set(scope, known);
  return known;
}

function outcomeValues({ workloads, values }: Compiled): Record<string, Value> {
  return {
    ...values,
    names: workloads.map(({ name }) => name),
    groups: workloads.map(({ group }) => group),
    types: workloads.map(({ type }) => type),
    disks: workloads.map(({ resources }) => BigInt(resources.disk)),
  };
}

function isMap(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
