import { describe, expect, it } from 'vitest';
import { WorkloadType } from '../contract/workload.ts';
import type { Blueprint } from './blueprint.ts';
import { loadLibrary, shippedDirectory } from './library.ts';
import { planOnMarket, testMarket, typesNotOffered } from './market.ts';

const library = loadLibrary(shippedDirectory());
function blueprintOf(name: string): Blueprint {
  return library.find((e) => e.blueprint.blueprint === name)?.blueprint ?? expect.fail(`no blueprint ${name}`);
}

describe('testMarket', () => {
  it('offers every type in a dozen countries and more, at rates that differ', () => {
    expect(new Set(testMarket().map((c) => c.location.country)).size).toBeGreaterThanOrEqual(12);
    expect(new Set(testMarket().map((c) => c.node)).size).toBe(testMarket().length);
    expect(new Set(testMarket().map((c) => c.rates.terabyte)).size).toBeGreaterThan(5);
    expect(typesNotOffered(WorkloadType.options.map((type) => ({ type })), testMarket())).toEqual([]);
  });
});

describe('planOnMarket', () => {
  it('places a group on distinct nodes of the places asked for, and prices what they take', () => {
    const plan = planOnMarket(blueprintOf('archive'), { capacity: '1 PB', countries: 'CH' });
    if (!plan.ok) throw new Error(plan.message);
    expect(plan.assignments.every(({ location }) => location.country === 'CH')).toBe(true);
    const stores = plan.assignments.filter(({ group }) => group === 'zdb');
    expect(new Set(stores.map(({ node }) => node)).size).toBe(6);
    expect(new Set(stores.map(({ location }) => location.city)).size).toBe(3);
    // 1.53 PB at 3.20 to 3.40 EUR a terabyte, and little else.
    expect(BigInt(plan.price.month) / 1_000_000n).toBeGreaterThan(4_896n);
    expect(BigInt(plan.price.month) / 1_000_000n).toBeLessThan(5_300n);
  });

  it('gives the same plan each time', () => {
    const once = planOnMarket(blueprintOf('crm'), { users: 200 });
    expect(planOnMarket(blueprintOf('crm'), { users: 200 })).toEqual(once);
    expect(once.ok).toBe(true);
  });

  it.each([
    ['a country without nodes', 'archive', { capacity: '1 TB', countries: ['JP'] }, 'no_nodes_in_place', /JP/],
    ['more than a node has', 'virtual-disk', { capacity: '900 TB', countries: ['PT'] }, 'no_capacity', /disk-0 needs .* 900 TB of disk/],
    ['more memory than a node has', 'container', { image: 'nginx', memory: '1 TiB' }, 'no_capacity', /1\.09 TB of memory/],
    ['too little money', 'kubernetes', { workers: 3, max_price: '1 EUR' }, 'over_budget', /allows 1\.00 EUR/],
    ['what the compiler refuses', 'kubernetes', { workers: 3, control_planes: 2 }, 'check_failed', /control planes/],
    ['what is missing', 'database', {}, 'missing_parameter', /capacity/],
  ] as const)('refuses %s', (_, name, parameters, code, message) => {
    const refused = planOnMarket(blueprintOf(name), parameters);
    expect(refused).toMatchObject({ ok: false, code });
    if (!refused.ok) expect(refused.message).toMatch(message);
  });

  it('names what nobody offers, on a market that is no test', () => {
    const stores = testMarket().map((c) => ({ ...c, capabilities: ['zdb', 'archive', 'gateway-name'] as const }));
    expect(planOnMarket(blueprintOf('web-app'), { image: 'nginx' }, stores)).toMatchObject({ ok: false, code: 'not_offered', message: 'nobody on this market offers container, network' });
    expect(planOnMarket(blueprintOf('key-value-store'), { capacity: '1 GB' }, stores)).toMatchObject({ ok: true });
  });
});
