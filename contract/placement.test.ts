import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from './digest.ts';
import { type Candidate, place, type Placeable, type PlacementRequest } from './placement.ts';
import { priceOf, priceOfResources } from './price.ts';
import { addResources, fits, NO_RESOURCES } from './units.ts';

const engine = { name: 'zdb' as const, digest: digestOf('engine') };
const rates = { terabyte: '2500000', gibibyte: '1000000', core: '4000000' };
const candidate = (n: number, country: string, city: string, disk: number): Candidate => ({ node: digestOf(['node', n]), location: { country, city }, capabilities: ['zdb'], engines: [engine], free: { disk: String(disk), memory: '10', cpu: '10' }, rates });
const zdb = (n: number, disk: number, group = 'zdb'): Placeable => ({ workload: `zdb-${n}`, type: 'zdb', group, resources: { disk: String(disk), memory: '1', cpu: '1' } });

const candidates = fc.array(fc.record({ country: fc.constantFrom('CH', 'DE'), city: fc.constantFrom('a', 'b', 'c'), disk: fc.integer({ min: 0, max: 100 }) }), { maxLength: 12 }).map((list) => list.map((c, n) => candidate(n, c.country, `${c.country}-${c.city}`, c.disk)));
const workloads = fc.array(fc.record({ disk: fc.integer({ min: 1, max: 60 }), group: fc.constantFrom('g', 'h') }), { minLength: 1, maxLength: 8 }).map((list) => list.map((w, n) => zdb(n, w.disk, w.group)));
const request = (of: Partial<PlacementRequest>): PlacementRequest => ({ deployment: 'd', constraints: { countries: ['CH'], cities: [] }, engines: [engine], workloads: [], placed: [], candidates: [], ...of });

describe('placement', () => {
  it('keeps constraints, room and distinctness, and does not depend on the order of candidates', () => {
    fc.assert(fc.property(candidates, workloads, (market, wanted) => {
      const placed = place(request({ candidates: market, workloads: wanted }));
      expect(place(request({ candidates: [...market].reverse(), workloads: wanted }))).toEqual(placed);
      if (!placed.ok) return;
      expect(placed.assignments.map((a) => a.workload)).toEqual(wanted.map((w) => w.workload));
      expect(new Set(placed.assignments.map((a) => `${a.group} ${a.node}`)).size).toBe(wanted.length);
      for (const c of market) {
        const here = placed.assignments.filter((a) => a.node === c.node);
        if (here.length > 0) expect(c.location.country).toBe('CH');
        expect(fits(here.map((a) => a.resources).reduce(addResources, NO_RESOURCES), c.free)).toBe(true);
      }
    }), { seed: 4, numRuns: 300 });
  });

  it('spreads over cities before it doubles up, and says why it cannot', () => {
    const market = [candidate(0, 'CH', 'Bern', 9), candidate(1, 'CH', 'Bern', 9), candidate(2, 'CH', 'Basel', 9), candidate(3, 'DE', 'Berlin', 9)];
    const two = place(request({ candidates: market, workloads: [zdb(0, 5), zdb(1, 5)] }));
    expect(two.ok && new Set(two.assignments.map((a) => market.find((c) => c.node === a.node)?.location.city))).toEqual(new Set(['Bern', 'Basel']));
    expect(place(request({ candidates: market, workloads: [zdb(0, 5), zdb(1, 5), zdb(2, 5), zdb(3, 5)] }))).toMatchObject({ ok: false, workload: 'zdb-3', inPlace: 3, withRoom: 0 });
    expect(place(request({ candidates: market, workloads: [zdb(0, 10)] }))).toMatchObject({ ok: false, inPlace: 3, withRoom: 0 });
  });

  it('places only where the pinned engine is offered', () => {
    const other = { ...candidate(0, 'CH', 'Bern', 9), engines: [{ name: 'zdb' as const, digest: digestOf('other') }] };
    expect(place(request({ candidates: [other], workloads: [zdb(0, 1)] }))).toMatchObject({ ok: false, inPlace: 0 });
    expect(place(request({ candidates: [candidate(0, 'CH', 'Bern', 9)], engines: [], workloads: [zdb(0, 1)] }))).toMatchObject({ ok: false, inPlace: 0 });
  });
});

describe('price', () => {
  it('rounds each part up and refuses a node without rates', () => {
    expect(priceOfResources({ disk: '1', memory: '0', cpu: '0' }, rates)).toBe(1n);
    expect(priceOfResources({ disk: String(10n ** 15n), memory: String(2n ** 30n), cpu: '1000' }, rates)).toBe(2_500_000_000n + 1_000_000n + 4_000_000n);
    expect(() => priceOf([{ node: digestOf('x'), resources: NO_RESOURCES }], () => undefined, 'EUR')).toThrow(TypeError);
  });
});
