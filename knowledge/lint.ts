import { type Blueprint, parametersOf, parseBlueprint, type ParsedBlueprint } from './blueprint.ts';
import type { Path, Problem } from './document.ts';
import { type Expression, isExpression } from './expression.ts';
import { placeholders, type Program, programOf } from './program.ts';
import { outcomeScope } from './test.ts';

/** Everything that can be found in a blueprint's source without running it, in order of place; empty when it is clean. */
export function lintBlueprint(source: Uint8Array | string): Problem[] {
  const parsed = parseBlueprint(source);
  if (!parsed.ok) return parsed.problems;
  const program = programOf(parsed.blueprint);
  // What only fails because a value before it does is not said again.
  const broken = program.faults.flatMap(({ path }) => (path[0] === 'values' ? [`Unknown variable: ${path[1] ?? ''}`] : []));
  const problems = program.faults.filter(({ message }) => broken.length === 0 || !(broken.some((of) => message.endsWith(of)) || /\bdyn\b/.test(message))).map(({ path, find, offset, code, message }): Problem => ({
    ...parsed.locate(path, find === undefined ? undefined : { find, offset }),
    code,
    message,
    severity: 'error',
  }));
  if (broken.length === 0) problems.push(...expected(parsed, program));
  // What is unused is only known once every expression could be read.
  if (problems.length === 0) problems.push(...unused(parsed, program), ...constant(parsed, program));
  return problems.sort((a, b) => a.line - b.line || a.column - b.column);
}

/** Expressions of tests and properties: they run nowhere but in `3bot blueprint test`, and are typed all the same. */
function expected({ blueprint, locate }: ParsedBlueprint, program: Program): Problem[] {
  const scope = outcomeScope(program.scope);
  const problems: Problem[] = [];
  const report = (path: Path, code: string, message: string, severity: Problem['severity'], within?: { find: string; offset: number }): void => {
    problems.push({ ...locate(path, within), code, message: `${path.join('.')}: ${message}`, severity });
  };
  const typed = (text: string, path: Path): void => {
    const result = scope.compile(text);
    if (!isExpression(result)) report(path, 'expression', result.message, 'error', { find: text, offset: result.offset });
    else if (result.type !== 'bool') report(path, 'type', `expected bool, the expression gives ${result.type}`, 'error');
  };
  blueprint.tests.forEach(({ expect }, i) => {
    expect.that?.forEach((text, j) => typed(text, ['tests', i, 'expect', 'that', j]));
    if (Object.keys(expect).length === 0) report(['tests', i, 'expect'], 'empty', 'expects nothing, so it cannot fail', 'error');
  });
  const declared = parametersOf(blueprint);
  blueprint.properties.forEach(({ forall, given, when, that }, i) => {
    for (const [section, names] of [['forall', Object.keys(forall)], ['given', Object.keys(given)]] as const) {
      for (const name of names) if (!Object.hasOwn(declared, name)) report(['properties', i, section, name], 'unknown_parameter', 'there is no such parameter', 'error');
    }
    if (when !== undefined) typed(when, ['properties', i, 'when']);
    that.forEach((text, j) => typed(text, ['properties', i, 'that', j]));
    const missing = Object.entries(declared).find(([name, p]) => p.required && !Object.hasOwn(forall, name) && !Object.hasOwn(given, name));
    if (missing) report(['properties', i], 'missing_parameter', `neither draws nor gives ${missing[0]}, which is required`, 'error');
  });
  return problems;
}

function unused({ blueprint, locate }: ParsedBlueprint, program: Program): Problem[] {
  const read = namesRead(program);
  const warn = (section: 'parameters' | 'values', name: string): Problem => ({ ...locate([section, name]), code: 'unused', message: `${section}.${name}: nothing reads it`, severity: 'warning' });
  const problems = Object.keys(blueprint.parameters).filter((name) => !read.has(name)).map((name) => warn('parameters', name));
  problems.push(...program.values.filter(({ name }) => !read.has(name)).map(({ name }) => warn('values', name)));
  blueprint.workloads.forEach((template, i) => {
    const each = program.workloads[i]?.each;
    if (each && !template.name.includes('${')) problems.push({ ...locate(['workloads', i, 'name']), code: 'same_name', message: `workloads.${i}.name: every element of ${each.name} would give the same name`, severity: 'error' });
  });
  blueprint.intents.phrases.forEach(({ say }, i) => {
    const used = new Set([...(program.phrases[i]?.set.values() ?? [])].flatMap((expression) => [...expression.reads]));
    const idle = placeholders(say).find((name) => !used.has(name));
    if (idle !== undefined) problems.push({ ...locate(['intents', 'phrases', i, 'say']), code: 'unused', message: `intents.phrases.${i}: nothing reads {${idle}}`, severity: 'warning' });
  });
  return problems;
}

/** Conditions that read nothing are always or never true: what they guard is unreachable, or they guard nothing. */
function constant({ blueprint, locate }: ParsedBlueprint, program: Program): Problem[] {
  const problems: Problem[] = [];
  const look = (expression: Expression | undefined, path: readonly (string | number)[], never: string): void => {
    if (!expression || expression.reads.size > 0) return;
    const result = expression.evaluate({});
    const message = result.ok && result.value === true ? 'always true: leave it out' : never;
    problems.push({ ...locate(path), code: 'unreachable', message: `${path.join('.')}: ${message}`, severity: 'warning' });
  };
  blueprint.workloads.forEach((_, i) => look(program.workloads[i]?.when, ['workloads', i, 'when'], 'never true: this workload is unreachable'));
  blueprint.checks.forEach((_, i) => {
    look(program.checks[i]?.when, ['checks', i, 'when'], 'never true: this check is unreachable');
    look(program.checks[i]?.that, ['checks', i, 'that'], 'never true: every request is refused');
  });
  return problems;
}

function namesRead(program: Program): ReadonlySet<string> {
  const readers: (ReadonlySet<string> | undefined)[] = [
    ...[...program.defaults.values()].map(({ reads }) => reads),
    ...program.values.map(({ expression }) => expression.reads),
    ...program.checks.flatMap(({ when, that, message, hint }) => [when?.reads, that.reads, message.reads, hint.reads]),
    ...program.workloads.flatMap(({ each, when, tree }) => [each?.list.reads, when?.reads, tree.reads]),
    program.summary?.reads,
  ];
  return new Set(readers.flatMap((reads) => [...(reads ?? [])]));
}

/** Parses a blueprint and refuses it on any error that lint finds; warnings pass. */
export function checkedBlueprint(source: Uint8Array | string): { ok: true; blueprint: Blueprint } | { ok: false; problems: Problem[] } {
  const parsed = parseBlueprint(source);
  if (!parsed.ok) return parsed;
  if (programOf(parsed.blueprint).faults.length === 0) return { ok: true, blueprint: parsed.blueprint };
  return { ok: false, problems: lintBlueprint(source) };
}
