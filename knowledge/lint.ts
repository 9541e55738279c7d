import { type Blueprint, parseBlueprint, type ParsedBlueprint } from './blueprint.ts';
import type { Problem } from './document.ts';
import type { Expression } from './expression.ts';
import { placeholders, type Program, programOf } from './program.ts';

/** Everything that can be found in a blueprint's source without running it, in order of place; empty when it is clean. */
export function lintBlueprint(source: Uint8Array | string): Problem[] {
  const parsed = parseBlueprint(source);
  if (!parsed.ok) return parsed.problems;
  const program = programOf(parsed.blueprint);
  const problems = program.faults.map(({ path, find, offset, code, message }): Problem => ({
    ...parsed.locate(path, find === undefined ? undefined : { find, offset }),
    code,
    message,
    severity: 'error',
  }));
  // What is unused is only known once every expression could be read.
  if (problems.length === 0) problems.push(...unused(parsed, program), ...constant(parsed, program));
  return problems.sort((a, b) => a.line - b.line || a.column - b.column);
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
