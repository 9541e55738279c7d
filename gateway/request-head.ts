import type { IncomingMessage } from 'node:http';
import { parseHost } from './names.ts';

/** Node drops fields beyond its own limit silently; here more than this many are refused instead. */
const MAX_HEADER_FIELDS = 256;

/** RFC 9110 section 7.6.1: fields about one connection, never forwarded. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** What a backend believes about the client comes from the gateway only. */
const CLIENT_IDENTITY = /^(?:x-forwarded(?:-.*)?|forwarded|x-real-ip|via)$/;
/** Naming one of these in Connection would make a proxy strip it and change the meaning of the request. */
const NOT_TO_BE_NOMINATED = new Set(['host', 'content-length', 'transfer-encoding', 'authorization', 'expect', 'cookie']);

/** A request that has been found unambiguous, ready to be sent to a backend. */
export interface RequestHead {
  method: string;
  path: string;
  host: string;
  /** GET, HEAD and OPTIONS: may be sent again (RFC 9110 section 9.2.1). */
  safe: boolean;
  hasBody: boolean;
  /** The client waits for `100 Continue` before it sends the body. */
  expectsContinue: boolean;
  /** Flat name-value list for the backend, without framing of this connection. */
  headers: string[];
}

export interface Refusal {
  ok: false;
  status: number;
  code: string;
  message: string;
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

const refuse = (status: number, code: string, message: string): Refusal => ({ ok: false, status, code, message });

/**
 * True for every spelling that a backend could read as a path under `/-/`, where nodes keep their internal pages:
 * percent-encoding, doubled slashes, backslashes and dot segments are resolved first.
 */
export function isInternalPath(target: string): boolean {
  const path = (target.split(/[?#]/, 1)[0] ?? '').replace(/%(2d|2e|2f|5c)/gi, (_all, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
  const resolved: string[] = [];
  for (const segment of path.split(/[/\\]+/)) {
    if (segment === '..') resolved.pop();
    else if (segment !== '' && segment !== '.') resolved.push(segment);
    // A prefix counts as well: a backend may route on it before it resolves what follows.
    if (resolved[0] === '-') return true;
  }
  return false;
}

/** The values of one header field as sent, one for each line. */
export function headerValues(raw: string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() === name) values.push(raw[i + 1] ?? '');
  }
  return values;
}

/** The end-to-end fields of a header list: without hop-by-hop fields and those that Connection names. */
export function endToEnd(raw: string[], alsoDrop: (name: string) => boolean = () => false): string[] {
  const nominated = new Set(connectionTokens(raw));
  const kept: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    // Some backends read `_` as `-`: a field must not slip through under its other spelling.
    const name = (raw[i] ?? '').toLowerCase().replace(/_/g, '-');
    if (HOP_BY_HOP.has(name) || nominated.has(name) || alsoDrop(name)) continue;
    kept.push(raw[i] ?? '', raw[i + 1] ?? '');
  }
  return kept;
}

/** Lower-case tokens of all Connection fields. */
export function connectionTokens(raw: string[]): string[] {
  return headerValues(raw, 'connection').flatMap((value) => value.split(',').map((token) => token.trim().toLowerCase()));
}

/**
 * Checks a parsed request for everything two HTTP parsers could read differently, and builds what the backend gets.
 * Node's parser has refused most of it already; nothing here relies on that.
 */
export function readRequestHead(request: IncomingMessage): { ok: true; head: RequestHead } | Refusal {
  const raw = request.rawHeaders;
  const method = request.method ?? '';
  const path = request.url ?? '';
  if (request.httpVersion !== '1.1') return refuse(505, 'http_version', 'Only HTTP/1.1 is served here.');
  if (raw.length > MAX_HEADER_FIELDS * 2) return refuse(431, 'too_many_headers', 'Too many header fields.');
  if (method === 'TRACE' || method === 'CONNECT') return refuse(405, 'method_not_allowed', 'Method not allowed.');
  if (!path.startsWith('/')) return refuse(400, 'bad_target', 'The request target must be a path.');
  const hosts = headerValues(raw, 'host');
  const host = hosts.length === 1 ? parseHost(hosts[0] ?? '') : undefined;
  if (host === undefined) return refuse(400, 'bad_host', 'Exactly one valid Host header is needed.');
  const codings = headerValues(raw, 'transfer-encoding');
  const lengths = headerValues(raw, 'content-length');
  const chunked = codings.length === 1 && codings[0]?.toLowerCase() === 'chunked';
  const sized = lengths.length === 1 && /^[0-9]{1,15}$/.test(lengths[0] ?? '');
  if (codings.length + lengths.length > 1 || (codings.length > 0 && !chunked) || (lengths.length > 0 && !sized)) {
    return refuse(400, 'bad_framing', 'The length of the request body is ambiguous.');
  }
  if (connectionTokens(raw).some((token) => NOT_TO_BE_NOMINATED.has(token))) {
    return refuse(400, 'bad_connection', 'Connection must not name this header.');
  }
  if (isInternalPath(path)) return refuse(404, 'not_found', 'Not found.');
  const hasBody = chunked || (sized && Number(lengths[0]) > 0);
  const expectsContinue = hasBody && /^100-continue$/i.test(headerValues(raw, 'expect')[0] ?? '');
  const headers = endToEnd(raw, (name) => CLIENT_IDENTITY.test(name) || name === 'content-length' || name === 'expect');
  if (chunked) headers.push('Transfer-Encoding', 'chunked');
  else if (sized) headers.push('Content-Length', lengths[0] ?? '0');
  else if (!['GET', 'HEAD', 'OPTIONS', 'DELETE'].includes(method)) headers.push('Content-Length', '0');
  if (expectsContinue) headers.push('Expect', '100-continue');
  headers.push('X-Forwarded-For', request.socket.remoteAddress ?? 'unknown', 'X-Forwarded-Proto', 'https');
  return { ok: true, head: { method, path, host, safe: SAFE_METHODS.has(method), hasBody, expectsContinue, headers } };
}
