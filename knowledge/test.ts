import type { Json } from '../contract/canonical.ts';
import { canonicalize } from '../contract/canonical.ts';
import type { Blueprint, BlueprintTest } from './blueprint.ts';
import { compileBlueprint, type Compiled } from './compile.ts';
import { isExpression, type Scope, type Value } from './expression.ts';
import { programOf } from './program.ts';

export interface TestResult {
  readonly name: string;
  readonly ok: boolean;
  /** What differs, one line each; empty when it passed. */
  readonly failures: readonly string[];
}

/** Runs the tests that a blueprint brings. */
export function runBlueprintTests(blueprint: Blueprint): TestResult[] {
  return blueprint.tests.map((test) => {
    const failures = run(blueprint, test);
    return { name: test.name, ok: failures.length === 0, failures };
  });
}

function run(blueprint: Blueprint, { parameters, expect }: BlueprintTest): string[] {
  if (Object.keys(expect).length === 0) return ['expects nothing, so it cannot fail'];
  const result = compileBlueprint(blueprint, parameters);
  if (!result.ok) return expect.refused === result.code ? [] : [`refused: ${result.code}: ${result.message}`];
  if (expect.refused !== undefined) return [`expected to be refused with ${expect.refused}, it compiled`];
  const failures: string[] = [];
  if (expect.workloads !== undefined && result.workloads.length !== expect.workloads) failures.push(`got ${result.workloads.length} workloads, expected ${expect.workloads}`);
  for (const [name, value] of Object.entries(expect.parameters ?? {})) differences(value, result.parameters[name], `parameters.${name}`, failures);
  for (const [name, value] of Object.entries(expect.golden ?? {})) {
    const workload = result.workloads.find((w) => w.name === name);
    if (workload) differences(value, workload, name, failures);
    else failures.push(`no workload is called ${name}`);
  }
  const { scope, values } = outcome(programOf(blueprint).scope, result);
  for (const text of expect.that ?? []) {
    const expression = scope.compile(text);
    const holds = isExpression(expression) ? expression.evaluate(values) : expression;
    if (!holds.ok) failures.push(`${text}: ${holds.message}`);
    else if (holds.value !== true) failures.push(`not true: ${text}`);
  }
  return failures;
}

/** Everything that `expected` mentions must be in `got`: maps in part, lists and scalars exactly. */
function differences(expected: Json, got: Json | undefined, path: string, failures: string[]): void {
  if (isMap(expected) && isMap(got)) {
    for (const [key, value] of Object.entries(expected)) differences(value, got[key], `${path}.${key}`, failures);
  } else if (got === undefined || canonicalize(expected) !== canonicalize(got)) {
    failures.push(`${path}: got ${got === undefined ? 'nothing' : canonicalize(got)}, expected ${canonicalize(expected)}`);
  }
}

function outcome(scope: Scope, { workloads, values }: Compiled): { scope: Scope; values: Record<string, Value> } {
  return {
    scope: scope.with('names', 'list<string>').with('groups', 'list<string>').with('types', 'list<string>').with('disks', 'list<int>'),
    values: {
      ...values,
      names: workloads.map(({ name }) => name),
      groups: workloads.map(({ group }) => group),
      types: workloads.map(({ type }) => type),
      disks: workloads.map(({ resources }) => BigInt(resources.disk)),
    },
  };
}

function isMap(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
