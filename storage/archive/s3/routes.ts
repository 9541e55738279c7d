import {
  accessList, bucketLocation, bucketVersioning, createBucket, deleteBucket, deleteObjects, headBucket, listBuckets,
} from './buckets.ts';
import type { Handler, S3Request } from './context.ts';
import { headerOf } from './context.ts';
import { listObjectsV1, listObjectsV2 } from './lists.ts';
import { abortMultipartUpload, completeMultipartUpload, createMultipartUpload, uploadPart, uploadPartCopy } from './multipart.ts';
import { copyObject, deleteObject, getObject, putObject } from './objects.ts';
import { findBucket } from './records.ts';
import { Refusal } from './refusal.ts';
import type { RefusalCode } from './refusal.ts';
import { listMultipartUploads, listParts } from './uploads.ts';
import { xmlDocument } from './xml.ts';

/** Query names that select another operation than the plain one; what is not in a table below is not implemented. */
const SUBRESOURCES = new Set([
  'accelerate', 'acl', 'analytics', 'attributes', 'cors', 'delete', 'encryption', 'intelligent-tiering', 'inventory', 'legal-hold', 'lifecycle',
  'location', 'logging', 'metrics', 'notification', 'object-lock', 'ownershipControls', 'policy', 'policyStatus', 'publicAccessBlock',
  'replication', 'requestPayment', 'restore', 'retention', 'select', 'tagging', 'torrent', 'uploadId', 'uploads', 'versioning', 'versions',
  'versionId', 'website', 'list-type',
]);

/** A configuration that a bucket here never has. */
function absent(code: RefusalCode, message: string): Handler {
  return async (request) => {
    await findBucket(request);
    throw new Refusal(code, message, { BucketName: request.bucket });
  };
}

const objectTags: Handler = async (request) => {
  await findBucket(request);
  return { status: 200, body: xmlDocument('Tagging', { TagSet: {} }) };
};

const putBody: Handler = (request) => headerOf(request, 'x-amz-copy-source') === undefined ? putObject(request) : copyObject(request);
const putPart: Handler = (request) => headerOf(request, 'x-amz-copy-source') === undefined ? uploadPart(request) : uploadPartCopy(request);

const SERVICE: Record<string, Handler> = { 'GET ': listBuckets };

const BUCKET: Record<string, Handler> = {
  'PUT ': createBucket, 'HEAD ': headBucket, 'DELETE ': deleteBucket, 'GET ': listObjectsV1,
  'GET list-type': (request) => {
    if (request.query.get('list-type') !== '2') throw new Refusal('InvalidArgument', 'list-type must be 2');
    return listObjectsV2(request);
  },
  'GET location': bucketLocation, 'GET versioning': bucketVersioning, 'GET acl': accessList, 'GET uploads': listMultipartUploads, 'POST delete': deleteObjects,
  'GET policy': absent('NoSuchBucketPolicy', 'The bucket has no policy'),
  'GET cors': absent('NoSuchCORSConfiguration', 'The bucket has no CORS configuration'),
  'GET lifecycle': absent('NoSuchLifecycleConfiguration', 'The bucket has no lifecycle configuration'),
  'GET website': absent('NoSuchWebsiteConfiguration', 'The bucket has no website configuration'),
  'GET tagging': absent('NoSuchTagSet', 'The bucket has no tags'),
  'GET object-lock': absent('ObjectLockConfigurationNotFoundError', 'The bucket has no object lock'),
  'GET encryption': absent('ServerSideEncryptionConfigurationNotFoundError', 'Every object is encrypted; there is nothing to configure'),
};

const OBJECT: Record<string, Handler> = {
  'PUT ': putBody, 'GET ': getObject, 'HEAD ': getObject, 'DELETE ': deleteObject,
  'GET tagging': objectTags, 'GET acl': accessList,
  'POST uploads': createMultipartUpload, 'PUT uploadId': putPart, 'GET uploadId': listParts,
  'POST uploadId': completeMultipartUpload, 'DELETE uploadId': abortMultipartUpload,
};

/** The handler for a request; throws a Refusal for what is not implemented. */
export function route(request: S3Request): Handler {
  const method = request.message.method ?? '';
  // The null version is the only one there is.
  const selected = [...request.query.keys()].filter((name) => SUBRESOURCES.has(name) && !(name === 'versionId' && request.query.get(name) === 'null'));
  if (selected.length > 1) throw new Refusal('InvalidRequest', `The sub-resources ${selected.join(', ')} exclude each other`);
  const table = request.bucket === '' ? SERVICE : request.key === '' ? BUCKET : OBJECT;
  const handler = table[`${method} ${selected[0] ?? ''}`];
  if (handler) return handler;
  if (selected.length === 0) throw new Refusal('MethodNotAllowed', `${method} is not allowed on this resource`);
  throw new Refusal('NotImplemented', `${method} with ${selected[0]} is not implemented`);
}
