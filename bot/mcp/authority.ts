import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type AuthInfo, OAuthError, OAuthErrorCode, requireBearerAuth } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { SCOPES, type Scope } from './surface.ts';

/** Local bearer tokens: one that may only look, one that may also propose. 32 random bytes each. */
export const Tokens = z.strictObject({ read: z.string().regex(/^[A-Za-z0-9_-]{43}$/), propose: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });
export type Tokens = z.infer<typeof Tokens>;

const GRANTS: Readonly<Record<keyof Tokens, readonly Scope[]>> = { read: ['read'], propose: ['read', 'propose'] };
/** A local token does not end by itself: whoever deletes its file ends it. */
const HOUR_S = 3600;
const METADATA = '/.well-known/oauth-protected-resource';

export function newTokens(): Tokens {
  const token = (): string => randomBytes(32).toString('base64url');
  return { read: token(), propose: token() };
}

/** Says who asks, as an OAuth resource server (RFC 6750, RFC 9728). */
export interface Authority {
  /** Who asks, or the challenge to answer with. */
  gate(request: Request): Promise<AuthInfo | Response>;
  /** The metadata document, when it is what is asked for. */
  metadata(request: Request): Response | undefined;
}

/** `resource` is this server's own URL, path included. */
export function createAuthority(tokens: Tokens, resource: URL): Authority {
  const known = (Object.keys(GRANTS) as (keyof Tokens)[]).map((name) => ({ name, digest: digest(tokens[name]) }));
  const document = { resource: resource.href, scopes_supported: [...SCOPES], bearer_methods_supported: ['header'], resource_name: '3bot' };
  const at = [METADATA, `${METADATA}${resource.pathname}`];
  const gate = requireBearerAuth({
    requiredScopes: ['read'],
    resourceMetadataUrl: new URL(`${METADATA}${resource.pathname}`, resource).href,
    expectedResource: resource,
    verifier: {
      verifyAccessToken: async (token) => {
        const given = digest(token);
        // All are compared, so that the time tells nothing.
        const [found] = known.filter((each) => timingSafeEqual(each.digest, given));
        if (!found) throw new OAuthError(OAuthErrorCode.InvalidToken, 'this token is not of this server');
        return { token: '', clientId: `local-${found.name}`, scopes: [...GRANTS[found.name]], expiresAt: Math.floor(Date.now() / 1000) + HOUR_S, resource };
      },
    },
  });
  return {
    gate,
    metadata: (request) => {
      if (!at.includes(new URL(request.url).pathname)) return undefined;
      return request.method === 'GET' ? Response.json(document) : new Response(null, { status: 405, headers: { allow: 'GET' } });
    },
  };
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
