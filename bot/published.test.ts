import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { digestBytes, type Digest } from '../contract/digest.ts';
import type { LibraryEntry } from '../knowledge/library.ts';
import { shippedDirectory } from '../knowledge/library.ts';
import { type Follower, LedgerError } from '../ledger/follower.ts';
import { type Person, World } from '../ledger/state/world.fixture.ts';
import { noticeOf } from '../ledger/state/views.ts';
import { keepLibrary, PublishedLibrary, publishedVersions } from './published.ts';

const ARCHIVE = readFileSync(join(shippedDirectory(), 'archive.yaml'), 'utf8');
const POLICY = { all: [{ role: 'it-expert' }, { role: 'legal' }, { role: 'budget' }] };

/** The state machine and a blob store, with no log between: what the library reads of a follower. */
class Grid extends World {
  readonly blobs = new Map<Digest, Uint8Array>();
  readonly listeners: (() => void)[] = [];
  readonly follower = {
    state: () => this.state,
    getBlob: async (digest: Digest) => {
      const bytes = this.blobs.get(digest);
      if (!bytes) throw new LedgerError('blob_missing', 'no such blob');
      return bytes;
    },
    onChange: (listener: () => void) => {
      this.listeners.push(listener);
      return () => undefined;
    },
  };

  publish(version: string, { source = ARCHIVE.replace('version: 1.0.0', `version: ${version}`), who = this.author, name = 'archive', kept = true, ...rest }: { source?: string; who?: Person; name?: string; kept?: boolean; organisation?: Digest } = {}): Digest {
    const bytes = new TextEncoder().encode(source);
    const digest = digestBytes(bytes);
    if (kept) this.blobs.set(digest, bytes);
    this.say('blueprint.published', who, { name, version, digest, policy: POLICY, ...rest });
    return digest;
  }

  async names(who = this.requester): Promise<string[]> {
    const { library } = await new PublishedLibrary(this.follower, who.id).read();
    return library.map(({ blueprint: { blueprint, version } }) => `${blueprint} ${version}`);
  }
}

describe('what a bot uses of what is published', () => {
  it('is the highest version that is not yanked', async () => {
    const grid = new Grid();
    for (const version of ['1.0.0', '1.9.0', '1.10.0']) grid.publish(version);
    expect(await grid.names()).toEqual(['archive 1.10.0']);
    grid.say('blueprint.yanked', grid.author, { name: 'archive', version: '1.10.0', reason: 'broken' });
    expect(await grid.names()).toEqual(['archive 1.9.0']);
    for (const version of ['1.9.0', '1.0.0']) grid.say('blueprint.yanked', grid.author, { name: 'archive', version, reason: 'broken' });
    expect(await grid.names()).toEqual([]);
  });

  it('says what is deprecated', async () => {
    const grid = new Grid();
    grid.publish('1.0.0');
    grid.publish('1.1.0');
    grid.say('blueprint.deprecated', grid.author, { name: 'archive', version: '1.1.0', reason: 'too slow', instead: '1.0.0' });
    const { library } = await new PublishedLibrary(grid.follower, grid.requester.id).read();
    expect(library.map(({ deprecated }) => deprecated)).toEqual([{ reason: 'too slow', instead: '1.0.0' }]);
    expect(noticeOf(grid.state, { name: 'archive', version: '1.1.0' })).toBe('archive 1.1.0 is deprecated: too slow; use 1.0.0 instead');
    expect(noticeOf(grid.state, { name: 'archive', version: '1.0.0' })).toBeUndefined();
    grid.say('blueprint.yanked', grid.author, { name: 'archive', version: '1.1.0', reason: 'it loses data' });
    expect(noticeOf(grid.state, { name: 'archive', version: '1.1.0' })).toBe('archive 1.1.0 is yanked: it loses data');
    expect(publishedVersions(grid.state).map(({ name, version }) => `${name} ${version}`)).toEqual(['archive 1.1.0', 'archive 1.0.0', 'store 1.0.0']);
  });

  it.each<[string, (source: string) => string]>([
    ['cannot be parsed', () => 'blueprint: ['],
    ['has faults', (source) => source.replace('data_shards + parity_shards', 'nobody')],
    ['is too large', (source) => `${source}\n# ${'x'.repeat(300_000)}`],
    ['says another name', (source) => source.replace('blueprint: archive', 'blueprint: crm')],
    ['says another version', (source) => source.replace('version: 1.1.0', 'version: 1.2.0')],
  ])('what %s gives way to the version before it', async (_, change) => {
    const grid = new Grid();
    grid.publish('1.0.0');
    const source = ARCHIVE.replace('version: 1.0.0', 'version: 1.1.0');
    expect(change(source)).not.toBe(source);
    grid.publish('1.1.0', { source: change(source) });
    expect(await grid.names()).toEqual(['archive 1.0.0']);
  });

  it('is of an organisation’s own author for its members alone', async () => {
    const grid = new Grid();
    const writer = grid.person('author', 'writer');
    const stranger = grid.person('person', 'stranger');
    const roles = { requester: [grid.requester.id], 'it-expert': [grid.expert.id], legal: [grid.legal.id], author: [writer.id] };
    grid.say('organisation.changed', grid.organisation, { revision: 2, roles });
    grid.publish('1.0.0', { who: writer, organisation: grid.organisation.id });
    expect(await grid.names()).toEqual(['archive 1.0.0']);
    expect(await grid.names(stranger)).toEqual([]);
    grid.say('organisation.changed', grid.organisation, { revision: 3, roles: { ...roles, author: [] } });
    expect(await grid.names()).toEqual([]);
  });
});

describe('keepLibrary', () => {
  it('follows what is published, deprecated and yanked, and asks again for what it could not have', async () => {
    const grid = new Grid();
    grid.say('blueprint.yanked', grid.author, { name: 'store', version: '1.0.0', reason: 'its source is nowhere' });
    grid.publish('1.0.0');
    let library: readonly LibraryEntry[] = [];
    const changed = async (): Promise<void> => {
      for (const listener of grid.listeners) listener();
      await new Promise((resolve) => setImmediate(resolve));
    };
    const versions = (): string[] => library.map(({ blueprint }) => blueprint.version);
    const use = vi.fn((next: readonly LibraryEntry[]) => { library = next; });
    await keepLibrary(grid.follower as unknown as Follower, grid.requester.id, use, { retryMs: 0 });
    expect(versions()).toEqual(['1.0.0']);
    const late = grid.publish('1.1.0', { kept: false });
    await changed();
    expect(versions()).toEqual(['1.0.0']);
    grid.blobs.set(late, new TextEncoder().encode(ARCHIVE.replace('version: 1.0.0', 'version: 1.1.0')));
    await changed();
    expect(versions()).toEqual(['1.1.0']);
    const times = use.mock.calls.length;
    await changed();
    expect(use.mock.calls.length).toBe(times);
    grid.say('blueprint.deprecated', grid.author, { name: 'archive', version: '1.1.0', reason: 'slow' });
    await changed();
    expect(library[0]?.deprecated).toEqual({ reason: 'slow' });
    grid.say('blueprint.yanked', grid.author, { name: 'archive', version: '1.1.0', reason: 'broken' });
    await changed();
    expect(versions()).toEqual(['1.0.0']);
  });
});
