import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { objectName, partName, partPrefix, uploadName } from '../index/record.ts';
import type { PartState } from '../index/record.ts';
import { MAX_BODY_BYTES, readDocument, storeBody } from './body.ts';
import { headerOf } from './context.ts';
import type { Handler, Reply, S3Request } from './context.ts';
import { metadataOf } from './metadata.ts';
import { checksumHeader, findSource, refuseConditionalWrite } from './objects.ts';
import { parseRange } from './range.ts';
import { findBucket, findUpload, gone, publishObject, referenceLease, replaceRecord } from './records.ts';
import { Refusal } from './refusal.ts';
import { refuseWhileRetained } from './retention.ts';
import { parseXml, xmlDocument } from './xml.ts';

export const MAX_PARTS = 10_000;
/** Amazon S3: every part but the last has at least 5 MiB. */
export const MIN_PART_BYTES = 5 * 1024 * 1024;
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;
const RECORDS_AT_ONCE = 32;
const END = Buffer.from([0xff]);

export const createMultipartUpload: Handler = async (request) => {
  const kept = metadataOf(request);
  await findBucket(request);
  await refuseWhileRetained(request);
  const upload = randomBytes(16).toString('hex');
  const algorithm = headerOf(request, 'x-amz-checksum-algorithm');
  await request.register.write(uploadName(request.bucket, request.key, upload), {
    kind: 'upload', bucket: request.bucket, key: request.key, created: new Date().toISOString(), ...kept, ...(algorithm ? { algorithm } : {}),
  });
  // DeleteBucket counts unfinished uploads too; see publishObject.
  await findBucket(request);
  return {
    status: 200, headers: algorithm ? { 'x-amz-checksum-algorithm': algorithm } : {},
    body: xmlDocument('InitiateMultipartUploadResult', { Bucket: request.bucket, Key: request.key, UploadId: upload }),
  };
};

function partNumber(request: S3Request): number {
  const number = Number(request.query.get('partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS) throw new Refusal('InvalidArgument', `partNumber must be 1..${MAX_PARTS}`);
  return number;
}

const uploadId = (request: S3Request): string => request.query.get('uploadId') ?? '';

export const uploadPart: Handler = async (request) => {
  const number = partNumber(request);
  await findBucket(request);
  await findUpload(request, uploadId(request));
  const { blobs, size, md5, checksum } = await storeBody(request);
  await publishPart(request, number, { kind: 'part', size, etag: md5, modified: new Date().toISOString(), blobs, ...(checksum ? { checksum } : {}) });
  return { status: 200, headers: { etag: `"${md5}"`, ...checksumHeader(checksum) } };
};

/** Writes the part, then makes sure that the upload was neither completed nor aborted meanwhile. */
async function publishPart(request: S3Request, number: number, part: PartState): Promise<void> {
  const upload = uploadId(request);
  await replaceRecord(request, partName(upload, number), part);
  await request.register.catchUp();
  try {
    await findUpload(request, upload);
  } catch (error) {
    if (error instanceof Refusal) await replaceRecord(request, partName(upload, number), gone());
    throw error;
  }
}

export const uploadPartCopy: Handler = async (request) => {
  const number = partNumber(request);
  await findBucket(request);
  await findUpload(request, uploadId(request));
  const source = await findSource(request);
  const header = headerOf(request, 'x-amz-copy-source-range');
  const range = parseRange(header, source.size);
  if (range.kind === 'unsatisfiable' || (header !== undefined && range.kind === 'whole')) throw new Refusal('InvalidRange', 'x-amz-copy-source-range is not within the source');
  const [start, end] = range.kind === 'part' ? [range.start, range.end] : [0, source.size - 1];
  if (end - start + 1 > MAX_BODY_BYTES) throw new Refusal('EntityTooLarge', `A part may have ${MAX_BODY_BYTES} bytes`);
  const md5 = createHash('md5');
  const writer = request.blobs.writer(request.signal);
  if (end >= start) {
    for await (const piece of request.blobs.read(source.blobs, start, end, request.signal)) { md5.update(piece); await writer.write(piece); }
  }
  const etag = md5.digest('hex');
  const modified = new Date().toISOString();
  await publishPart(request, number, { kind: 'part', size: end - start + 1, etag, modified, blobs: await writer.finish() });
  return { status: 200, body: xmlDocument('CopyPartResult', { LastModified: modified, ETag: `"${etag}"` }) };
};

const completion = z.object({
  CompleteMultipartUpload: z.object({
    Part: z.array(z.object({ PartNumber: z.string().trim().regex(/^\d{1,5}$/), ETag: z.string().trim() })).min(1).max(MAX_PARTS),
  }),
});

export const completeMultipartUpload: Handler = async (request) => {
  refuseConditionalWrite(request);
  const document = parseXml(await readDocument(request, MAX_DOCUMENT_BYTES), completion, ['Part']).CompleteMultipartUpload;
  const lease = referenceLease();
  await findBucket(request);
  const upload = uploadId(request);
  const done = await completedBefore(request, upload);
  if (done) return completed(request, done);
  await refuseWhileRetained(request);
  const state = await findUpload(request, upload);
  await request.register.completeAll(request.register.view.unsettled(partPrefix(upload)));

  const parts: PartState[] = [];
  const md5 = createHash('md5');
  let before = 0;
  document.Part.forEach((named, i) => {
    const number = Number(named.PartNumber);
    if (number <= before) throw new Refusal('InvalidPartOrder', 'The parts are not in ascending order');
    before = number;
    const part = request.register.view.get(partName(upload, number))?.state;
    if (part?.kind !== 'part' || part.etag !== named.ETag.replaceAll('"', '')) throw new Refusal('InvalidPart', `Part ${number} was not uploaded, or has another ETag`);
    if (part.size < MIN_PART_BYTES && i < document.Part.length - 1) throw new Refusal('EntityTooSmall', `Part ${number} has ${part.size} bytes; only the last may have less than ${MIN_PART_BYTES}`);
    parts.push(part);
    md5.update(Buffer.from(part.etag, 'hex'));
  });
  const etag = `${md5.digest('hex')}-${parts.length}`;
  await publishObject(request, {
    kind: 'object', size: parts.reduce((sum, p) => sum + p.size, 0), etag, modified: new Date().toISOString(),
    blobs: parts.flatMap((p) => p.blobs), headers: state.headers, meta: state.meta, parts: parts.length, upload,
  });
  lease.check();
  await endUpload(request, upload);
  return completed(request, etag);
};

function completed(request: S3Request, etag: string): Reply {
  const location = `/${request.bucket}/${request.key}`;
  return { status: 200, body: xmlDocument('CompleteMultipartUploadResult', { Location: location, Bucket: request.bucket, Key: request.key, ETag: `"${etag}"` }) };
}

/** The ETag of the object that this upload has already become, when the answer to its completion was lost on the way. */
async function completedBefore(request: S3Request, upload: string): Promise<string | null> {
  const object = (await request.register.read(objectName(request.bucket, request.key)))?.state;
  if (object?.kind !== 'object' || object.upload !== upload) return null;
  const left = await request.register.read(uploadName(request.bucket, request.key, upload));
  if (left?.state.kind === 'upload') await endUpload(request, upload);
  return object.etag;
}

export const abortMultipartUpload: Handler = async (request) => {
  await findBucket(request);
  const upload = uploadId(request);
  await findUpload(request, upload);
  await endUpload(request, upload);
  return { status: 204 };
};

/**
 * Removes the upload, then its parts. Their blobs are let go: those of a completed object are referred to by its
 * record, and so survive (garbage.ts). Ending twice, or after a crash half way, changes nothing more.
 */
async function endUpload(request: S3Request, upload: string): Promise<void> {
  await replaceRecord(request, uploadName(request.bucket, request.key, upload), gone());
  const prefix = Buffer.from(partPrefix(upload));
  const rows = request.register.view.range(prefix, Buffer.concat([prefix, END]), MAX_PARTS);
  for (let i = 0; i < rows.length; i += RECORDS_AT_ONCE) {
    await Promise.all(rows.slice(i, i + RECORDS_AT_ONCE).map((row) => replaceRecord(request, row.name.toString('utf8'), gone())));
  }
}
