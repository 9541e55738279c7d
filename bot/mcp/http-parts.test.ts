import { describe, expect, it } from 'vitest';
import { createAuthority, newTokens } from './authority.ts';
import { RateLimit } from './rate.ts';
import { Replay } from './replay.ts';

describe('RateLimit', () => {
  it('bounds each connection apart, and forgives with time', () => {
    let now = 0;
    const limit = new RateLimit({ burst: 3, perSecond: 2 }, () => now);
    const [one, other] = [{}, {}];
    expect([1, 2, 3, 4].map(() => limit.take(one))).toEqual([true, true, true, false]);
    expect(limit.take(other)).toBe(true);
    now = 500;
    expect([limit.take(one), limit.take(one)]).toEqual([true, false]);
    now = 60_000;
    expect([1, 2, 3, 4].map(() => limit.take(one))).toEqual([true, true, true, false]);
  });
});

describe('Replay', () => {
  const message = (n: number, text = '') => ({ jsonrpc: '2.0' as const, method: 'notifications/message', params: { n, text } });

  it('gives again what came after, of one stream, in order', async () => {
    const replay = new Replay();
    const first = await replay.storeEvent('a', message(1));
    await replay.storeEvent('b', message(2));
    await replay.storeEvent('a', message(3));
    const sent: unknown[] = [];
    expect(await replay.replayEventsAfter(first, { send: async (_, each) => { sent.push(each); } })).toBe('a');
    expect(sent).toEqual([message(3)]);
  });

  it('is bounded in messages and in characters', async () => {
    const replay = new Replay();
    const many = await Promise.all(Array.from({ length: 300 }, (_, n) => replay.storeEvent('a', message(n))));
    expect(await replay.getStreamIdForEventId(many[0] ?? '')).toBeUndefined();
    expect(await replay.getStreamIdForEventId(many[299] ?? '')).toBe('a');
    await replay.storeEvent('a', message(1, 'x'.repeat(999_000)));
    expect(await replay.getStreamIdForEventId(many[299] ?? '')).toBe('a');
    await replay.storeEvent('a', message(2, 'x'.repeat(999_000)));
    expect(await replay.getStreamIdForEventId(many[299] ?? '')).toBeUndefined();
  });
});

describe('an authority', () => {
  const tokens = newTokens();
  const url = new URL('http://127.0.0.1:4000/mcp');
  const authority = createAuthority(tokens, url);
  const asking = (token?: string): Request => new Request(url, { method: 'POST', headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });

  it('knows its two tokens by what they may do, and hands neither on', async () => {
    expect(await authority.gate(asking(tokens.read))).toMatchObject({ clientId: 'local-read', scopes: ['read'] });
    const full = await authority.gate(asking(tokens.propose));
    expect(full).toMatchObject({ clientId: 'local-propose', scopes: ['read', 'propose'] });
    expect(JSON.stringify(full)).not.toContain(tokens.propose);
  });

  it.each([undefined, '', 'x', tokens.read.slice(1), newTokens().read])('challenges %j', async (token) => {
    const answer = await authority.gate(asking(token));
    expect(answer).toBeInstanceOf(Response);
    if (!(answer instanceof Response)) return;
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('resource_metadata="http://127.0.0.1:4000/.well-known/oauth-protected-resource/mcp"');
  });

  it('tells where it is and which scopes there are (RFC 9728)', async () => {
    for (const path of ['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp']) {
      const document = authority.metadata(new Request(new URL(path, url)));
      expect(await document?.json()).toMatchObject({ resource: url.href, scopes_supported: ['read', 'propose'], bearer_methods_supported: ['header'] });
    }
    expect(authority.metadata(asking())).toBeUndefined();
    expect(authority.metadata(new Request(new URL('/.well-known/oauth-protected-resource', url), { method: 'POST' }))?.status).toBe(405);
  });
});
