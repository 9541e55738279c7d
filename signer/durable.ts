import { randomUUID } from 'node:crypto';
import { link, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';

/** Largest file of a keystore that is read, in bytes; ours are under 4 KiB. */
const MAX_FILE = 64 * 1024;

/** The text of a file of ours; undefined when it is not there. Throws RangeError when it is larger than any that we write. */
export async function readOptional(file: string): Promise<string | undefined> {
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE) throw new RangeError(`${file} has ${size} bytes, at most ${MAX_FILE} are read`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Whole and durable or not there; false, and nothing changed, when another made the file first. */
export async function writeNew(file: string, text: string): Promise<boolean> {
  const temporary = await writeTemporary(file, text);
  try {
    await link(temporary, file);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await unlink(temporary);
  }
  await syncFolder(file);
  return true;
}

/** Replaces a file in one step: after a crash the old or the new one is there, whole. */
export async function replaceFile(file: string, text: string): Promise<void> {
  await moveFile(await writeTemporary(file, text), file);
}

/** Renames over what is there, durably. */
export async function moveFile(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(to);
}

/**
 * Removes a file whose content should not stay behind: writes zeros over it first. Best effort only: journals, copy-on-write
 * file systems, flash and backups keep what they keep.
 */
export async function removeOverwritten(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const { size } = await handle.stat();
    await handle.writeFile(Buffer.alloc(Math.min(size, MAX_FILE)));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await unlink(file);
  await syncFolder(file);
}

/** Makes the names in the folder of this file durable, not only the contents. */
export async function syncFolder(file: string): Promise<void> {
  const folder = await open(path.dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

async function writeTemporary(file: string, text: string): Promise<string> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return temporary;
}
