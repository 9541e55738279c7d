import { describe, expect, it } from 'vitest';
import { contractId, type Header } from '../../contract/contract.ts';
import { newSigner, World } from '../../ledger/state/world.fixture.ts';

/** What the random sequences, and writing them, have found: kept in the shortest form. */
describe('found by the models', () => {
  it('who revokes a key that somebody else had come to use first, takes nothing from that one', () => {
    const world = new World();
    const shared = newSigner();
    // Both name the key before anybody uses it; the first use makes it legal's.
    for (const who of [world.legal, world.expert]) world.say('principal.rotated', who, { revision: 1, add: [shared.key], retire: [] });
    const { header } = world.draft();
    world.propose(header);
    expect(world.approve(header, { id: world.legal.id, signer: shared }, 'legal')).toEqual({ ok: true });
    world.say('principal.revoked', world.expert, { revision: 2, key: shared.key, reason: 'mine' });
    expect(world.state.contracts[contractId(header)]?.votes).toMatchObject([{ principal: world.legal.id, key: shared.key }]);
  });

  it('two updates that ask for the same new name: whichever comes into force has it, and it is free when neither does', () => {
    const proposed = (): { world: World; one: Header; two: Header } => {
      const world = new World();
      const base = world.activate({ disk: '100' });
      const update = (title: string): Header => ({ ...base, title, version: 2, supersedes: contractId(base), names: ['shop'] });
      const [one, two] = [update('one'), update('two')];
      for (const header of [one, two]) expect(world.propose(header)).toEqual({ ok: true });
      return { world, one, two };
    };
    const withdrawn = proposed();
    withdrawn.world.say('contract.withdrawn', withdrawn.world.requester, { contract: contractId(withdrawn.one) });
    expect(withdrawn.world.state.names).toEqual({ shop: withdrawn.two.deployment });
    withdrawn.world.say('contract.withdrawn', withdrawn.world.requester, { contract: contractId(withdrawn.two) });
    expect(withdrawn.world.state.names).toEqual({});
    const signed = proposed();
    for (const [who, role] of [[signed.world.expert, 'it-expert'], [signed.world.legal, 'legal']] as const) expect(signed.world.approve(signed.two, who, role)).toEqual({ ok: true });
    expect(signed.world.state.contracts[contractId(signed.one)]?.status).toBe('overtaken');
    expect(signed.world.state.names).toEqual({ shop: signed.two.deployment });
  });

  it('a key that is retired twice in one entry makes no room for two', () => {
    const world = new World();
    const keys = Array.from({ length: 7 }, () => newSigner().key);
    world.say('principal.rotated', world.legal, { revision: 1, add: keys, retire: [] });
    const [lost] = keys;
    expect(world.attempt('principal.rotated', world.legal, { revision: 2, add: [newSigner().key, newSigner().key], retire: [lost, lost] })).toMatchObject({ ok: false });
  });
});
