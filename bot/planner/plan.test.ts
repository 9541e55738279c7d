import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkBody, bodyBytes, contractId } from '../../contract/contract.ts';
import { digestOf } from '../../contract/digest.ts';
import { loadLibrary } from '../../knowledge/library.ts';
import { emptyState, type LedgerState } from '../../ledger/state/state.ts';
import type { PlanInput } from './input.ts';
import { planContract, type Plan } from './plan.ts';
import { recompile } from './verify.ts';

const library = loadLibrary(path.join(import.meta.dirname, '../../knowledge/blueprints'));
const entryOf = (name: string): (typeof library)[number] => library.find((e) => e.blueprint.blueprint === name) ?? expect.fail(`the ${name} blueprint is missing`);
const archive = entryOf('archive');

const requester = digestOf('requester');
const organisation = digestOf('organisation');
const people = { 'it-expert': digestOf('expert'), legal: digestOf('lawyer'), budget: digestOf('treasurer') };
const TB = 10n ** 12n;

/** A market as the ledger would hold it: twelve nodes in six Swiss cities, three abroad, one gateway. */
function market(disk = 360n * TB): LedgerState {
  const state = emptyState();
  state.grid = { digest: digestOf('grid'), payload: { name: 'test', nonce: '0'.repeat(32), ledger: 'did:key:z' as never, authors: [], attestors: [], issuers: [], organisations: [], currency: 'EUR', leaseSeconds: 20, proposalSeconds: 900 } };
  state.time = '2026-11-20T10:00:00.000Z';
  state.size = 7;
  state.organisations[organisation] = { revision: 1, roles: { requester: [requester], ...Object.fromEntries(Object.entries(people).map(([role, id]) => [role, [id]])) } };
  for (const { blueprint, digest } of library) state.blueprints[`${blueprint.blueprint}@${blueprint.version}`] = { author: digestOf('author'), digest, policy: blueprint.policy };
  const add = (label: string, country: string, city: string, capabilities: ('zdb' | 'archive' | 'gateway-name')[]): void => {
    const id = digestOf(label);
    const location = { country, city };
    const engines = capabilities.filter((c) => c !== 'gateway-name').map((name) => ({ name, digest: digestOf(`${name} engine`) }));
    state.nodes[id] = {
      overlayKey: '', sealingKey: '', attested: location, beat: 1, leaseUntil: '2026-11-20T10:00:20.000Z', reserved: { disk: '0', memory: '0', cpu: '0' },
      offer: { grid: state.grid!.digest, by: id, revision: 1, label, location, endpoints: [], relay: false, capabilities, engines, capacity: { disk: String(disk), memory: String(2n ** 36n), cpu: '16000' }, thin: true, rates: { terabyte: '2500000', gibibyte: '1000000', core: '4000000' } },
    };
  };
  for (const city of ['Zurich', 'Geneva', 'Basel', 'Bern', 'Lausanne', 'Lugano']) for (const n of [1, 2]) add(`${city}-${n}`, 'CH', city, ['zdb', 'archive']);
  add('frankfurt', 'DE', 'Frankfurt', ['zdb', 'archive']);
  add('paris', 'FR', 'Paris', ['zdb', 'archive']);
  add('vienna', 'AT', 'Vienna', ['zdb', 'archive']);
  add('gateway', 'CH', 'Zurich', ['gateway-name']);
  return state;
}

const input = (parameters: PlanInput['parameters'], state = market(), nonce = 'a'.repeat(32)): PlanInput => ({ state, ledger: { size: 7, root: '1'.repeat(64) }, requester, nonce, blueprint: { parsed: archive.blueprint, digest: archive.digest }, parameters });
const petabyte = { capacity: String(1000n * TB), countries: ['CH'] };

function planned(of: PlanInput): Plan {
  const plan = planContract(of);
  if (!plan.ok) throw new Error(`${plan.code}: ${plan.message}`);
  return plan;
}

describe('planContract', () => {
  it('plans 1 PB in CH: six stores and three front ends on distinct Swiss nodes, signed by three roles', () => {
    const { header, body } = planned(input(petabyte));
    const state = market();
    expect(header.assignments.map((a) => a.type)).toEqual([...Array<string>(6).fill('zdb'), ...Array<string>(3).fill('archive'), 'gateway-name']);
    for (const group of ['zdb', 'archive']) {
      const nodes = header.assignments.filter((a) => a.group === group).map((a) => a.node);
      expect(new Set(nodes).size).toBe(nodes.length);
    }
    expect(header.assignments.every((a) => state.nodes[a.node]?.attested?.country === 'CH')).toBe(true);
    expect(header.policy).toEqual({ all: Object.entries(people).map(([role, id]) => ({ role, principals: [id], k: 1 })) });
    expect(header.engines.map((e) => e.name)).toEqual(['archive', 'zdb']);
    expect(header.bounds).toEqual([{ group: 'zdb', atMost: 2 }]);
    expect(checkBody(header, bodyBytes(body))).toMatchObject({ ok: true });
    expect(BigInt(header.price.month)).toBeGreaterThan(1500n * 2_500_000n);
  });

  it('gives the same bytes for the same input, and compiles again from what it says it was derived from', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 1300 }), fc.constantFrom<string[]>(['CH'], [], ['CH', 'DE']), fc.integer({ min: 2, max: 8 }), (terabytes, countries, data) => {
      const of = input({ capacity: String(BigInt(terabytes) * TB), countries, data_shards: data, parity_shards: 1 });
      const plan = planContract(of);
      expect(planContract(of)).toEqual(plan);
      if (!plan.ok) return;
      expect(plan.contract).toBe(contractId(plan.header));
      expect(recompile(plan, of)).toEqual({ ok: true });
    }), { seed: 5, numRuns: 40 });
  });

  it('tells a header that was changed by hand, and another planner’s', () => {
    const of = input(petabyte);
    const plan = planned(of);
    const [first, second, ...rest] = plan.header.assignments;
    const swapped = { ...plan.header, assignments: [{ ...first!, node: second!.node }, { ...second!, node: first!.node }, ...rest] };
    expect(recompile({ header: swapped, body: plan.body }, of)).toMatchObject({ ok: false, code: 'digest_mismatch' });
    expect(recompile({ header: { ...plan.header, derivation: { ...plan.header.derivation, planner: 'other/1' } }, body: plan.body }, of)).toMatchObject({ ok: false, code: 'planner_mismatch' });
    expect(recompile(plan, { ...of, ledger: { size: 7, root: '2'.repeat(64) } })).toMatchObject({ ok: false, code: 'digest_mismatch' });
  });

  it('refuses 5 PB in CH, and says what would fit and really does', () => {
    const refused = planContract(input({ ...petabyte, capacity: String(5000n * TB) }));
    expect(refused).toMatchObject({ ok: false, code: 'no_capacity', hint: 'capacity of 1.4 PB would fit in CH with the same settings' });
    expect(planContract(input({ ...petabyte, capacity: String(1400n * TB) })).ok).toBe(true);
    expect(planContract(input({ ...petabyte, capacity: String(1500n * TB) })).ok).toBe(false);
  });

  it('says what would fit of a size as people write it', () => {
    expect(planContract(input({ capacity: '5 PB', countries: 'CH' }))).toMatchObject({ ok: false, code: 'no_capacity', hint: 'capacity of 1.4 PB would fit in CH with the same settings' });
    expect(planContract(input({ capacity: '5 PB', countries: 'CH', max_price: '900000 EUR' }))).toMatchObject({ ok: false, code: 'no_capacity', hint: 'capacity of 1.4 PB would fit in CH with the same settings' });
  });

  it.each([
    ['a country without nodes', { ...petabyte, countries: ['JP'] }, 'no_nodes_in_place'],
    ['too little money', { ...petabyte, max_price: '1000000' }, 'over_budget'],
    ['a blueprint’s own check', { ...petabyte, data_shards: 2, parity_shards: 2 }, 'check_failed'],
    ['more shards than nodes', { ...petabyte, data_shards: 12, parity_shards: 2 }, 'no_capacity'],
    ['an unknown parameter', { ...petabyte, colour: 'red' }, 'unknown_parameter'],
    ['nothing asked', {}, 'missing_parameter'],
  ])('refuses %s', (_, parameters, code) => {
    expect(planContract(input(parameters as PlanInput['parameters']))).toMatchObject({ ok: false, code });
  });

  it('refuses who belongs to no organisation, and a blueprint that was not published so', () => {
    expect(planContract({ ...input(petabyte), requester: digestOf('stranger') })).toMatchObject({ ok: false, code: 'no_organisation' });
    expect(planContract({ ...input(petabyte), blueprint: { parsed: archive.blueprint, digest: digestOf('other') } })).toMatchObject({ ok: false, code: 'blueprint_unpublished' });
  });

  it('names every type that nobody offers, wherever it was asked for, and what the grid can run instead', () => {
    const of = (name: string, parameters: PlanInput['parameters']): PlanInput => ({ ...input(parameters), blueprint: { parsed: entryOf(name).blueprint, digest: entryOf(name).digest }, library: library.map((e) => e.blueprint) });
    expect(planContract(of('web-app', { image: 'nginx', countries: ['JP'] }))).toEqual({
      ok: false, code: 'not_offered', message: 'no node of this grid offers container and network, which is a part of what web-app needs', hint: 'what this grid can run now: archive and key-value-store',
    });
    expect(planContract(of('virtual-disk', { capacity: '1000000000' }))).toMatchObject({ code: 'not_offered', message: 'no node of this grid offers volume, which is what virtual-disk needs' });
    expect(planContract({ ...of('virtual-disk', { capacity: '1000000000' }), library: undefined })).toMatchObject({ hint: 'its nodes offer archive, gateway-name and zdb: see `3bot doctor`' });
    expect(planContract(of('key-value-store', { capacity: '1000000000', countries: ['CH'] }))).toMatchObject({ ok: true, header: { bounds: [], engines: [{ name: 'zdb' }] } });
  });

  it('tells a type that is offered elsewhere from one that nobody offers, and from a grid without nodes', () => {
    const nobody = market();
    nobody.nodes = {};
    expect(planContract(input(petabyte, nobody))).toMatchObject({ ok: false, code: 'no_nodes_in_place' });
    const elsewhere = market();
    for (const node of Object.values(elsewhere.nodes)) if (node.attested?.country === 'CH') node.offer!.capabilities = node.offer!.capabilities.filter((c) => c !== 'archive');
    expect(planContract(input(petabyte, elsewhere))).toMatchObject({ ok: false, code: 'no_engine', message: 'no node in CH runs archive', hint: 'nodes in AT, DE, FR do; see `3bot doctor` for what the nodes offer' });
  });

  it('leaves out nodes without a lease, and gives way with a default name that is taken', () => {
    const state = market();
    const dead = digestOf('Bern-1');
    state.nodes[dead]!.leaseUntil = state.time;
    state.names['archive'] = digestOf('somebody else');
    const { header, body } = planned(input(petabyte, state));
    expect(header.assignments.some((a) => a.node === dead)).toBe(false);
    expect(header.names).toEqual(['archive-2']);
    expect(recompile({ header, body }, input(petabyte, state))).toEqual({ ok: true });
  });

  it('gives way with what is published, not with a name that is published by nobody', () => {
    const of = (name: string, parameters: PlanInput['parameters'], taken: string): PlanInput => {
      const state = market();
      for (const node of Object.values(state.nodes)) node.offer!.capabilities = ['zdb', 'archive', 'gateway-name', 'container', 'network'];
      state.names[taken] = digestOf('somebody else');
      return { ...input(parameters, state), blueprint: { parsed: entryOf(name).blueprint, digest: entryOf(name).digest } };
    };
    expect(planned(of('web-app', { image: 'nginx' }, 'app')).header.names).toEqual(['app-2']);
    expect(planned(of('web-app', { image: 'nginx', feature: 'fix' }, 'app')).header.names).toEqual(['app-fix']);
    expect(planned(of('web-app', { image: 'nginx', feature: 'fix' }, 'app-fix')).header.names).toEqual(['app-2-fix']);
    expect(planned(of('key-value-store', { capacity: '1000000000' }, 'store')).body.parameters['name']).toBe('store');
  });

  it('pins the engine that most nodes run now, not an older one that they keep', () => {
    const state = market();
    for (const node of Object.values(state.nodes)) {
      const zdb = node.offer?.engines.findIndex((e) => e.name === 'zdb') ?? -1;
      if (zdb >= 0) node.offer!.engines.push({ name: 'zdb', digest: `sha256:${'0'.repeat(64)}` as never });
    }
    expect(planned(input(petabyte, state)).header.engines.find((e) => e.name === 'zdb')?.digest).toBe(digestOf('zdb engine'));
  });
});
