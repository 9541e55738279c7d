import { describe, expect, it } from 'vitest';
import { loadLibrary, shippedDirectory } from '../../knowledge/library.ts';
import { planOnMarket } from '../../knowledge/market.ts';
import { understand } from './understand/understand.ts';

const library = loadLibrary(shippedDirectory()).map((entry) => entry.blueprint);
const examples = library.flatMap((blueprint) => blueprint.intents.examples.map((example) => [blueprint.blueprint, example] as const));

describe('the examples of the shipped blueprints', () => {
  it('are there', () => {
    expect(examples.length).toBeGreaterThanOrEqual(2 * library.length);
  });

  it.each(examples)('%s: "%s" is understood, and can be placed', (name, example) => {
    const understood = understand(example, library);
    if (!understood.ok) throw new Error(`${understood.error.code}: ${understood.error.message}`);
    expect(understood.blueprint).toBe(name);
    const blueprint = library.find((b) => b.blueprint === name) ?? expect.fail('no such blueprint');
    if (understood.missing.length > 0) return;
    const plan = planOnMarket(blueprint, understood.parameters);
    expect(plan.ok ? 'placed' : `${plan.code}: ${plan.message}`).toBe('placed');
  });
});
