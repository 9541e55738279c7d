import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Digest } from '../contract/digest.ts';
import { blobPath, hashOf } from './blobs.ts';

/** Blobs that were fetched once, kept by digest. A damaged one counts as absent, and is fetched again. */
export class BlobCache {
  readonly #dir: string | undefined;

  constructor(dir: string | undefined) {
    this.#dir = dir;
  }

  async get(digest: Digest): Promise<Uint8Array | undefined> {
    if (this.#dir === undefined) return undefined;
    try {
      const bytes = await readFile(blobPath(this.#dir, digest));
      return hashOf(bytes) === digest ? new Uint8Array(bytes) : undefined;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async put(digest: Digest, bytes: Uint8Array): Promise<void> {
    if (this.#dir === undefined) return;
    const file = blobPath(this.#dir, digest);
    const temporary = `${file}.${randomUUID()}.tmp`;
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(temporary, bytes);
    await rename(temporary, file);
  }
}
