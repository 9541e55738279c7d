import { describe, expect, it } from 'vitest';
import { contractId } from '../../contract/contract.ts';
import { speaksFor } from './keys.ts';
import { newSigner, World } from './world.fixture.ts';

const refused = (code: string) => expect.objectContaining({ ok: false, code }) as unknown;

describe('keys of a principal', () => {
  it('change: the new one counts from the next entry on, the old one is retired by it, and what it signed stays', () => {
    const world = new World();
    const { header } = world.draft();
    world.propose(header);
    const next = { id: world.legal.id, signer: newSigner() };
    expect(world.approve(header, next, 'legal')).toEqual(refused('key_mismatch'));
    world.say('principal.rotated', world.legal, { revision: 1, add: [next.signer.key], retire: [] });
    const before = world.state.size;
    expect(world.approve(header, world.legal, 'legal').ok).toBe(true);
    // Whoever retires a key signs with one that stays, which shows that they have it.
    expect(world.attempt('principal.rotated', world.legal, { revision: 2, add: [], retire: [world.legal.signer.key] })).toEqual(refused('key_in_use'));
    world.say('principal.rotated', next, { revision: 2, add: [], retire: [world.legal.signer.key] });
    expect(world.attempt('contract.cancelled', world.legal, { contract: contractId(header), role: 'legal' })).toEqual(refused('key_ended'));
    expect(world.state.contracts[contractId(header)]?.votes).toHaveLength(1);
    expect(world.approve(header, world.expert, 'it-expert').ok).toBe(true);
    expect(world.state.contracts[contractId(header)]?.status).toBe('active');
    expect(speaksFor(world.state, world.legal.id, world.legal.signer.key, before)).toBe(true);
    expect(speaksFor(world.state, world.legal.id, world.legal.signer.key)).toBe(false);
  });

  it('are revoked with what they decided and what is still open, and the person decides again', () => {
    const world = new World();
    const { header } = world.draft();
    world.propose(header);
    const next = { id: world.legal.id, signer: newSigner() };
    world.say('principal.rotated', world.legal, { revision: 1, add: [next.signer.key], retire: [] });
    world.approve(header, world.legal, 'legal');
    world.say('principal.revoked', next, { revision: 2, key: world.legal.signer.key, reason: 'the laptop was stolen' });
    expect(world.state.contracts[contractId(header)]?.votes).toEqual([]);
    world.approve(header, world.expert, 'it-expert');
    expect(world.state.contracts[contractId(header)]?.status).toBe('proposed');
    expect(world.approve(header, next, 'legal').ok).toBe(true);
    expect(world.state.contracts[contractId(header)]?.status).toBe('active');
  });

  it('belong to one principal: nobody votes twice with one key', () => {
    const world = new World();
    expect(world.try('principal.created', { grid: world.grid, kind: 'person', name: 'twin', keys: [world.legal.signer.key], nonce: '0'.repeat(32) }, world.legal.signer)).toEqual(refused('key_taken'));
    expect(world.attempt('principal.rotated', world.expert, { revision: 1, add: [world.legal.signer.key], retire: [] })).toEqual(refused('key_taken'));
    // Naming a key that nobody used yet claims nothing: its first use does.
    const fresh = newSigner();
    world.say('principal.rotated', world.expert, { revision: 1, add: [fresh.key], retire: [] });
    const late = world.person('person', 'late', fresh);
    expect(world.attempt('credit.transferred', { id: world.expert.id, signer: fresh }, { to: late.id, amount: '1', nonce: '1'.repeat(32) })).toEqual(refused('key_taken'));
    expect(world.attempt('credit.transferred', late, { to: late.id, amount: '1', nonce: '1'.repeat(32) })).toEqual(refused('no_credit'));
  });

  it('a lost key does not come back, and revisions are counted', () => {
    const world = new World();
    const next = newSigner();
    expect(world.attempt('principal.rotated', world.legal, { revision: 2, add: [next.key], retire: [] })).toEqual(refused('stale_revision'));
    world.say('principal.rotated', world.legal, { revision: 1, add: [next.key], retire: [] });
    const person = { id: world.legal.id, signer: next };
    world.say('principal.rotated', person, { revision: 2, add: [], retire: [world.legal.signer.key] });
    expect(world.attempt('principal.rotated', person, { revision: 3, add: [world.legal.signer.key], retire: [] })).toEqual(refused('key_taken'));
  });

  it('are recovered by as many guardians as the principal chose, whatever a thief does meanwhile', () => {
    const world = new World();
    const guardians = ['g1', 'g2', 'g3'].map((name) => world.person('person', name));
    const recovery = { k: 2, guardians: guardians.map((g) => g.id) };
    expect(world.attempt('principal.rotated', world.legal, { revision: 1, add: [], retire: [], recovery: { k: 1, guardians: [world.legal.id] } })).toEqual(refused('not_permitted'));
    world.say('principal.rotated', world.legal, { revision: 1, add: [], retire: [], recovery });
    const fresh = newSigner();
    const word = { principal: world.legal.id, round: 1, keys: [fresh.key] };
    world.say('principal.recovered', guardians[0]!, word);
    // The thief has the old key: replaces neither the guardians, nor what they have said.
    expect(world.attempt('principal.rotated', world.legal, { revision: 2, add: [], retire: [], recovery: { k: 1, guardians: [world.expert.id] } })).toEqual(refused('not_permitted'));
    world.say('principal.rotated', world.legal, { revision: 2, add: [newSigner().key], retire: [] });
    expect(world.attempt('principal.recovered', world.expert, word)).toEqual(refused('not_permitted'));
    world.say('principal.recovered', guardians[0]!, word);
    expect(world.attempt('contract.withdrawn', { id: world.legal.id, signer: fresh }, { contract: world.grid })).toEqual(refused('key_mismatch'));
    world.say('principal.recovered', guardians[1]!, { ...word, keys: [newSigner().key] });
    expect(speaksFor(world.state, world.legal.id, fresh.key)).toBe(false);
    world.say('principal.recovered', guardians[2]!, word);
    expect(speaksFor(world.state, world.legal.id, fresh.key)).toBe(true);
    expect(speaksFor(world.state, world.legal.id, world.legal.signer.key)).toBe(false);
    expect(world.attempt('principal.recovered', guardians[1]!, word)).toEqual(refused('stale_revision'));
  });

  it('a thief who names the recovered key first, or uses up all keys over time, does not stop a recovery', () => {
    const world = new World();
    const guardians = ['g1', 'g2'].map((name) => world.person('person', name));
    world.say('principal.rotated', world.legal, { revision: 1, add: [], retire: [], recovery: { k: 2, guardians: guardians.map((g) => g.id) } });
    const fresh = newSigner();
    const word = { principal: world.legal.id, round: 1, keys: [fresh.key] };
    world.say('principal.recovered', guardians[0]!, word);
    world.say('principal.rotated', world.legal, { revision: 2, add: [fresh.key], retire: [] });
    let revision = 2;
    for (let n = 0; n < 40; n++) {
      const add = Array.from({ length: 6 }, () => newSigner().key);
      if (!world.attempt('principal.rotated', world.legal, { revision: revision + 1, add, retire: [] }).ok) break;
      world.say('principal.rotated', world.legal, { revision: revision + 2, add: [], retire: add });
      revision += 2;
    }
    expect(Object.keys(world.state.principals[world.legal.id]?.keys ?? {}).length).toBeGreaterThan(240);
    world.say('principal.recovered', guardians[1]!, word);
    expect(speaksFor(world.state, world.legal.id, fresh.key)).toBe(true);
    expect(speaksFor(world.state, world.legal.id, world.legal.signer.key)).toBe(false);
  });

  it('what a revoked key has proposed is withdrawn, and a rejection that becomes void may have been all that was missing', () => {
    const world = new World();
    world.say('blueprint.published', world.author, { name: 'store', version: '1.1.0', digest: world.grid, policy: { veto: 'legal', over: { role: 'it-expert' } } });
    const { header: draft } = world.draft({ count: 1, disk: '100' });
    const header = { ...draft, blueprint: { name: 'store', version: '1.1.0', digest: world.grid }, policy: { veto: { role: 'legal', principals: [world.legal.id] }, over: { role: 'it-expert', principals: [world.expert.id], k: 1 } } };
    const next = newSigner();
    world.say('principal.rotated', world.requester, { revision: 1, add: [next.key], retire: [] });
    expect(world.propose(header)).toEqual({ ok: true });
    world.say('principal.revoked', { id: world.requester.id, signer: next }, { revision: 2, key: world.requester.signer.key, reason: 'stolen' });
    expect(world.state.contracts[contractId(header)]?.status).toBe('withdrawn');
    expect(world.state.nodes[header.assignments[0]!.node]?.reserved.disk).toBe('0');
  });

  it('what the grid entrusts to a key follows its principal', () => {
    const world = new World();
    const next = { id: world.author.id, signer: newSigner() };
    world.say('principal.rotated', world.author, { revision: 1, add: [next.signer.key], retire: [] });
    world.say('principal.revoked', next, { revision: 2, key: world.author.signer.key, reason: 'old' });
    const blueprint = { name: 'other', version: '1.0.0', digest: world.grid, policy: { role: 'legal' } };
    expect(world.attempt('blueprint.published', world.author, blueprint)).toEqual(refused('key_ended'));
    expect(world.attempt('blueprint.published', next, blueprint).ok).toBe(true);
    // A revoked key does not begin a new life as somebody whom the grid trusts.
    expect(world.try('principal.created', { grid: world.grid, kind: 'author', name: 'again', keys: [world.author.signer.key], nonce: '2'.repeat(32) }, world.author.signer)).toEqual(refused('key_taken'));
  });
});
