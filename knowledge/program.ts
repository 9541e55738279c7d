import type { Json } from '../contract/canonical.ts';
import { type Blueprint, parametersOf } from './blueprint.ts';
import type { Path } from './document.ts';
import { type CelType, elementType, type Expression, isExpression, Scope } from './expression.ts';
import { canonicalValue, celType, type Parameter } from './parameter.ts';
import { compileTree, type Tree } from './tree.ts';

/** A fault found without running anything; `find` is the text it lies in, `offset` where in that text. */
export interface Fault {
  readonly path: Path;
  readonly find?: string;
  readonly offset: number;
  readonly code: string;
  readonly message: string;
}

export interface WorkloadProgram {
  readonly each: { readonly name: string; readonly list: Expression } | undefined;
  readonly when: Expression | undefined;
  readonly tree: Tree;
}

/** A blueprint with every expression parsed and type-checked. */
export interface Program {
  readonly defaults: ReadonlyMap<string, Tree>;
  readonly values: readonly { readonly name: string; readonly expression: Expression }[];
  readonly checks: readonly { readonly when: Expression | undefined; readonly that: Expression; readonly message: Tree; readonly hint: Tree }[];
  readonly workloads: readonly WorkloadProgram[];
  readonly summary: Tree | undefined;
  readonly phrases: readonly { readonly say: string; readonly set: ReadonlyMap<string, Expression> }[];
  /** What expressions about a whole blueprint may read: parameters that always have a value, and named values. */
  readonly scope: Scope;
  readonly faults: readonly Fault[];
}

const built = new WeakMap<Blueprint, Program>();

/** Compiles every expression of a blueprint once; faults are collected, not thrown. */
export function programOf(blueprint: Blueprint): Program {
  const known = built.get(blueprint);
  if (known) return known;
  const program = build(blueprint);
  built.set(blueprint, program);
  return program;
}

/** True when a parameter always has a value by the time workloads are made, so that expressions may read it. */
export function alwaysGiven(parameter: Parameter): boolean {
  return parameter.required || parameter.default !== undefined;
}

/** Names of `{a}` places in a phrase. */
export function placeholders(say: string): string[] {
  return [...say.matchAll(/\{([a-z])\}/g)].map((match) => match[1] ?? '');
}

function build(blueprint: Blueprint): Program {
  const faults: Fault[] = [];
  const compile = (text: string, scope: Scope, path: Path, expected?: CelType): Expression | undefined => {
    const result = scope.compile(text);
    if (!isExpression(result)) faults.push({ path, find: text, offset: result.offset, code: 'expression', message: `${path.join('.')}: ${result.message}` });
    else if (expected !== undefined && result.type !== expected) faults.push({ path, find: text, offset: 0, code: 'type', message: `${path.join('.')}: expected ${expected}, the expression gives ${result.type}` });
    else return result;
    return undefined;
  };
  const tree = (value: Json, scope: Scope, path: Path): Tree => {
    const result = compileTree(value, scope, path);
    faults.push(...result.faults);
    return result.tree;
  };

  const parameters = parametersOf(blueprint);
  let scope = new Scope(Object.entries(parameters).filter(([, p]) => p.required).map(([name, p]) => [name, celType(p)] as const));
  const defaults = new Map<string, Tree>();
  for (const [name, parameter] of Object.entries(parameters)) {
    if (parameter.default === undefined) continue;
    const path = ['parameters', name, 'default'];
    if (parameter.required) faults.push({ path, offset: 0, code: 'unreachable', message: `${path.join('.')}: a required parameter needs no default` });
    const compiled = tree(parameter.default, scope, path);
    if (compiled.reads.size === 0) {
      const literal = compiled.evaluate({});
      const canonical = literal.ok ? canonicalValue(parameter, literal.value) : literal;
      if (!canonical.ok) faults.push({ path, offset: 0, code: 'default', message: `${path.join('.')}: ${canonical.message}` });
    }
    defaults.set(name, compiled);
    if (!parameter.required) scope = scope.with(name, celType(parameter));
  }

  const values: Program['values'][number][] = [];
  for (const [name, text] of Object.entries(blueprint.values)) {
    const expression = compile(text, scope, ['values', name]);
    if (!expression) continue;
    values.push({ name, expression });
    scope = scope.with(name, expression.type);
  }

  const checks = blueprint.checks.flatMap((check, i) => {
    const when = check.when === undefined ? undefined : compile(check.when, scope, ['checks', i, 'when'], 'bool');
    const that = compile(check.that, scope, ['checks', i, 'that'], 'bool');
    return that ? [{ when, that, message: tree(check.message, scope, ['checks', i, 'message']), hint: tree(check.hint, scope, ['checks', i, 'hint']) }] : [];
  });

  const workloads = blueprint.workloads.map((template, i): WorkloadProgram => {
    const [loop] = Object.entries(template.each ?? {});
    let inner = scope;
    let each: WorkloadProgram['each'];
    if (loop) {
      const [name, text] = loop;
      const path = ['workloads', i, 'each', name];
      const list = compile(text, scope, path);
      const element = list && elementType(list.type);
      if (list && element === undefined) faults.push({ path, find: text, offset: 0, code: 'type', message: `${path.join('.')}: expected a list, the expression gives ${list.type}` });
      if (scope.types.has(name)) faults.push({ path, offset: 0, code: 'shadowed', message: `${path.join('.')}: a parameter or value has this name` });
      else inner = scope.with(name, element ?? 'dyn');
      if (list) each = { name, list };
    }
    const when = template.when === undefined ? undefined : compile(template.when, inner, ['workloads', i, 'when'], 'bool');
    const { type, name, group, resources, secrets, dials, spec } = template;
    return { each, when, tree: tree({ type, name, group, resources, secrets, dials, spec }, inner, ['workloads', i]) };
  });

  const phrases = blueprint.intents.phrases.map(({ say, set }, i) => {
    const places = new Scope(placeholders(say).map((name) => [name, 'int'] as const));
    const compiled = new Map<string, Expression>();
    for (const [name, text] of Object.entries(set)) {
      const path = ['intents', 'phrases', i, 'set', name];
      if (parameters[name]?.type !== 'integer') faults.push({ path, offset: 0, code: 'unknown_parameter', message: `${path.join('.')}: no parameter of type integer has this name` });
      const expression = compile(text, places, path, 'int');
      if (expression) compiled.set(name, expression);
    }
    return { say, set: compiled };
  });

  const summary = blueprint.summary === undefined ? undefined : tree(blueprint.summary, scope, ['summary']);
  return { defaults, values, checks, workloads, summary, phrases, scope, faults };
}
