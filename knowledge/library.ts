import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Digest, digestBytes } from '../contract/digest.ts';
import type { Blueprint } from './blueprint.ts';
import { MAX_DOCUMENT, type Problem } from './document.ts';
import { checkedBlueprint } from './lint.ts';

/** Most blueprints in one directory. */
const MAX_BLUEPRINTS = 500;
const SHIPPED = join('knowledge', 'blueprints');

export interface LibraryEntry {
  readonly file: string;
  readonly blueprint: Blueprint;
  /** The file as it is signed. */
  readonly source: Uint8Array;
  readonly digest: Digest;
  /** What its author says against this version, once it is published. */
  readonly deprecated?: { readonly reason: string; readonly instead?: string };
}

/** A blueprint file that cannot be used; the message has one `file:line:column` line a problem. */
export class LibraryError extends Error {
  override readonly name = 'LibraryError';
  readonly code = 'blueprint_invalid';
  readonly problems: readonly Problem[];
  constructor(file: string, problems: readonly Problem[]) {
    super(problems.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`).join('\n'));
    this.problems = problems;
  }
}

let shipped: Readonly<Record<string, Blueprint>> | undefined;

/** Parses and lints a blueprint; one that was shipped with this build is taken as the build parsed it, by the digest of its source. */
export function readBlueprint(source: Uint8Array, digest: Digest): ReturnType<typeof checkedBlueprint> {
  shipped ??= readShipped();
  const blueprint = Object.hasOwn(shipped, digest) ? shipped[digest] : undefined;
  return blueprint ? { ok: true, blueprint } : checkedBlueprint(source);
}

/** What the build left beside the bundle; nothing when run from the sources. */
function readShipped(): Readonly<Record<string, Blueprint>> {
  const file = join(dirname(fileURLToPath(import.meta.url)), 'blueprints.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, Blueprint>>) : {};
}

/** Loads every `*.yaml` of a directory, by file name. Throws LibraryError on a faulty one, and on I/O. */
export function loadLibrary(directory: string): LibraryEntry[] {
  const files = readdirSync(directory).filter((name) => name.endsWith('.yaml')).sort();
  if (files.length > MAX_BLUEPRINTS) throw new LibraryError(directory, [{ line: 1, column: 1, code: 'library', message: `more than ${MAX_BLUEPRINTS} blueprints`, severity: 'error' }]);
  const names = new Map<string, string>();
  return files.map((name) => {
    const file = join(directory, name);
    const size = statSync(file).size;
    if (size > MAX_DOCUMENT) throw new LibraryError(file, [{ line: 1, column: 1, code: 'yaml', message: `document is larger than ${MAX_DOCUMENT} bytes`, severity: 'error' }]);
    const source = new Uint8Array(readFileSync(file));
    const digest = digestBytes(source);
    const parsed = readBlueprint(source, digest);
    if (!parsed.ok) throw new LibraryError(file, parsed.problems);
    const twin = names.get(parsed.blueprint.blueprint);
    if (twin !== undefined) throw new LibraryError(file, [{ line: 1, column: 1, code: 'library', message: `${twin} has the same name`, severity: 'error' }]);
    names.set(parsed.blueprint.blueprint, name);
    return { file, blueprint: parsed.blueprint, source, digest };
  });
}

/** The directory of the shipped blueprints: the nearest `knowledge/blueprints` at or above the module at `from` (`import.meta.url`), bundled or not. */
export function shippedDirectory(from: string = import.meta.url): string {
  for (let at = dirname(fileURLToPath(from)); ; at = dirname(at)) {
    const candidate = join(at, SHIPPED);
    if (existsSync(candidate)) return candidate;
    if (dirname(at) === at) throw new Error(`no ${SHIPPED} above ${fileURLToPath(from)}`);
  }
}
