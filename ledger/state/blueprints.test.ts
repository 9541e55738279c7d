import { describe, expect, it } from 'vitest';
import { contractId } from '../../contract/contract.ts';
import { digestOf } from '../../contract/digest.ts';
import { stateDigest } from './machine.ts';
import { type Person, World } from './world.fixture.ts';

const POLICY = { all: [{ role: 'it-expert' }, { role: 'legal' }] };
const DIGEST = digestOf('another blueprint');

function publish(world: World, who: Person, what: { name?: string; version: string; organisation?: string }) {
  return world.attempt('blueprint.published', who, { name: 'store', digest: DIGEST, policy: POLICY, ...what });
}

/** A refused entry leaves no trace. */
function expectRefused(world: World, code: string, attempt: () => unknown): void {
  const before = stateDigest(world.state);
  expect(attempt()).toMatchObject({ ok: false, code });
  expect(stateDigest(world.state)).toBe(before);
}

/** A world whose organisation names an author of its own. */
function withOwnAuthor(): { world: World; writer: Person; roles: Record<string, string[]> } {
  const world = new World();
  const writer = world.person('author', 'writer');
  const roles = { requester: [world.requester.id], 'it-expert': [world.expert.id], legal: [world.legal.id], author: [writer.id] };
  world.say('organisation.changed', world.organisation, { revision: 2, roles });
  return { world, writer, roles };
}

describe('publishing', () => {
  it('goes upward only', () => {
    const world = new World();
    expect(publish(world, world.author, { version: '1.2.0' })).toEqual({ ok: true });
    for (const version of ['1.1.9', '1.2.00', '0.9.0']) expectRefused(world, 'blueprint_version', () => publish(world, world.author, { version }));
    expectRefused(world, 'blueprint_exists', () => publish(world, world.author, { version: '1.2.0' }));
    expect(publish(world, world.author, { version: '1.10.0' })).toEqual({ ok: true });
  });

  it('under a name that belongs to whoever published it first', () => {
    const { world, writer } = withOwnAuthor();
    const organisation = world.organisation.id;
    expectRefused(world, 'blueprint_taken', () => publish(world, writer, { version: '2.0.0', organisation }));
    expect(publish(world, writer, { name: 'own', version: '1.0.0', organisation })).toEqual({ ok: true });
    // No other name begins like it.
    expect(publish(world, world.author, { name: 'own-too', version: '1.0.0' })).toEqual({ ok: true });
  });

  it('for the grid, whatever an organisation has under that name', () => {
    const { world, writer } = withOwnAuthor();
    const organisation = world.organisation.id;
    expect(publish(world, writer, { name: 'vpn', version: '0.0.1', organisation })).toEqual({ ok: true });
    expect(publish(world, writer, { name: 'vpn', version: '9999.9999.9999', organisation })).toEqual({ ok: true });
    // A number is used once, since contracts name it.
    expectRefused(world, 'blueprint_exists', () => publish(world, world.author, { name: 'vpn', version: '0.0.1' }));
    expect(publish(world, world.author, { name: 'vpn', version: '1.0.0' })).toEqual({ ok: true });
    expectRefused(world, 'blueprint_version', () => publish(world, world.author, { name: 'vpn', version: '0.9.0' }));
    expect(publish(world, world.author, { name: 'vpn', version: '1.1.0' })).toEqual({ ok: true });
    // From then on the name is the grid's; what was published stays its author's to take back.
    expectRefused(world, 'blueprint_taken', () => publish(world, writer, { name: 'vpn', version: '9999.9999.9998', organisation }));
    expect(world.attempt('blueprint.yanked', writer, { name: 'vpn', version: '9999.9999.9999', reason: 'the grid has one' })).toEqual({ ok: true });
  });

  it('for one organisation, whatever another has under that name', () => {
    const { world, writer } = withOwnAuthor();
    expect(publish(world, writer, { name: 'vpn', version: '5.0.0', organisation: world.organisation.id })).toEqual({ ok: true });
    world.state.blueprints['vpn@5.0.0']!.organisation = world.operator.id;
    const other = world.person('author', 'other');
    const roles = world.state.organisations[world.organisation.id]!.roles;
    world.say('organisation.changed', world.organisation, { revision: 3, roles: { ...roles, author: [other.id] } });
    expect(publish(world, other, { name: 'vpn', version: '1.0.0', organisation: world.organisation.id })).toEqual({ ok: true });
  });

  it('for an organisation takes its role, and counts nowhere else', () => {
    const { world, writer, roles } = withOwnAuthor();
    const organisation = world.organisation.id;
    expectRefused(world, 'blueprint_untrusted', () => publish(world, writer, { name: 'own', version: '1.0.0' }));
    expectRefused(world, 'blueprint_untrusted', () => publish(world, writer, { name: 'own', version: '1.0.0', organisation: world.operator.id }));
    expectRefused(world, 'blueprint_untrusted', () => publish(world, world.author, { name: 'own', version: '1.0.0', organisation }));
    expect(publish(world, writer, { name: 'own', version: '1.0.0', organisation })).toEqual({ ok: true });
    const own = { name: 'own', version: '1.0.0', digest: DIGEST };
    const { header } = world.draft();
    expect(world.propose({ ...header, blueprint: own })).toEqual({ ok: true });
    world.state.blueprints['own@1.0.0']!.organisation = world.operator.id;
    const { header: again } = world.draft({ nonce: 'b', disk: '100' });
    expectRefused(world, 'blueprint_untrusted', () => world.propose({ ...again, blueprint: own }));
    world.state.blueprints['own@1.0.0']!.organisation = organisation;
    // Whom the roster drops writes nothing new, and nothing new begins under what they wrote.
    const { author: _, ...without } = roles;
    world.say('organisation.changed', world.organisation, { revision: 3, roles: without });
    expectRefused(world, 'blueprint_untrusted', () => publish(world, writer, { name: 'own', version: '1.1.0', organisation }));
    expectRefused(world, 'blueprint_untrusted', () => world.propose({ ...again, blueprint: own }));
    expect(world.approve({ ...header, blueprint: own }, world.expert, 'it-expert')).toEqual({ ok: true });
  });

  it('makes nobody a member who may ask for things', () => {
    const { world, writer } = withOwnAuthor();
    world.say('credit.transferred', world.operator, { to: writer.id, amount: '1000000000', nonce: '1'.repeat(32) });
    const { header } = world.draft();
    expect(world.attempt('contract.proposed', writer, { header: { ...header, requester: writer.id } })).toMatchObject({ ok: false });
    world.state.organisations[world.organisation.id]!.roles = { author: [world.requester.id], legal: [world.legal.id], 'it-expert': [world.expert.id] };
    expectRefused(world, 'not_permitted', () => world.propose(header));
  });
});

describe('deprecating', () => {
  it('changes what is said, and nothing that may be done', () => {
    const world = new World();
    publish(world, world.author, { version: '1.1.0' });
    world.say('blueprint.deprecated', world.author, { name: 'store', version: '1.0.0', reason: 'slow', instead: '1.1.0' });
    expect(world.state.blueprints['store@1.0.0']).toMatchObject({ deprecated: { reason: 'slow', instead: '1.1.0' } });
    world.say('blueprint.deprecated', world.author, { name: 'store', version: '1.0.0', reason: 'slower than we thought' });
    expect(world.state.blueprints['store@1.0.0']?.deprecated).toEqual({ reason: 'slower than we thought' });
    expect(world.propose(world.draft().header)).toEqual({ ok: true });
  });

  it('is its author’s alone, and names what there is', () => {
    const world = new World();
    publish(world, world.author, { version: '1.1.0' });
    const said = { name: 'store', version: '1.0.0', reason: 'slow' };
    expectRefused(world, 'not_permitted', () => world.attempt('blueprint.deprecated', world.operator, said));
    expectRefused(world, 'blueprint_unknown', () => world.attempt('blueprint.deprecated', world.author, { ...said, version: '3.0.0' }));
    for (const instead of ['1.0.0', '3.0.0']) expectRefused(world, 'blueprint_unknown', () => world.attempt('blueprint.deprecated', world.author, { ...said, instead }));
    world.say('blueprint.yanked', world.author, { name: 'store', version: '1.1.0', reason: 'broken' });
    expectRefused(world, 'blueprint_yanked', () => world.attempt('blueprint.deprecated', world.author, { ...said, instead: '1.1.0' }));
    expectRefused(world, 'blueprint_yanked', () => world.attempt('blueprint.deprecated', world.author, { ...said, version: '1.1.0' }));
  });
});

describe('yanking', () => {
  const said = { name: 'store', version: '1.0.0', reason: 'it loses data' };

  it('lets nothing new begin, also no update of what runs, which goes on', () => {
    const world = new World();
    const running = world.activate({ disk: '100' });
    const waiting = world.draft({ nonce: 'b', disk: '100' }).header;
    world.propose(waiting);
    world.say('blueprint.yanked', world.author, said);
    expect(world.state.blueprints['store@1.0.0']).toMatchObject({ yanked: { reason: 'it loses data' } });
    expect(world.state.contracts[contractId(running)]?.status).toBe('active');
    expectRefused(world, 'blueprint_yanked', () => world.propose(world.draft({ nonce: 'c', disk: '100' }).header));
    expectRefused(world, 'blueprint_yanked', () => world.propose(world.update(running, { title: 'the same blueprint' })));
    // What was proposed before is its signers' to decide.
    for (const [who, role] of [[world.expert, 'it-expert'], [world.legal, 'legal']] as const) expect(world.approve(waiting, who, role)).toEqual({ ok: true });
    publish(world, world.author, { version: '1.1.0' });
    expect(world.propose(world.update(running, { blueprint: { name: 'store', version: '1.1.0', digest: DIGEST } }))).toEqual({ ok: true });
  });

  it('is its author’s alone, once and for good', () => {
    const world = new World();
    expectRefused(world, 'not_permitted', () => world.attempt('blueprint.yanked', world.operator, said));
    world.say('blueprint.yanked', world.author, said);
    expectRefused(world, 'blueprint_yanked', () => world.attempt('blueprint.yanked', world.author, said));
    expectRefused(world, 'blueprint_exists', () => publish(world, world.author, { version: '1.0.0' }));
  });

  it('is said with any present key of the author', () => {
    const world = new World();
    const other = world.person('person', 'the author\'s next key').signer;
    expect(world.attempt('principal.rotated', world.author, { revision: 1, add: [other.key], retire: [] })).toMatchObject({ ok: false, code: 'key_taken' });
    const next = { id: world.author.id, signer: (new World()).author.signer };
    world.say('principal.rotated', world.author, { revision: 1, add: [next.signer.key], retire: [] });
    expect(world.attempt('blueprint.yanked', next, said)).toEqual({ ok: true });
  });
});
