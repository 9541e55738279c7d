import { describe, expect, it } from 'vitest';
import { World } from '../ledger/state/world.fixture.ts';
import { bodyBytes, type Body, type Header } from '../contract/contract.ts';
import { digestBytes } from '../contract/digest.ts';
import { type ExplainedContract, explainContract, explanationDigest } from '../contract/explain.ts';

const everything = (contract: ExplainedContract, base?: ExplainedContract): string => JSON.stringify(explainContract(contract, base));

/** A contract whose body says what its header says. */
function contractWith(world: World, change: (body: Body) => Body, header: Partial<Header> = {}): ExplainedContract {
  const draft = world.draft({ count: 3, fronts: 1, bounds: [{ group: 'zdb', atMost: 1 }] });
  const body = change(draft.body);
  return { body, header: { ...draft.header, ...header, bodyDigest: digestBytes(bodyBytes(body)) } };
}

describe('explainContract', () => {
  const world = new World();
  const base = contractWith(world, (body) => body);
  const update = (change: Partial<Header>, body = base.body): ExplainedContract => ({ body, header: { ...world.update(base.header, change), bodyDigest: digestBytes(bodyBytes(body)) } });

  it('says everything that the signers answer for: each place, engine, secret, call, signer, price and end', () => {
    const text = everything(base);
    const { header, body } = base;
    for (const a of header.assignments) expect(text).toContain(`${a.workload} on ${a.node}`);
    for (const e of header.engines) expect(text).toContain(e.digest);
    for (const id of [header.requester, header.organisation, world.expert.id, world.legal.id, header.blueprint.digest, explainContract(base).contract]) expect(text).toContain(id);
    for (const secret of body.workloads.flatMap((w) => w.secrets)) expect(text).toContain(`the secret ${secret}`);
    for (const [name, value] of Object.entries(body.parameters)) expect(explainContract(base).what.join('\n')).toContain(`${name} = ${JSON.stringify(value)}`);
    expect(text).toContain(header.validity.notAfter);
    expect(text).toContain(header.validity.signBefore);
    expect(text).toContain('of zdb at most 1 may be without their part at once');
  });

  it('gives the same digest to the same contract, and another one to any other', () => {
    const digest = explanationDigest(explainContract(base));
    expect(explanationDigest(explainContract({ header: { ...base.header }, body: { ...base.body } }))).toBe(digest);
    for (const change of [{ autonomy: { replace: false } }, { title: 'another' }, { policy: { role: 'legal', principals: [world.legal.id], k: 1 } }] as Partial<Header>[]) {
      expect(explanationDigest(explainContract({ ...base, header: { ...base.header, ...change } }))).not.toBe(digest);
    }
  });

  it('says of an update what differs, and nothing of what does not', () => {
    const next = update({ assignments: base.header.assignments.map((a) => (a.type === 'zdb' ? { ...a, resources: { ...a.resources, disk: '500' } } : a)), policy: { role: 'legal', principals: [world.legal.id], k: 1 }, price: { currency: 'EUR', month: '9990000' } }, {
      ...base.body, parameters: { name: 'other' }, workloads: base.body.workloads.map((w) => (w.type === 'zdb' ? { ...w, resources: { ...w.resources, disk: '500' }, spec: { ...w.spec, capacity: '500' } } : w)),
    });
    const { changes } = explainContract(next, base);
    expect(changes).toEqual([
      'parameter name: was "store", becomes "other"',
      expect.stringMatching(/^price a month: was 0.02 EUR, becomes 9.99 EUR$/),
      expect.stringMatching(/^who must sign: was \(it-expert .* and legal .*\), becomes legal/),
      ...['zdb-0', 'zdb-1', 'zdb-2'].map((name) => expect.stringMatching(new RegExp(`^${name}: was a store for 400 B.*becomes a store for 500 B`)) as unknown),
    ]);
    expect(explainContract(update({}), base).changes).toEqual(['nothing but its dates']);
  });

  it('says of a workload every field that differs, beside words that say less', () => {
    const [zdb] = base.body.workloads.filter((w) => w.type === 'zdb');
    const changed = (change: (w: Extract<Body['workloads'][number], { type: 'zdb' }>) => Body['workloads'][number], header: Partial<Header> = {}): string => {
      const body = { ...base.body, workloads: base.body.workloads.map((w) => (w.type === 'zdb' && w.name === zdb?.name ? change(w) : w)) };
      return explainContract(update(header, body), base).changes.join('\n');
    };
    // The words differ by the capacity, and say nothing of the rest.
    const hidden = changed((w) => ({ ...w, group: 'other', secrets: ['stolen'], dials: ['elsewhere'], spec: { ...w.spec, capacity: '399', namespaces: ['another'] } }));
    expect(hidden).toContain('becomes a store for 399 B');
    for (const field of ['group was "zdb", becomes "other"', /secrets was \[.*\], becomes \["stolen"\]/, /dials was \[.*\], becomes \["elsewhere"\]/, /spec.namespaces was \[.*\], becomes \["another"\]/]) expect(hidden).toMatch(field);
    expect(changed((w) => ({ ...w, secrets: ['stolen'] }))).toMatch(/^zdb-0: secrets was \[.*\], becomes \["stolen"\]$/m);
    expect(changed((w) => ({ ...w, type: 'volume', spec: { capacity: w.spec.capacity, copies: ['zdb-0'] } }))).toMatch(/type was "zdb", becomes "volume".*spec.mode was "\w+", becomes nothing.*spec.copies was nothing, becomes \["zdb-0"\]/);
  });

  it('says what else of the contract differs', () => {
    expect(explainContract(update({ bounds: [{ group: 'zdb', atMost: 2 }], title: 'another' }), base).changes).toEqual([
      expect.stringMatching(/^title: was ".*", becomes "another"$/),
      'how many of a group may be without their part: was [{"group":"zdb","atMost":1}], becomes [{"group":"zdb","atMost":2}]',
    ]);
  });

  it('names what begins, what ends and what lies elsewhere by now', () => {
    const [first, ...rest] = base.header.assignments;
    const workloads = base.body.workloads.filter((w) => w.name !== first?.workload);
    expect(explainContract(update({ assignments: rest }, { ...base.body, workloads }), base).changes).toContain('zdb-0 ends, and what it holds is deleted');
    const elsewhere = rest.map((a, i) => (i === 0 ? { ...a, node: world.nodes.at(-1)!.id } : a));
    expect(explainContract(update({ assignments: elsewhere }, { ...base.body, workloads }), base).changes.join('\n')).toMatch(/zdb-1 lies on sha256:[0-9a-f]{64} by now/);
  });

  it('refuses to explain an update without the version that it replaces, or against another', () => {
    expect(() => explainContract(update({}))).toThrow(TypeError);
    expect(() => explainContract(base, base)).toThrow(TypeError);
  });
});
