import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, readlink, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { Digest } from '../contract/digest.ts';

/** Largest engine file, in bytes. */
const MAX_ENGINE_BYTES = 64 * 1024 * 1024;
/** Earlier copies of one engine that a node keeps and goes on offering. */
const MAX_KEPT = 7;

/** An engine file as it was measured. */
export interface MeasuredEngine {
  readonly digest: Digest;
  /** Private, read-only copy of exactly the measured bytes; this is what runs. */
  readonly file: string;
}

/** SHA-256 of a file, streaming. @throws RangeError beyond the size bound. */
export async function measureFile(file: string): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ENGINE_BYTES) throw new RangeError(`${file} is larger than ${MAX_ENGINE_BYTES} bytes`);
    hash.update(chunk);
  }
  return Digest.parse(`sha256:${hash.digest('hex')}`);
}

/**
 * Copies an engine into the node's private folder under the name of its digest and measures the *copy*, so that the
 * bytes that were measured are the bytes that run, whatever happens to the original meanwhile (an update of the
 * checkout, an attacker who can write there).
 *
 * Bare imports of native modules (not bundled: better-sqlite3 and the erasure coder) resolve from the copy's folder
 * upwards; a `node_modules` link beside the copies leads to those of the installation. The digest pins the engine's
 * own code; the native modules are pinned by the installation's lock file only.
 */
export async function stageEngine(source: string, dir: string): Promise<MeasuredEngine> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const draft = path.join(dir, `${randomUUID()}.draft`);
  try {
    await copyFile(source, draft);
    const digest = await measureFile(draft);
    const file = path.join(dir, `${path.basename(source, '.mjs')}-${digest.slice('sha256:'.length)}.mjs`);
    await chmod(draft, 0o400);
    await rename(draft, file);
    await linkModules(source, dir);
    return { digest, file };
  } finally {
    await rm(draft, { force: true });
  }
}

/** Earlier copies of an engine that are still what their name says, newest first: contracts that pin them go on running after an update. */
export async function keptEngines(current: MeasuredEngine): Promise<MeasuredEngine[]> {
  const dir = path.dirname(current.file);
  const prefix = path.basename(current.file).replace(/[0-9a-f]{64}\.mjs$/, '');
  const copies = await Promise.all((await readdir(dir)).flatMap((name) => {
    const file = path.join(dir, name);
    return name.startsWith(prefix) && name.endsWith('.mjs') && file !== current.file ? [stat(file).then(({ mtimeMs }) => ({ file, mtimeMs }))] : [];
  }));
  const kept: MeasuredEngine[] = [];
  for (const { file } of copies.sort((a, b) => b.mtimeMs - a.mtimeMs)) {
    const digest = kept.length < MAX_KEPT ? await measureFile(file) : undefined;
    if (digest !== undefined && path.basename(file) === `${prefix}${digest.slice('sha256:'.length)}.mjs`) kept.push({ digest, file });
    else await rm(file, { force: true });
  }
  return kept;
}

async function linkModules(source: string, dir: string): Promise<void> {
  const modules = findModules(await realpath(source));
  if (!modules) return;
  const link = path.join(dir, 'node_modules');
  const current = await readlink(link).catch(() => undefined);
  if (current === modules) return;
  // Renamed into place: an engine that starts meanwhile finds the old link or the new one.
  const draft = path.join(dir, `${randomUUID()}.link`);
  await symlink(modules, draft);
  await rename(draft, link);
}

/** The nearest node_modules above a file that holds what engines need at run time. */
function findModules(file: string): string | undefined {
  for (let dir = path.dirname(file); ; dir = path.dirname(dir)) {
    const modules = path.join(dir, 'node_modules');
    if (existsSync(path.join(modules, 'better-sqlite3'))) return modules;
    if (dir === path.dirname(dir)) return undefined;
  }
}
