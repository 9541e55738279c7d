import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { syncDirectory } from './segment.ts';

export const MAX_NAMESPACES = 1024;
const FILE = 'namespaces.json';

export const namespaceName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/);

/** Who makes the keys of a namespace: its callers, or the store, which numbers what it is given. */
export const mode = z.enum(['user', 'seq']);
export type Mode = z.infer<typeof mode>;

const rows = z
  // A namespace from before there were modes has none, and one in mode user still says nothing.
  .array(z.strictObject({ id: z.int().min(1).max(0xffff_ffff), name: namespaceName, maxSize: z.int().min(0), mode: z.literal('seq').exactOptional() }))
  .max(MAX_NAMESPACES);
const catalogue = z.strictObject({ format: z.literal(1), crc32: z.int(), namespaces: rows });

export type NamespaceRow = z.infer<typeof rows>[number];

/** The list of namespaces of a data directory is not what was written. */
export class CatalogueCorrupt extends Error {
  override readonly name = 'CatalogueCorrupt';
}

/** Reads the list of namespaces of a data directory; empty when there is none yet. Throws CatalogueCorrupt. */
export async function readCatalogue(dir: string): Promise<NamespaceRow[]> {
  let text: string;
  try {
    text = await readFile(join(dir, FILE), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  try {
    const { namespaces, crc32: sum } = catalogue.parse(JSON.parse(text));
    if (sum === crc32(JSON.stringify(namespaces))) return namespaces;
  } catch (error) {
    throw new CatalogueCorrupt(`${FILE} is not valid`, { cause: error });
  }
  throw new CatalogueCorrupt(`${FILE} does not match its CRC`);
}

/** Replaces the list, atomically and durably. */
export async function writeCatalogue(dir: string, namespaces: NamespaceRow[]): Promise<void> {
  const temporary = join(dir, `${FILE}.tmp`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify({ format: 1, crc32: crc32(JSON.stringify(namespaces)), namespaces }));
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(dir, FILE));
  await syncDirectory(dir);
}
