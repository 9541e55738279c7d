import type { Json } from '../contract/canonical.ts';
import type { Workload } from '../contract/workload.ts';
import { type Blueprint, parametersOf, type ParsedBlueprint } from './blueprint.ts';
import { compileBlueprint } from './compile.ts';
import type { Path } from './document.ts';
import { type Refusal } from './defaults.ts';
import { isExpression, type Scope, type Value } from './expression.ts';
import { formatValue } from './parameter.ts';
import { programOf, type WorkloadProgram } from './program.ts';
import { compileTemplate, isTemplate } from './template.ts';

/** Where something that an expression reads came from. */
export type Origin =
  | { readonly kind: 'said'; readonly name: string; readonly value: string; /** The words of the request, when it was a sentence. */ readonly words?: string }
  | { readonly kind: 'default'; readonly name: string; readonly value: string; /** What the blueprint says, when it is an expression. */ readonly expression?: string; readonly reads: readonly Origin[] }
  | { readonly kind: 'value'; readonly name: string; readonly value: string; readonly expression: string; readonly reads: readonly Origin[] }
  | { readonly kind: 'element'; readonly name: string; readonly value: string; /** The list that was gone through. */ readonly expression: string; readonly reads: readonly Origin[] };

/** One field of a workload: what it is, and the text of the blueprint that it was made of. */
export interface FieldTrace {
  readonly field: string;
  readonly value: Json;
  /** As the author wrote it. */
  readonly written: string;
  /** Of that text in the source, when it is known. */
  readonly line?: number;
  /** What its expressions read; empty for what is written out. */
  readonly reads: readonly Origin[];
}
export interface WorkloadTrace {
  readonly workload: string;
  /** Index of its template. */
  readonly template: number;
  readonly fields: readonly FieldTrace[];
}
export interface Trace {
  readonly ok: true;
  readonly title: FieldTrace;
  readonly workloads: readonly WorkloadTrace[];
}

export interface TraceOptions {
  /** The words that each parameter came from. */
  readonly words?: Readonly<Record<string, string>>;
  /** Parameters that nobody asked for, where they are not the blueprint's defaults. */
  readonly chosen?: Readonly<Record<string, Json>>;
  readonly currency?: string;
  readonly locate?: ParsedBlueprint['locate'];
}

/** For every field of what these parameters become: the template, the expressions, the parameters, the words. */
export function traceBlueprint(blueprint: Blueprint, raw: Readonly<Record<string, unknown>>, options: TraceOptions = {}): Trace | Refusal {
  const compiled = compileBlueprint(blueprint, { ...options.chosen, ...raw }, options.currency === undefined ? {} : { currency: options.currency });
  if (!compiled.ok) return compiled;
  const tracer = new Tracer(blueprint, { raw, values: compiled.values, parameters: compiled.parameters, options });
  const program = programOf(blueprint);
  const made = program.workloads.flatMap((template, index) => elementsOf(template, compiled.values).map((element) => ({ template, index, element })));
  // The compiler's order: templates as they are written, and each one's elements in theirs.
  const workloads = compiled.workloads.flatMap((workload, i): WorkloadTrace[] => {
    const origin = made[i];
    return origin ? [{ workload: workload.name, template: origin.index, fields: tracer.fields(workload, origin) }] : [];
  });
  return { ok: true, title: tracer.title(compiled.title), workloads };
}

type Element = Readonly<Record<string, Value>> | undefined;

/** The loop variable of each workload that a template makes; undefined where it does not loop. */
function elementsOf({ each, when }: WorkloadProgram, values: Readonly<Record<string, Value>>): Element[] {
  const list = each?.list.evaluate(values);
  const elements: Element[] = !each ? [undefined] : list?.ok && Array.isArray(list.value) ? list.value.map((value: Value) => ({ [each.name]: value })) : [];
  return elements.filter((element) => {
    const wanted = when?.evaluate({ ...values, ...element });
    return wanted === undefined || (wanted.ok && wanted.value === true);
  });
}

interface World { readonly raw: Readonly<Record<string, unknown>>; readonly values: Readonly<Record<string, Value>>; readonly parameters: Readonly<Record<string, Json>>; readonly options: TraceOptions }

class Tracer {
  readonly #blueprint: Blueprint;
  readonly #world: World;
  readonly #scope: Scope;

  constructor(blueprint: Blueprint, world: World) {
    this.#blueprint = blueprint;
    this.#world = world;
    this.#scope = programOf(blueprint).scope;
  }

  title(value: string): FieldTrace {
    const { summary, title } = this.#blueprint;
    return this.#field('title', value, { written: summary ?? title, path: [summary === undefined ? 'title' : 'summary'], element: undefined, index: -1 });
  }

  fields(workload: Workload, { index, element }: { index: number; element: Element }): FieldTrace[] {
    const template = this.#blueprint.workloads[index];
    if (!template) return [];
    const { each: _each, when: _when, ...parts } = template;
    const found: FieldTrace[] = [];
    const walk = (written: Json, path: Path): void => {
      if (typeof written === 'object' && written !== null && !(Array.isArray(written) && written.length === 0)) {
        for (const [key, child] of Object.entries(written)) walk(child, [...path, Array.isArray(written) ? Number(key) : key]);
        return;
      }
      const value = at(workload, path);
      const empty = value === undefined || (Array.isArray(value) && value.length === 0);
      if (!empty) found.push(this.#field(path.join('.'), value, { written: typeof written === 'string' ? written : JSON.stringify(written), path: ['workloads', index, ...path], element, index }));
    };
    walk(parts, []);
    return found;
  }

  #field(field: string, value: Json, { written, path, element, index }: { written: string; path: Path; element: Element; index: number }): FieldTrace {
    const scope = Object.entries(element ?? {}).reduce((so, [name, item]) => so.with(name, typeOf(item)), this.#scope);
    const template = written.includes('${') ? compileTemplate(written, scope) : undefined;
    const reads = template && isTemplate(template) ? [...template.reads].map((name) => this.#origin(name, element, index)) : [];
    const line = this.#world.options.locate?.(path).line;
    return { field, value, written, ...(line !== undefined && { line }), reads };
  }

  #origin(name: string, element: Element, index: number): Origin {
    const { raw, values, parameters, options } = this.#world;
    const each = this.#blueprint.workloads[index]?.each?.[name];
    if (element && Object.hasOwn(element, name) && each !== undefined) return { kind: 'element', name, value: show(element[name]), expression: each, reads: this.#readsOf(each) };
    const parameter = parametersOf(this.#blueprint)[name];
    if (!parameter) {
      const expression = this.#blueprint.values[name] ?? '';
      return { kind: 'value', name, value: show(values[name]), expression, reads: this.#readsOf(expression) };
    }
    const value = parameters[name] === undefined ? '' : formatValue(parameter, parameters[name], options.currency);
    if (Object.hasOwn(raw, name)) { const words = options.words?.[name]; return { kind: 'said', name, value, ...(words !== undefined && { words }) }; }
    const written = typeof parameter.default === 'string' && parameter.default.includes('${') ? parameter.default : undefined;
    const template = written === undefined ? undefined : compileTemplate(written, this.#scope);
    const reads = template && isTemplate(template) ? [...template.reads].map((other) => this.#origin(other, undefined, -1)) : [];
    return { kind: 'default', name, value, ...(written !== undefined && { expression: written }), reads };
  }

  #readsOf(expression: string): Origin[] {
    const compiled = this.#scope.compile(expression);
    return isExpression(compiled) ? [...compiled.reads].map((name) => this.#origin(name, undefined, -1)) : [];
  }
}

function at(value: Json | undefined, path: Path): Json | undefined {
  return path.reduce<Json | undefined>((so, step) => (typeof so === 'object' && so !== null ? (so as { readonly [key: string]: Json })[step] : undefined), value);
}

/** Enough of a type for a loop variable: the program has checked it already. */
function typeOf(value: Value): string {
  return typeof value === 'bigint' ? 'int' : typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'bool' : 'dyn';
}

function show(value: Value | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'bigint' || typeof value === 'boolean') return value.toString();
  if (typeof value === 'string') return value;
  const items = Array.isArray(value) ? value.map((item: Value) => show(item)) : Object.entries(value).map(([key, item]) => `${key}: ${show(item)}`);
  return items.length > 8 ? `${items.slice(0, 7).join(', ')}, … (${items.length})` : items.join(', ');
}
