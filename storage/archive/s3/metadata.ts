import { headerOf } from './context.ts';
import type { S3Request } from './context.ts';
import { Refusal } from './refusal.ts';

const KEPT = ['cache-control', 'content-disposition', 'content-encoding', 'content-language', 'content-type', 'expires'] as const;
const META = 'x-amz-meta-';
/** Amazon S3: 2 KB of user metadata. */
const MAX_META_BYTES = 2048;
const DEFAULT_TYPE = 'binary/octet-stream';
const UNSUPPORTED = /^x-amz-(tagging|object-lock-.*|server-side-encryption-customer-.*|copy-source-server-side-encryption-.*|website-redirect-location)$/;

export interface Metadata {
  readonly headers: Record<string, string>;
  readonly meta: Record<string, string>;
}

/** The headers and user metadata that the object keeps; refuses what would silently be lost. */
export function metadataOf(request: S3Request): Metadata {
  const headers: Record<string, string> = {};
  const meta: Record<string, string> = {};
  let bytes = 0;
  for (const name of KEPT) {
    const value = headerOf(request, name);
    if (value !== undefined) headers[name] = value;
  }
  // aws-chunked belongs to the transfer, not to the object.
  const encoding = (headers['content-encoding'] ?? '').split(',').map((e) => e.trim()).filter((e) => e !== '' && e !== 'aws-chunked').join(',');
  if (encoding === '') delete headers['content-encoding']; else headers['content-encoding'] = encoding;
  headers['content-type'] ??= DEFAULT_TYPE;
  for (const [name, value] of Object.entries(request.message.headers)) {
    if (UNSUPPORTED.test(name)) throw new Refusal('NotImplemented', `${name} is not implemented`);
    if (name === 'x-amz-acl' && value !== 'private' && value !== 'bucket-owner-full-control') {
      throw new Refusal('AccessControlListNotSupported', 'Objects are private; access lists are not supported');
    }
    if (!name.startsWith(META)) continue;
    meta[name.slice(META.length)] = String(value);
    bytes += name.length - META.length + String(value).length;
  }
  if (bytes > MAX_META_BYTES) throw new Refusal('MetadataTooLarge', `User metadata may have ${MAX_META_BYTES} bytes`);
  return { headers, meta };
}

/** Response headers of a stored object. */
export function headersOf({ headers, meta }: Metadata): Record<string, string> {
  return { ...headers, ...Object.fromEntries(Object.entries(meta).map(([k, v]) => [META + k, v])) };
}
