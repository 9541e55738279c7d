import { type Blueprint, parametersOf, type WorkloadTemplate } from '../../../knowledge/blueprint.ts';
import type { Compiled } from '../../../knowledge/compile.ts';
import type { Value } from '../../../knowledge/expression.ts';
import { formatValue } from '../../../knowledge/parameter.ts';
import { formatBytes } from '../../../contract/units.ts';

/** Where a value of a plan comes from, in the blueprint's own expressions: `shards = data_shards + parity_shards = 6`. */
export interface Origins {
  readonly blueprint: Blueprint;
  readonly compiled: Compiled;
  /** Names of the parameters that the person gave. */
  readonly given: ReadonlySet<string>;
  /** How `given` and not given are said. */
  readonly said: string;
  readonly assumed: string;
}

const MAX_LINES = 12;

/** A line for every named value and parameter that an expression (or a text with `${…}`) reads, each once, nearest first. */
export function originsOf(text: string, { blueprint, compiled, given, said, assumed }: Origins): string[] {
  const declared = parametersOf(blueprint);
  const lines: string[] = [];
  const seen = new Set<string>();
  const open = [text];
  for (let next = open.shift(); next !== undefined && lines.length < MAX_LINES; next = open.shift()) {
    // What stands in quotes is text, no name.
    for (const [name] of next.replace(/"[^"]*"|'[^']*'/g, '').matchAll(/[a-z][a-z0-9_]*/gi)) {
      if (seen.has(name)) continue;
      const value = compiled.values[name];
      const expression = Object.hasOwn(blueprint.values, name) ? blueprint.values[name] : undefined;
      const parameter = Object.hasOwn(declared, name) ? declared[name] : undefined;
      if (value === undefined || (expression === undefined && parameter === undefined)) continue;
      seen.add(name);
      if (expression !== undefined) {
        lines.push(`${name} = ${expression} = ${shown(value)}`);
        open.push(expression);
      } else if (parameter) lines.push(`${name} = ${formatValue(parameter, compiled.parameters[name] ?? '')} (${given.has(name) ? said : assumed})`);
    }
  }
  return lines.slice(0, MAX_LINES);
}

function shown(value: Value): string {
  if (typeof value === 'bigint') return value >= 1_000_000n ? `${value} (${formatBytes(value)})` : String(value);
  if (Array.isArray(value)) return value.length <= 4 ? `[${value.map((item) => shown(item as Value)).join(', ')}]` : `[${shown(value[0] as Value)}, …, ${shown(value.at(-1) as Value)}] (${value.length})`;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The template that made a workload of this name. */
export function templateOf(blueprint: Blueprint, workload: { readonly name: string; readonly type: string }): WorkloadTemplate | undefined {
  const matches = (pattern: string): boolean => {
    const [literal, ...rest] = pattern.split(/\$\{[^}]*\}/);
    const last = rest.at(-1) ?? '';
    return rest.length === 0 ? workload.name === literal : workload.name.startsWith(literal ?? '') && workload.name.endsWith(last);
  };
  const ofType = blueprint.workloads.filter(({ type }) => type === workload.type);
  return ofType.find(({ name }) => matches(name)) ?? ofType[0];
}

/** Why there are as many of a template: what it is repeated over, or when it is made at all. */
export function countText({ each, when }: WorkloadTemplate): string {
  const [list] = Object.values(each ?? {});
  return [...(list === undefined ? [] : [list]), ...(when === undefined ? [] : [when])].join(' ; ');
}
