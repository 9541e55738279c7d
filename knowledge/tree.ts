import type { Json } from '../contract/canonical.ts';
import type { Path } from './document.ts';
import type { Scope, Value } from './expression.ts';
import type { Fault } from './program.ts';
import { compileTemplate, isTemplate, type Template } from './template.ts';

export type TreeResult = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly message: string };

/** A JSON value whose texts may hold expressions. */
export interface Tree {
  readonly reads: ReadonlySet<string>;
  evaluate(values: Readonly<Record<string, Value>>): TreeResult;
}

type Node = { readonly literal: Json } | { readonly template: Template; readonly path: Path } | { readonly items: readonly Node[] } | { readonly entries: readonly (readonly [string, Node])[] };

/** Compiles every text in a JSON value as a template; faults carry the path of the text. */
export function compileTree(value: Json, scope: Scope, path: Path): { readonly tree: Tree; readonly faults: Fault[] } {
  const faults: Fault[] = [];
  const reads = new Set<string>();
  const compile = (item: Json, at: Path): Node => {
    if (typeof item === 'string') {
      if (!item.includes('${')) return { literal: item };
      const template = compileTemplate(item, scope);
      if (isTemplate(template)) {
        for (const name of template.reads) reads.add(name);
        return { template, path: at };
      }
      faults.push({ path: at, find: item, offset: template.offset, code: 'expression', message: `${at.join('.')}: ${template.message}` });
      return { literal: item };
    }
    if (typeof item !== 'object' || item === null) return { literal: item };
    if (isList(item)) return { items: item.map((child, i) => compile(child, [...at, i])) };
    return { entries: Object.entries(item).map(([key, child]) => [key, compile(child, [...at, key])] as const) };
  };
  const root = compile(value, path);
  return { tree: { reads, evaluate: (values) => evaluate(root, values) }, faults };
}

function evaluate(node: Node, values: Readonly<Record<string, Value>>): TreeResult {
  if ('literal' in node) return { ok: true, value: node.literal };
  if ('template' in node) {
    const result = node.template.evaluate(values);
    if (!result.ok) return { ok: false, message: `${node.path.join('.')}: ${result.message}` };
    const value = toJson(result.value);
    return value === undefined ? { ok: false, message: `${node.path.join('.')}: the whole number does not fit a JSON number; use string(…)` } : { ok: true, value };
  }
  if ('items' in node) {
    const items: Json[] = [];
    for (const child of node.items) {
      const result = evaluate(child, values);
      if (!result.ok) return result;
      items.push(result.value);
    }
    return { ok: true, value: items };
  }
  const entries: [string, Json][] = [];
  for (const [key, child] of node.entries) {
    const result = evaluate(child, values);
    if (!result.ok) return result;
    entries.push([key, result.value]);
  }
  return { ok: true, value: Object.fromEntries(entries) };
}

/** JSON numbers end at 2^53: a larger integer is refused (undefined), never rounded. */
function toJson(value: Value): Json | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : undefined;
  if (Array.isArray(value)) {
    const items = value.map(toJson);
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  const entries: [string, Json][] = [];
  for (const [key, item] of Object.entries(value)) {
    const json = toJson(item);
    if (json === undefined) return undefined;
    entries.push([key, json]);
  }
  return Object.fromEntries(entries);
}

function isList(value: Json): value is Json[] {
  return Array.isArray(value);
}
