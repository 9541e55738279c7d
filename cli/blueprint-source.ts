import { readFile, stat } from 'node:fs/promises';
import type { BotContext } from '../bot/context.ts';
import { publishedVersions } from '../bot/published.ts';
import { compareVersions, Version } from '../contract/version.ts';
import { type Blueprint, parseBlueprint, type ParsedBlueprint } from '../knowledge/blueprint.ts';
import { MAX_DOCUMENT } from '../knowledge/document.ts';
import { LibraryError } from '../knowledge/library.ts';
import { checkedBlueprint } from '../knowledge/lint.ts';
import { Refusal } from './refusal.ts';

/** A blueprint that was named on the command line: a file of the author's, or what is published. */
export interface Source {
  /** The file, or `name@version`. */
  readonly from: string;
  readonly bytes: Uint8Array;
}
export type Loaded = Source & ParsedBlueprint;

/** What is no name of a blueprint is a file: it has a dot or a slash. */
export function isFile(text: string): boolean {
  return /[./\\]/.test(text.replace(/@[\d.]+$/, ''));
}

/** Reads a file of at most 256 KiB. Throws a Refusal when it cannot be read. */
export async function readSource(file: string): Promise<Source> {
  try {
    const { size } = await stat(file);
    if (size > MAX_DOCUMENT) throw new Error(`it is larger than ${MAX_DOCUMENT} bytes`);
    return { from: file, bytes: new Uint8Array(await readFile(file)) };
  } catch (cause) {
    throw new Refusal({ code: 'file_unreadable', message: `${file} cannot be read: ${cause instanceof Error ? cause.message : 'unknown'}`, hint: 'name a YAML file; `3bot blueprint new NAME` writes one to begin with' });
  }
}

/** Parses and checks it. Throws LibraryError with every problem. */
export function loadSource(source: Source): Loaded {
  const checked = checkedBlueprint(source.bytes);
  if (!checked.ok) throw new LibraryError(source.from, checked.problems);
  const parsed = parseBlueprint(source.bytes);
  if (!parsed.ok) throw new LibraryError(source.from, parsed.problems);
  return { ...source, blueprint: parsed.blueprint, locate: parsed.locate };
}

/** `name`, the highest version that is not yanked, or `name@version`. Throws a Refusal when it is not published. */
export function findVersion({ follower }: Pick<BotContext, 'follower'>, text: string): { readonly name: string; readonly version: string } {
  const [name = '', version] = text.split('@');
  const versions = publishedVersions(follower.state()).filter((v) => v.name === name);
  const found = version === undefined ? versions.find(({ record }) => !record.yanked) ?? versions[0] : versions.find((v) => Version.safeParse(version).success && compareVersions(v.version, version) === 0);
  if (found) return { name, version: found.version };
  throw new Refusal({ code: 'blueprint_unknown', message: `no blueprint ${text.slice(0, 80)} is published on this grid`, hint: 'see `3bot blueprint list`' });
}

/** What is published under a name, as its author signed it. */
export async function publishedSource(context: Pick<BotContext, 'follower'>, text: string): Promise<Loaded> {
  const { name, version } = findVersion(context, text);
  const record = context.follower.state().blueprints[`${name}@${version}`];
  if (!record) throw new Refusal({ code: 'blueprint_unknown', message: `no blueprint ${name}@${version} is published on this grid`, hint: 'see `3bot blueprint list`' });
  return loadSource({ from: `${name}@${version}`, bytes: await context.follower.getBlob(record.digest) });
}

/** Versions of one name are told apart by what they say of themselves. */
export function refOf({ blueprint, version }: Blueprint): string {
  return `${blueprint} ${version}`;
}
