import { describe, expect, it } from 'vitest';
import { contractId, type Header } from '../../contract/contract.ts';
import { executionDigest } from './acceptance.ts';
import { stateDigest } from './machine.ts';
import { waitingFor } from './views.ts';
import { World } from './world.fixture.ts';

const refused = (code: string) => expect.objectContaining({ ok: false, code }) as unknown;
const grow = (header: Header, disk: string): Header['assignments'] => header.assignments.map((a) => ({ ...a, resources: { ...a.resources, disk } }));
const sign = (world: World, header: Header): void => {
  for (const applied of [world.approve(header, world.expert, 'it-expert'), world.approve(header, world.legal, 'legal')]) if (!applied.ok) throw new Error(applied.message);
};
const reserved = (world: World): (string | undefined)[] => world.nodes.map((node) => world.state.nodes[node.id]?.reserved.disk);

describe('an update', () => {
  it('reserves what it takes more, and replaces its base when signed: same places, same epochs', () => {
    const world = new World();
    const base = world.activate({ disk: '400' });
    const used = reserved(world).filter((disk) => disk !== '0');
    expect(used).toEqual(['400', '400']);
    const update = world.update(base, { assignments: grow(base, '700') });
    expect(world.propose(update)).toEqual({ ok: true });
    expect(reserved(world).filter((disk) => disk !== '0')).toEqual(['700', '700']);
    expect(waitingFor(world.state, contractId(update))).toEqual(['it-expert (0 of 1: expert)', 'legal (0 of 1: legal)']);
    sign(world, update);
    expect(world.state.contracts[contractId(base)]?.status).toBe('superseded');
    expect(world.state.contracts[contractId(update)]?.status).toBe('active');
    const deployment = world.state.deployments[base.deployment];
    expect(deployment?.contract).toBe(contractId(update));
    expect(Object.values(deployment?.holdings ?? {}).map((h) => h.epoch)).toEqual([1, 1]);
    expect(reserved(world).filter((disk) => disk !== '0')).toEqual(['700', '700']);
  });

  it('gives back what it does not get, and what it shrinks', () => {
    const world = new World();
    const base = world.activate({ disk: '400' });
    const balance = world.state.balances[world.requester.id];
    const update = world.update(base, { assignments: grow(base, '700') });
    world.propose(update);
    world.say('contract.rejected', world.legal, { contract: contractId(update), role: 'legal', reason: 'no' });
    expect(reserved(world).filter((disk) => disk !== '0')).toEqual(['400', '400']);
    expect(world.state.balances[world.requester.id]).toBe(balance);
    const smaller = world.update(base, { assignments: grow(base, '100') });
    world.propose(smaller);
    expect(reserved(world).filter((disk) => disk !== '0')).toEqual(['400', '400']);
    sign(world, smaller);
    expect(reserved(world).filter((disk) => disk !== '0')).toEqual(['100', '100']);
  });

  it('answers to the policy that it replaces as well', () => {
    const world = new World();
    const base = world.activate({ disk: '100' });
    // The author publishes a laxer policy; the people who signed the first version are still asked.
    const blueprint = { name: 'store', version: '1.0.1', digest: world.grid };
    world.say('blueprint.published', world.author, { ...blueprint, policy: { role: 'it-expert' } });
    const lax = world.update(base, { blueprint, policy: { role: 'it-expert', principals: [world.expert.id], k: 1 } });
    expect(world.propose(lax)).toEqual({ ok: true });
    expect(world.approve(lax, world.expert, 'it-expert')).toEqual({ ok: true });
    expect(world.state.contracts[contractId(lax)]?.status).toBe('proposed');
    expect(waitingFor(world.state, contractId(lax))).toEqual(['legal (0 of 1: legal)']);
    expect(world.approve(lax, world.legal, 'legal')).toEqual({ ok: true });
    expect(world.state.contracts[contractId(lax)]?.status).toBe('active');
    // Its own policy rules its end.
    world.say('contract.cancelled', world.expert, { contract: contractId(lax), role: 'it-expert' });
    expect(world.state.contracts[contractId(lax)]?.status).toBe('cancelled');
  });

  it('replaces the version in force only: another update, a move or the end of its base overtakes it', () => {
    const world = new World();
    const base = world.activate({ disk: '100' });
    const [first, second] = [world.update(base, { assignments: grow(base, '200') }), world.update(base, { assignments: grow(base, '300') })];
    world.propose(first);
    world.propose(second);
    sign(world, first);
    expect(world.state.contracts[contractId(second)]?.status).toBe('overtaken');
    expect(world.approve(second, world.legal, 'legal')).toEqual(refused('contract_not_open'));
    expect(world.propose(world.update(base, {}))).toEqual(refused('base_changed'));
    const third = world.update(first, {});
    world.propose(third);
    for (const [who, role] of [[world.expert, 'it-expert'], [world.legal, 'legal']] as const) world.say('contract.cancelled', who, { contract: contractId(first), role });
    expect(world.state.contracts[contractId(third)]?.status).toBe('overtaken');
    expect(reserved(world)).toEqual(['0', '0', '0', '0']);
    expect(world.propose(world.update(first, {}))).toEqual(refused('contract_not_open'));
  });

  it('leaves what it keeps where it lies, and gives a name that comes back a higher epoch', () => {
    const world = new World();
    const base = world.activate({ disk: '100', count: 3 });
    const elsewhere = base.assignments.map((a, i) => ({ ...a, node: base.assignments[(i + 1) % 3]!.node }));
    expect(world.propose(world.update(base, { assignments: elsewhere }))).toEqual(refused('placement_invalid'));
    const without = world.update(base, { assignments: base.assignments.slice(0, 2) });
    world.propose(without);
    sign(world, without);
    expect(Object.keys(world.state.deployments[base.deployment]?.holdings ?? {})).toEqual(['zdb-0', 'zdb-1']);
    const again = world.update(without, { assignments: base.assignments });
    world.propose(again);
    sign(world, again);
    expect(world.state.deployments[base.deployment]?.holdings['zdb-2']?.epoch).toBe(2);
  });

  it('does not remove what a bounded group holds together', () => {
    const world = new World();
    const base = world.activate({ disk: '100', count: 3, bounds: [{ group: 'zdb', atMost: 1 }] });
    expect(world.propose(world.update(base, { assignments: base.assignments.slice(0, 2) }))).toEqual(refused('placement_invalid'));
  });

  it('lapses without a trace, also on the way to an entry that is refused', () => {
    const world = new World();
    const base = world.activate({ disk: '100' });
    const update = world.update(base, { assignments: grow(base, '200') });
    world.propose(update);
    const before = stateDigest(world.state);
    world.time += 700_000;
    expect(world.try('tick', { grid: world.grid, beat: 1 }, world.legal.signer)).toEqual(refused('not_permitted'));
    expect(stateDigest(world.state)).toBe(before);
    world.time -= 700_000;
    world.pass(700);
    expect(world.state.contracts[contractId(update)]?.status).toBe('lapsed');
    expect(reserved(world).filter((disk) => disk !== '0')).toEqual(['100', '100']);
  });
});

describe('acceptance of the execution', () => {
  it('is asked of those whom the contract names, about what runs now', () => {
    const world = new World();
    const blueprint = { name: 'store', version: '2.0.0', digest: world.grid };
    world.say('blueprint.published', world.author, { ...blueprint, policy: { all: [{ role: 'it-expert' }, { role: 'legal' }] }, acceptance: { all: [{ role: 'it-expert' }, { role: 'legal' }] } });
    const { header: draft } = world.draft({ disk: '100' });
    const without = { ...draft, blueprint };
    expect(world.propose(without)).toEqual(refused('policy_mismatch'));
    const header: Header = { ...without, acceptance: draft.policy };
    world.propose(header);
    sign(world, header);
    const { deployment } = header;
    const accept = (who: World['legal'], role: string) => world.attempt('deployment.accepted', who, { deployment, contract: contractId(header), role, execution: executionDigest(world.state.deployments[deployment]!), statement: 'seen' });
    expect(accept(world.legal, 'legal')).toEqual(refused('not_running'));
    for (const a of header.assignments) world.say('deployment.reported', world.nodes.find((n) => n.id === a.node)!, { deployment, workload: a.workload, epoch: 1, revision: 1, phase: 'running', reason: '' });
    expect(accept(world.requester, 'legal')).toEqual(refused('not_permitted'));
    expect(accept(world.legal, 'legal')).toEqual({ ok: true });
    expect(accept(world.legal, 'legal')).toEqual(refused('already_voted'));
    expect(world.state.deployments[deployment]?.acceptance?.met).toBe(false);
    expect(world.attempt('deployment.accepted', world.expert, { deployment, contract: contractId(header), role: 'it-expert', execution: world.grid, statement: 'seen' })).toEqual(refused('execution_changed'));
    expect(accept(world.expert, 'it-expert')).toEqual({ ok: true });
    expect(world.state.deployments[deployment]?.acceptance?.met).toBe(true);
  });
});
