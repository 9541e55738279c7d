import { type Blueprint, parametersOf } from '../../knowledge/blueprint.ts';
import type { Parameters, PlanInput } from './input.ts';

const STEPS = 40;
/** An answer for people: two significant digits, rounded down so that it still fits. */
const SIGNIFICANT = 2;

/** The largest value of the blueprint's size parameter that still fits, everything else as asked; undefined when none does. */
export function largestThatFits(input: PlanInput, fits: (parameters: Parameters) => boolean): { parameter: string; bytes: bigint } | undefined {
  const parameter = sizeParameter(input.blueprint.parsed);
  const asked = parameter === undefined ? undefined : input.parameters[parameter];
  if (parameter === undefined || typeof asked !== 'string') return undefined;
  let low = 0n;
  let high = BigInt(asked);
  for (let step = 0; step < STEPS && low + 1n < high; step++) {
    const middle = (low + high) / 2n;
    if (fits({ ...input.parameters, [parameter]: middle.toString() })) low = middle;
    else high = middle;
  }
  const bytes = roundDown(low);
  return bytes > 0n && fits({ ...input.parameters, [parameter]: bytes.toString() }) ? { parameter, bytes } : undefined;
}

function sizeParameter(blueprint: Blueprint): string | undefined {
  return Object.entries(parametersOf(blueprint)).find(([, p]) => p.type === 'bytes' && p.required)?.[0];
}

function roundDown(value: bigint): bigint {
  const text = value.toString();
  return BigInt(text.slice(0, SIGNIFICANT) + '0'.repeat(Math.max(0, text.length - SIGNIFICANT)));
}
