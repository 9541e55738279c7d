import { z } from 'zod';
import { bucketName, objectName, uploadName } from '../index/record.ts';
import { readDocument } from './body.ts';
import type { Handler, S3Request } from './context.ts';
import { removeObject } from './objects.ts';
import { findBucket, gone } from './records.ts';
import { Refusal } from './refusal.ts';
import { parseXml, xmlDocument } from './xml.ts';

const NAME = /^(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]$/;
const MAX_BUCKETS_LISTED = 10_000;
const MAX_DELETES = 1_000;
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;
const DELETES_AT_ONCE = 32;
/** Greater than every byte of UTF-8. */
const END = Buffer.from([0xff]);

export function isBucketName(name: string): boolean { return NAME.test(name); }

export const createBucket: Handler = async (request) => {
  if (!isBucketName(request.bucket)) throw new Refusal('InvalidBucketName', 'A bucket name has 3..63 of a-z 0-9 . - and begins and ends with a letter or digit', { BucketName: request.bucket });
  await readDocument(request, MAX_DOCUMENT_BYTES);
  await request.register.catchUp();
  const entry = await request.register.read(bucketName(request.bucket));
  // Creating what is already yours succeeds (as in us-east-1): a client that repeats a lost answer must not fail.
  if (entry?.state.kind !== 'bucket') await request.register.write(bucketName(request.bucket), { kind: 'bucket', created: new Date().toISOString() });
  return { status: 200, headers: { location: `/${request.bucket}` } };
};

export const headBucket: Handler = async (request) => {
  await findBucket(request);
  return { status: 200, headers: { 'x-amz-bucket-region': request.region } };
};

function isEmpty(request: S3Request): boolean {
  return [objectName(request.bucket, ''), uploadName(request.bucket, '', '').slice(0, -1)]
    .every((prefix) => request.register.view.range(Buffer.from(prefix), Buffer.concat([Buffer.from(prefix), END]), 1).length === 0);
}

export const deleteBucket: Handler = async (request) => {
  const bucket = await findBucket(request);
  const refusal = new Refusal('BucketNotEmpty', 'The bucket holds objects or unfinished uploads', { BucketName: request.bucket });
  if (!isEmpty(request)) throw refusal;
  await request.register.write(bucketName(request.bucket), gone());
  // See publishObject: an object that came meanwhile keeps its bucket.
  await request.register.catchUp();
  if (!isEmpty(request)) {
    await request.register.write(bucketName(request.bucket), bucket);
    throw refusal;
  }
  return { status: 204 };
};

export const listBuckets: Handler = async (request) => {
  const { register } = request;
  await register.catchUp();
  const rows = register.view.range(Buffer.from('b/'), Buffer.concat([Buffer.from('b/'), END]), MAX_BUCKETS_LISTED);
  await register.completeAll(register.view.unsettled('b/'));
  const Bucket = rows.map((row) => {
    const state = JSON.parse(row.state) as { created: string };
    return { Name: row.name.toString('utf8', 2), CreationDate: state.created };
  });
  return { status: 200, body: xmlDocument('ListAllMyBucketsResult', { Owner: OWNER, Buckets: { Bucket } }) };
};

export const OWNER = { ID: '3bot', DisplayName: '3bot' };

export const bucketLocation: Handler = async (request) => {
  await findBucket(request);
  // us-east-1 is written as an empty constraint.
  const region = request.region === 'us-east-1' ? '' : request.region;
  return { status: 200, body: `<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${region}</LocationConstraint>` };
};

export const bucketVersioning: Handler = async (request) => {
  await findBucket(request);
  return { status: 200, body: xmlDocument('VersioningConfiguration', {}) };
};

export const accessList: Handler = async (request) => {
  await findBucket(request);
  return { status: 200, body: xmlDocument('AccessControlPolicy', { Owner: OWNER, AccessControlList: {} }) };
};

const deleteDocument = z.object({
  Delete: z.object({
    Quiet: z.string().optional(),
    Object: z.array(z.object({ Key: z.string().min(1).max(4096), VersionId: z.string().optional() })).min(1).max(MAX_DELETES),
  }),
});

export const deleteObjects: Handler = async (request) => {
  await findBucket(request);
  const document = parseXml(await readDocument(request, MAX_DOCUMENT_BYTES), deleteDocument, ['Object']).Delete;
  const errors: { Key: string; Code: string; Message: string }[] = [];
  const deleted: { Key: string }[] = [];
  const one = async (key: string): Promise<void> => {
    try {
      await removeObject(request, key);
      deleted.push({ Key: key });
    } catch (error) {
      // The client is told which keys remain; its own retry asks again for those that were not refused.
      const refused = error instanceof Refusal;
      errors.push({ Key: key, Code: refused ? error.code : 'SlowDown', Message: refused ? error.message : 'The deletion could not be completed in time' });
    }
  };
  const objects = document.Object;
  for (let i = 0; i < objects.length; i += DELETES_AT_ONCE) await Promise.all(objects.slice(i, i + DELETES_AT_ONCE).map((o) => one(o.Key)));
  const quiet = document.Quiet?.trim() === 'true';
  return { status: 200, body: xmlDocument('DeleteResult', { Deleted: quiet ? [] : deleted, Error: errors }) };
};
