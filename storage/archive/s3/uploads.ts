import { partPrefix } from '../index/record.ts';
import type { PartState, UploadState } from '../index/record.ts';
import { OWNER } from './buckets.ts';
import type { Handler } from './context.ts';
import { list } from './listing.ts';
import { keyEncoder, keySource, maxKeys } from './lists.ts';
import { findBucket, findUpload } from './records.ts';
import { Refusal } from './refusal.ts';
import { xmlDocument } from './xml.ts';

const UPLOAD_SUFFIX = 33;
const END = Buffer.from([0xff]);

export const listParts: Handler = async (request) => {
  await findBucket(request);
  const upload = request.query.get('uploadId') ?? '';
  await findUpload(request, upload);
  const marker = Number(request.query.get('part-number-marker') ?? '0');
  if (!Number.isInteger(marker) || marker < 0) throw new Refusal('InvalidArgument', 'part-number-marker must be a number');
  const limit = maxKeys(request, 'max-parts');
  const base = partPrefix(upload);
  const from = Buffer.from(`${base}${String(marker + 1).padStart(5, '0')}`);
  const rows = request.register.view.range(from, Buffer.concat([Buffer.from(base), END]), limit + 1);
  await request.register.completeAll(request.register.view.unsettled(base));
  const parts = rows.slice(0, limit).map((row) => ({ number: Number(row.name.toString('utf8', Buffer.byteLength(base))), part: JSON.parse(row.state) as PartState }));
  const truncated = rows.length > limit;
  return {
    status: 200,
    body: xmlDocument('ListPartsResult', {
      Bucket: request.bucket, Key: request.key, UploadId: upload, Initiator: OWNER, Owner: OWNER, StorageClass: 'STANDARD',
      PartNumberMarker: marker, NextPartNumberMarker: truncated ? parts.at(-1)?.number : undefined, MaxParts: limit, IsTruncated: truncated,
      Part: parts.map(({ number, part }) => ({ PartNumber: number, LastModified: part.modified, ETag: `"${part.etag}"`, Size: part.size })),
    }),
  };
};

export const listMultipartUploads: Handler = async (request) => {
  const q = request.query;
  await findBucket(request);
  const encode = keyEncoder(request);
  const prefix = q.get('prefix') ?? ''; const delimiter = q.get('delimiter') ?? '';
  const keyMarker = q.get('key-marker') ?? ''; const idMarker = q.get('upload-id-marker') ?? '';
  const limit = maxKeys(request, 'max-uploads');
  const base = `u/${request.bucket}/`;
  // A record's name ends in /uploadId: without an id marker everything of the marker's key is behind us.
  const after = keyMarker === '' ? '' : `${keyMarker}/${idMarker === '' ? 'g' : idMarker}`;
  const listing = list(keySource(request, base), { prefix, delimiter: '', after, maxKeys: limit });
  await request.register.completeAll(request.register.view.unsettled(base + prefix));
  const prefixes = new Set<string>();
  const uploads: { Key: string; UploadId: string; Initiator: typeof OWNER; Owner: typeof OWNER; StorageClass: string; Initiated: string }[] = [];
  let last = { key: '', id: '' };
  for (const { key: name, item } of listing.contents) {
    const state = JSON.parse(item) as UploadState;
    const id = name.toString('utf8', name.length - UPLOAD_SUFFIX + 1);
    last = { key: state.key, id };
    const at = delimiter === '' ? -1 : state.key.indexOf(delimiter, prefix.length);
    if (at >= 0) prefixes.add(state.key.slice(0, at + delimiter.length));
    else uploads.push({ Key: encode(state.key), UploadId: id, Initiator: OWNER, Owner: OWNER, StorageClass: 'STANDARD', Initiated: state.created });
  }
  return {
    status: 200,
    body: xmlDocument('ListMultipartUploadsResult', {
      Bucket: request.bucket, KeyMarker: encode(keyMarker), UploadIdMarker: idMarker, Prefix: encode(prefix), Delimiter: delimiter === '' ? undefined : encode(delimiter),
      NextKeyMarker: listing.truncated ? encode(last.key) : undefined, NextUploadIdMarker: listing.truncated ? last.id : undefined,
      EncodingType: q.get('encoding-type'), MaxUploads: limit, IsTruncated: listing.truncated,
      Upload: uploads, CommonPrefixes: [...prefixes].map((p) => ({ Prefix: encode(p) })),
    }),
  };
};
