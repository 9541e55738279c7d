import type { Digest } from '../contract/digest.ts';
import type { PrincipalId } from '../contract/principal.ts';
import { compareVersions } from '../contract/version.ts';
import type { Blueprint } from '../knowledge/blueprint.ts';
import { type LibraryEntry, readBlueprint } from '../knowledge/library.ts';
import type { Follower } from '../ledger/follower.ts';
import { checkUsable } from '../ledger/state/blueprints.ts';
import type { BlueprintRecord, LedgerState } from '../ledger/state/state.ts';
import { organisationOf } from './planner/plan.ts';

/** Most blueprints that a bot keeps, and most versions of one that it tries. */
const MAX_LIBRARY = 500;
const MAX_TRIES = 8;
/** How long what could not be had is not asked for again. */
const RETRY_MS = 5000;

/** A published version, as lists show it. */
export interface PublishedVersion {
  readonly name: string;
  readonly version: string;
  readonly record: BlueprintRecord;
}

/** Everything that is published, by name, and the highest version of each first. */
export function publishedVersions(state: LedgerState): PublishedVersion[] {
  const all = Object.entries(state.blueprints).map(([ref, record]) => ({ name: ref.slice(0, ref.indexOf('@')), version: ref.slice(ref.indexOf('@') + 1), record }));
  return all.sort((a, b) => (a.name === b.name ? compareVersions(b.version, a.version) : a.name < b.name ? -1 : 1));
}

/**
 * The blueprints that the requester may use, of each name the highest version: published by an author whom the grid or
 * the requester's organisation trusts, and not yanked. What lies on this machine's disk does not count, since a contract
 * can only name what is on the ledger. What is there was written by others: it is parsed and linted again, and what has
 * faults gives way to the version before it.
 */
export class PublishedLibrary {
  readonly #follower: Pick<Follower, 'state' | 'getBlob'>;
  readonly #requester: PrincipalId;
  /** By digest of the source, since bytes never change; undefined for what has faults. */
  readonly #parsed = new Map<Digest, { readonly source: Uint8Array; readonly blueprint: Blueprint } | undefined>();

  constructor(follower: Pick<Follower, 'state' | 'getBlob'>, requester: PrincipalId) {
    this.#follower = follower;
    this.#requester = requester;
  }

  /** Changes when `read` would give something else. */
  key(): string {
    return JSON.stringify([...this.#usable()].map(([name, versions]) => [name, ...versions.map(({ version, record }) => [version, record.digest, record.deprecated ?? null])]));
  }

  /** `complete` is false when a source could not be had just now. */
  async read(): Promise<{ readonly library: LibraryEntry[]; readonly complete: boolean }> {
    let complete = true;
    const entries = await Promise.all([...this.#usable()].slice(0, MAX_LIBRARY).map(async ([name, versions]) => {
      for (const { version, record } of versions.slice(0, MAX_TRIES)) {
        const parsed = await this.#parse(name, version, record.digest).catch(() => { complete = false; return undefined; });
        if (parsed) return [{ file: `${name}.yaml`, ...parsed, digest: record.digest, ...(record.deprecated && { deprecated: { ...record.deprecated } }) }];
      }
      return [];
    }));
    return { library: entries.flat(), complete };
  }

  /** Usable versions by name, the highest first. */
  #usable(): Map<string, PublishedVersion[]> {
    const state = this.#follower.state();
    const organisation = organisationOf(state, this.#requester);
    const names = new Map<string, PublishedVersion[]>();
    for (const published of publishedVersions(state)) {
      const { name, version, record } = published;
      const usable = organisation === undefined ? !record.yanked && record.organisation === undefined : checkUsable(state, `${name}@${version}`, organisation).ok;
      const versions = names.get(name);
      if (usable && versions) versions.push(published);
      else if (usable) names.set(name, [published]);
    }
    return names;
  }

  /** @throws LedgerError when the source cannot be had. */
  async #parse(name: string, version: string, digest: Digest): Promise<{ readonly source: Uint8Array; readonly blueprint: Blueprint } | undefined> {
    if (!this.#parsed.has(digest)) {
      const source = await this.#follower.getBlob(digest);
      const checked = readBlueprint(source, digest);
      this.#parsed.set(digest, checked.ok ? { source, blueprint: checked.blueprint } : undefined);
    }
    const parsed = this.#parsed.get(digest);
    // Under another name than its own it would be understood as what it is not.
    return parsed?.blueprint.blueprint === name && parsed.blueprint.version === version ? parsed : undefined;
  }
}

/** Keeps `library` of a context as what is published changes, until the follower is closed. */
export async function keepLibrary(follower: Follower, requester: PrincipalId, use: (library: readonly LibraryEntry[]) => void, { retryMs = RETRY_MS } = {}): Promise<void> {
  const published = new PublishedLibrary(follower, requester);
  let have: string | undefined;
  let retryAt = Infinity;
  let busy = false;
  const refresh = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      for (let key = published.key(); key !== have || performance.now() >= retryAt; key = published.key()) {
        const { library, complete } = await published.read();
        use(library);
        have = key;
        retryAt = complete ? Infinity : performance.now() + retryMs;
        if (!complete) return;
      }
    } finally {
      busy = false;
    }
  };
  await refresh();
  follower.onChange(() => { void refresh(); });
}
