import { z } from 'zod';
import type { Json } from '../contract/canonical.ts';
import { type Constraints, MAX_WORKLOADS } from '../contract/contract.ts';
import { DecimalString, parseBytes } from '../contract/units.ts';
import { withoutUnseen } from '../contract/visible.ts';
import { mentionedBy, Workload } from '../contract/workload.ts';
import { type Blueprint, parametersOf } from './blueprint.ts';
import { completeParameters, type Parameters, type Refusal } from './defaults.ts';
import type { Value } from './expression.ts';
import { celValue, plainText } from './parameter.ts';
import { type Program, programOf, type WorkloadProgram } from './program.ts';

export interface Compiled {
  readonly ok: true;
  /** Every parameter in canonical form, defaults included. */
  readonly parameters: Parameters;
  /** Those of them that the blueprint added. */
  readonly defaults: Parameters;
  readonly workloads: readonly Workload[];
  readonly constraints: Constraints;
  /** One line for the contract, at most 200 characters. */
  readonly title: string;
  /** What the expressions saw: parameters and named values. */
  readonly values: Readonly<Record<string, Value>>;
}

/**
 * Blueprint and parameters in, workloads out: the same on every machine and in a browser. Parameters may be canonical or
 * as people write them (`1 PB`, `CH,DE`); what comes back is canonical and compiles to the same again.
 */
export function compileBlueprint(blueprint: Blueprint, raw: Readonly<Record<string, unknown>>, options: { readonly currency?: string } = {}): Compiled | Refusal {
  const program = programOf(blueprint);
  const [fault] = program.faults;
  if (fault) return { ok: false, code: 'blueprint_invalid', message: fault.message, hint: 'run `3bot blueprint lint` on it' };
  const completed = completeParameters(blueprint, raw, options.currency);
  if (!completed.ok) return completed;
  const { given, defaults, missing } = completed;
  if (missing.length > 0) return { ok: false, code: 'missing_parameter', message: `${blueprint.blueprint} needs ${missing.join(', ')}`, hint: missing.map((name) => `${name}: ${parametersOf(blueprint)[name]?.description ?? ''}`).join(' ') };

  const parameters: Parameters = { ...given, ...defaults };
  const declared = parametersOf(blueprint);
  const values: Record<string, Value> = {};
  for (const [name, value] of Object.entries(parameters)) {
    const parameter = declared[name];
    if (parameter) values[name] = celValue(parameter, value);
  }
  for (const { name, expression } of program.values) {
    const result = expression.evaluate(values);
    if (!result.ok) return failed(`values.${name}: ${result.message}`);
    values[name] = result.value;
  }
  const refused = check(program, values);
  if (refused) return refused;
  const workloads = program.workloads.reduce<Workload[] | Refusal>((made, template, i) => (isRefusal(made) ? made : instantiate(template, i, values, made)), []);
  if (isRefusal(workloads)) return workloads;
  const names = new Set(workloads.map(({ name }) => name));
  if (names.size !== workloads.length) return invalid('two workloads have the same name');
  for (const workload of workloads) {
    const stranger = [...workload.dials, ...mentionedBy(workload)].find((name) => !names.has(name));
    if (stranger !== undefined) return invalid(`workload ${workload.name} names ${stranger}, which does not exist`);
  }
  if (workloads.length === 0) return invalid('no workload comes out of these parameters');
  const title = program.summary?.evaluate(values) ?? { ok: true, value: blueprint.title };
  if (!title.ok) return failed(title.message);
  return { ok: true, parameters, defaults, workloads, constraints: { countries: texts(parameters['countries']), cities: texts(parameters['cities']) }, title: line(title.value).slice(0, 200), values };
}

function check(program: Program, values: Readonly<Record<string, Value>>): Refusal | undefined {
  for (const { when, that, message, hint } of program.checks) {
    const applies = when?.evaluate(values) ?? { ok: true, value: true };
    if (!applies.ok) return failed(`a check: ${applies.message}`);
    if (applies.value !== true) continue;
    const holds = that.evaluate(values);
    if (!holds.ok) return failed(`a check: ${holds.message}`);
    if (holds.value === true) continue;
    const [said, advice] = [message.evaluate(values), hint.evaluate(values)];
    return { ok: false, code: 'check_failed', message: said.ok ? line(said.value) : said.message, hint: advice.ok ? line(advice.value) : advice.message };
  }
  return undefined;
}

/** What an expression makes for people, where it may have written `"\n"`: one line that forges nothing. */
function line(value: Json): string {
  return withoutUnseen(plainText(value), ' ');
}

function instantiate(template: WorkloadProgram, index: number, values: Readonly<Record<string, Value>>, made: readonly Workload[]): Workload[] | Refusal {
  const out = [...made];
  let elements: readonly (Value | undefined)[] = [undefined];
  if (template.each) {
    const list = template.each.list.evaluate(values);
    if (!list.ok) return failed(`workloads.${index}.each: ${list.message}`);
    if (!Array.isArray(list.value)) return failed(`workloads.${index}.each: not a list`);
    elements = list.value;
  }
  for (const element of elements) {
    const seen = template.each && element !== undefined ? { ...values, [template.each.name]: element } : values;
    const wanted = template.when?.evaluate(seen) ?? { ok: true, value: true };
    if (!wanted.ok) return failed(`workloads.${index}.when: ${wanted.message}`);
    if (wanted.value !== true) continue;
    if (out.length >= MAX_WORKLOADS) return invalid(`more than ${MAX_WORKLOADS} workloads`);
    const result = template.tree.evaluate(seen);
    if (!result.ok) return failed(result.message);
    const workload = Workload.safeParse(withPlainResources(result.value));
    if (!workload.success) return invalid(`workloads.${index}: ${z.prettifyError(workload.error).replace(/\s+/g, ' ').slice(0, 400)}`);
    out.push(workload.data);
  }
  return out;
}

/** Resources as an author writes them (`256 MiB`, `250m`) to decimal strings; what is neither stays, for the schema to refuse. */
function withPlainResources(workload: Json): Json {
  if (!isMap(workload) || !isMap(workload['resources'])) return workload;
  const { disk, memory, cpu, ...rest } = workload['resources'];
  return { ...workload, resources: { ...rest, disk: plainBytes(disk), memory: plainBytes(memory), cpu: plainCpu(cpu) } };
}

function plainBytes(value: Json | undefined): Json {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string' || DecimalString.safeParse(value).success) return value ?? null;
  return parseBytes(value)?.toString() ?? value;
}

function plainCpu(value: Json | undefined): Json {
  if (typeof value === 'number') return String(value);
  const said = typeof value === 'string' ? /^(\d{1,6})(m?)$/.exec(value) : null;
  if (!said?.[1]) return value ?? null;
  return (BigInt(said[1]) * (said[2] === 'm' ? 1n : 1000n)).toString();
}

function texts(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.map(plainText) : [];
}

function isMap(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRefusal(made: readonly Workload[] | Refusal): made is Refusal {
  return 'ok' in made;
}

function failed(message: string): Refusal {
  return { ok: false, code: 'expression_failed', message, hint: 'other parameters may avoid it; the author of the blueprint should hear of it' };
}

function invalid(message: string): Refusal {
  return { ok: false, code: 'workload_invalid', message, hint: 'other parameters may avoid it; the author of the blueprint should hear of it' };
}
