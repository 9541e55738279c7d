import { createHash, timingSafeEqual } from 'node:crypto';
import type { Tool } from '../../tools/tool.ts';

/** Who may ask: addresses, pages and tokens. */

const LOCAL = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

/** Headers by name, in lower case; undefined when absent. */
export type HeaderOf = (name: string) => string | undefined;

export interface Denied { readonly status: 401 | 403 | 421; readonly code: string; readonly message: string; readonly hint?: string }

/**
 * A page elsewhere, on another port of this machine too, may make a browser send requests to loopback, under a name of its own
 * (DNS rebinding) or ours: only pages of ours are answered. `visit`: somebody followed a link to one.
 */
export function checkSource(header: HeaderOf, { visit = false } = {}): Denied | undefined {
  const host = header('host') ?? '';
  if (!LOCAL.test(host)) return { status: 421, code: 'host_refused', message: 'ask on the loopback address' };
  const origin = header('origin');
  const elsewhere = ['cross-site', 'same-site'].includes(header('sec-fetch-site') ?? '');
  if ((elsewhere && !visit) || (origin !== undefined && origin !== `http://${host}`)) return { status: 403, code: 'origin_refused', message: 'pages from elsewhere are not answered' };
  return undefined;
}

/** Tools that change something, or hold a connection for minutes. */
export function takesToken({ effect, waits }: Pick<Tool, 'effect' | 'waits'>): boolean {
  return effect === 'changes' || waits;
}

/** What belongs to the person, or changes anything, takes the token that lies in their state folder: other users of this machine can reach loopback too. */
export function checkToken(header: HeaderOf, token: string): Denied | undefined {
  const given = /^Bearer ([\w-]{16,128})$/.exec(header('authorization') ?? '')?.[1];
  // Digests are of equal length, as the comparison needs.
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  if (given !== undefined && timingSafeEqual(digest(given), digest(token))) return undefined;
  return { status: 401, code: 'token_needed', message: given === undefined ? 'this takes a bearer token' : 'this is not the token of this bot', hint: 'send `Authorization: Bearer …` with what lies in bot/token of the state folder' };
}
