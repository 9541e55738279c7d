import { z } from 'zod';
import { RECORD_HASH_BYTES } from '../seal.ts';

/** A record's version orders all writes of one name: a counter, then a number unique to the write as tie-break. */
export const VERSION_BYTES = 16;
export const RECORD_KEY_BYTES = RECORD_HASH_BYTES + VERSION_BYTES;

const size = z.number().int().nonnegative().safe();
const headers = z.record(z.string(), z.string());
const blob = z.strictObject({ id: z.string().regex(/^[0-9a-f]{32}$/), size });
const checksum = z.strictObject({ algorithm: z.string(), value: z.string() });

const content = { size, etag: z.string(), modified: z.string(), blobs: z.array(blob), checksum: checksum.optional() };

const state = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('bucket'), created: z.string() }),
  // `upload` is the multipart upload it came from: a client that repeats a completion whose answer was lost is told so.
  z.strictObject({ kind: z.literal('object'), ...content, headers, meta: headers, parts: z.number().int().optional(), upload: z.string().optional() }),
  z.strictObject({ kind: z.literal('upload'), bucket: z.string(), key: z.string(), created: z.string(), headers, meta: headers, algorithm: z.string().optional() }),
  z.strictObject({ kind: z.literal('part'), ...content }),
  // A deletion is a record too: without it an older version on a slot that was away would come back to life.
  z.strictObject({ kind: z.literal('gone'), at: z.string() }),
]);

const record = z.strictObject({ name: z.string(), state });

export type RecordState = z.infer<typeof state>;
export type BlobRef = z.infer<typeof blob>;
export type Checksum = z.infer<typeof checksum>;
export type BucketState = Extract<RecordState, { kind: 'bucket' }>;
export type ObjectState = Extract<RecordState, { kind: 'object' }>;
export type UploadState = Extract<RecordState, { kind: 'upload' }>;
export type PartState = Extract<RecordState, { kind: 'part' }>;
export type IndexRecord = z.infer<typeof record>;

export function encodeRecord(value: IndexRecord): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

/** The record, or null when the bytes are not one. */
export function decodeRecord(bytes: Buffer): IndexRecord | null {
  try {
    const parsed = record.safeParse(JSON.parse(bytes.toString('utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

export function encodeVersion(counter: bigint, write: Buffer): Buffer {
  const out = Buffer.allocUnsafe(VERSION_BYTES);
  out.writeBigUInt64BE(counter, 0);
  write.copy(out, 8, 0, 8);
  return out;
}

/** The blobs a state keeps alive. */
export function blobsOf(value: RecordState): readonly BlobRef[] {
  return value.kind === 'object' || value.kind === 'part' ? value.blobs : [];
}

// Names of records. Bucket names hold no '/'; upload ids have one fixed length, so every name parses one way only.
export const bucketName = (bucket: string): string => `b/${bucket}`;
export const objectName = (bucket: string, key: string): string => `o/${bucket}/${key}`;
export const uploadName = (bucket: string, key: string, upload: string): string => `u/${bucket}/${key}/${upload}`;
export const partPrefix = (upload: string): string => `p/${upload}/`;
export const partName = (upload: string, part: number): string => `${partPrefix(upload)}${String(part).padStart(5, '0')}`;
