import { createHash, randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Digest } from '../contract/digest.ts';
import { BUSY, type BlobStore, type Refusal } from './ports.ts';
import { TokenBucket } from './rate.ts';

export const MAX_BLOB = 16 * 1024 * 1024;
export const MAX_BLOBS_TOTAL = 10 * 1024 ** 3;
export const MAX_BLOB_COUNT = 100_000;
/** Uploads need no key, so they are metered: this many at once, and these rates over all senders. */
const MAX_UPLOADS = 16;
const UPLOADS = { capacity: 1000, perSecond: 20 };
const UPLOAD_BYTES = { capacity: 1024 ** 3, perSecond: 32 * 1024 ** 2 };
const TEMPORARY = 'tmp';

/** A stored blob whose bytes are not what its name says. */
export class BlobDamagedError extends Error {
  override readonly name = 'BlobDamagedError';
  readonly code = 'blob_damaged';
  constructor(digest: Digest) {
    super(`the stored blob ${digest} does not have its digest`);
  }
}

/** Where a blob lies in the folder: `ab/<64 hex digits>`. */
export function blobPath(dir: string, digest: Digest): string {
  const hex = Digest.parse(digest).slice('sha256:'.length);
  return path.join(dir, hex.slice(0, 2), hex);
}

/** Opens a folder of content-addressed files and counts what it holds. */
export async function openBlobs(dir: string, limits: { total?: number; count?: number } = {}): Promise<BlobStore> {
  await rm(path.join(dir, TEMPORARY), { recursive: true, force: true });
  await mkdir(path.join(dir, TEMPORARY), { recursive: true });
  // `put` syncs up to this folder: its own name must outlast a power failure as well.
  await syncFolder(path.dirname(dir));
  const used = { bytes: 0, count: 0, uploads: 0 };
  for await (const { file } of blobFiles(dir)) {
    used.bytes += (await stat(file)).size;
    used.count += 1;
  }
  const maxTotal = limits.total ?? MAX_BLOBS_TOTAL;
  const maxCount = limits.count ?? MAX_BLOB_COUNT;
  const uploads = new TokenBucket(UPLOADS);
  const uploadBytes = new TokenBucket(UPLOAD_BYTES);

  const put = async (digest: Digest, content: AsyncIterable<Uint8Array>): Promise<{ ok: true } | Refusal> => {
    if (used.uploads >= MAX_UPLOADS || !uploads.take()) return { ok: false, code: BUSY, message: 'too many uploads at once', hint: 'send it again in a moment' };
    const room = maxTotal - used.bytes - used.uploads * MAX_BLOB;
    if (used.count + used.uploads >= maxCount || room <= 0) return { ok: false, code: 'blobs_full', message: `the ledger keeps at most ${maxCount} blobs and ${maxTotal} bytes` };
    used.uploads += 1;
    const temporary = path.join(dir, TEMPORARY, randomUUID());
    try {
      const written = await writeHashed(temporary, content, { limit: Math.min(MAX_BLOB, room), meter: uploadBytes });
      if (!written.ok) return written;
      if (written.digest !== digest) return { ok: false, code: 'blob_mismatch', message: `the bytes have digest ${written.digest}, the address says ${digest}`, hint: 'put the bytes under the digest that they have' };
      const target = blobPath(dir, digest);
      const previous = await sizeOf(target);
      await mkdir(path.dirname(target), { recursive: true });
      await rename(temporary, target);
      await syncFolder(path.dirname(target));
      await syncFolder(dir);
      used.bytes += written.bytes - (previous ?? 0);
      if (previous === undefined) used.count += 1;
      return { ok: true };
    } finally {
      used.uploads -= 1;
      await rm(temporary, { force: true });
    }
  };

  const get = async (digest: Digest): Promise<Uint8Array | undefined> => {
    const file = blobPath(dir, digest);
    const size = await sizeOf(file);
    if (size === undefined) return undefined;
    if (size > MAX_BLOB) throw new BlobDamagedError(digest);
    const bytes = await readFile(file);
    if (hashOf(bytes) !== digest) throw new BlobDamagedError(digest);
    return bytes;
  };

  return { get, put };
}

/** Every file that stands where blobs stand, with the digest that its name claims (undefined when it is no digest). */
export async function* blobFiles(dir: string): AsyncGenerator<{ file: string; digest: Digest | undefined }> {
  for (const folder of await entriesOf(dir)) {
    if (folder.name === TEMPORARY) continue;
    const at = path.join(dir, folder.name);
    if (!folder.isDirectory()) {
      yield { file: at, digest: undefined };
      continue;
    }
    for (const { name } of await entriesOf(at)) {
      const parsed = Digest.safeParse(`sha256:${name}`);
      yield { file: path.join(at, name), digest: parsed.success && name.startsWith(folder.name) ? parsed.data : undefined };
    }
  }
}

/** The digest of bytes, by OpenSSL: several times as fast as the portable one. */
export function hashOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
}

type Written = { ok: true; digest: Digest; bytes: number } | Refusal;

async function writeHashed(file: string, content: AsyncIterable<Uint8Array>, bounds: { limit: number; meter: TokenBucket }): Promise<Written> {
  const hash = createHash('sha256');
  let bytes = 0;
  const handle = await open(file, 'wx', 0o644);
  try {
    for await (const chunk of content) {
      bytes += chunk.length;
      if (bytes > bounds.limit) return { ok: false, code: 'blob_too_large', message: `a blob has at most ${bounds.limit} bytes here` };
      if (!bounds.meter.take(chunk.length)) return { ok: false, code: BUSY, message: 'too many bytes are being uploaded', hint: 'send it again in a moment' };
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { ok: true, digest: Digest.parse(`sha256:${hash.digest('hex')}`), bytes };
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function entriesOf(dir: string): Promise<Dirent[]> {
  try {
    return await readdir(dir, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
