import { describe, expect, it } from 'vitest';
import { labelOf, parseHost, readRoutes, selectBySni, selectOnNamePort } from './names.ts';
import { isInternalPath } from './request-head.ts';

const DOMAIN = '3bot.test';

describe('routes', () => {
  it('keep the first owner of a name and leave out what is malformed', () => {
    const refused: string[] = [];
    const table = readRoutes(
      [
        { name: 'app', deployment: 'd1', backends: [] },
        { name: 'app', deployment: 'd2', backends: [] },
        { name: '../etc', deployment: 'd3', backends: [] },
        { name: '_gateway', deployment: 'd4', backends: [] },
        { name: 'B', deployment: 'd5', backends: [] },
        { name: 'ok', deployment: 'd6', backends: [{ node: '', service: 's' }] },
      ],
      (event) => refused.push('name' in event ? event.name : ''),
    );
    expect([...table.values()].map(({ deployment }) => deployment)).toEqual(['d1']);
    expect(refused).toEqual(['app', '../etc', '_gateway', 'B', 'ok']);
  });

  it('are bounded in number', () => {
    const many = Array.from({ length: 600 }, (_, i) => ({ name: `n${i}`, deployment: 'd', backends: [] }));
    expect(readRoutes(many, () => undefined).size).toBe(512);
  });
});

describe('hosts', () => {
  it('are read without port, case and final dot', () => {
    expect(parseHost('App.3bot.TEST.:8443')).toBe('app.3bot.test');
    expect(parseHost('[::1]:1')).toBe('::1');
    for (const bad of ['', 'a b', 'a@b', 'a/b', 'a:x', 'a:1:2', 'a,b', '[::1', 'a:123456']) expect(parseHost(bad)).toBeUndefined();
  });

  it('have a label only directly under the domain', () => {
    expect(labelOf('app.3bot.test', DOMAIN)).toBe('app');
    for (const other of ['3bot.test', 'a.b.3bot.test', 'app.3bot.test.evil', 'app3bot.test', '.3bot.test']) {
      expect(labelOf(other, DOMAIN)).toBeUndefined();
    }
  });

  it('choose the name on the shared port, and must agree with the server name', () => {
    expect(selectBySni('app.3bot.test', 'APP.3bot.test', DOMAIN)).toEqual({ ok: true, name: 'app' });
    expect(selectBySni('app.3bot.test', undefined, DOMAIN)).toEqual({ ok: true, name: 'app' });
    expect(selectBySni('other.3bot.test', 'app.3bot.test', DOMAIN)).toMatchObject({ status: 421 });
    expect(selectBySni('127.0.0.1', undefined, DOMAIN)).toMatchObject({ status: 404 });
  });

  it('on a private port are its own, localhost or an address', () => {
    for (const host of ['127.0.0.1', '::1', 'localhost', 'app.3bot.test']) {
      expect(selectOnNamePort(host, 'app', DOMAIN).ok).toBe(true);
    }
    for (const host of ['evil.example', 'other.3bot.test']) {
      expect(selectOnNamePort(host, 'app', DOMAIN)).toMatchObject({ status: 421 });
    }
  });
});

describe('internal paths', () => {
  it.each(['/-/health', '/-', '/-/', '/-?x', '//-/x', '/./-/x', '/a/../-/x', '/%2d/x', '/%2D%2Fx', '/%2e/-/x', '\\-\\x', '/-/../a', '/a/%2e%2e/-/x', '/-%2f..'])(
    '%s is internal',
    (path) => expect(isInternalPath(path)).toBe(true),
  );
  it.each(['/', '/a/-/b', '/-a/b', '/--/b', '/a?/-/', '/bucket/%2d/x', '/a/../b'])('%s is public', (path) =>
    expect(isInternalPath(path)).toBe(false),
  );
});
