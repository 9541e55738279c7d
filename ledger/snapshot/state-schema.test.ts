import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { canonicalBytes, canonicalize } from '../../contract/canonical.ts';
import { digestOf } from '../../contract/digest.ts';
import { type Kind, parseEntry } from '../../contract/entry.ts';
import type { EntrySigner } from '../../contract/envelope.ts';
import { type Applied, applyEntry, emptyState, type LedgerState, type OpenedEntry, stateDigest } from '../state/machine.ts';
import { World } from '../state/world.fixture.ts';
import { parseState, StateSchema } from './state-schema.ts';
import { MACHINE_VERSION } from './statement.ts';

const SEED = 20261120;
const MUTATIONS = Number(process.env['SNAPSHOT_MUTATIONS'] ?? 400);

interface Said { readonly opened: OpenedEntry; readonly time: string; readonly ok: boolean }

/** Everything that a world was told, in order; filled before the constructor of World has ended. */
const said: Said[] = [];

class RecordedWorld extends World {
  override try(kind: Kind, payload: object, signer: EntrySigner): Applied {
    const applied = super.try(kind, payload, signer);
    const parsed = parseEntry(kind, JSON.parse(canonicalize(payload)));
    if (!parsed.ok) throw new Error(parsed.message);
    said.push({ opened: { entry: parsed.entry, payloadDigest: digestOf(payload), key: signer.key }, time: new Date(this.time).toISOString(), ok: applied.ok });
    return applied;
  }
}

/** A grid on which much has happened: contracts in every status, a move, reports, secrets, lapses and refusals, blueprints given up. */
function busyWorld(): RecordedWorld {
  said.length = 0;
  const world = new RecordedWorld();
  const running = world.activate({ bounds: [{ group: 'zdb', atMost: 1 }], countries: ['CH', 'DE'] });
  const lapsing = world.draft({ nonce: 'b', count: 1, name: 'other' }).header;
  world.propose(lapsing);
  world.propose(lapsing);
  const rejected = world.draft({ nonce: 'c', count: 1 }).header;
  world.propose(rejected);
  world.attempt('contract.rejected', world.legal, { contract: digestOf(rejected), role: 'legal', reason: 'no' });
  const { deployment } = running;
  const [first] = running.assignments;
  const holder = world.nodes.find(({ id }) => id === first?.node);
  if (!first || !holder) throw new Error('nobody holds the first store');
  world.say('secret.sealed', world.requester, { deployment, secret: 'key', recipient: world.requester.id, ciphertext: 'QUJD' });
  world.say('deployment.reported', holder, { deployment, workload: first.workload, epoch: 1, revision: 1, phase: 'running', reason: '' });
  world.pass(15);
  for (const node of world.nodes) if (node !== holder) world.alive(node);
  world.pass(8);
  for (const node of world.nodes) {
    if (node === holder) continue;
    world.attempt('assignment.moved', world.requester, { deployment, workload: first.workload, from: holder.id, to: node.id, epoch: 2 });
  }
  for (const version of ['1.1.0', '1.2.0']) world.say('blueprint.published', world.author, { name: 'store', version, digest: digestOf(version), policy: { role: 'legal' } });
  world.say('blueprint.deprecated', world.author, { name: 'store', version: '1.0.0', reason: 'slow', instead: '1.2.0' });
  world.say('blueprint.yanked', world.author, { name: 'store', version: '1.1.0', reason: 'broken' });
  world.pass(700);
  return world;
}

const bytesOf = (state: LedgerState): Uint8Array => canonicalBytes(state);

describe('parseState', () => {
  it('a state that was read goes on as the one that grew, from every entry on', () => {
    const world = busyWorld();
    expect(said.filter(({ ok }) => !ok).length).toBeGreaterThan(2);
    expect(Object.values(world.state.deployments)[0]?.holdings['zdb-0']?.epoch).toBe(2);
    const statuses = new Set(Object.values(world.state.contracts).map(({ status }) => status));
    expect([...statuses].sort()).toEqual(['active', 'lapsed', 'rejected']);
    // Each of the states is read back at its own place and told the rest.
    const copies: LedgerState[] = [];
    const live = emptyState();
    for (const [at, { opened, time, ok }] of said.entries()) {
      for (const copy of copies) expect(applyEntry(copy, opened, time).ok, `entry ${at}`).toBe(ok);
      expect(applyEntry(live, opened, time).ok).toBe(ok);
      if (at % 7 !== 0) continue;
      const parsed = parseState(bytesOf(live));
      if (!parsed.ok) throw new Error(`entry ${at}: ${parsed.message}`);
      expect(parsed.state).toEqual(live);
      copies.push(parsed.state);
    }
    expect(copies.length).toBeGreaterThan(8);
    for (const copy of copies) expect(stateDigest(copy)).toBe(stateDigest(world.state));
  });

  it('refuses what means more than what is read from it', () => {
    const { state } = busyWorld();
    const text = canonicalize(state);
    expect(parseState(Buffer.from(text)).ok).toBe(true);
    const hostile: Record<string, string> = {
      'a key twice': text.replace('"tick":', '"tick":0,"tick":'),
      'a space': text.replace('"tick":', '"tick": '),
      'an escape': text.replace('"tick"', '"\\u0074ick"'),
      'another number': text.replace(/"tick":(\d+)/, '"tick":$1.0'),
      '__proto__ in a record': text.replace('"names":{', '"names":{"__proto__":"x",'),
      '__proto__ outside': text.replace('{', '{"__proto__":{},'),
      'an unknown key': text.replace('"tick":', '"tack":1,"tick":'),
      'a constructor': text.replace('"names":{', `"names":{"constructor":"${digestOf(1)}",`),
      'a truncated end': text.slice(0, -1),
      'a byte order mark': `\ufeff${text}`,
      'a depth': `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
      'nothing': '',
    };
    for (const [what, changed] of Object.entries(hostile)) {
      expect(changed, what).not.toBe(text);
      expect(parseState(Buffer.from(changed)).ok, what).toBe(false);
    }
    expect(parseState(Buffer.from([0xff, 0xfe])).ok).toBe(false);
  });

  it(`${MUTATIONS} changed states: refused, or the machine goes on with them without a throw (seed ${SEED})`, () => {
    const { state } = busyWorld();
    const text = canonicalize(state);
    const outcome = { refused: 0, accepted: 0 };
    const later = new Date(Date.parse(state.time) + 400 * 86_400_000).toISOString();
    fc.assert(fc.property(fc.array(fc.nat(), { minLength: 24, maxLength: 24 }), fc.oneof(fc.constantFrom<unknown>('', '0', '-1', null, true, 1e300, 0, -1, [], {}, state.time, digestOf(2)), fc.jsonValue()), (choices, value) => {
      const changed = JSON.parse(text) as Record<string, unknown>;
      changeSomewhere(changed, choices, value);
      const parsed = parseState(canonicalBytes(JSON.parse(JSON.stringify(changed))));
      outcome[parsed.ok ? 'accepted' : 'refused'] += 1;
      if (!parsed.ok) return;
      for (const { opened, time } of said) applyEntry(parsed.state, opened, time > state.time ? time : state.time);
      for (const { opened } of said.slice(-3)) applyEntry(parsed.state, opened, later);
    }), { numRuns: MUTATIONS, seed: SEED });
    expect(outcome.refused).toBeGreaterThan(MUTATIONS / 2);
    expect(outcome.accepted).toBeGreaterThan(MUTATIONS / 50);
  });

  it('knows its machine: another shape of the state is another version', () => {
    const shape = digestOf(JSON.parse(JSON.stringify(z.toJSONSchema(StateSchema, { unrepresentable: 'any' }), withoutBounds)));
    // When this fails, the state has another shape than the snapshots out there: raise MACHINE_VERSION (before the first release with snapshots there are none: only the digest), then write down the new pair.
    expect({ machine: MACHINE_VERSION, shape }).toEqual({ machine: 2, shape: 'sha256:9a7f39641bd2a48dc872be4b21555e5ee59b1576fa9b63f5cf7fe4699e0f219b' });
  });
});

/** Names and types are the shape; how long a text may be, and of what, is not. */
function withoutBounds(key: string, value: unknown): unknown {
  return typeof value !== 'object' && /^(pattern|format|min|max|exclusive)/.test(key) ? undefined : value;
}

/** Replaces, removes or adds something at a place that the choices lead to. */
function changeSomewhere(root: Record<string, unknown>, choices: readonly number[], value: unknown): void {
  let at: Record<string, unknown> = root;
  for (const choice of choices) {
    const keys = Object.keys(at);
    const key = keys[choice % Math.max(1, keys.length)];
    const next = key === undefined ? undefined : at[key];
    if (key !== undefined && typeof next === 'object' && next !== null && choice % 5 !== 0) {
      at = next as Record<string, unknown>;
      continue;
    }
    if (key === undefined || choice % 7 === 1) at['added'] = value;
    else if (choice % 7 === 2) delete at[key];
    else at[key] = value;
    return;
  }
}
