import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestBytes, type Digest } from '../contract/digest.ts';
import { type Envelope, openEnvelope } from '../contract/envelope.ts';
import type { Kind } from '../contract/entry.ts';
import type { LedgerState } from '../ledger/state/state.ts';
import { type Person, World } from '../ledger/state/world.fixture.ts';
import { verifySignature } from '../signer/verify.ts';
import { shippedDirectory } from './library.ts';
import { deprecateBlueprint, publishBlueprint, type Publisher, yankBlueprint } from './publish.ts';

const SOURCE = readFileSync(join(shippedDirectory(), 'archive.yaml'), 'utf8');
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The state machine behind the calls that publishing makes; every envelope is opened as a ledger opens it. */
class Desk extends World {
  readonly blobs = new Set<Digest>();
  readonly order: string[] = [];

  publisher(as: Person = this.author): Publisher {
    const follower = {
      putBlob: async (source: Uint8Array) => {
        const digest = digestBytes(source);
        this.blobs.add(digest);
        this.order.push('bytes');
        return digest;
      },
      submit: async (envelopes: readonly Envelope[]) => envelopes.map((envelope) => {
        const opened = openEnvelope(envelope, verifySignature);
        if (!opened.ok) return { ok: false as const, code: opened.code, message: opened.message, hint: '' };
        this.order.push(opened.kind);
        const applied = this.try(opened.kind as Kind, opened.payload as object, opened.key === as.signer.key ? as.signer : this.ledger);
        return applied.ok ? { ok: true as const, seq: 0, time: '', duplicate: false } : applied;
      }),
      waitFor: async <T>(predicate: (state: LedgerState) => T | undefined): Promise<T> => {
        const found = predicate(this.state);
        if (found === undefined) throw new Error('it is not in the state');
        return found;
      },
    };
    return { follower: follower as unknown as Publisher['follower'], grid: this.grid, as };
  }
}

describe('publishing', () => {
  it('puts the bytes before the entry, signed by the author', async () => {
    const desk = new Desk();
    const published = await publishBlueprint(desk.publisher(), bytes(SOURCE));
    expect(published).toMatchObject({ ok: true, name: 'archive', version: '1.0.0', digest: digestBytes(bytes(SOURCE)) });
    expect(desk.order).toEqual(['bytes', 'blueprint.published']);
    expect(desk.state.blueprints['archive@1.0.0']).toMatchObject({ author: desk.author.id, digest: digestBytes(bytes(SOURCE)) });
  });

  it.each<[string, string, (source: string) => string]>([
    ['what has errors', 'blueprint_invalid', (source) => source.replace('data_shards + parity_shards', 'nobody')],
    ['what cannot be parsed', 'blueprint_invalid', () => 'blueprint: ['],
    ['a test that is mistyped', 'blueprint_invalid', (source) => source.replace('size(slots) == 10', 'size(slots)')],
    ['what fails its own tests', 'tests_failed', (source) => source.replace('workloads: 26', 'workloads: 25')],
  ])('refuses %s, and tells nobody of it', async (_, code, change) => {
    const desk = new Desk();
    expect(change(SOURCE)).not.toBe(SOURCE);
    expect(await publishBlueprint(desk.publisher(), bytes(change(SOURCE)))).toMatchObject({ ok: false, code });
    expect(desk.order).toEqual([]);
  });

  it('says what the ledger says', async () => {
    const desk = new Desk();
    expect(await publishBlueprint(desk.publisher(desk.requester), bytes(SOURCE))).toMatchObject({ ok: false, code: 'blueprint_untrusted', hint: expect.any(String) as string });
    expect(await publishBlueprint(desk.publisher(), bytes(SOURCE), { organisation: desk.organisation.id })).toMatchObject({ ok: false, code: 'blueprint_untrusted' });
    await publishBlueprint(desk.publisher(), bytes(SOURCE));
    expect(await publishBlueprint(desk.publisher(), bytes(SOURCE.replace('version: 1.0.0', 'version: 0.9.0')))).toMatchObject({ ok: false, code: 'blueprint_version' });
  });
});

describe('what an author says later', () => {
  it('is deprecated, then yanked for good', async () => {
    const desk = new Desk();
    await publishBlueprint(desk.publisher(), bytes(SOURCE));
    const version = { name: 'archive', version: '1.0.0' };
    expect(await deprecateBlueprint(desk.publisher(), { ...version, reason: 'slow' })).toEqual({ ok: true });
    expect(await deprecateBlueprint(desk.publisher(), { ...version, reason: 'slow', instead: '2.0.0' })).toMatchObject({ ok: false, code: 'blueprint_unknown' });
    expect(await yankBlueprint(desk.publisher(desk.legal), { ...version, reason: 'broken' })).toMatchObject({ ok: false, code: 'not_permitted' });
    expect(await yankBlueprint(desk.publisher(), { ...version, reason: 'broken' })).toEqual({ ok: true });
    expect(await yankBlueprint(desk.publisher(), { ...version, reason: 'broken' })).toMatchObject({ ok: false, code: 'blueprint_yanked' });
    expect(desk.state.blueprints['archive@1.0.0']).toMatchObject({ deprecated: { reason: 'slow' }, yanked: { reason: 'broken' } });
  });
});
