import { digestBytes, type Digest } from '../contract/digest.ts';
import { type EntrySigner, sealEnvelope } from '../contract/envelope.ts';
import type { PrincipalId } from '../contract/principal.ts';
import { counted } from '../contract/units.ts';
import type { Follower } from '../ledger/follower.ts';
import type { Problem } from './document.ts';
import { checkedBlueprint, lintBlueprint } from './lint.ts';
import { runBlueprintTests } from './test.ts';

/** How long the own copy of the ledger may take to show what the ledger has accepted. */
const SHOWN_MS = 30_000;

/** Where an author publishes, and as whom. */
export interface Publisher {
  readonly follower: Pick<Follower, 'putBlob' | 'submit' | 'waitFor'>;
  readonly grid: Digest;
  readonly as: { readonly id: PrincipalId; readonly signer: EntrySigner };
}
export interface PublishRefusal {
  readonly ok: false;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  /** Of `blueprint_invalid`. */
  readonly problems?: readonly Problem[];
}
export interface Published {
  readonly ok: true;
  readonly name: string;
  readonly version: string;
  readonly digest: Digest;
}
export interface VersionRef { readonly name: string; readonly version: string }

/**
 * Signs a blueprint and puts it on the ledger: only what lint finds no error in and whose own tests pass. Its bytes go
 * first, so that nobody is told of what cannot be read. `organisation`: for that one alone.
 */
export async function publishBlueprint(to: Publisher, source: Uint8Array, { organisation }: { organisation?: PrincipalId | undefined } = {}): Promise<Published | PublishRefusal> {
  const checked = checkedBlueprint(source);
  const problems = (checked.ok ? lintBlueprint(source) : checked.problems).filter(({ severity }) => severity === 'error');
  if (!checked.ok || problems.length > 0) return { ok: false, code: 'blueprint_invalid', message: `it has ${counted(problems.length, 'error')}`, hint: 'see `3bot blueprint lint`', problems };
  const failed = runBlueprintTests(checked.blueprint).filter(({ ok }) => !ok);
  if (failed.length > 0) return { ok: false, code: 'tests_failed', message: `${failed.length} of its own tests fail: ${failed.slice(0, 5).map(({ name }) => name).join('; ')}`, hint: 'see `3bot blueprint test`' };
  const { blueprint: name, version, policy, acceptance } = checked.blueprint;
  const digest = digestBytes(source);
  await to.follower.putBlob(source);
  const said = await say(to, 'blueprint.published', { name, version, digest, policy, ...(acceptance && { acceptance }), ...(organisation !== undefined && { organisation }) });
  if (!said.ok) return said;
  await to.follower.waitFor((state) => state.blueprints[`${name}@${version}`], { timeoutMs: SHOWN_MS });
  return { ok: true, name, version, digest };
}

/** Advises against a version that can still be used. */
export async function deprecateBlueprint(to: Publisher, { name, version, reason, instead }: VersionRef & { reason: string; instead?: string | undefined }): Promise<{ readonly ok: true } | PublishRefusal> {
  const said = await say(to, 'blueprint.deprecated', { name, version, reason, ...(instead !== undefined && { instead }) });
  if (said.ok) await to.follower.waitFor((state) => (state.blueprints[`${name}@${version}`]?.deprecated?.reason === reason ? true : undefined), { timeoutMs: SHOWN_MS });
  return said;
}

/** Takes a version back, for good. */
export async function yankBlueprint(to: Publisher, { name, version, reason }: VersionRef & { reason: string }): Promise<{ readonly ok: true } | PublishRefusal> {
  const said = await say(to, 'blueprint.yanked', { name, version, reason });
  if (said.ok) await to.follower.waitFor((state) => state.blueprints[`${name}@${version}`]?.yanked, { timeoutMs: SHOWN_MS });
  return said;
}

async function say({ follower, grid, as }: Publisher, kind: string, payload: object): Promise<{ readonly ok: true } | PublishRefusal> {
  const [result] = await follower.submit([sealEnvelope(kind, { grid, by: as.id, ...payload }, as.signer)]);
  if (!result) return { ok: false, code: 'ledger_unavailable', message: 'the ledger did not answer', hint: 'try again' };
  return result.ok ? { ok: true } : { ok: false, code: result.code, message: result.message, hint: result.hint ?? 'see `3bot blueprint list`' };
}
