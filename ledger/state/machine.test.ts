import { describe, expect, it } from 'vitest';
import { contractId, type DeploymentId, type Header } from '../../contract/contract.ts';
import { digestOf } from '../../contract/digest.ts';
import { addResources, NO_RESOURCES } from '../../contract/units.ts';
import { type LedgerState, stateDigest } from './machine.ts';
import { currentAssignments, lapsedHoldings, replacementFor } from './views.ts';
import { LEASE_SECONDS, newSigner, PROPOSAL_SECONDS, World } from './world.fixture.ts';

/** What is reserved on every node must be what live contracts hold there. */
function expectReservationsToAddUp({ state }: World): void {
  const expected: Record<string, typeof NO_RESOURCES> = {};
  for (const { header, status } of Object.values(state.contracts)) {
    const deployment = state.deployments[header.deployment];
    const held = status === 'active' && deployment ? currentAssignments(state, deployment) : status === 'proposed' ? header.assignments : [];
    for (const { node, resources } of held) expected[node] = addResources(expected[node] ?? NO_RESOURCES, resources);
  }
  for (const [id, node] of Object.entries(state.nodes)) expect(node.reserved).toEqual(expected[id] ?? NO_RESOURCES);
}

/** A refused entry must leave no trace. */
function expectRefused(world: World, code: string, attempt: () => unknown): void {
  const before = stateDigest(world.state);
  expect(attempt()).toMatchObject({ ok: false, code });
  expect(stateDigest(world.state)).toBe(before);
}

describe('a contract’s life', () => {
  it('becomes active with its quorum and not before, and holds capacity and escrow from the proposal on', () => {
    const world = new World();
    const { header } = world.draft();
    const id = contractId(header);
    expect(world.propose(header)).toEqual({ ok: true });
    expectReservationsToAddUp(world);
    expect(world.state.balances[world.requester.id]).toBe((1_000_000_000n - BigInt(header.price.month)).toString());
    expect(world.approve(header, world.expert, 'it-expert').ok).toBe(true);
    expect(world.state.contracts[id]?.status).toBe('proposed');
    expect(world.state.deployments[header.deployment]).toBeUndefined();
    expect(world.approve(header, world.legal, 'legal').ok).toBe(true);
    expect(world.state.contracts[id]?.status).toBe('active');
    expect(Object.values(world.state.deployments[header.deployment]?.holdings ?? {}).map((h) => h.epoch)).toEqual([1, 1]);
    expectReservationsToAddUp(world);
  });

  it('gives everything back when it lapses, is withdrawn, or cannot be met any more', () => {
    for (const end of ['lapse', 'withdraw', 'reject'] as const) {
      const world = new World();
      const { header } = world.draft();
      world.propose(header);
      if (end === 'lapse') world.pass(PROPOSAL_SECONDS + 1);
      if (end === 'withdraw') world.say('contract.withdrawn', world.requester, { contract: contractId(header) });
      if (end === 'reject') world.say('contract.rejected', world.legal, { contract: contractId(header), role: 'legal', reason: 'GDPR' });
      expect(world.state.contracts[contractId(header)]?.status).toBe({ lapse: 'lapsed', withdraw: 'withdrawn', reject: 'rejected' }[end]);
      expect(world.state.balances[world.requester.id]).toBe('1000000000');
      expectReservationsToAddUp(world);
      expect(Object.values(world.state.nodes).every((n) => n.reserved.disk === '0')).toBe(true);
    }
  });

  it('is cancelled by the quorum that started it, and expires on its last day', () => {
    const world = new World();
    const header = world.activate();
    const contract = contractId(header);
    world.say('contract.cancelled', world.expert, { contract, role: 'it-expert' });
    expect(world.state.contracts[contract]?.status).toBe('active');
    expectRefused(world, 'not_permitted', () => world.attempt('contract.cancelled', world.requester, { contract, role: 'legal' }));
    world.say('contract.cancelled', world.legal, { contract, role: 'legal' });
    expect(world.state.contracts[contract]?.status).toBe('cancelled');
    expectReservationsToAddUp(world);
    const other = world.activate({ nonce: 'b' });
    world.tick(2 * 86_400);
    expect(world.state.contracts[contractId(other)]?.status).toBe('expired');
    expectReservationsToAddUp(world);
  });
});

describe('refusals leave the state as it was', () => {
  const changed = (world: World, change: Partial<Header> | ((header: Header) => Partial<Header>)): Header => {
    const { header } = world.draft();
    return { ...header, ...(typeof change === 'function' ? change(header) : change) };
  };
  const foreign = digestOf('elsewhere');
  it.each<[string, string, (world: World) => unknown]>([
    ['another grid in the entry', 'grid_mismatch', (w) => w.try('node.alive', { grid: foreign, by: w.nodes[0]?.id, beat: 99 }, w.nodes[0]!.signer)],
    ['another grid in the header', 'grid_mismatch', (w) => w.propose(changed(w, { grid: foreign }))],
    ['a key that is not the principal’s', 'key_mismatch', (w) => w.try('contract.proposed', { grid: w.grid, by: w.requester.id, header: w.draft().header }, w.legal.signer)],
    ['a stranger', 'principal_unknown', (w) => w.attempt('contract.proposed', { id: foreign, signer: newSigner() }, { header: w.draft().header })],
    ['somebody else’s contract', 'not_permitted', (w) => w.attempt('contract.proposed', w.legal, { header: w.draft().header })],
    ['an unpublished blueprint', 'blueprint_unknown', (w) => w.propose(changed(w, (h) => ({ blueprint: { ...h.blueprint, digest: foreign } })))],
    ['a weaker policy', 'policy_mismatch', (w) => w.propose(changed(w, { policy: { role: 'it-expert', principals: [w.expert.id], k: 1 } }))],
    ['an organisation that is not theirs', 'not_permitted', (w) => w.propose(changed(w, { organisation: w.operator.id }))],
    ['a lower price', 'price_mismatch', (w) => w.propose(changed(w, { price: { currency: 'EUR', month: '1' } }))],
    ['a place outside the constraints', 'location_not_allowed', (w) => w.propose(changed(w, { constraints: { countries: ['FR'], cities: [] } }))],
    ['two of a group on one node', 'placement_invalid', (w) => w.propose(changed(w, (h) => ({ assignments: h.assignments.map((a) => ({ ...a, node: h.assignments[0]!.node })) })))],
    ['another engine', 'placement_invalid', (w) => w.propose(changed(w, { engines: [{ name: 'zdb', digest: foreign }] }))],
    ['more than a node has', 'no_capacity', (w) => w.propose(changed(w, (h) => ({ assignments: h.assignments.map((a) => ({ ...a, resources: { ...a.resources, disk: '1001' } })) })))],
    ['a deployment id of its own making', 'contract_invalid', (w) => w.propose(changed(w, { deployment: foreign }))],
    ['a proposal that is over', 'contract_expired', (w) => w.propose(changed(w, (h) => ({ validity: { ...h.validity, signBefore: '2026-11-20T09:59:59.000Z' } })))],
    ['a proposal without end', 'contract_invalid', (w) => w.propose(changed(w, { validity: { signBefore: '2027-11-20T09:59:59.000Z', notAfter: '2028-11-20T09:59:59.000Z' } }))],
    ['a blueprint by nobody trusted', 'blueprint_untrusted', (w) => w.attempt('blueprint.published', w.requester, { ...w.blueprint, version: '2.0.0', policy: { role: 'legal' } })],
    ['a published version again', 'blueprint_exists', (w) => w.attempt('blueprint.published', w.author, { ...w.blueprint, digest: foreign, policy: { role: 'legal' } })],
    ['a location by nobody trusted', 'not_permitted', (w) => w.attempt('location.attested', w.nodes[0]!, { node: w.nodes[0]!.id, location: { country: 'CH', city: 'Bern' } })],
    ['money that is not there', 'no_credit', (w) => w.attempt('credit.transferred', w.legal, { to: w.expert.id, amount: '1', nonce: '0'.repeat(32) })],
    ['a transfer again', 'transfer_repeated', (w) => w.attempt('credit.transferred', w.operator, { to: w.requester.id, amount: '1000000000', nonce: digestOf('credit').slice(7, 39) })],
    ['an old beat', 'stale_revision', (w) => w.attempt('node.alive', w.nodes[0]!, { beat: 1 })],
    ['an old offer', 'stale_revision', (w) => w.attempt('node.offer', w.nodes[0]!, { ...(() => { const { grid: _g, by: _b, ...offer } = w.state.nodes[w.nodes[0]!.id]!.offer!; return offer; })() })],
    ['a tick by nobody’s clock', 'not_permitted', (w) => w.try('tick', { grid: w.grid, beat: 999 }, w.operator.signer)],
    ['a roster of an organisation that the grid does not know', 'not_permitted', (w) => w.attempt('organisation.changed', w.operator, { revision: 1, roles: { legal: [w.requester.id] } })],
    ['a second beginning', 'grid_exists', (w) => w.try('grid.created', w.state.grid!.payload, w.ledger)],
  ])('%s', (_, code, attempt) => {
    const world = new World();
    expectRefused(world, code, () => attempt(world));
  });

  it('an approval for another contract, in another role, twice, or after the time', () => {
    const world = new World();
    const first = world.draft({ nonce: 'a', disk: '100' }).header;
    world.propose(first);
    const second = world.draft({ nonce: 'b', disk: '100' }).header;
    expectRefused(world, 'contract_unknown', () => world.approve(second, world.expert, 'it-expert'));
    expectRefused(world, 'not_permitted', () => world.approve(first, world.expert, 'legal'));
    expectRefused(world, 'not_permitted', () => world.approve(first, world.requester, 'it-expert'));
    world.approve(first, world.expert, 'it-expert');
    expectRefused(world, 'already_voted', () => world.approve(first, world.expert, 'it-expert'));
    world.pass(PROPOSAL_SECONDS);
    expectRefused(world, 'contract_expired', () => world.approve(first, world.legal, 'legal'));
    expect(Object.keys(world.state.deployments)).toEqual([]);
  });

  it('the second of two plans on the same disk', () => {
    const world = new World();
    const [one, two] = [world.draft({ nonce: 'a', count: 3, disk: '600' }).header, world.draft({ nonce: 'b', count: 3, disk: '600' }).header];
    expect(world.propose(one).ok).toBe(true);
    expectRefused(world, 'no_capacity', () => world.propose(two));
  });

  it('a refusal after time has passed undoes the expiry it looked at', () => {
    const world = new World();
    const { header } = world.draft();
    world.propose(header);
    world.time += (PROPOSAL_SECONDS + 1) * 1000;
    expectRefused(world, 'contract_expired', () => world.approve(header, world.legal, 'legal'));
    expectReservationsToAddUp(world);
    world.pass(0);
    expect(world.state.contracts[contractId(header)]?.status).toBe('lapsed');
    expectReservationsToAddUp(world);
  });
});

describe('moves', () => {
  it('follow the one rule, after the lease and not before, and raise the epoch', () => {
    const world = new World();
    const header = world.activate();
    const lost = header.assignments[0]!;
    const move = (to: string, epoch = 2): unknown => world.attempt('assignment.moved', world.legal, { deployment: header.deployment, workload: lost.workload, from: lost.node, to, epoch });
    const spare = world.nodes.find((n) => !header.assignments.some((a) => a.node === n.id) && world.state.nodes[n.id]?.attested?.country === 'CH')!;
    expectRefused(world, 'lease_held', () => move(spare.id));
    world.pass(LEASE_SECONDS - 1);
    for (const node of world.nodes) if (node.id !== lost.node) world.alive(node);
    world.pass(2);
    expect(lapsedHoldings(world.state).map((h) => h.workload)).toEqual([lost.workload]);
    const abroad = world.nodes[3]!;
    expectRefused(world, 'move_mismatch', () => move(abroad.id));
    expectRefused(world, 'epoch_mismatch', () => move(spare.id, 3));
    expect(replacementFor(world.state, { deployment: header.deployment, workload: lost.workload, time: world.state.time })).toMatchObject({ ok: true, assignments: [{ node: spare.id }] });
    expect(move(spare.id)).toEqual({ ok: true });
    expect(world.state.deployments[header.deployment]?.holdings[lost.workload]).toEqual({ node: spare.id, epoch: 2 });
    expectReservationsToAddUp(world);
    // The node that comes back is fenced: what it says of the old epoch is not heard.
    const back = world.nodes.find((n) => n.id === lost.node)!;
    world.alive(back);
    expectRefused(world, 'node_fenced', () => world.attempt('deployment.reported', back, { deployment: header.deployment, workload: lost.workload, epoch: 1, revision: 9, phase: 'running', reason: '' }));
    expectRefused(world, 'epoch_mismatch', () => move(spare.id));
  });

  it('do not follow from the silence of the ledger: who held a lease before it has time to come back', () => {
    const world = new World();
    const header = world.activate();
    const [lost, other] = [header.assignments[0]!, header.assignments[1]!];
    const spare = world.nodes.find((n) => n.id !== lost.node && n.id !== other.node && world.state.nodes[n.id]?.attested?.country === 'CH')!;
    const move = (): unknown => world.attempt('assignment.moved', world.legal, { deployment: header.deployment, workload: lost.workload, from: lost.node, to: spare.id, epoch: 2 });
    world.time += 3 * 3_600_000;
    expectRefused(world, 'lease_held', move);
    expectRefused(world, 'not_permitted', () => world.try('tick', { grid: world.grid, beat: 1e9, resumed: true }, world.legal.signer));
    world.alive(spare);
    expect(lapsedHoldings(world.state)).toEqual([]);
    world.pass(59);
    expectRefused(world, 'lease_held', move);
    world.alive(spare);
    world.pass(2);
    expect(lapsedHoldings(world.state)).toHaveLength(2);
    expect(move()).toEqual({ ok: true });
    // What had lapsed before the silence is not given back by it.
    world.time += 3 * 3_600_000;
    world.alive(spare);
    expect(lapsedHoldings(world.state).map((h) => h.workload)).toEqual([other.workload]);
  });

  it('do not follow from a short outage either, when the ledger says that it was away', () => {
    const world = new World();
    const header = world.activate();
    const [holder] = header.assignments;
    world.pass(LEASE_SECONDS - 2);
    world.must('tick', { grid: world.grid, beat: 1000, resumed: true }, world.ledger);
    expect(world.state.nodes[holder!.node]?.leaseUntil).toBe(new Date(world.time + 60_000).toISOString());
    world.time += 10_000;
    expect(lapsedHoldings(world.state, new Date(world.time).toISOString())).toEqual([]);
  });

  it('stop at the bound of a group: what is lost or not restored is never more than the parts that may be missing', () => {
    const world = new World();
    for (const n of [4, 5, 6]) world.addNode(`node-${n}`, 'CH');
    const header = world.activate({ count: 3, fronts: 1, disk: '100', bounds: [{ group: 'zdb', atMost: 1 }] });
    const [first, second] = header.assignments;
    if (!first || !second) throw new Error('no assignments');
    const deployment = (): LedgerState['deployments'][DeploymentId] | undefined => world.state.deployments[header.deployment];
    const keepAlive = (...but: string[]): void => { for (const node of world.nodes) if (!but.includes(node.id)) world.alive(node); };
    const move = ({ workload, node }: typeof first): unknown => {
      const answer = replacementFor(world.state, { deployment: header.deployment, workload, time: world.state.time });
      return world.attempt('assignment.moved', world.legal, { deployment: header.deployment, workload, from: node, to: answer?.ok ? answer.assignments[0]?.node : '', epoch: 2 });
    };
    // Two of three gone at once: nothing moves, for their return alone would save what they hold.
    world.pass(LEASE_SECONDS - 1);
    keepAlive(first.node, second.node);
    world.pass(2);
    expect(lapsedHoldings(world.state)).toEqual([]);
    expectRefused(world, 'too_many_lost', () => move(first));
    // One comes back: the other is replaced, and counts as missing until a holder has seen it complete at its new epoch.
    world.alive(world.nodes.find((n) => n.id === second.node)!);
    expect(lapsedHoldings(world.state).map((h) => h.workload)).toEqual([first.workload]);
    expect(move(first)).toEqual({ ok: true });
    expect(deployment()?.unrestored).toEqual({ [first.workload]: true });
    world.pass(LEASE_SECONDS - 1);
    keepAlive(first.node, second.node);
    world.pass(2);
    expectRefused(world, 'too_many_lost', () => move(second));
    const report = ({ workload, node }: typeof first, revision: number, complete: string[]): unknown => world.attempt('deployment.reported', world.nodes.find((n) => n.id === node)!, { deployment: header.deployment, workload, epoch: 1, revision, phase: 'running', reason: '', complete });
    const [third, front] = [header.assignments[2]!, header.assignments[3]!];
    // Neither a store's word for another, nor a front end's for an earlier epoch.
    expect(report(third, 1, [`${first.workload}@2`])).toEqual({ ok: true });
    expect(report(front, 1, [`${first.workload}@1`])).toEqual({ ok: true });
    expectRefused(world, 'too_many_lost', () => move(second));
    expect(report(front, 2, [`${first.workload}@2`])).toEqual({ ok: true });
    expect(deployment()?.unrestored).toEqual({});
    expect(move(second)).toEqual({ ok: true });
    expectReservationsToAddUp(world);
  });

  it('never leave the constraints: with no Swiss node left there is no answer', () => {
    const world = new World();
    const header = world.activate({ count: 3, disk: '100' });
    world.pass(LEASE_SECONDS + 1);
    world.alive(world.nodes[3]!);
    const lost = header.assignments[0]!;
    expectRefused(world, 'no_capacity', () => world.attempt('assignment.moved', world.legal, { deployment: header.deployment, workload: lost.workload, from: lost.node, to: world.nodes[3]!.id, epoch: 2 }));
  });
});

describe('secrets', () => {
  it('are sealed by their owner, whose own copy stands, or by a holder for one that has none', () => {
    const world = new World();
    const header = world.activate();
    const holders = header.assignments.map((a) => world.nodes.find((n) => n.id === a.node)!);
    const [first, second] = [holders[0]!, holders[1]!];
    const seal = (by: typeof first, recipient: string, ciphertext = 'QUJD'): unknown => world.attempt('secret.sealed', by, { deployment: header.deployment, secret: 'key', recipient, ciphertext });
    expectRefused(world, 'not_permitted', () => seal(first, second.id));
    expect(seal(world.requester, world.requester.id)).toEqual({ ok: true });
    expectRefused(world, 'secret_exists', () => seal(world.requester, world.requester.id, 'WFla'));
    expect(seal(world.requester, first.id)).toEqual({ ok: true });
    expectRefused(world, 'not_permitted', () => seal(world.legal, second.id));
    expectRefused(world, 'not_permitted', () => seal(world.requester, world.legal.id));
    expect(seal(first, second.id)).toEqual({ ok: true });
    expectRefused(world, 'secret_exists', () => seal(first, second.id, 'WFla'));
    expect(seal(world.requester, second.id, 'WFla')).toEqual({ ok: true });
  });
});
