import type { ObjectState } from '../index/record.ts';
import { notModified } from './conditions.ts';
import { storeBody } from './body.ts';
import { headerOf } from './context.ts';
import type { Handler, S3Request } from './context.ts';
import { headersOf, metadataOf } from './metadata.ts';
import { parseRange } from './range.ts';
import { findBucket, findObject, gone, publishObject, referenceLease, replaceRecord } from './records.ts';
import { objectName } from '../index/record.ts';
import { Refusal } from './refusal.ts';
import { refuseWhileRetained } from './retention.ts';
import { xmlDocument } from './xml.ts';

const OVERRIDES = ['cache-control', 'content-disposition', 'content-encoding', 'content-language', 'content-type', 'expires'];

export const putObject: Handler = async (request) => {
  refuseConditionalWrite(request);
  const kept = metadataOf(request);
  await findBucket(request);
  await refuseWhileRetained(request);
  const { blobs, size, md5, checksum } = await storeBody(request);
  await publishObject(request, { kind: 'object', size, etag: md5, modified: new Date().toISOString(), blobs, ...kept, ...(checksum ? { checksum } : {}) });
  return { status: 200, headers: { etag: `"${md5}"`, ...checksumHeader(checksum) } };
};

/** The index has registers, not compare-and-swap: a conditional write could not be kept, so it is not promised. */
export function refuseConditionalWrite(request: S3Request): void {
  if (headerOf(request, 'if-match') !== undefined || headerOf(request, 'if-none-match') !== undefined) {
    throw new Refusal('NotImplemented', 'Conditional writes are not implemented');
  }
}

export function checksumHeader(checksum: ObjectState['checksum']): Record<string, string> {
  return checksum ? { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value } : {};
}

export const getObject: Handler = async (request) => {
  if (request.query.has('partNumber')) throw new Refusal('NotImplemented', 'Reading a single part is not implemented');
  await findBucket(request);
  const object = await findObject(request, request.bucket, request.key);
  const conditions = {
    ifMatch: headerOf(request, 'if-match'), ifNoneMatch: headerOf(request, 'if-none-match'),
    ifModifiedSince: headerOf(request, 'if-modified-since'), ifUnmodifiedSince: headerOf(request, 'if-unmodified-since'),
  };
  const identity = { etag: `"${object.etag}"`, 'last-modified': new Date(object.modified).toUTCString() };
  if (notModified(conditions, object)) return { status: 304, headers: identity };
  const headers: Record<string, string> = { ...headersOf(object), ...identity, 'accept-ranges': 'bytes' };
  for (const name of OVERRIDES) {
    const value = request.query.get(`response-${name}`);
    if (value === undefined) continue;
    if (!/^[\x20-\x7e]*$/.test(value)) throw new Refusal('InvalidArgument', `response-${name} is not a header value`);
    headers[name] = value;
  }
  if (object.parts !== undefined) headers['x-amz-mp-parts-count'] = String(object.parts);

  const range = parseRange(headerOf(request, 'range'), object.size);
  if (range.kind === 'unsatisfiable') {
    throw new Refusal('InvalidRange', 'The requested range is not satisfiable', { ActualObjectSize: String(object.size) });
  }
  const [start, end] = range.kind === 'part' ? [range.start, range.end] : [0, object.size - 1];
  headers['content-length'] = String(end - start + 1);
  if (range.kind === 'part') headers['content-range'] = `bytes ${start}-${end}/${object.size}`;
  else if (headerOf(request, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED') Object.assign(headers, checksumHeader(object.checksum));
  const status = range.kind === 'part' ? 206 : 200;
  if (request.message.method === 'HEAD' || end < start) return { status, headers };
  return { status, headers, body: await primed(request.blobs.read(object.blobs, start, end, request.signal)) };
};

/** Fetches the first piece before the status line goes out, so that missing shards are a clean 503 and not a torn body. */
async function primed(source: AsyncGenerator<Buffer>): Promise<AsyncGenerator<Buffer>> {
  const first = await source.next();
  return (async function* replay() {
    try {
      if (first.done) return;
      yield first.value;
      yield* source;
    } finally {
      await source.return(undefined);
    }
  })();
}

export const deleteObject: Handler = async (request) => {
  await findBucket(request);
  await removeObject(request, request.key);
  return { status: 204 };
};

/** Deleting what is not there succeeds, and writes nothing. */
export async function removeObject(request: S3Request, key: string): Promise<void> {
  await refuseWhileRetained(request, key);
  const name = objectName(request.bucket, key);
  const entry = await request.register.read(name);
  if (entry && entry.state.kind !== 'gone') await replaceRecord(request, name, gone());
}

export interface CopySource { readonly bucket: string; readonly key: string }

export function copySource(request: S3Request): CopySource {
  const header = headerOf(request, 'x-amz-copy-source') ?? '';
  const [path, version] = header.replace(/^\//, '').split('?');
  if (version !== undefined && version !== 'versionId=null') throw new Refusal('NotImplemented', 'Versions are not implemented');
  let decoded: string;
  try {
    decoded = decodeURIComponent(path ?? '');
  } catch {
    throw new Refusal('InvalidArgument', 'x-amz-copy-source is not percent-encoded UTF-8');
  }
  const slash = decoded.indexOf('/');
  if (slash < 1 || slash === decoded.length - 1) throw new Refusal('InvalidArgument', 'x-amz-copy-source is not BUCKET/KEY');
  return { bucket: decoded.slice(0, slash), key: decoded.slice(slash + 1) };
}

export async function findSource(request: S3Request): Promise<ObjectState> {
  const source = copySource(request);
  const object = await findObject(request, source.bucket, source.key);
  const unchanged = notModified({
    ifMatch: headerOf(request, 'x-amz-copy-source-if-match'), ifNoneMatch: headerOf(request, 'x-amz-copy-source-if-none-match'),
    ifModifiedSince: headerOf(request, 'x-amz-copy-source-if-modified-since'), ifUnmodifiedSince: headerOf(request, 'x-amz-copy-source-if-unmodified-since'),
  }, object);
  if (unchanged) throw new Refusal('PreconditionFailed', 'A condition on the copy source does not hold');
  return object;
}

/** A copy shares the source's blobs: bytes are never moved. */
export const copyObject: Handler = async (request) => {
  refuseConditionalWrite(request);
  const replace = headerOf(request, 'x-amz-metadata-directive')?.toUpperCase() === 'REPLACE';
  const fresh = metadataOf(request);
  const lease = referenceLease();
  await findBucket(request);
  await refuseWhileRetained(request);
  const source = await findSource(request);
  const from = copySource(request);
  if (!replace && from.bucket === request.bucket && from.key === request.key) {
    throw new Refusal('InvalidRequest', 'Copying an object to itself must change its metadata');
  }
  const modified = new Date().toISOString();
  const copy: ObjectState = { ...source, modified, ...(replace ? fresh : {}) };
  delete copy.upload;
  await publishObject(request, copy);
  lease.check();
  return { status: 200, body: xmlDocument('CopyObjectResult', { LastModified: modified, ETag: `"${source.etag}"` }) };
};
