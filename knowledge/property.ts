import type { Json } from '../contract/canonical.ts';
import type { Blueprint, BlueprintProperty } from './blueprint.ts';
import { parametersOf } from './blueprint.ts';
import { compileBlueprint, type Compiled } from './compile.ts';
import { drawValue, numberOf, simplerValues } from './draw.ts';
import { formatValue, plainText } from './parameter.ts';
import { Seeded } from './random.ts';

type Request = Readonly<Record<string, Json>>;
/** What a request showed: nothing against the property, that it does not count, or why the property does not hold. */
type Verdict = 'holds' | 'skipped' | readonly string[];
/** Which expressions are not true of what was compiled, one line each. */
export type Untrue = (compiled: Compiled, that: readonly string[]) => string[];

/** So many requests are tried for each that is wanted: most may be refused by the blueprint's checks. */
const TRIES = 10;
/** Most steps on the way to a simpler counterexample. */
const MAX_STEPS = 400;

/**
 * Draws requests inside the parameters' bounds, with a seed that follows from the names, and holds each against the
 * property. One that the blueprint's own checks refuse does not count; one that fails in any other way is a mistake of
 * the blueprint, since every value was allowed. The first counterexample is made as simple as it can be.
 */
export function checkProperty(blueprint: Blueprint, property: BlueprintProperty, untrue: Untrue): { readonly draws: number; readonly failures: readonly string[] } {
  const declared = parametersOf(blueprint);
  const unknown = Object.keys(property.forall).find((name) => !Object.hasOwn(declared, name));
  if (unknown !== undefined) return { draws: 0, failures: [`forall.${unknown}: there is no such parameter`] };
  const judge = (request: Request): Verdict => {
    const compiled = compileBlueprint(blueprint, request);
    if (!compiled.ok) return compiled.code === 'check_failed' ? 'skipped' : [`refused: ${compiled.code}: ${compiled.message}`];
    if (property.when !== undefined && untrue(compiled, [property.when]).length > 0) return 'skipped';
    const failures = untrue(compiled, property.that);
    return failures.length > 0 ? failures : 'holds';
  };
  const random = new Seeded(`${blueprint.blueprint}/${property.name}`);
  let draws = 0;
  for (let tries = 0; tries < property.draws * TRIES && draws < property.draws; tries++) {
    const request = drawRequest(blueprint, property, random);
    const verdict = judge(request);
    if (verdict === 'skipped') continue;
    draws += 1;
    if (verdict === 'holds') continue;
    const simplest = simplify(blueprint, property, { request, failures: verdict }, judge);
    return { draws, failures: simplest.failures.map((failure) => `${failure}, for ${describe(blueprint, simplest.request)}`) };
  }
  return draws >= property.draws ? { draws, failures: [] } : { draws, failures: [`only ${draws} of ${property.draws * TRIES} requests were not refused or left out: draw from a narrower forall`] };
}

function drawRequest(blueprint: Blueprint, property: BlueprintProperty, random: Seeded): Request {
  const declared = parametersOf(blueprint);
  const drawn = Object.entries(property.forall).flatMap(([name, draw]): [string, Json][] => {
    const parameter = declared[name];
    // What need not be said is at times not said.
    if (!parameter || (!parameter.required && random.below(8) === 0)) return [];
    return [[name, drawValue(parameter, draw, random)]];
  });
  return { ...property.given, ...Object.fromEntries(drawn) };
}

/** Leaves out what the failure does not need, then takes steps towards simpler values as long as the request still fails. */
function simplify(blueprint: Blueprint, property: BlueprintProperty, first: { readonly request: Request; readonly failures: readonly string[] }, judge: (request: Request) => Verdict): { readonly request: Request; readonly failures: readonly string[] } {
  const declared = parametersOf(blueprint);
  const names = Object.keys(property.forall);
  let best = first;
  let steps = 0;
  const fails = (request: Request): boolean => {
    const verdict = ++steps > MAX_STEPS ? 'skipped' : judge(request);
    if (typeof verdict === 'string') return false;
    best = { request, failures: verdict };
    return true;
  };
  for (const name of names) {
    const { [name]: value, ...without } = best.request;
    if (value !== undefined && !declared[name]?.required) fails(without);
  }
  for (let again = true; again && steps <= MAX_STEPS;) {
    again = false;
    for (const name of names) {
      const [parameter, draw, value] = [declared[name], property.forall[name], best.request[name]];
      if (!parameter || !draw || value === undefined) continue;
      const number = numberOf(parameter, draw);
      if (!number) {
        again = simplerValues(parameter, draw, value).some((simpler) => fails({ ...best.request, [name]: simpler })) || again;
        continue;
      }
      // Halves the way to the least number that fails.
      let [low, high] = [number.least, BigInt(plainText(value))];
      while (low < high && steps <= MAX_STEPS) {
        const middle = low + (high - low) / 2n;
        if (fails({ ...best.request, [name]: number.write(middle) })) [high, again] = [middle, true];
        else low = middle + 1n;
      }
    }
  }
  return best;
}

function describe(blueprint: Blueprint, request: Request): string {
  const declared = parametersOf(blueprint);
  return Object.entries(request).map(([name, value]) => {
    const parameter = declared[name];
    const exact = JSON.stringify(value);
    // Sizes are rounded where people read them: the exact number stands beside.
    return parameter?.type === 'bytes' && typeof value === 'string' && /^\d+$/.test(value) ? `${name} = ${value} (${formatValue(parameter, value)})` : `${name} = ${exact}`;
  }).join(', ') || 'no parameters';
}
