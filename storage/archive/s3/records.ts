import { bucketName, objectName, uploadName, blobsOf } from '../index/record.ts';
import type { BucketState, ObjectState, RecordState, UploadState } from '../index/record.ts';
import { REFERENCE_LIFE_MS } from '../garbage.ts';
import { Unavailable } from '../unavailable.ts';
import type { S3Request } from './context.ts';
import { Refusal } from './refusal.ts';

/** Reads that see everything complete before the request came. */
export async function findBucket(request: S3Request): Promise<BucketState> {
  await request.register.catchUp();
  const entry = await request.register.read(bucketName(request.bucket));
  if (entry?.state.kind !== 'bucket') throw new Refusal('NoSuchBucket', 'The bucket does not exist', { BucketName: request.bucket });
  return entry.state;
}

export async function findObject(request: S3Request, bucket: string, key: string): Promise<ObjectState> {
  const entry = await request.register.read(objectName(bucket, key));
  if (entry?.state.kind !== 'object') throw new Refusal('NoSuchKey', 'The object does not exist', { Key: key });
  return entry.state;
}

export async function findUpload(request: S3Request, upload: string): Promise<UploadState> {
  const known = /^[0-9a-f]{32}$/.test(upload);
  const entry = known ? await request.register.read(uploadName(request.bucket, request.key, upload)) : null;
  if (entry?.state.kind !== 'upload') throw new Refusal('NoSuchUpload', 'The upload does not exist; it may have been completed or aborted', { UploadId: upload });
  return entry.state;
}

/** Writes a record of a name, and lets go of the blobs of the version it replaces. */
export async function replaceRecord(request: S3Request, name: string, state: RecordState): Promise<void> {
  const { register, garbage } = request;
  await register.catchUp();
  const before = register.view.get(name)?.state;
  await register.write(name, state);
  if (!before) return;
  const kept = new Set(blobsOf(state).map((b) => b.id));
  garbage.release(blobsOf(before).filter((b) => !kept.has(b.id)));
}

/**
 * Publishes an object, and makes sure that its bucket is still there afterwards. DeleteBucket writes its tombstone and
 * then looks for objects; this writes the object and then looks for the bucket: one of the two sees the other.
 */
export async function publishObject(request: S3Request, state: ObjectState): Promise<void> {
  const name = objectName(request.bucket, request.key);
  await replaceRecord(request, name, state);
  await request.register.catchUp();
  if (request.register.view.get(bucketName(request.bucket))?.state.kind === 'bucket') return;
  await replaceRecord(request, name, gone());
  throw new Refusal('NoSuchBucket', 'The bucket was deleted meanwhile', { BucketName: request.bucket });
}

/** A reference to blobs read from the index holds only for a while (garbage.ts): acknowledging it later would be a promise about deleted data. */
export function referenceLease(): { check: () => void } {
  const from = performance.now();
  return { check: () => { if (performance.now() - from > REFERENCE_LIFE_MS) throw new Unavailable('the request took too long to be safe'); } };
}

export function gone(): RecordState { return { kind: 'gone', at: new Date().toISOString() }; }
