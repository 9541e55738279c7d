import { objectName } from '../index/record.ts';
import type { ObjectState } from '../index/record.ts';
import { OWNER } from './buckets.ts';
import type { Handler, S3Request } from './context.ts';
import { list } from './listing.ts';
import type { KeySource, Listing, ListingQuery } from './listing.ts';
import { findBucket } from './records.ts';
import { Refusal } from './refusal.ts';
import { uriEncode } from './sigv4.ts';
import { xmlDocument } from './xml.ts';

const MAX_KEYS = 1_000;

/** The keys of one kind of record below `base` in the view. */
export function keySource(request: S3Request, base: string): KeySource<string> {
  const head = Buffer.from(base, 'utf8');
  return (from, to, limit) => request.register.view.range(Buffer.concat([head, from]), Buffer.concat([head, to]), limit)
    .map((row) => ({ key: row.name.subarray(head.length), item: row.state }));
}

export function maxKeys(request: S3Request, name: string): number {
  const text = request.query.get(name);
  if (text === undefined || text === '') return MAX_KEYS;
  if (!/^\d{1,10}$/.test(text)) throw new Refusal('InvalidArgument', `${name} must be a number`);
  return Math.min(MAX_KEYS, Number(text));
}

/** `encoding-type=url` protects keys that XML 1.0 cannot carry. */
export function keyEncoder(request: S3Request): (text: string) => string {
  const type = request.query.get('encoding-type');
  if (type !== undefined && type !== 'url') throw new Refusal('InvalidArgument', 'encoding-type must be url');
  return type === 'url' ? (text) => uriEncode(text).replaceAll('%2F', '/') : (text) => text;
}

/** Lists, and completes every record below the prefix before answering: no later listing may show an older state. */
async function listObjects(request: S3Request, query: ListingQuery): Promise<Listing<string>> {
  await findBucket(request);
  const base = objectName(request.bucket, '');
  const listing = list(keySource(request, base), query);
  await request.register.completeAll(request.register.view.unsettled(base + query.prefix));
  return listing;
}

function contentsOf(listing: Listing<string>, encode: (text: string) => string, owner: boolean): Record<string, string | number | typeof OWNER>[] {
  return listing.contents.map(({ key, item }) => {
    const object = JSON.parse(item) as ObjectState;
    return {
      Key: encode(key.toString('utf8')), LastModified: object.modified, ETag: `"${object.etag}"`, Size: object.size, StorageClass: 'STANDARD',
      ...(owner ? { Owner: OWNER } : {}),
    };
  });
}

export const listObjectsV2: Handler = async (request) => {
  const q = request.query;
  const encode = keyEncoder(request);
  const prefix = q.get('prefix') ?? ''; const delimiter = q.get('delimiter') ?? '';
  const token = q.get('continuation-token');
  const start = q.get('start-after') ?? '';
  const limit = maxKeys(request, 'max-keys');
  const listing = await listObjects(request, { prefix, delimiter, after: token === undefined ? start : readToken(token), maxKeys: limit });
  return {
    status: 200,
    body: xmlDocument('ListBucketResult', {
      Name: request.bucket, Prefix: encode(prefix), Delimiter: delimiter === '' ? undefined : encode(delimiter), MaxKeys: limit,
      EncodingType: q.get('encoding-type'), KeyCount: listing.contents.length + listing.prefixes.length, IsTruncated: listing.truncated,
      ContinuationToken: token, NextContinuationToken: listing.truncated ? Buffer.from(listing.last, 'utf8').toString('base64url') : undefined,
      StartAfter: start === '' ? undefined : encode(start),
      Contents: contentsOf(listing, encode, q.get('fetch-owner') === 'true'), CommonPrefixes: listing.prefixes.map((p) => ({ Prefix: encode(p) })),
    }),
  };
};

function readToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (text === '' || Buffer.from(text, 'utf8').toString('base64url') !== token) throw new Refusal('InvalidArgument', 'The continuation token is not one of ours');
  return text;
}

export const listObjectsV1: Handler = async (request) => {
  const q = request.query;
  const encode = keyEncoder(request);
  const prefix = q.get('prefix') ?? ''; const delimiter = q.get('delimiter') ?? ''; const marker = q.get('marker') ?? '';
  const limit = maxKeys(request, 'max-keys');
  const listing = await listObjects(request, { prefix, delimiter, after: marker, maxKeys: limit });
  return {
    status: 200,
    body: xmlDocument('ListBucketResult', {
      Name: request.bucket, Prefix: encode(prefix), Marker: encode(marker), Delimiter: delimiter === '' ? undefined : encode(delimiter), MaxKeys: limit,
      EncodingType: q.get('encoding-type'), IsTruncated: listing.truncated, NextMarker: listing.truncated ? encode(listing.last) : undefined,
      Contents: contentsOf(listing, encode, true), CommonPrefixes: listing.prefixes.map((p) => ({ Prefix: encode(p) })),
    }),
  };
};
