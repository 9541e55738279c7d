import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { Refusal } from './refusal.ts';

// AWS Signature Version 4 for S3, verifying side ("Authenticating Requests", Amazon S3 API reference).

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface SignedRequest {
  readonly method: string;
  /** Path as on the request line, without the query. */
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
  /** Name (as sent) and value, alternating, in order: Node's rawHeaders. */
  readonly rawHeaders: readonly string[];
}

/** What the signature says about the body. */
export type Payload =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'sha256'; readonly hash: string }
  | { readonly kind: 'chunked'; readonly signed: ChunkSigning | null; readonly trailer: boolean };

/** What each chunk's signature is computed from; `seed` is the request's own signature. */
export interface ChunkSigning {
  readonly key: Buffer;
  readonly date: string;
  readonly scope: string;
  readonly seed: string;
}

export interface Verifier {
  readonly region: string;
  readonly credentials: Credentials;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const MAX_SKEW_MS = 15 * 60_000;
const MAX_PRESIGNED_SECONDS = 7 * 24 * 3600;
/** SDKs sign with this region until they have learned a bucket's own. It is no weaker: the secret is the same. */
const DEFAULT_REGION = 'us-east-1';

export const sha256Hex = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: Buffer | string, data: string): Buffer => createHmac('sha256', key).update(data, 'utf8').digest();

export function signingKey(secret: string, date: string, region: string, service: string): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), service), 'aws4_request');
}

export function sign(key: Buffer, stringToSign: string): string { return hmac(key, stringToSign).toString('hex'); }

export function sameSignature(a: string, b: string): boolean {
  const x = Buffer.from(a, 'utf8'); const y = Buffer.from(b, 'utf8');
  return x.length === y.length && timingSafeEqual(x, y);
}

/** RFC 3986 encoding as SigV4 wants it: everything but A-Z a-z 0-9 - . _ ~ in upper-case hex. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function canonicalPath(path: string): string {
  try {
    return path.split('/').map((segment) => uriEncode(decodeURIComponent(segment))).join('/');
  } catch {
    throw new Refusal('InvalidURI', 'The path is not percent-encoded UTF-8');
  }
}

export function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[], payloadHash: string): string {
  const values = new Map<string, string[]>();
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = (request.rawHeaders[i] as string).toLowerCase();
    const list = values.get(name) ?? [];
    list.push((request.rawHeaders[i + 1] as string).trim().replace(/ +/g, ' '));
    values.set(name, list);
  }
  const query = request.query.filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`).sort(compareBytes).join('&');
  const headers = signedHeaders.map((name) => `${name}:${(values.get(name) ?? []).join(',')}\n`).join('');
  return [request.method, canonicalPath(request.path), query, headers, signedHeaders.join(';'), payloadHash].join('\n');
}

function compareBytes(a: string, b: string): number { return a < b ? -1 : a > b ? 1 : 0; }

interface Claim {
  readonly credential: string;
  readonly signedHeaders: string[];
  readonly signature: string;
  readonly date: string;
  readonly expiresAfter: number | null;
  readonly payloadHash: string;
}

/** Checks the request's signature at time `now` (ms since 1970); returns what it says about the body, or throws a Refusal. */
export function verify(request: SignedRequest, verifier: Verifier, now: number): Payload {
  const claim = readClaim(request);
  const [accessKeyId, day, region, service, end, ...rest] = claim.credential.split('/');
  if (day === undefined || region === undefined || service === undefined || end !== 'aws4_request' || rest.length > 0) {
    throw new Refusal('AuthorizationHeaderMalformed', 'The credential is not ACCESS_KEY/DATE/REGION/s3/aws4_request');
  }
  if (service !== 's3') throw new Refusal('AuthorizationHeaderMalformed', `The credential is for service ${service}; this is s3`);
  if (region !== verifier.region && region !== DEFAULT_REGION) {
    throw new Refusal('AuthorizationHeaderMalformed', `The region '${region}' is wrong; expecting '${verifier.region}'`, { Region: verifier.region });
  }
  const time = parseAmzDate(claim.date);
  if (time === null || !claim.date.startsWith(day)) throw new Refusal('AccessDenied', 'The date is missing, not ISO 8601 basic, or not that of the credential');
  if (claim.expiresAfter === null ? Math.abs(now - time) > MAX_SKEW_MS : time - now > MAX_SKEW_MS) {
    throw new Refusal('RequestTimeTooSkewed', 'The request time differs from the server time by more than 15 minutes', { ServerTime: new Date(now).toISOString() });
  }
  if (claim.expiresAfter !== null && now > time + claim.expiresAfter * 1000) throw new Refusal('AccessDenied', 'Request has expired');
  requireSigned(request, claim.signedHeaders);

  const scope = `${day}/${region}/${service}/aws4_request`;
  const key = signingKey(verifier.credentials.secretAccessKey, day, region, service);
  const canonical = canonicalRequest(request, claim.signedHeaders, claim.payloadHash);
  const expected = sign(key, `${ALGORITHM}\n${claim.date}\n${scope}\n${sha256Hex(canonical)}`);
  const known = sameSignature(accessKeyId ?? '', verifier.credentials.accessKeyId);
  const holds = sameSignature(claim.signature, expected);
  if (!known) throw new Refusal('InvalidAccessKeyId', 'The access key id is not known here');
  if (!holds) throw new Refusal('SignatureDoesNotMatch', 'The signature does not match; check the secret key and the signing method');
  return payloadOf(claim.payloadHash, { key, date: claim.date, scope, seed: claim.signature });
}

function readClaim(request: SignedRequest): Claim {
  const header = (name: string): string | undefined => {
    for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) if (request.rawHeaders[i]?.toLowerCase() === name) return request.rawHeaders[i + 1];
    return undefined;
  };
  const query = new Map(request.query);
  const authorization = header('authorization');
  const declared = header('x-amz-content-sha256');
  if (authorization !== undefined) {
    const fields = /^AWS4-HMAC-SHA256 +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})$/.exec(authorization);
    if (!fields) throw new Refusal('AuthorizationHeaderMalformed', `The authorization header is not ${ALGORITHM} Credential=…, SignedHeaders=…, Signature=…`);
    if (declared === undefined) throw new Refusal('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
    const date = header('x-amz-date') ?? amzDateOf(header('date'));
    return { credential: fields[1] as string, signedHeaders: (fields[2] as string).split(';'), signature: fields[3] as string, date, expiresAfter: null, payloadHash: declared };
  }
  if (query.get('X-Amz-Algorithm') !== undefined || query.get('X-Amz-Signature') !== undefined) {
    const expires = Number(query.get('X-Amz-Expires'));
    const complete = query.get('X-Amz-Algorithm') === ALGORITHM && query.has('X-Amz-Credential') && query.has('X-Amz-SignedHeaders') && query.has('X-Amz-Signature');
    if (!complete || new Set(request.query.map(([k]) => k)).size !== request.query.length) throw new Refusal('AuthorizationQueryParametersError', 'The X-Amz-* query parameters are incomplete or doubled');
    if (!Number.isInteger(expires) || expires < 1 || expires > MAX_PRESIGNED_SECONDS) throw new Refusal('AuthorizationQueryParametersError', 'X-Amz-Expires must be 1..604800 seconds');
    return {
      credential: query.get('X-Amz-Credential') ?? '', signedHeaders: (query.get('X-Amz-SignedHeaders') ?? '').split(';'), signature: query.get('X-Amz-Signature') ?? '',
      date: query.get('X-Amz-Date') ?? '', expiresAfter: expires, payloadHash: query.get('X-Amz-Content-Sha256') ?? declared ?? 'UNSIGNED-PAYLOAD',
    };
  }
  throw new Refusal('AccessDenied', 'Requests must be signed');
}

/** What is not signed could be changed on the way: host and every x-amz-* header must be. */
function requireSigned(request: SignedRequest, signed: readonly string[]): void {
  if (!signed.includes('host')) throw new Refusal('AccessDenied', 'The host header must be signed');
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i]?.toLowerCase() ?? '';
    if (name.startsWith('x-amz-') && !signed.includes(name) && name !== 'x-amz-content-sha256') throw new Refusal('AccessDenied', `The header ${name} must be signed`);
  }
}

function payloadOf(declared: string, signing: ChunkSigning): Payload {
  switch (declared) {
    case 'UNSIGNED-PAYLOAD': return { kind: 'unsigned' };
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER': return { kind: 'chunked', signed: null, trailer: true };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD': return { kind: 'chunked', signed: signing, trailer: false };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER': return { kind: 'chunked', signed: signing, trailer: true };
    default:
      if (/^[0-9a-f]{64}$/.test(declared)) return { kind: 'sha256', hash: declared };
      throw new Refusal('InvalidArgument', 'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING-* value, or a SHA-256 in hex');
  }
}

function parseAmzDate(text: string): number | null {
  const m = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!m) return null;
  const time = Date.parse(`${m[1]}-${m[2]}-${m[3]}T${m[4]}:${m[5]}:${m[6]}Z`);
  return Number.isNaN(time) ? null : time;
}

function amzDateOf(httpDate: string | undefined): string {
  const time = Date.parse(httpDate ?? '');
  return Number.isNaN(time) ? '' : new Date(time).toISOString().replace(/[-:]|\.\d{3}/g, '');
}
