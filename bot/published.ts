import { parseBlueprint } from '../knowledge/blueprint.ts';
import { compareVersions } from '../knowledge/version.ts';
import type { LibraryEntry } from '../knowledge/library.ts';
import type { Follower } from '../ledger/follower.ts';

/**
 * The blueprints that this grid's trusted authors have published, of each name the highest version. What lies on this
 * machine's disk does not count: a contract can only name what is on the ledger. One that cannot be had or parsed is
 * left out.
 */
export async function publishedLibrary(follower: Follower): Promise<LibraryEntry[]> {
  const highest = new Map<string, { version: string; digest: LibraryEntry['digest'] }>();
  for (const [ref, { digest }] of Object.entries(follower.state().blueprints)) {
    const [name = '', version = ''] = ref.split('@');
    const known = highest.get(name);
    if (!known || compareVersions(version, known.version) > 0) highest.set(name, { version, digest });
  }
  const entries = await Promise.all([...highest].map(async ([name, { digest }]): Promise<LibraryEntry[]> => {
    const source = await follower.getBlob(digest).catch(() => undefined);
    const parsed = source && parseBlueprint(source);
    return source && parsed?.ok ? [{ file: `${name}.yaml`, blueprint: parsed.blueprint, source, digest }] : [];
  }));
  return entries.flat().sort((a, b) => (a.file < b.file ? -1 : 1));
}
