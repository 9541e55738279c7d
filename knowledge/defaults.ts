import type { Json } from '../contract/canonical.ts';
import { type Blueprint, parametersOf } from './blueprint.ts';
import type { Value } from './expression.ts';
import { canonicalValue, celValue } from './parameter.ts';
import { programOf } from './program.ts';

export type Parameters = Readonly<Record<string, Json>>;
export interface Refusal {
  readonly ok: false;
  readonly code: 'blueprint_invalid' | 'unknown_parameter' | 'invalid_value' | 'missing_parameter' | 'check_failed' | 'expression_failed' | 'workload_invalid';
  readonly message: string;
  readonly hint: string;
}
export interface Completed {
  readonly ok: true;
  /** What was given, in canonical form. */
  readonly given: Parameters;
  /** What the blueprint adds; a default that needs a missing parameter is left out. */
  readonly defaults: Parameters;
  /** Required parameters that nobody gave. */
  readonly missing: readonly string[];
}

/** Brings given parameters (canonical or as people write them) into canonical form and adds the blueprint's defaults. */
export function completeParameters(blueprint: Blueprint, raw: Readonly<Record<string, unknown>>, currency = 'EUR'): Completed | Refusal {
  const parameters = parametersOf(blueprint);
  const given: Record<string, Json> = {};
  const values: Record<string, Value> = {};
  for (const [name, value] of Object.entries(raw)) {
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (!parameter) return { ok: false, code: 'unknown_parameter', message: `the ${blueprint.blueprint} blueprint has no parameter ${name.slice(0, 60)}`, hint: `it takes ${Object.keys(parameters).join(', ')}` };
    const canonical = canonicalValue(parameter, value, currency);
    if (!canonical.ok) return { ok: false, code: 'invalid_value', message: `${name}: ${canonical.message}`, hint: canonical.hint };
    given[name] = canonical.value;
    values[name] = celValue(parameter, canonical.value);
  }
  const program = programOf(blueprint);
  const defaults: Record<string, Json> = {};
  for (const [name, tree] of program.defaults) {
    const parameter = parameters[name];
    if (!parameter || Object.hasOwn(given, name) || [...tree.reads].some((read) => !Object.hasOwn(values, read))) continue;
    const result = tree.evaluate(values);
    if (!result.ok) return { ok: false, code: 'expression_failed', message: result.message, hint: `give ${name} yourself` };
    const canonical = canonicalValue(parameter, result.value, currency);
    if (!canonical.ok) return { ok: false, code: 'invalid_value', message: `default of ${name}: ${canonical.message}`, hint: `give ${name} yourself` };
    defaults[name] = canonical.value;
    values[name] = celValue(parameter, canonical.value);
  }
  const missing = Object.entries(parameters).filter(([name, p]) => p.required && !Object.hasOwn(given, name)).map(([name]) => name);
  return { ok: true, given, defaults, missing };
}
