import { randomBytes } from 'node:crypto';
import { open, rename, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

export const SEGMENT_HEADER_BYTES = 32;
const MAGIC = Buffer.from('ZDBSEG01', 'latin1');
const NAME = /^([0-9]{10})\.seg$/;

/**
 * One append-only file of the log. `size` is its durable end; `currentBytes` counts the records that are the
 * newest of their key; `readers` keep the file open after `doomed` says that it was unlinked.
 */
export interface Segment {
  readonly id: number;
  readonly path: string;
  readonly file: FileHandle;
  readonly salt: number;
  /** Every sequence number given out before the segment was made is below it. */
  readonly baseSeq: number;
  readonly namespaceBytes: Map<number, number>;
  size: number;
  currentBytes: number;
  readers: number;
  doomed: boolean;
}

/** Number of the segment that a file name stands for; undefined for other files. */
export function segmentId(fileName: string): number | undefined {
  const match = NAME.exec(fileName);
  return match ? Number(match[1]) : undefined;
}

const fileNameOf = (id: number): string => `${String(id).padStart(10, '0')}.seg`;

/** Makes the directory entries that were changed in `dir` durable. */
export async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Creates an empty segment; it appears under its name only when its header is durable. */
export async function createSegment(dir: string, id: number, baseSeq: number): Promise<Segment> {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(header, 0);
  header.writeUInt32LE(id, 8);
  randomBytes(4).copy(header, 12);
  header.writeUIntLE(baseSeq, 16, 6);
  header.writeUInt32LE(crc32(header.subarray(0, 28)), 28);
  const path = join(dir, fileNameOf(id));
  const file = await open(`${path}.tmp`, 'w+', 0o600);
  try {
    await file.write(header, 0, header.length, 0);
    await file.datasync();
    await rename(`${path}.tmp`, path);
    await syncDirectory(dir);
  } catch (error) {
    await file.close();
    throw error;
  }
  return segmentOf({ id, path, file, salt: header.readUInt32LE(12), baseSeq, size: SEGMENT_HEADER_BYTES });
}

/** Opens an existing segment; undefined when its header is not valid. */
export async function openSegment(dir: string, id: number, flags: 'r' | 'r+' = 'r+'): Promise<Segment | undefined> {
  const path = join(dir, fileNameOf(id));
  const file = await open(path, flags);
  try {
    const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
    const { bytesRead } = await file.read(header, 0, header.length, 0);
    const valid =
      bytesRead === header.length &&
      header.subarray(0, 8).equals(MAGIC) &&
      header.readUInt32LE(8) === id &&
      header.readUInt32LE(28) === crc32(header.subarray(0, 28));
    if (valid) {
      const { size } = await file.stat();
      return segmentOf({ id, path, file, salt: header.readUInt32LE(12), baseSeq: header.readUIntLE(16, 6), size });
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
}

type Identity = Pick<Segment, 'id' | 'path' | 'file' | 'salt' | 'baseSeq' | 'size'>;

const segmentOf = (identity: Identity): Segment => ({
  ...identity,
  namespaceBytes: new Map(),
  currentBytes: 0,
  readers: 0,
  doomed: false,
});

/** Reads exactly `length` bytes at `offset`, or fewer where the file ends. */
export async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const out = Buffer.allocUnsafe(length);
  let got = 0;
  while (got < length) {
    const { bytesRead } = await file.read(out, got, length - got, offset + got);
    if (bytesRead === 0) return out.subarray(0, got);
    got += bytesRead;
  }
  return out;
}

/** Writes all buffers one after the other at `offset`. */
export async function writeAllAt(file: FileHandle, buffers: Buffer[], offset: number): Promise<void> {
  let rest = buffers.filter((b) => b.length > 0);
  let at = offset;
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest, at);
    at += bytesWritten;
    rest = dropBytes(rest, bytesWritten);
  }
}

function dropBytes(buffers: Buffer[], count: number): Buffer[] {
  let left = count;
  let i = 0;
  for (let head = buffers[i]; head && left >= head.length; head = buffers[i]) {
    left -= head.length;
    i += 1;
  }
  const rest = buffers.slice(i);
  const first = rest[0];
  if (first && left > 0) rest[0] = first.subarray(left);
  return rest;
}

/** Lets go of a reader's hold; the last one closes an unlinked segment. */
export async function releaseSegment(segment: Segment): Promise<void> {
  segment.readers -= 1;
  if (segment.doomed && segment.readers === 0) await segment.file.close();
}
