import { describe, expect, it } from 'vitest';
import { digestOf } from '../../contract/digest.ts';
import { newSigner, World } from './world.fixture.ts';

const refused = (code: string) => expect.objectContaining({ ok: false, code }) as unknown;

describe('an organisation with governance', () => {
  const governed = () => {
    const world = new World();
    const roles = { requester: [world.requester.id], 'it-expert': [world.expert.id], legal: [world.legal.id] };
    world.say('organisation.changed', world.organisation, { revision: 2, roles, governance: { all: [{ role: 'it-expert' }, { role: 'legal' }] } });
    const change = { grid: world.grid, by: world.organisation.id, revision: 3, roles: { ...roles, legal: [world.expert.id] } };
    return { world, roles, change, digest: digestOf(change) };
  };
  const roster = (world: World) => world.state.organisations[world.organisation.id]?.roles['legal'];

  it('changes when the quorum of its present roster agrees, and not before', () => {
    const { world, change, digest } = governed();
    world.must('organisation.changed', change, world.organisation.signer);
    expect(roster(world)).toEqual([world.legal.id]);
    const yes = { organisation: world.organisation.id, change: digest };
    expect(world.attempt('organisation.approved', world.requester, { ...yes, role: 'legal' })).toEqual(refused('not_permitted'));
    world.say('organisation.approved', world.expert, { ...yes, role: 'it-expert' });
    expect(world.attempt('organisation.approved', world.expert, { ...yes, role: 'it-expert' })).toEqual(refused('already_voted'));
    expect(roster(world)).toEqual([world.legal.id]);
    world.say('organisation.approved', world.legal, { ...yes, role: 'legal' });
    expect(roster(world)).toEqual([world.expert.id]);
    expect(world.attempt('organisation.approved', world.legal, { ...yes, role: 'legal' })).toEqual(refused('change_unknown'));
  });

  it('a later change takes the place of one that waits, and its votes', () => {
    const { world, change, digest } = governed();
    world.must('organisation.changed', change, world.organisation.signer);
    world.say('organisation.approved', world.expert, { organisation: world.organisation.id, change: digest, role: 'it-expert' });
    world.must('organisation.changed', { ...change, roles: { ...change.roles, requester: [] } }, world.organisation.signer);
    expect(world.attempt('organisation.approved', world.legal, { organisation: world.organisation.id, change: digest, role: 'legal' })).toEqual(refused('change_unknown'));
    expect(world.try('organisation.changed', { ...change, revision: 1_000_000 }, world.organisation.signer)).toEqual(refused('stale_revision'));
  });

  it('loses a change that waits when the key that proposed it is revoked', () => {
    const { world, change, digest } = governed();
    const next = { id: world.organisation.id, signer: newSigner() };
    world.say('principal.rotated', world.organisation, { revision: 1, add: [next.signer.key], retire: [] });
    world.must('organisation.changed', change, world.organisation.signer);
    world.say('principal.revoked', next, { revision: 2, key: world.organisation.signer.key, reason: 'stolen' });
    expect(world.attempt('organisation.approved', world.expert, { organisation: world.organisation.id, change: digest, role: 'it-expert' })).toEqual(refused('change_unknown'));
  });

  it('cannot be frozen by a leap to the last revision, nor by a governance that one person in two roles would have to meet', () => {
    const { world, roles, change } = governed();
    expect(world.try('organisation.changed', { ...change, revision: 1_000_000 }, world.organisation.signer)).toEqual(refused('stale_revision'));
    const both = { ...roles, legal: [world.expert.id] };
    expect(world.attempt('organisation.changed', world.organisation, { revision: 3, roles: both, governance: { all: [{ role: 'it-expert' }, { role: 'legal' }] } })).toEqual(refused('policy_mismatch'));
  });

  it('cannot lock itself out', () => {
    const { world, roles } = governed();
    expect(world.attempt('organisation.changed', world.organisation, { revision: 3, roles, governance: { role: 'board' } })).toEqual(refused('policy_mismatch'));
  });
});
