import type { Payload } from '../../contract/entry.ts';
import { AUTHOR_ROLE, type PrincipalId } from '../../contract/principal.ts';
import { compareVersions } from '../../contract/version.ts';
import { isNamed } from './principals.ts';
import { type Applied, APPLIED, type Refused, refuse } from './refusal.ts';
import type { BlueprintRecord, LedgerState } from './state.ts';

/** Versions that one author may have published on a grid. */
const MAX_VERSIONS = 1000;

export function applyBlueprint(state: LedgerState, payload: Payload<'blueprint.published'>): Applied {
  const { by, name, version, digest, policy, acceptance, organisation } = payload;
  const speaker = state.principals[by]?.name ?? by;
  if (organisation === undefined && !isNamed(state, 'authors', by)) {
    return refuse('blueprint_untrusted', `${speaker} is not an author that this grid trusts`, 'have an author named in grid.created publish it, or publish it for an organisation that names this one as author');
  }
  if (organisation !== undefined && !isAuthorOf(state, organisation, by)) {
    return refuse('blueprint_untrusted', `${speaker} does not hold the role ${AUTHOR_ROLE} in organisation ${state.principals[organisation]?.name ?? organisation}`, 'have the organisation name the author in its roster');
  }
  const ref = `${name}@${version}`;
  if (state.blueprints[ref]) return refuse('blueprint_exists', `${ref} is published; a version never changes`, 'publish it under a higher version');
  // What counts for another organisation alone binds nobody here, and what counts for one organisation never binds the grid.
  const versions = versionsOf(state, name).filter(({ record }) => record.organisation === undefined || record.organisation === organisation);
  const owner = versions.find(({ record }) => record.author !== by)?.record.author;
  if (owner !== undefined) return refuse('blueprint_taken', `the name ${name} belongs to ${state.principals[owner]?.name ?? owner}, who published it first`);
  const highest = versions.at(-1)?.version;
  if (highest !== undefined && compareVersions(version, highest) <= 0) return refuse('blueprint_version', `${ref} is not higher than ${name}@${highest}, which is published`);
  if (Object.values(state.blueprints).filter((record) => record.author === by).length >= MAX_VERSIONS) return refuse('too_many', `an author publishes at most ${MAX_VERSIONS} versions on a grid`, 'publish as another author');
  state.blueprints[ref] = { author: by, digest, policy, ...(acceptance && { acceptance }), ...(organisation !== undefined && { organisation }) };
  return APPLIED;
}

/** Said again, it counts as it was said last: what to use instead may change. */
export function applyDeprecated(state: LedgerState, { by, name, version, reason, instead }: Payload<'blueprint.deprecated'>): Applied {
  const own = ownVersion(state, { by, name, version });
  if (!own.ok) return own;
  const other = instead === undefined ? undefined : state.blueprints[`${name}@${instead}`];
  if (instead !== undefined && (!other || instead === version)) return refuse('blueprint_unknown', `there is no ${name}@${instead} to use instead`, 'publish it first');
  if (other?.yanked) return refuse('blueprint_yanked', `${name}@${instead ?? ''} is yanked, so that nobody can use it instead`);
  own.record.deprecated = { reason, ...(instead !== undefined && { instead }) };
  return APPLIED;
}

/** For good: what was signed under it goes on, and nothing new begins under it. */
export function applyYanked(state: LedgerState, payload: Payload<'blueprint.yanked'>): Applied {
  const own = ownVersion(state, payload);
  if (!own.ok) return own;
  own.record.yanked = { reason: payload.reason };
  return APPLIED;
}

/** A version of the speaker's own that is still in use. */
function ownVersion(state: LedgerState, { by, name, version }: { by: PrincipalId; name: string; version: string }): { readonly ok: true; readonly record: BlueprintRecord } | Refused {
  const record = state.blueprints[`${name}@${version}`];
  if (!record) return refuse('blueprint_unknown', `blueprint ${name}@${version} is not published on this grid`, 'see `3bot blueprint list`');
  if (record.author !== by) return refuse('not_permitted', `${name}@${version} was published by ${state.principals[record.author]?.name ?? record.author}`, 'have its author say it');
  if (record.yanked) return refuse('blueprint_yanked', `${name}@${version} is yanked, and stays so`, 'publish a higher version');
  return { ok: true, record };
}

/** The published versions of a name, in ascending order. */
export function versionsOf(state: LedgerState, name: string): { version: string; record: BlueprintRecord }[] {
  return Object.entries(state.blueprints)
    .flatMap(([ref, record]) => (ref.startsWith(`${name}@`) ? [{ version: ref.slice(name.length + 1), record }] : []))
    .sort((a, b) => compareVersions(a.version, b.version));
}

/** Whether the organisation's roster names this principal as author. Only organisations that the grid names have one. */
function isAuthorOf(state: LedgerState, organisation: PrincipalId, author: PrincipalId): boolean {
  return state.organisations[organisation]?.roles[AUTHOR_ROLE]?.includes(author) === true;
}

/** Whether a contract of this organisation may begin under a version; says why not. */
export function checkUsable(state: LedgerState, ref: string, organisation: PrincipalId): Applied {
  const record = state.blueprints[ref];
  if (!record) return refuse('blueprint_unknown', `blueprint ${ref} is not published on this grid`);
  if (record.yanked) return refuse('blueprint_yanked', `blueprint ${ref} is yanked: ${record.yanked.reason}`);
  if (record.organisation === undefined) return APPLIED;
  if (record.organisation !== organisation) return refuse('blueprint_untrusted', `blueprint ${ref} was published for another organisation`, 'have an author whom the grid or this organisation trusts publish it');
  return isAuthorOf(state, organisation, record.author) ? APPLIED : refuse('blueprint_untrusted', `the organisation no longer names the author of ${ref} as one`, 'have the organisation name the author, or use another blueprint');
}
